//! A request body that does not keep us waiting: a client that stops sending is told so.
use std::{
    error::Error,
    fmt,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::{Sleep, sleep};

use crate::body::AnyError;

/// A body with a limit to the silence between its frames. It counts only while we wait for the client, not while our
/// disk is slow.
pub(crate) struct Timely<B> {
    body: Pin<Box<B>>,
    limit: Option<Duration>,
    silence: Option<Pin<Box<Sleep>>>,
}

impl<B> Timely<B> {
    /// Without a limit the client may take for ever.
    pub(crate) fn new(body: B, limit: Option<Duration>) -> Self {
        Self { body: Box::pin(body), limit, silence: None }
    }
}

impl<B> Body for Timely<B>
where
    B: Body<Data = Bytes>,
    B::Error: Into<AnyError>,
{
    type Data = Bytes;
    type Error = AnyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, AnyError>>> {
        if let Poll::Ready(frame) = self.body.as_mut().poll_frame(context) {
            self.silence = None;
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        let Some(limit) = self.limit else { return Poll::Pending };
        let silence = self.silence.get_or_insert_with(|| Box::pin(sleep(limit)));
        silence.as_mut().poll(context).map(|()| Some(Err(Stalled.into())))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Nothing came for too long.
#[derive(Debug)]
pub(crate) struct Stalled;

impl fmt::Display for Stalled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the request body stalled")
    }
}

impl Error for Stalled {}
