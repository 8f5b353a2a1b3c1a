//! Feeds: a lent body on its way into the transport, which can be called home at any moment.
//!
//! The transport owns the body of a request and may go on reading it after the answer has come. A feed stays in our
//! hands: dropping its [`Leash`] brings the bytes home at once and ends the request.
use std::{
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use content::Lent;
use futures::{Stream, StreamExt};
use pace::Activity;

use crate::wire::Recalled;

/// Keeps a hand on `body` while it is sent.
pub(crate) fn leash(body: Lent) -> Leash {
    let left = body.remaining();
    let state = State {
        body: Some(body),
        spare: Bytes::new(),
        left,
        sent: 0,
        activity: Activity::new(),
        failed: false,
        waker: None,
    };
    Leash(Arc::new(Mutex::new(state)))
}

struct State {
    body: Option<Lent>,
    /// What a request of bounded size did not take of the last chunk.
    spare: Bytes,
    /// Bytes that the transport has not taken yet.
    left: u64,
    sent: u64,
    /// Who is waited on: what the source takes its time for is no business of the target's timer.
    activity: Activity,
    /// The bytes themselves ended the feed: the source broke, or they are not what they should be.
    failed: bool,
    waker: Option<Waker>,
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The stream that the transport reads: the body of one request.
pub(crate) struct Feed {
    state: Arc<Mutex<State>>,
    /// Bytes of this request that the transport has not taken yet.
    due: u64,
}

impl Stream for Feed {
    type Item = Result<Bytes, Recalled>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.due == 0 {
            return Poll::Ready(None);
        }
        let state = Arc::clone(&self.state);
        let mut state = lock(&state);
        match state.next(context) {
            Poll::Pending => {
                state.activity.waiting_on_source();
                state.waker = Some(context.waker().clone());
                Poll::Pending
            }
            Poll::Ready(Some(mut bytes)) => {
                let room = usize::try_from(self.due).unwrap_or(usize::MAX);
                if bytes.len() > room {
                    state.spare = bytes.split_off(room);
                }
                let length = bytes.len() as u64;
                self.due = self.due.saturating_sub(length);
                state.left = state.left.saturating_sub(length);
                state.sent = state.sent.saturating_add(length);
                state.activity.handed_over(length);
                if self.due == 0 {
                    state.activity.waiting_on_answer();
                }
                Poll::Ready(Some(Ok(bytes)))
            }
            Poll::Ready(None) => {
                let home = state.body.take();
                state.failed |= home.is_some();
                drop(state);
                drop(home);
                Poll::Ready(Some(Err(Recalled)))
            }
        }
    }
}

impl State {
    /// The next bytes; `None` when there are none although they are due.
    fn next(&mut self, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        if !self.spare.is_empty() {
            return Poll::Ready(Some(std::mem::take(&mut self.spare)));
        }
        match &mut self.body {
            Some(body) => body.poll_next_unpin(context).map(|item| item.and_then(Result::ok)),
            None => Poll::Ready(None),
        }
    }
}

/// The hand that we keep on a feed.
pub(crate) struct Leash(Arc<Mutex<State>>);

impl Leash {
    /// The next `length` bytes, as the body of one request.
    pub(crate) fn feed(&self, length: u64) -> Feed {
        lock(&self.0).activity.begin();
        Feed { state: Arc::clone(&self.0), due: length }
    }

    /// How many bytes the transport has not taken yet.
    pub(crate) fn left(&self) -> u64 {
        lock(&self.0).left
    }

    /// How many bytes the transport has taken.
    pub(crate) fn sent(&self) -> u64 {
        lock(&self.0).sent
    }

    /// Whether the feed ended because of the bytes, not because of the target.
    pub(crate) fn failed(&self) -> bool {
        lock(&self.0).failed
    }

    /// Whom the request of the moment waits for.
    pub(crate) fn activity(&self) -> Activity {
        lock(&self.0).activity.clone()
    }
}

impl Drop for Leash {
    /// Brings the bytes home, and ends a request that still wants some.
    fn drop(&mut self) {
        let mut state = lock(&self.0);
        let (home, waker) = (state.body.take(), state.waker.take());
        drop(state);
        drop(home);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}
