//! Meters: who is told of every request and every connection, where somebody measures. Off, they cost nothing.
use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use auth::Origin;
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream::BoxStream};
use http::{Method, StatusCode};

use crate::wire::{Broken, Payload, Request, Why};

/// Is told what goes over the wire: redirects, token requests and repeated ones included. Called often: it must
/// return at once.
pub trait Meter: Send + Sync {
    /// A connection to `origin` stands: `https://registry.example`, or with the port that is not the usual one.
    fn connected(&self, origin: &str);

    /// A request has been answered, or nobody waits for its answer any more.
    fn exchanged(&self, exchange: &Exchange<'_>);
}

/// One request and its answer, when both are over.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Exchange<'a> {
    /// Whom it went to: `https://registry.example`.
    pub origin: &'a str,
    /// `GET`, `PUT` and so on.
    pub method: &'a str,
    /// The status of the answer; none when there was none.
    pub status: Option<u16>,
    /// Bytes of the request's body that were handed to the connection.
    pub sent: u64,
    /// Bytes of the answer's body that were read.
    pub received: u64,
    /// From the request's beginning to the head of the answer; none when there was none.
    pub to_head: Option<Duration>,
    /// From the request's beginning until the answer's body was read, or dropped.
    pub whole: Duration,
}

impl fmt::Debug for dyn Meter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Meter")
    }
}

/// One request under way; the meter is told when it is dropped, whatever ended it.
pub(crate) struct Tally {
    meter: Arc<dyn Meter>,
    origin: String,
    method: Method,
    status: Option<StatusCode>,
    sent: Arc<AtomicU64>,
    received: u64,
    start: Instant,
    to_head: Option<Duration>,
    /// Whether it went out at all.
    left: bool,
}

impl Tally {
    /// Begins to count for `request`, where there is a meter.
    pub(crate) fn begin(meter: Option<&Arc<dyn Meter>>, request: &mut Request) -> Option<Self> {
        let meter = Arc::clone(meter?);
        let sent = Arc::new(AtomicU64::new(0));
        let body = std::mem::replace(&mut request.body, Payload::Empty);
        request.body = count(body, &sent);
        let (origin, method) = (origin(request), request.method.clone());
        let (start, left) = (Instant::now(), true);
        Some(Self { meter, origin, method, status: None, sent, received: 0, start, to_head: None, left })
    }

    /// The head of the answer is there; its body is still to be counted.
    pub(crate) fn answered(
        mut self,
        status: StatusCode,
        body: BoxStream<'static, Result<Bytes, Broken>>,
    ) -> BoxStream<'static, Result<Bytes, Broken>> {
        self.status = Some(status);
        self.to_head = Some(self.start.elapsed());
        body.inspect_ok(move |bytes| self.received(bytes)).boxed()
    }

    fn received(&mut self, bytes: &Bytes) {
        self.received = self.received.saturating_add(bytes.len() as u64);
    }

    /// There is no answer: `broken` says whether there was a request.
    pub(crate) fn broke(mut self, broken: &Broken) {
        self.left = matches!(broken.why, Why::TimedOut | Why::Cut | Why::PeerIsNot);
    }
}

impl Drop for Tally {
    fn drop(&mut self) {
        if !self.left {
            return;
        }
        self.meter.exchanged(&Exchange {
            origin: &self.origin,
            method: self.method.as_str(),
            status: self.status.map(|status| status.as_u16()),
            sent: self.sent.load(Ordering::Relaxed),
            received: self.received,
            to_head: self.to_head,
            whole: self.start.elapsed(),
        });
    }
}

/// Counts what is taken of a body.
fn count(body: Payload, sent: &Arc<AtomicU64>) -> Payload {
    let sent = Arc::clone(sent);
    match body {
        Payload::Empty => Payload::Empty,
        Payload::Bytes(bytes) => {
            sent.store(bytes.len() as u64, Ordering::Relaxed);
            Payload::Bytes(bytes)
        }
        Payload::Stream(length, stream) => {
            let counted = stream.inspect_ok(move |bytes| {
                sent.fetch_add(bytes.len() as u64, Ordering::Relaxed);
            });
            Payload::Stream(length, counted.boxed())
        }
    }
}

/// Whom a request goes to, as a meter reads it.
pub(crate) fn origin(request: &Request) -> String {
    Origin::of(&request.url).map(|origin| origin.to_string()).unwrap_or_default()
}
