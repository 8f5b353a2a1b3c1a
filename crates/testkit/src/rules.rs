//! Rules: which requests of a registry go wrong, and how.
use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method};

use crate::pattern::Pattern;

/// Which requests, which of them, and what happens to them.
#[derive(Debug, Clone)]
pub struct Rule {
    pattern: Pattern,
    effects: Vec<Effect>,
}

/// What a rule does to a request or to its answer.
#[derive(Debug, Clone)]
pub(crate) enum Effect {
    /// Answers in the registry's place.
    Answer { status: u16, headers: Vec<(HeaderName, HeaderValue)>, body: Bytes },
    /// Answers in the registry's place with so many bytes, which are in nobody's memory.
    Giant { status: u16, headers: Vec<(HeaderName, HeaderValue)>, size: u64 },
    /// Waits before the request is looked at.
    Delay(Duration),
    /// Cuts the connection after so many bytes of the request's body, without an answer.
    HangUp { after: u64 },
    /// Cuts the connection after so many bytes of the answer's body.
    Cut { after: u64 },
    /// Turns over one byte of the answer's body.
    Corrupt(Byte),
    /// Tells no length.
    Chunked,
    /// Leaves a header out.
    Without(HeaderName),
    /// Sets a header.
    With(HeaderName, HeaderValue),
    /// From now on all tokens given out so far are refused.
    ExpireTokens,
}

/// A byte of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Byte {
    /// The one at this offset.
    At(u64),
    /// The last one.
    Last,
}

impl Rule {
    /// Every request of `method` whose path and query hold `path`; a `*` in it stands for anything.
    pub fn on(method: Method, path: &str) -> Self {
        Self { pattern: Pattern::on(Some(method), path), effects: Vec::new() }
    }

    /// Only the `nth` such request, counted from 1.
    #[must_use]
    pub fn nth(mut self, nth: usize) -> Self {
        self.pattern.nth(nth);
        self
    }

    /// Only the first `times` such requests.
    #[must_use]
    pub fn times(mut self, times: usize) -> Self {
        self.pattern.times(times);
        self
    }

    /// Answers with this status and body, in the registry's place.
    #[must_use]
    pub fn answer(self, status: u16, content_type: &str, body: impl Into<Bytes>) -> Self {
        let value = HeaderValue::from_str(content_type).expect("a media type fits a header");
        let headers = vec![(http::header::CONTENT_TYPE, value)];
        self.then(Effect::Answer { status, headers, body: body.into() })
    }

    /// Answers with this status and `size` bytes, made as they go. Their length is told unless [`Self::chunked`] says
    /// otherwise.
    #[must_use]
    pub fn giant(self, status: u16, content_type: &str, size: u64) -> Self {
        let value = HeaderValue::from_str(content_type).expect("a media type fits a header");
        let length = HeaderValue::from(size);
        let headers = vec![(http::header::CONTENT_TYPE, value), (http::header::CONTENT_LENGTH, length)];
        self.then(Effect::Giant { status, headers, size })
    }

    /// Answers with this status and nothing else.
    #[must_use]
    pub fn status(self, status: u16) -> Self {
        self.then(Effect::Answer { status, headers: Vec::new(), body: Bytes::new() })
    }

    /// Answers with a page for people, as a proxy's login does.
    #[must_use]
    pub fn html(self) -> Self {
        self.answer(200, "text/html; charset=utf-8", "<!DOCTYPE html><html><body>Please log in</body></html>")
    }

    /// Waits before the request is looked at.
    #[must_use]
    pub fn delay(self, wait: Duration) -> Self {
        self.then(Effect::Delay(wait))
    }

    /// Cuts the connection after so many bytes of the request's body.
    #[must_use]
    pub fn hang_up(self, after: u64) -> Self {
        self.then(Effect::HangUp { after })
    }

    /// Cuts the connection after so many bytes of the answer's body.
    #[must_use]
    pub fn cut(self, after: u64) -> Self {
        self.then(Effect::Cut { after })
    }

    /// Turns over one byte of the answer's body.
    #[must_use]
    pub fn corrupt(self, byte: Byte) -> Self {
        self.then(Effect::Corrupt(byte))
    }

    /// Tells no length: HTTP/1.1 sends chunks then.
    #[must_use]
    pub fn chunked(self) -> Self {
        self.then(Effect::Chunked)
    }

    /// Leaves a header out of the answer.
    #[must_use]
    pub fn without(self, name: &'static str) -> Self {
        self.then(Effect::Without(HeaderName::from_static(name)))
    }

    /// Sets a header of the answer; the name is in lower case.
    #[must_use]
    pub fn with(self, name: &'static str, value: &str) -> Self {
        let value = HeaderValue::from_str(value).expect("a header value");
        self.then(Effect::With(HeaderName::from_static(name), value))
    }

    /// From now on all tokens given out so far are refused.
    #[must_use]
    pub fn expire_tokens(self) -> Self {
        self.then(Effect::ExpireTokens)
    }

    fn then(mut self, effect: Effect) -> Self {
        self.effects.push(effect);
        self
    }
}

/// The rules of one registry, which may grow while it runs.
#[derive(Debug, Default)]
pub(crate) struct Rules(Mutex<Vec<Rule>>);

impl Rules {
    pub(crate) fn add(&self, rule: Rule) {
        self.lock().push(rule);
    }

    pub(crate) fn clear(&self) {
        self.lock().clear();
    }

    /// What is to happen to this request, by all rules in their order.
    pub(crate) fn effects(&self, method: &Method, path: &str) -> Vec<Effect> {
        let mut effects = Vec::new();
        for rule in self.lock().iter_mut() {
            if rule.pattern.hits(method, path) {
                effects.extend(rule.effects.iter().cloned());
            }
        }
        effects
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Rule>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_reads_the_query_too() {
        let rules = Rules::default();
        rules.add(Rule::on(Method::POST, "/uploads/*mount=").status(405));
        assert_eq!(rules.effects(&Method::POST, "/v2/b/blobs/uploads/?mount=sha256:00").len(), 1);
        assert!(rules.effects(&Method::POST, "/v2/b/blobs/uploads/").is_empty());
    }

    #[test]
    fn the_second_request_is_the_second_only() {
        let rules = Rules::default();
        rules.add(Rule::on(Method::GET, "/app/*/sha256:").nth(2).status(503));
        let hit = |path| rules.effects(&Method::GET, path).len();
        let blob = "/v2/app/blobs/sha256:00";
        assert_eq!([hit(blob), hit("/v2/other/blobs/sha256:00"), hit(blob), hit(blob)], [0, 0, 1, 0]);
        assert!(rules.effects(&Method::PUT, blob).is_empty());
    }
}
