//! The client: one registry, one credential. Authorises, sends, answers a challenge once, and repeats what is safe.
use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use auth::{Authorization, Negotiator, Origin, Scopes};
use bytes::Bytes;
use content::{Fault, FaultKind, Step};
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, StatusCode,
    header::{AUTHORIZATION, WWW_AUTHENTICATE},
};
use pace::Backoff;
use reference::Registry;
use url::Url;

use crate::{
    Farewells, Options,
    body::{Uncollected, collect, drain},
    fault,
    follow::{Hop, Trail},
    http_client::Http,
    later::Later,
    opening::Opening,
    standing::Standing,
    wire::{Broken, Payload, Reach, Reply, Request},
};

/// The most challenges that one request answers.
const MAX_CHALLENGES: u32 = 4;
/// How often a body that did not come whole is asked for again.
const BODY_ATTEMPTS: u32 = 3;

/// One registry as one credential sees it.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) http: Arc<Http>,
    pub(crate) options: Arc<Options>,
    pub(crate) registry: Registry,
    pub(crate) origin: Origin,
    /// The URL of the registry itself.
    pub(crate) door: OnceLock<Url>,
    pub(crate) negotiator: Negotiator,
    /// What is known of the registry, whoever asks.
    pub(crate) standing: Arc<Standing>,
    /// What is said when nobody waits any more.
    pub(crate) farewells: Farewells,
}

/// One thing to ask of a registry.
#[derive(Clone)]
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    /// A body small enough to be sent again.
    pub(crate) body: Option<Bytes>,
    pub(crate) scopes: Scopes,
    pub(crate) step: Step,
    /// Whether the URL is the registry's own, so that credentials go along.
    pub(crate) own: bool,
    /// Whether a second try could do harm, or is not worth it.
    pub(crate) once: bool,
    /// How long the answer may take, where that is not the usual.
    pub(crate) patience: Option<Duration>,
}

impl Call {
    pub(crate) fn new(method: Method, url: Url, scopes: Scopes, step: Step) -> Self {
        Self {
            method,
            url,
            headers: HeaderMap::new(),
            body: None,
            scopes,
            step,
            own: true,
            once: false,
            patience: None,
        }
    }

    pub(crate) fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// Whether it may open an upload session: nothing else is posted to a registry.
    fn may_open(&self) -> bool {
        self.method == Method::POST
    }

    fn follows_redirects(&self) -> bool {
        self.method == Method::GET || self.method == Method::HEAD
    }
}

/// Why an attempt has no answer.
enum Failed {
    Broken(Broken),
    Fault(Fault),
}

impl From<Fault> for Failed {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<Broken> for Failed {
    fn from(broken: Broken) -> Self {
        Self::Broken(broken)
    }
}

impl Client {
    /// A URL below this registry, by its path and query.
    pub(crate) fn url(&self, path: &str) -> Result<Url, Fault> {
        // The host is parsed once: it costs as much as the rest of a small request.
        let url = match self.door.get() {
            Some(door) => door.join(path),
            None => self.parse_door().and_then(|door| self.door.get_or_init(|| door).join(path)),
        };
        url.map_err(|why| {
            let what = format!("{}{path} is no URL", self.registry.api_host());
            Fault::new(FaultKind::Protocol, Step::Resolve, what).because(why)
        })
    }

    fn parse_door(&self) -> Result<Url, url::ParseError> {
        let scheme = if self.options.speaks_tls(&self.registry) { "https" } else { "http" };
        Url::parse(&format!("{scheme}://{}", self.registry.api_host()))
    }

    /// Sends `call`, again where that may help; the answer has any status that is not worth another try.
    pub(crate) async fn send(self: &Arc<Self>, call: &Call) -> Result<Reply, Fault> {
        let repeats = if call.once { 0 } else { self.options.attempts.saturating_sub(1) };
        let mut backoff = Backoff::new(repeats);
        loop {
            self.standing.gate.wait().await;
            let outcome = match self.attempt(call).await {
                Ok(reply) => match Later::asked_by(&reply) {
                    None => return Ok(reply),
                    Some(Later::TooLong(pause)) => return Err(too_long(call.step, reply.status, pause)),
                    Some(later) => Ok((reply, later)),
                },
                Err(Failed::Fault(fault)) => return Err(fault),
                Err(Failed::Broken(broken)) => Err(broken),
            };
            tracing::debug!(registry = %self.registry, step = call.step.as_str(), "to be sent again");
            match outcome {
                Err(broken) => {
                    if !fault::may_pass(&broken) || !backoff.wait().await {
                        return Err(self.broken(call.step, &broken));
                    }
                }
                Ok((reply, later)) => {
                    let elsewhere = reply.elsewhere;
                    self.hold_back(&reply, &later);
                    let Some(wait) = backoff.failed() else { return Ok(reply) };
                    drain(reply).await;
                    // At the registry the gate adds what was asked for, and lets those who waited leave one by one.
                    tokio::time::sleep(if elsewhere { later.pause(wait) } else { wait }).await;
                }
            }
            pace::give_way().await;
        }
    }

    /// Whoever is told to wait keeps all others back too; but what another host asks for is no word of the registry.
    fn hold_back(&self, reply: &Reply, later: &Later) {
        if let (Later::After(pause), false) = (later, reply.elsewhere) {
            self.standing.rest_for(*pause);
        }
    }

    /// Sends `call` and reads the whole body of a success within `cap`; `None` for a body that is too large.
    pub(crate) async fn fetch(
        self: &Arc<Self>,
        call: &Call,
        cap: u64,
    ) -> Result<(Reply, Option<Bytes>), Fault> {
        let mut left = BODY_ATTEMPTS;
        loop {
            let mut reply = self.send(call).await?;
            if !reply.status.is_success() {
                return Ok((reply, None));
            }
            let body = std::mem::replace(&mut reply.body, Box::pin(futures::stream::empty()));
            let whole = Reply { headers: reply.headers.clone(), veil: reply.veil.clone(), body, ..reply };
            left = left.saturating_sub(1);
            match collect(whole, cap, self.options.timeouts.headers).await {
                Ok(bytes) => return Ok((reply, Some(bytes))),
                Err(Uncollected::TooLarge) => return Ok((reply, None)),
                Err(Uncollected::Broken(_)) if left > 0 => {}
                Err(Uncollected::Broken(broken)) => return Err(self.broken(call.step, &broken)),
            }
        }
    }

    /// Says a last word, whatever the answer: once, and past the gate, since nobody is left to wait there.
    pub(crate) async fn send_last(self: &Arc<Self>, call: &Call) {
        if let Ok(reply) = self.attempt(call).await {
            drain(reply).await;
        }
    }

    /// One attempt: a 401 is answered with what its challenge asks for.
    async fn attempt(self: &Arc<Self>, call: &Call) -> Result<Reply, Failed> {
        if !call.own {
            return self.transmit(call, None).await;
        }
        let mut used = self.authorization(&call.scopes, call.step).await?;
        let mut reply = self.transmit(call, used.as_ref()).await?;
        // The negotiator gives up with words of its own, long before this ends.
        for _ in 0..MAX_CHALLENGES {
            if reply.status != StatusCode::UNAUTHORIZED || reply.elsewhere {
                break;
            }
            used = Some(self.answer(&call.scopes, call.step, reply, used.as_ref()).await?);
            reply = self.transmit(call, used.as_ref()).await?;
        }
        Ok(reply)
    }

    /// What is at hand for the next request, before anybody asked for it.
    pub(crate) async fn authorization(
        &self,
        scopes: &Scopes,
        step: Step,
    ) -> Result<Option<Authorization>, Fault> {
        self.negotiator.authorization(scopes).await.map_err(|error| fault::unauthorised(step, error))
    }

    /// Gets the authorization that a 401 asks for.
    pub(crate) async fn answer(
        &self,
        scopes: &Scopes,
        step: Step,
        reply: Reply,
        used: Option<&Authorization>,
    ) -> Result<Authorization, Fault> {
        let asked = challenges(&reply.headers);
        drain(reply).await;
        let mut answer = self.negotiator.answer(scopes, &asked, used).await;
        if answer.as_ref().is_err_and(auth::AuthError::wants_ping) {
            let asked = self.ping(step).await?;
            answer = self.negotiator.answer(scopes, &asked, used).await;
        }
        answer.map_err(|error| fault::unauthorised(step, error))
    }

    /// Asks for the challenge at the door: some registries do not repeat it elsewhere (gcr.io).
    async fn ping(&self, step: Step) -> Result<Vec<String>, Fault> {
        let request = Request::new(Method::GET, self.url("/v2/")?, self.options.timeouts.headers);
        let reply = self.http.send(request).await.map_err(|broken| self.broken(step, &broken))?;
        let challenges = challenges(&reply.headers);
        drain(reply).await;
        Ok(challenges)
    }

    /// Sends `call` once, and follows the redirects of its answer.
    async fn transmit(
        self: &Arc<Self>,
        call: &Call,
        authorization: Option<&Authorization>,
    ) -> Result<Reply, Failed> {
        let mut trail = Trail::new(&self.origin, call.own);
        let mut url = call.url.clone();
        loop {
            let patience = call.patience.unwrap_or(self.options.timeouts.headers);
            let mut request = Request::new(call.method.clone(), url.clone(), patience);
            request.headers = call.headers.clone();
            request.reach = Reach::of(&url, &self.origin);
            request.body = call.body.clone().map_or(Payload::Empty, Payload::Bytes);
            if trail.at_home() {
                authorise(&mut request.headers, authorization);
            }
            let round = self.standing.lanes.round();
            let sent = if call.may_open() {
                Opening::new(self, call, request).await
            } else {
                self.http.send(request).await
            };
            self.standing.weigh(round, sent.as_ref());
            let reply = if trail.at_home() { sent? } else { Reply::from_elsewhere(sent, &url)? };
            if !call.follows_redirects() || !reply.status.is_redirection() {
                return Ok(reply);
            }
            match trail.follow(&url, &reply, call.step)? {
                Hop::To(next) => {
                    drain(reply).await;
                    url = next;
                }
                Hop::Stay => return Ok(reply),
            }
        }
    }

    /// The failure of a request to this registry.
    pub(crate) fn broken(&self, step: Step, broken: &Broken) -> Fault {
        fault::broken(&self.registry, step, broken)
    }
}

/// A registry that wants us back later than we are ready to wait.
pub(crate) fn too_long(step: Step, status: StatusCode, pause: Duration) -> Fault {
    let seconds = pause.as_secs();
    let what = format!("the registry answered {status} and asks to come back in {seconds} s");
    let hint = "wait until then, or use credentials with a higher quota";
    Fault::new(FaultKind::Unreachable, step, what).hint(hint)
}

/// Puts the authorization into a request to the registry itself; nowhere else may it go.
pub(crate) fn authorise(headers: &mut HeaderMap, authorization: Option<&Authorization>) {
    let value = authorization.map(|authorization| HeaderValue::from_str(authorization.header()));
    if let Some(Ok(mut value)) = value {
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
    }
}

/// All values of `WWW-Authenticate`, as they came.
fn challenges(headers: &HeaderMap) -> Vec<String> {
    let values = headers.get_all(WWW_AUTHENTICATE).iter();
    values.filter_map(|value| Some(value.to_str().ok()?.to_owned())).collect()
}
