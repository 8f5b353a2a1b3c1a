//! The wire as the rest of this crate sees it: a request goes in, a response with a stream of bytes comes out.
//!
//! Knows no HTTP library; `http.rs` is the one file that does.
use std::{error::Error, fmt, time::Duration};

use auth::Origin;
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream::BoxStream};
use http::{HeaderMap, Method, StatusCode};
use url::Url;

use crate::veil::Veil;

/// One request, to be sent once.
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Payload,
    pub(crate) reach: Reach,
    /// How long the headers of the answer may take. A streamed body is timed by its feed instead.
    pub(crate) patience: Duration,
}

impl Request {
    /// A request without a body to the registry that the user named.
    pub(crate) fn new(method: Method, url: Url, patience: Duration) -> Self {
        let (headers, body) = (HeaderMap::new(), Payload::Empty);
        Self { method, url, headers, body, reach: Reach::Named, patience }
    }
}

/// What a request carries.
pub(crate) enum Payload {
    Empty,
    Bytes(Bytes),
    /// A stream and its exact length, which becomes the `Content-Length`.
    Stream(u64, BoxStream<'static, Result<Bytes, Recalled>>),
}

/// Who named the host: it decides which addresses its name may stand for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Reach {
    /// The user did.
    Named,
    /// This registry did: not every address will do.
    Foreign(Origin),
}

impl Reach {
    /// How `url` is reached on behalf of `registry`.
    pub(crate) fn of(url: &Url, registry: &Origin) -> Self {
        if Origin::of(url).as_ref() == Some(registry) { Self::Named } else { Self::Foreign(registry.clone()) }
    }
}

/// The head of an answer, and its body as it comes.
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: BoxStream<'static, Result<Bytes, Broken>>,
    /// Whether another host than the registry gave it, to which its own words led.
    pub(crate) elsewhere: bool,
    /// What the request showed.
    pub(crate) veil: Veil,
}

impl Reply {
    /// An answer of the host of `url`, which is not the registry; so are the breaks on the way to it.
    pub(crate) fn from_elsewhere(sent: Result<Self, Broken>, url: &Url) -> Result<Self, Broken> {
        let host = match (url.host_str().unwrap_or_default(), url.port()) {
            (host, Some(port)) => format!("{host}:{port}"),
            (host, None) => host.to_owned(),
        };
        match sent {
            Ok(reply) => {
                let body = reply.body.map_err(move |broken| broken.of(&host)).boxed();
                Ok(Self { elsewhere: true, body, ..reply })
            }
            Err(broken) => Err(broken.of(&host)),
        }
    }

    /// The value of a header, where it is text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The value of `Content-Length`.
    pub(crate) fn length(&self) -> Option<u64> {
        self.header("content-length")?.trim().parse().ok()
    }
}

/// The body of a request was taken back before its end.
#[derive(Debug)]
pub(crate) struct Recalled;

impl fmt::Display for Recalled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the body ended early")
    }
}

impl Error for Recalled {}

/// Why there is no answer, or no rest of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Broken {
    pub(crate) why: Why,
    /// The library's own words, without URLs.
    pub(crate) text: String,
    /// The host that broke, where it is not the registry.
    pub(crate) host: Option<String>,
}

impl Broken {
    pub(crate) fn new(why: Why, text: impl Into<String>) -> Self {
        Self { why, text: text.into(), host: None }
    }

    fn of(self, host: &str) -> Self {
        Self { host: Some(host.to_owned()), ..self }
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Error for Broken {}

/// What broke.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Why {
    /// The name does not resolve.
    Name,
    /// No connection.
    Connect,
    /// The peer took too long.
    TimedOut,
    /// The peer's certificate, or ours, was not accepted.
    Certificate,
    /// We spoke TLS, the peer plain HTTP.
    PeerIsPlain,
    /// We spoke plain HTTP, the peer something else.
    PeerIsNot,
    /// A proxy wants credentials.
    Proxy,
    /// The name stands for an address that we do not go to.
    Address,
    /// The connection broke after it stood.
    Cut,
    /// Our own side: trust roots that cannot be read.
    Setup,
}
