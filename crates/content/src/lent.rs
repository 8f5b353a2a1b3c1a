//! Lending: a verified body goes into a transport that may drop it at any moment, and comes home all the same.
use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use futures::{Stream, StreamExt, channel::oneshot};

use crate::{Fault, Verified};

/// Bytes that a transport may send. The only thing that [`crate::Upload::send`] takes: an unverified upload does not
/// type-check.
#[derive(Debug)]
pub struct Lent {
    /// `None` only while being dropped.
    verified: Option<Verified>,
    home: Option<oneshot::Sender<Verified>>,
}

/// Where lent bytes come home to; `None` when the transport leaked them.
pub type Returned = oneshot::Receiver<Verified>;

impl Lent {
    /// Lends `verified`, until the result is dropped.
    pub fn new(verified: Verified) -> (Self, Returned) {
        let (home, returned) = oneshot::channel();
        (Self { verified: Some(verified), home: Some(home) }, returned)
    }

    /// How many bytes the stream will yield.
    pub fn remaining(&self) -> u64 {
        self.verified.as_ref().map_or(0, Verified::remaining)
    }
}

impl Stream for Lent {
    type Item = Result<Bytes, Fault>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match &mut self.verified {
            Some(verified) => verified.poll_next_unpin(context),
            None => Poll::Ready(None),
        }
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let (Some(verified), Some(home)) = (self.verified.take(), self.home.take()) {
            // Nobody waits any more when the copy was cancelled.
            drop(home.send(verified));
        }
    }
}
