//! Token servers: Docker's, on an address of its own, and ACR's two doors on the registry's address.
use std::{net::SocketAddr, sync::Arc};

use base64::{Engine, engine::general_purpose::STANDARD};
use futures::FutureExt;
use http::{Method, Request, Response, StatusCode, header, request::Parts};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde_json::{Value, json};

use crate::{
    body::{Body, Cut, full},
    ledger::Ledger,
    loopback::{Loopback, Reserved},
    tokens::{SERVICE, Tokens},
};

/// The user name under which ACR takes a refresh token for a password.
const NOBODY: &str = "00000000-0000-0000-0000-000000000000";

/// A token server on loopback, as Docker describes it.
#[derive(Debug)]
pub struct TokenServer {
    loopback: Loopback,
    tokens: Arc<Tokens>,
    ledger: Ledger,
}

impl TokenServer {
    /// Starts giving out `tokens`.
    pub fn start(tokens: Tokens) -> Self {
        let (tokens, ledger) = (Arc::new(tokens), Ledger::default());
        let (ours, noted) = (Arc::clone(&tokens), ledger.clone());
        let loopback = Reserved::new().serve(
            None,
            Arc::new(move |request| {
                let (tokens, ledger) = (Arc::clone(&ours), noted.clone());
                async move { answer(&tokens, &ledger, request).await }.boxed()
            }),
        );
        Self { loopback, tokens, ledger }
    }

    /// The tokens it gives out.
    pub fn tokens(&self) -> &Arc<Tokens> {
        &self.tokens
    }

    /// Every request for a token.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.loopback.address()
    }

    /// The URL for a challenge.
    pub fn realm(&self) -> String {
        format!("http://{}/token", self.address())
    }
}

async fn answer(tokens: &Tokens, ledger: &Ledger, request: Request<Incoming>) -> Result<Response<Body>, Cut> {
    let (parts, body) = request.into_parts();
    let number = ledger.arrive(&parts);
    let form = body.collect().await?.to_bytes();
    let form = String::from_utf8_lossy(&form).into_owned();
    let response = docker(tokens, &parts, &form);
    ledger.update(number, |request| {
        request.form = form;
        request.status = Some(response.status().as_u16());
    });
    Ok(response)
}

/// Docker's token endpoint: GET with Basic or nothing, POST with a refresh token or a password.
fn docker(tokens: &Tokens, parts: &Parts, form: &str) -> Response<Body> {
    let Some((user, only_pull)) = identify(tokens, parts, form) else { return refused() };
    let given = tokens.give(&user, scopes(parts, form).iter().map(String::as_str), only_pull);
    let lifetime = tokens.lifetime_seconds();
    json_answer(&json!({"token": given, "access_token": given, "expires_in": lifetime}))
}

/// ACR's `/oauth2/exchange` and `/oauth2/token`; `None` for any other path.
///
/// An identity token of `tokens` stands for an Entra access token here. Its refresh token is the same, turned round.
pub(crate) fn acr(tokens: &Tokens, parts: &Parts, form: &str) -> Option<Response<Body>> {
    let entra = field(form, "access_token");
    match parts.uri.path() {
        "/oauth2/exchange" => Some(match field(form, "grant_type").as_deref() {
            Some("access_token")
                if field(form, "service").is_some()
                    && entra.as_deref().is_some_and(|entra| tokens.knows_identity(entra)) =>
            {
                json_answer(&json!({"refresh_token": turned(&entra.unwrap_or_default())}))
            }
            _ => refused(),
        }),
        "/oauth2/token" => {
            let refresh = field(form, "refresh_token").map(|token| turned(&token));
            let user = match refresh.filter(|entra| tokens.knows_identity(entra)) {
                Some(_) => Some((NOBODY.to_owned(), false)),
                None => identify(tokens, parts, ""),
            };
            let Some((user, only_pull)) = user else { return Some(refused()) };
            let scopes = scopes(parts, form);
            let given = tokens.give(&user, scopes.iter().map(String::as_str), only_pull);
            // ACR says no expires_in.
            Some(json_answer(&json!({"access_token": given})))
        }
        _ => None,
    }
}

/// Who asks, and whether they may only pull.
fn identify(tokens: &Tokens, parts: &Parts, form: &str) -> Option<(String, bool)> {
    if parts.method == Method::POST && !form.is_empty() {
        let refresh = field(form, "refresh_token").filter(|token| tokens.knows_identity(token));
        let password = field(form, "username").zip(field(form, "password"));
        return match (field(form, "grant_type")?.as_str(), refresh, password) {
            ("refresh_token", Some(_), _) => Some(("identity".to_owned(), false)),
            ("password", _, Some((name, secret))) if tokens.knows(&name, &secret) => Some((name, false)),
            _ => None,
        };
    }
    match basic(parts) {
        Some((name, password)) => tokens.knows(&name, &password).then_some((name, false)),
        None if parts.headers.contains_key(header::AUTHORIZATION) => None,
        None => tokens.lets_anybody_pull().then_some((String::new(), true)),
    }
}

/// User name and password of an `Authorization: Basic`.
pub(crate) fn basic(parts: &Parts) -> Option<(String, String)> {
    let value = parts.headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, code) = value.split_once(' ')?;
    let text = scheme.eq_ignore_ascii_case("basic").then(|| STANDARD.decode(code).ok()).flatten()?;
    let text = String::from_utf8(text).ok()?;
    text.split_once(':').map(|(name, password)| (name.to_owned(), password.to_owned()))
}

/// Scopes from query and form: repeated, or separated by spaces.
fn scopes(parts: &Parts, form: &str) -> Vec<String> {
    let query = parts.uri.query().unwrap_or_default();
    let mut scopes = Vec::new();
    for text in [query, form] {
        let fields = url::form_urlencoded::parse(text.as_bytes()).filter(|(key, _)| key == "scope");
        for (_, value) in fields {
            scopes.extend(value.split(' ').filter(|scope| !scope.is_empty()).map(str::to_owned));
        }
    }
    scopes
}

fn field(form: &str, name: &str) -> Option<String> {
    url::form_urlencoded::parse(form.as_bytes())
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}

fn turned(token: &str) -> String {
    token.chars().rev().collect()
}

fn json_answer(value: &Value) -> Response<Body> {
    let mut response = Response::new(full(value.to_string()));
    let json = header::HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}

fn refused() -> Response<Body> {
    let body = json!({"errors": [{"code": "UNAUTHORIZED", "message": "who are you?"}], "service": SERVICE});
    let mut response = json_answer(&body);
    *response.status_mut() = StatusCode::UNAUTHORIZED;
    response
}
