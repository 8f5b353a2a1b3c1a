//! Tickets: plain tokens that run out, given to everybody who asks.
use std::{collections::HashMap, time::Duration};

use http::request::Parts;
use serde_json::json;
use tokio::time::Instant;

use super::answer::Answer;

/// The tokens that were given out, and until when they are good.
#[derive(Debug)]
pub(super) struct Tickets {
    lifetime: Duration,
    good: HashMap<String, Instant>,
    given: u64,
}

impl Tickets {
    pub(super) fn new(lifetime: Duration) -> Self {
        Self { lifetime, good: HashMap::new(), given: 0 }
    }

    /// Gives one out.
    pub(super) fn give(&mut self) -> Answer {
        self.given += 1;
        let token = format!("ticket-{}", self.given);
        self.good.insert(token.clone(), Instant::now() + self.lifetime);
        let body = json!({"token": token, "expires_in": self.lifetime.as_secs().max(1)});
        Answer::new(200).with("Content-Type", "application/json").body(body.to_string())
    }

    /// Takes all back.
    pub(super) fn expire(&mut self) {
        self.good.clear();
    }

    /// The answer to those who have none; the realm is at `host`.
    pub(super) fn refusal(&self, parts: &Parts, host: &str) -> Option<Answer> {
        let shown = parts.headers.get("authorization").and_then(|value| value.to_str().ok());
        let token = shown.and_then(|shown| shown.strip_prefix("Bearer "));
        if token.and_then(|token| self.good.get(token)).is_some_and(|until| Instant::now() < *until) {
            return None;
        }
        let error = if token.is_some() { ",error=\"invalid_token\"" } else { "" };
        let name = parts.uri.path().strip_prefix("/v2/").unwrap_or_default();
        let name =
            ["/blobs/", "/manifests/", "/tags/"].iter().find_map(|door| Some(name.split_once(door)?.0));
        let scope = name.map_or(String::new(), |name| format!(",scope=\"repository:{name}:pull,push\""));
        let challenge = format!("Bearer realm=\"http://{host}/token\",service=\"fake\"{scope}{error}");
        Some(Answer::error(401, "UNAUTHORIZED").with("WWW-Authenticate", challenge))
    }
}
