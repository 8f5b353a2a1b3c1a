//! Bodies on their way out: counted, and spoilt when a rule says so.
use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use futures::stream;
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::{BodyExt, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::body::Incoming;

use crate::ledger::Ledger;

/// Why a connection is cut, for whoever reads a backtrace.
#[derive(Debug)]
pub(crate) struct Cut(String);

impl Cut {
    pub(crate) fn new(why: impl fmt::Display) -> Self {
        Self(why.to_string())
    }
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Cut {}

impl From<hyper::Error> for Cut {
    fn from(why: hyper::Error) -> Self {
        Self::new(why)
    }
}

/// The body of an answer.
pub(crate) type Body = UnsyncBoxBody<Bytes, Cut>;

/// A body of these bytes.
pub(crate) fn full(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()
}

/// A body of this many bytes, all of them letters, of which never more than a piece is in memory.
pub(crate) fn giant(size: u64) -> Body {
    const PIECE: Bytes = Bytes::from_static(&[b'a'; 64 * 1024]);
    let pieces = stream::unfold(size, |left| async move {
        let piece = PIECE.slice(..PIECE.len().min(usize::try_from(left).unwrap_or(usize::MAX)));
        (!piece.is_empty()).then(|| (Ok(Frame::data(piece.clone())), left - piece.len() as u64))
    });
    StreamBody::new(pieces).boxed_unsync()
}

/// What is done to a body on its way.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Damage {
    /// The connection is cut after so many bytes.
    pub cut: Option<u64>,
    /// The byte at this offset is turned over.
    pub corrupt: Option<u64>,
    /// The length is not told, so that HTTP/1.1 sends chunks.
    pub chunked: bool,
}

/// A request's body that is counted in a ledger.
pub(crate) struct Counted {
    body: Incoming,
    ledger: Ledger,
    number: usize,
}

impl Counted {
    pub(crate) fn new(body: Incoming, ledger: Ledger, number: usize) -> Self {
        Self { body, ledger, number }
    }
}

impl HttpBody for Counted {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        if let Some(Ok(data)) = frame.as_ref().map(|frame| frame.as_ref().map(Frame::data_ref)) {
            let length = data.map_or(0, Bytes::len) as u64;
            self.ledger.update(self.number, |request| request.received += length);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A body that is counted in a ledger, and damaged.
pub(crate) struct Outgoing {
    body: Body,
    at: u64,
    /// Whether what went before a cut had its chance to leave.
    flushed: bool,
    damage: Damage,
    ledger: Ledger,
    number: usize,
}

impl Outgoing {
    pub(crate) fn damaged(body: Body, damage: Damage, ledger: Ledger, number: usize) -> Body {
        Self { body, at: 0, flushed: false, damage, ledger, number }.boxed_unsync()
    }

    fn spoil(&mut self, mut data: Bytes) -> Bytes {
        if let Some(cut) = self.damage.cut {
            let left = usize::try_from(cut.saturating_sub(self.at)).unwrap_or(usize::MAX);
            data.truncate(left);
        }
        let within = self.damage.corrupt.and_then(|byte| byte.checked_sub(self.at));
        if let Some(at) = within.and_then(|at| usize::try_from(at).ok()).filter(|at| *at < data.len()) {
            let mut bytes = data.to_vec();
            bytes[at] ^= 0x01;
            data = bytes.into();
        }
        data
    }
}

impl HttpBody for Outgoing {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        if self.damage.cut.is_some_and(|cut| self.at >= cut) {
            // hyper forgets what it has not flushed, and flushes when there is nothing to poll.
            if !std::mem::replace(&mut self.flushed, true) {
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            return Poll::Ready(Some(Err(Cut::new("cut by rule"))));
        }
        let frame = match ready!(Pin::new(&mut self.body).poll_frame(context)) {
            Some(Ok(frame)) => frame,
            other => return Poll::Ready(other),
        };
        let Ok(data) = frame.into_data() else { return Poll::Ready(None) };
        let data = self.spoil(data);
        let length = data.len() as u64;
        self.at += length;
        self.ledger.update(self.number, |request| request.sent += length);
        Poll::Ready(Some(Ok(Frame::data(data))))
    }

    fn is_end_stream(&self) -> bool {
        self.damage.cut.is_none() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        if self.damage.chunked { SizeHint::default() } else { self.body.size_hint() }
    }
}
