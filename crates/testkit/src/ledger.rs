//! The ledger: every request that a server saw, in order. Tests count in it.
use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use http::{Method, Version, request::Parts};

/// The requests of one server; clones share it.
#[derive(Debug, Clone, Default)]
pub struct Ledger(Arc<Mutex<Vec<Request>>>);

/// One request, and what came of it so far.
#[derive(Debug, Clone)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The version of HTTP.
    pub version: Version,
    /// The path, as it was sent.
    pub path: String,
    /// The query, without its question mark; empty when there was none.
    pub query: String,
    /// The headers, in order.
    pub headers: Vec<(String, String)>,
    /// The body, where the server reads it at once: a token server's form, no blob.
    pub form: String,
    /// The status of the answer; `None` when the connection was cut before one.
    pub status: Option<u16>,
    /// How many bytes of its body came in so far.
    pub received: u64,
    /// How many bytes of the answer's body went out so far.
    pub sent: u64,
}

impl Request {
    /// The first header of this name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The first byte that its `Range` asks for; `None` without one.
    pub fn first_byte(&self) -> Option<u64> {
        self.header("range")?.strip_prefix("bytes=")?.split_once('-')?.0.parse().ok()
    }

    /// Whether it changes something at a registry: anything but GET and HEAD.
    pub fn writes(&self) -> bool {
        !matches!(self.method, Method::GET | Method::HEAD)
    }

    /// Whether it is about a blob: reading, asking, uploading or mounting.
    pub fn is_blob(&self) -> bool {
        self.path.contains("/blobs/")
    }

    /// Whether it is about a manifest.
    pub fn is_manifest(&self) -> bool {
        self.path.contains("/manifests/")
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)?;
        if !self.query.is_empty() {
            write!(f, "?{}", self.query)?;
        }
        match self.status {
            Some(status) => write!(f, " ({} bytes) -> {status} ({} bytes)", self.received, self.sent),
            None => write!(f, " ({} bytes) -> cut", self.received),
        }
    }
}

impl Ledger {
    /// Everything so far, in order of arrival.
    pub fn all(&self) -> Vec<Request> {
        self.lock().clone()
    }

    /// Requests that `wanted` picks, in order.
    pub fn pick(&self, wanted: impl Fn(&Request) -> bool) -> Vec<Request> {
        self.lock().iter().filter(|request| wanted(request)).cloned().collect()
    }

    /// How many requests `wanted` picks.
    pub fn count(&self, wanted: impl Fn(&Request) -> bool) -> usize {
        self.lock().iter().filter(|request| wanted(request)).count()
    }

    /// Requests that write.
    pub fn writes(&self) -> Vec<Request> {
        self.pick(Request::writes)
    }

    /// Reads of blobs: one a GET that was answered with content.
    pub fn blob_reads(&self) -> Vec<Request> {
        self.pick(|request| {
            request.method == Method::GET && request.is_blob() && matches!(request.status, Some(200 | 206))
        })
    }

    /// Forgets everything: what comes next is counted from nought.
    pub fn clear(&self) {
        self.lock().clear();
    }

    /// Notes a request; the number finds it again until the ledger is cleared.
    pub(crate) fn arrive(&self, parts: &Parts) -> usize {
        let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let mut requests = self.lock();
        requests.push(Request {
            method: parts.method.clone(),
            version: parts.version,
            path: parts.uri.path().to_owned(),
            query: parts.uri.query().unwrap_or_default().to_owned(),
            headers: parts.headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect(),
            form: String::new(),
            status: None,
            received: 0,
            sent: 0,
        });
        requests.len() - 1
    }

    /// Adds to what is known of a request.
    pub(crate) fn update(&self, number: usize, change: impl FnOnce(&mut Request)) {
        if let Some(request) = self.lock().get_mut(number) {
            change(request);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Request>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Display for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lock().iter().try_for_each(|request| writeln!(f, "{request}"))
    }
}
