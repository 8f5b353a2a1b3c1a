//! HTTP: the one file that knows the HTTP library.
//!
//! A request goes in, a response stream comes out. Never follows a redirect, never decompresses, never retries, and
//! knows nothing of registries.
use std::{
    collections::HashMap,
    error::Error,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use futures::{StreamExt, TryStreamExt};
use http::header::{ACCEPT_ENCODING, CONTENT_LENGTH, HeaderValue};
use reqwest::{
    Body, Client,
    dns::{Addrs, Name, Resolve, Resolving},
    redirect::Policy,
};
use rustls::{ClientConfig, pki_types::CertificateDer};
use tokio::time::timeout;
use tower::util::MapResponseLayer;
use url::{Host, Url};

use crate::{
    Options,
    meter::{self, Tally},
    names::{self, NoAddress},
    tls,
    veil::Veil,
    via::{self, Detours},
    wire::{Broken, Payload, Reach, Reply, Request, Why},
};

/// Connections to every host, pooled.
#[derive(Debug)]
pub(crate) struct Http {
    options: Arc<Options>,
    extra_roots: Vec<CertificateDer<'static>>,
    tls: OnceLock<Result<ClientConfig, Broken>>,
    clients: Mutex<HashMap<Kind, Client>>,
    /// Names of proxies, in lower case.
    proxies: Arc<[String]>,
    detours: Detours,
}

/// Which of our few clients a request needs.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Kind {
    tls: bool,
    /// Loopback never goes through a proxy.
    loopback: bool,
    reach: Reach,
    /// Whether the host has the name of a proxy itself. Behind a proxy only the proxy's name is looked up here; that of
    /// such a host may be either, and stays guarded.
    is_proxy: bool,
    /// What forwards to the host, and listens there.
    via: Option<SocketAddr>,
    /// The only host that is asked, where connections are counted for each.
    metered: Option<String>,
}

impl Http {
    pub(crate) fn new(options: Arc<Options>, extra_roots: Vec<CertificateDer<'static>>) -> Self {
        let (proxies, detours) = (names::proxies().into(), Detours::new(&options));
        Self { options, extra_roots, tls: OnceLock::new(), clients: Mutex::default(), proxies, detours }
    }

    /// Sends a request and waits for the head of its answer.
    pub(crate) async fn send(&self, mut request: Request) -> Result<Reply, Broken> {
        let Some(tally) = Tally::begin(self.options.meter.as_ref(), &mut request) else {
            return self.exchange(request).await;
        };
        match self.exchange(request).await {
            Ok(reply) => Ok(Reply { body: tally.answered(reply.status, reply.body), ..reply }),
            Err(broken) => {
                tally.broke(&broken);
                Err(broken)
            }
        }
    }

    async fn exchange(&self, mut request: Request) -> Result<Reply, Broken> {
        let tls = request.url.scheme() == "https";
        let kind = self.kind(&request);
        let (via, direct) = (kind.via, kind.loopback || kind.via.is_some());
        let client = self.client(kind)?;
        let streamed = matches!(request.body, Payload::Stream(..));
        let patience = request.patience.saturating_add(self.options.timeouts.connect);
        let veil = Veil::over(&request);
        if let Some(via) = via {
            via::divert(&mut request, via);
        }
        let sending = client.execute(translate(request));
        let answer = if streamed {
            sending.await
        } else {
            timeout(patience, sending).await.map_err(|_| {
                Broken::new(Why::TimedOut, format!("no answer within {} s", patience.as_secs()))
            })?
        };
        let mut answer = answer.map_err(|error| {
            let broken = classify(error, tls);
            if direct { broken } else { self.or_a_proxy(broken) }
        })?;
        Ok(Reply {
            status: answer.status(),
            headers: std::mem::take(answer.headers_mut()),
            elsewhere: false,
            veil,
            body: answer.bytes_stream().map_err(move |error| classify(error, tls)).boxed(),
        })
    }

    /// Whoever is not reached may be a proxy, which the library does not tell apart.
    fn or_a_proxy(&self, broken: Broken) -> Broken {
        match self.proxies.first() {
            Some(proxy) if matches!(broken.why, Why::Name | Why::Connect) => {
                let text =
                    format!("{}; or is it the proxy {proxy}, which the environment names?", broken.text);
                Broken { text, ..broken }
            }
            _ => broken,
        }
    }

    fn kind(&self, request: &Request) -> Kind {
        let host = request.url.host_str().unwrap_or_default();
        Kind {
            tls: request.url.scheme() == "https",
            loopback: is_loopback(&request.url),
            reach: request.reach.clone(),
            is_proxy: self.proxies.iter().any(|proxy| proxy == host),
            via: self.detours.of(&request.url),
            metered: self.options.meter.as_ref().map(|_| meter::origin(request)),
        }
    }

    fn client(&self, kind: Kind) -> Result<Client, Broken> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(&kind) {
            return Ok(client.clone());
        }
        let client = self.build(&kind)?;
        clients.insert(kind, client.clone());
        Ok(client)
    }

    fn build(&self, kind: &Kind) -> Result<Client, Broken> {
        let config = if kind.tls {
            self.tls.get_or_init(|| tls::trusting(&self.extra_roots, self.options.http2)).clone()?
        } else {
            tls::trusting_nobody()?
        };
        let mut builder = Client::builder()
            .tls_backend_preconfigured(config)
            .redirect(Policy::none())
            .referer(false)
            .user_agent(&self.options.user_agent)
            .connect_timeout(self.options.timeouts.connect)
            .tcp_nodelay(true);
        // The kernel alone knows what a peer has acknowledged: here it is told when to give up on one that takes
        // nothing. Elsewhere the timers of uploads do so, later: they have to allow for what is buffered.
        #[cfg(target_os = "linux")]
        {
            builder = builder.tcp_user_timeout(self.options.timeouts.idle);
        }
        if !(kind.tls && self.options.http2) {
            builder = builder.http1_only();
        }
        if kind.loopback || kind.via.is_some() {
            builder = builder.no_proxy();
        }
        if let (Some(meter), Some(origin)) = (&self.options.meter, &kind.metered) {
            let (meter, origin) = (Arc::clone(meter), origin.clone());
            builder = builder.connector_layer(MapResponseLayer::new(move |connection| {
                meter.connected(&origin);
                connection
            }));
        }
        let trusted = if kind.is_proxy || kind.loopback { Arc::default() } else { Arc::clone(&self.proxies) };
        builder = builder.dns_resolver(Arc::new(Names { reach: kind.reach.clone(), trusted, via: kind.via }));
        builder.build().map_err(|error| Broken::new(Why::Setup, words(&error)))
    }
}

fn translate(request: Request) -> reqwest::Request {
    let mut translated = reqwest::Request::new(request.method, request.url);
    let headers = translated.headers_mut();
    *headers = request.headers;
    // A body that a server or a cache compressed on the way would not have its digest.
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    match request.body {
        Payload::Empty => {}
        Payload::Bytes(bytes) => *translated.body_mut() = Some(bytes.into()),
        Payload::Stream(length, stream) => {
            headers.insert(CONTENT_LENGTH, length.into());
            *translated.body_mut() = Some(Body::wrap_stream(stream));
        }
    }
    translated
}

/// Looks up names for whoever named the host.
struct Names {
    reach: Reach,
    /// Names that the user gave, whoever named the host: proxies.
    trusted: Arc<[String]>,
    /// Where every name leads, where something forwards.
    via: Option<SocketAddr>,
}

impl Resolve for Names {
    fn resolve(&self, name: Name) -> Resolving {
        if let Some(via) = self.via {
            return Box::pin(async move { Ok(Box::new(std::iter::once(via)) as Addrs) });
        }
        let known = self.trusted.iter().any(|proxy| proxy.eq_ignore_ascii_case(name.as_str()));
        let reach = if known { Reach::Named } else { self.reach.clone() };
        Box::pin(async move {
            let found = names::addresses(name.as_str().to_owned(), &reach).await?;
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.to_canonical().is_loopback(),
        None => false,
    }
}

/// What broke, and the innermost error's words: the outer ones say less and may hold the URL.
fn classify(error: reqwest::Error, tls: bool) -> Broken {
    let error = error.without_url();
    let (why, text) = search(&error, tls).unwrap_or_else(|| {
        let why = if error.is_timeout() {
            Why::TimedOut
        } else if error.is_dns() {
            Why::Name
        } else if error.is_connect() {
            Why::Connect
        } else {
            Why::Cut
        };
        (why, words(&error))
    });
    Broken::new(why, text)
}

fn search(error: &(dyn Error + 'static), tls: bool) -> Option<(Why, String)> {
    if let Some(NoAddress::Refused(refused)) = error.downcast_ref() {
        return Some((Why::Address, refused.to_string()));
    }
    if let Some(handshake) = error.downcast_ref::<rustls::Error>() {
        return handshake_failure(handshake).map(|why| (why, handshake.to_string()));
    }
    let text = error.to_string();
    // The first bytes of an answer were no status line: in plain text, most likely a TLS alert.
    if !tls && text.starts_with("invalid HTTP version parsed") {
        return Some((Why::PeerIsNot, text));
    }
    if text.contains("proxy authorization required") {
        return Some((Why::Proxy, "the proxy wants credentials".to_owned()));
    }
    // An io::Error's source() passes by the error that it wraps.
    let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    if let Some(found) = wrapped.and_then(|inner| search(inner, tls)) {
        return Some(found);
    }
    error.source().and_then(|source| search(source, tls))
}

fn handshake_failure(error: &rustls::Error) -> Option<Why> {
    use rustls::AlertDescription as Alert;
    match error {
        rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented => {
            Some(Why::Certificate)
        }
        rustls::Error::AlertReceived(
            Alert::CertificateRequired | Alert::BadCertificate | Alert::UnknownCA | Alert::AccessDenied,
        ) => Some(Why::Certificate),
        rustls::Error::InvalidMessage(_) => Some(Why::PeerIsPlain),
        _ => None,
    }
}

fn words(error: &dyn Error) -> String {
    let mut innermost: &dyn Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}
