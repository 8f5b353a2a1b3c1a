//! A registry on loopback: the house's own server behind a ledger, a gate and rules.
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use content::Descriptor;
use futures::FutureExt;
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode, request::Parts};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use reference::Digest;
use tempfile::TempDir;

use crate::{
    Authority, Content, Entry, Ledger, Offer, Rule, TokenServer, Tokens,
    body::{Body, Counted, Cut, Outgoing, full, giant},
    canary::marked,
    gate::Gate,
    images::blob_path,
    loopback::{Loopback, Reserved},
    rules::{Effect, Rules},
    spoil::{drain, spoil, swallow, with_length},
    token_server::acr,
};

/// A running registry; dropping it stops it and removes what it held.
#[derive(Debug)]
pub struct Registry {
    loopback: Loopback,
    inner: Arc<Inner>,
    dir: TempDir,
}

#[derive(Debug)]
struct Inner {
    server: server::Server,
    ledger: Ledger,
    rules: Rules,
    gate: Gate,
    /// ACR's own token doors, where this registry plays one.
    acr: Option<Arc<Tokens>>,
}

/// How a registry is to be.
#[derive(Debug, Default)]
pub struct Setup {
    gate: Gate,
    acr: Option<Arc<Tokens>>,
    tls: Option<(Authority, Offer)>,
    rules: Vec<Rule>,
    seeds: Vec<(Content, Vec<Entry>)>,
}

impl Registry {
    /// An empty registry that lets everybody in.
    pub fn start() -> Self {
        Self::setup().start()
    }

    /// One that holds this image under `name`, `repository:tag`, and lets everybody in.
    pub fn with(content: &Content, root: &Descriptor, name: &str) -> Self {
        Self::setup().seed(content, root, name).start()
    }

    /// A registry to be described first.
    pub fn setup() -> Setup {
        Setup::default()
    }

    /// `127.0.0.1:PORT`, as it stands in references.
    pub fn host(&self) -> String {
        self.loopback.address().to_string()
    }

    /// `127.0.0.1:PORT/name`.
    pub fn reference(&self, name: &str) -> String {
        format!("{}/{name}", self.host())
    }

    /// Every request that came.
    pub fn ledger(&self) -> &Ledger {
        &self.inner.ledger
    }

    /// How many connections were made to it.
    pub fn connections(&self) -> usize {
        self.loopback.connections()
    }

    /// Adds a rule from now on.
    pub fn rule(&self, rule: Rule) {
        self.inner.rules.add(rule);
    }

    /// Drops all rules.
    pub fn behave(&self) {
        self.inner.rules.clear();
    }

    /// The layout that holds its content.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Where it keeps a piece of content, complete; the file is there or not.
    pub fn blob(&self, digest: &Digest) -> PathBuf {
        blob_path(self.dir(), digest)
    }

    /// Whether it holds every piece of `content`, to the byte.
    pub fn holds(&self, content: &Content) -> bool {
        content.digests().all(|digest| {
            std::fs::read(self.blob(digest))
                .is_ok_and(|bytes| Some(&Bytes::from(bytes)) == content.get(digest))
        })
    }

    /// Whether it holds no complete piece of content at all, and no tag.
    pub fn is_empty(&self) -> bool {
        let blobs = std::fs::read_dir(self.dir().join("blobs/sha256"));
        let none = blobs.map_or(true, |mut blobs| blobs.next().is_none());
        let index = std::fs::read_to_string(self.dir().join("index.json"));
        none && index.map_or(true, |index| !index.contains("sha256:"))
    }
}

impl Setup {
    /// Lets this user in, by password alone.
    #[must_use]
    pub fn basic(mut self, user: &str, password: &str) -> Self {
        let new = (user.to_owned(), marked(password).to_owned());
        match &mut self.gate {
            Gate::Basic(users) => users.push(new),
            other => *other = Gate::Basic(vec![new]),
        }
        self
    }

    /// Lets those in who hold a token of this server.
    #[must_use]
    pub fn bearer(mut self, server: &TokenServer) -> Self {
        self.gate = Gate::Bearer { tokens: Arc::clone(server.tokens()), realm: server.realm() };
        self
    }

    /// Plays an ACR: it gives out `tokens` itself, at `/oauth2/exchange` and `/oauth2/token`. Their identity tokens
    /// stand for Entra access tokens.
    #[must_use]
    pub fn acr(mut self, tokens: Tokens) -> Self {
        self.acr = Some(Arc::new(tokens));
        self
    }

    /// Speaks TLS with a certificate of this authority.
    #[must_use]
    pub fn tls(mut self, authority: &Authority, offer: Offer) -> Self {
        self.tls = Some((authority.clone(), offer));
        self
    }

    /// Breaks a rule from the start.
    #[must_use]
    pub fn rule(mut self, rule: Rule) -> Self {
        self.rules.push(rule);
        self
    }

    /// Holds all of `content` from the start, `root` under `name`: `repository:tag`.
    #[must_use]
    pub fn seed(self, content: &Content, root: &Descriptor, name: &str) -> Self {
        self.seed_all(content, vec![Entry::named(root, name)])
    }

    /// Holds all of `content` from the start, under these entries.
    #[must_use]
    pub fn seed_all(mut self, content: &Content, entries: Vec<Entry>) -> Self {
        self.seeds.push((content.clone(), entries));
        self
    }

    /// Starts it.
    pub fn start(mut self) -> Registry {
        let dir = tempfile::tempdir().expect("a directory for the registry");
        for (content, entries) in &self.seeds {
            content.write_layout(dir.path(), entries).expect("the registry's content");
        }
        let port = Reserved::new();
        if let Some(tokens) = &self.acr {
            let scheme = if self.tls.is_some() { "https" } else { "http" };
            let realm = format!("{scheme}://{}/oauth2/token", port.address());
            self.gate = Gate::Bearer { tokens: Arc::clone(tokens), realm };
        }
        let rules = Rules::default();
        self.rules.into_iter().for_each(|rule| rules.add(rule));
        let inner = Arc::new(Inner {
            server: open(dir.path()),
            ledger: Ledger::default(),
            rules,
            gate: self.gate,
            acr: self.acr,
        });
        let tls = self.tls.map(|(authority, offer)| authority.server(offer));
        let answering = Arc::clone(&inner);
        let loopback = port.serve(
            tls,
            Arc::new(move |request| {
                let inner = Arc::clone(&answering);
                async move { inner.answer(request).await }.boxed()
            }),
        );
        Registry { loopback, inner, dir }
    }
}

impl Inner {
    /// One request: noted, let in or not, spoilt by rule, answered.
    async fn answer(&self, request: Request<Incoming>) -> Result<Response<Body>, Cut> {
        let (parts, body) = request.into_parts();
        let number = self.ledger.arrive(&parts);
        let body = Counted::new(body, self.ledger.clone(), number);
        let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
        let effects = self.rules.effects(&parts.method, target);
        let mut response = self.respond(number, parts, body, &effects).await?;
        let damage = spoil(&mut response, &effects);
        self.ledger.update(number, |request| request.status = Some(response.status().as_u16()));
        Ok(response.map(|body| Outgoing::damaged(body, damage, self.ledger.clone(), number)))
    }

    async fn respond(
        &self,
        number: usize,
        parts: Parts,
        body: Counted,
        effects: &[Effect],
    ) -> Result<Response<Body>, Cut> {
        if let Some(tokens) = self.acr.as_deref().filter(|_| parts.uri.path().starts_with("/oauth2/")) {
            let form = body.collect().await?.to_bytes();
            let form = String::from_utf8_lossy(&form).into_owned();
            let response = acr(tokens, &parts, &form);
            self.ledger.update(number, |request| request.form = form);
            return Ok(response.unwrap_or_else(|| status(StatusCode::NOT_FOUND)));
        }
        for effect in effects {
            match effect {
                Effect::Delay(wait) => tokio::time::sleep(*wait).await,
                Effect::ExpireTokens => self.gate.expire_tokens(),
                Effect::HangUp { after } => return Err(swallow(body, *after).await),
                Effect::Answer { status: code, headers, body: bytes } => {
                    drain(body).await?;
                    return answer(*code, headers, full(bytes.clone()));
                }
                Effect::Giant { status: code, headers, size } => {
                    drain(body).await?;
                    return answer(*code, headers, giant(*size));
                }
                _ => {}
            }
        }
        if let Some(refusal) = self.gate.refusal(&parts) {
            drain(body).await?;
            return Ok(refusal);
        }
        let head = parts.method == Method::HEAD;
        let response = self.server.handle(Request::from_parts(parts, body)).await;
        let response = response.map(|body| body.map_err(Cut::new).boxed_unsync());
        Ok(if head { response } else { with_length(response) })
    }
}

fn answer(code: u16, headers: &[(HeaderName, HeaderValue)], body: Body) -> Result<Response<Body>, Cut> {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(code).map_err(Cut::new)?;
    response.headers_mut().extend(headers.iter().cloned());
    Ok(response)
}

fn status(code: StatusCode) -> Response<Body> {
    let mut response = Response::new(full(Bytes::new()));
    *response.status_mut() = code;
    response
}

fn open(dir: &Path) -> server::Server {
    let layout = layout::Layout::create_or_open(dir).expect("the registry's layout");
    server::Server::new(layout, server::Options::default())
}
