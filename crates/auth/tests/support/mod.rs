//! A token endpoint that plays a script and keeps a ledger.
#![allow(dead_code, reason = "every test file uses a part of it")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail here")]
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use auth::{
    AuthError, Credential, Endpoint, Found, Given, Negotiator, Origin, Scopes, Secret, TokenRequest,
    TokenResponse,
};
use futures::future::BoxFuture;
use tokio::sync::Semaphore;

/// Answers with the next line of its script (the last one again and again) and writes every request down.
pub(crate) struct Script {
    answers: Mutex<VecDeque<(u16, String)>>,
    ledger: Mutex<Vec<String>>,
    /// Each answer takes a permit; closed by taking them away.
    pub(crate) gate: Semaphore,
}

impl Script {
    pub(crate) fn new(answers: &[(u16, &str)]) -> Arc<Self> {
        let answers = answers.iter().map(|(status, body)| (*status, (*body).to_owned())).collect();
        Arc::new(Self { answers: Mutex::new(answers), ledger: Mutex::default(), gate: Semaphore::new(1000) })
    }

    /// One that gives `t1`, `t2` and so on, each for `seconds`.
    pub(crate) fn tokens(seconds: u32) -> Arc<Self> {
        let bodies: Vec<_> =
            (1..100).map(|n| format!(r#"{{"token":"t{n}","expires_in":{seconds}}}"#)).collect();
        Self::new(&bodies.iter().map(|body| (200, body.as_str())).collect::<Vec<_>>())
    }

    /// What was asked: method, URL, then the `Authorization` header and the form where there were any.
    pub(crate) fn ledger(&self) -> Vec<String> {
        self.ledger.lock().unwrap().clone()
    }

    fn play(&self) -> TokenResponse {
        let mut answers = self.answers.lock().unwrap();
        let next = if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() };
        let (status, body) = next.expect("the script has an answer");
        TokenResponse { status, body: body.into_bytes() }
    }
}

impl Endpoint for Script {
    fn call(&self, request: TokenRequest) -> BoxFuture<'_, Result<TokenResponse, AuthError>> {
        let method = if request.form.is_some() { "POST" } else { "GET" };
        let header = request.authorization.map(|authorization| format!(" [{}]", authorization.header()));
        let form = request.form.map(|form| format!(" {}", form.expose()));
        let line =
            [format!("{method} {}", request.url), header.unwrap_or_default(), form.unwrap_or_default()]
                .concat();
        self.ledger.lock().unwrap().push(line);
        Box::pin(async move {
            self.gate.acquire().await.unwrap().forget();
            tokio::task::yield_now().await;
            Ok(self.play())
        })
    }
}

/// A negotiator for `registry` with this credential, answered by `script`.
pub(crate) fn negotiator(registry: &str, credential: Option<Credential>, script: &Arc<Script>) -> Negotiator {
    named(registry, credential, script, false)
}

/// The same, for a registry that the user may have named an Azure Container Registry.
pub(crate) fn named(
    registry: &str,
    credential: Option<Credential>,
    script: &Arc<Script>,
    acr: bool,
) -> Negotiator {
    let parsed: reference::Registry = registry.parse().unwrap();
    let https = !parsed.is_loopback();
    let port = parsed.port().unwrap_or(if https { 443 } else { 80 });
    let origin = Origin { https, host: parsed.host().to_owned(), port };
    let found = credential.map(|credential| Found { credential, from: "the flags".to_owned() });
    let endpoint: Arc<dyn Endpoint> = Arc::<Script>::clone(script);
    Negotiator::new(parsed, origin, Arc::new(Given(found)), endpoint, acr)
}

pub(crate) fn basic() -> Credential {
    Credential::Basic { username: "user".to_owned(), password: Secret::new("pass:word") }
}

pub(crate) fn pull() -> Scopes {
    Scopes::pull(&"app".parse().unwrap())
}

pub(crate) fn push() -> Scopes {
    Scopes::push(&"app".parse().unwrap())
}

/// What a registry's 401 says.
pub(crate) fn bearer(rest: &str) -> Vec<String> {
    vec![format!(r#"Bearer realm="https://auth.example.com/token",service="registry.example.com"{rest}"#)]
}

pub(crate) const REGISTRY: &str = "registry.example.com";
/// `user:pass:word`
pub(crate) const BASIC: &str = "Basic dXNlcjpwYXNzOndvcmQ=";
