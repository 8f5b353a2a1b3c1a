//! Activity: whom an upload in progress is waiting for, so that one side's idleness is not held against the other.
//!
//! A request with a body sleeps for two reasons: the body has nothing yet (the source is slow), or the transport takes
//! nothing (the target is slow). Only the second is the target's fault. The body tells which, the watcher counts.
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use futures::future::{Either, select};
use tokio::time::{Instant, sleep_until};

use crate::{Stalled, idle::after, lock};

/// Whom a request waits for; a clone speaks of the same request.
#[derive(Debug, Clone)]
pub struct Activity(Arc<Mutex<State>>);

#[derive(Debug, Clone, Copy)]
struct State {
    on: On,
    since: Instant,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum On {
    Source,
    Transport,
    Answer,
}

impl Activity {
    /// Of a request that is about to be sent: the transport is waited for.
    pub fn new() -> Self {
        Self(Arc::new(Mutex::new(State { on: On::Transport, since: Instant::now() })))
    }

    /// The body was asked and has nothing yet. Time does not count until it has.
    pub fn waiting_on_source(&self) {
        self.now(On::Source);
    }

    /// The body has handed something over, and the transport has not asked for more yet. Each time is progress: the clock
    /// begins anew.
    pub fn waiting_on_transport(&self) {
        self.now(On::Transport);
    }

    /// The body has handed over its last byte; what is missing is the answer. HTTP/1.1 with a `Content-Length` never
    /// asks for the end of a body, so say this with the last chunk.
    pub fn waiting_on_answer(&self) {
        self.now(On::Answer);
    }

    fn now(&self, on: On) {
        *lock(&self.0) = State { on, since: Instant::now() };
    }

    /// When to look again, and the limit that is broken if nothing has changed until then.
    fn due(&self, patience: Patience) -> (Instant, Option<Duration>) {
        let State { on, since } = *lock(&self.0);
        let limit = match on {
            // The transport cannot be late before this moment, whenever its turn comes.
            On::Source => return (after(patience.transport.min(patience.answer)), None),
            On::Transport => patience.transport,
            On::Answer => patience.answer,
        };
        (since.checked_add(limit).unwrap_or_else(|| after(limit)), Some(limit))
    }
}

impl Default for Activity {
    fn default() -> Self {
        Self::new()
    }
}

/// How long a request may wait for its peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// For the transport to take the next piece of the body.
    pub transport: Duration,
    /// For the answer, once the body is sent.
    pub answer: Duration,
}

/// Runs `request` until it is done, or until its peer has been waited for too long.
pub async fn watch<F: Future>(
    request: F,
    activity: &Activity,
    patience: Patience,
) -> Result<F::Output, Stalled> {
    let mut request = std::pin::pin!(request);
    loop {
        let (at, _) = activity.due(patience);
        let timer = std::pin::pin!(sleep_until(at));
        // The request is asked first: an answer that is there counts, however late it was looked for.
        request = match select(request, timer).await {
            Either::Left((output, _)) => return Ok(output),
            Either::Right(((), request)) => request,
        };
        if let (at, Some(limit)) = activity.due(patience)
            && at <= Instant::now()
        {
            return Err(Stalled { limit });
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::future::{join, pending};
    use tokio::time::sleep;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const PATIENCE: Patience =
        Patience { transport: Duration::from_secs(10), answer: Duration::from_secs(30) };

    #[tokio::test(start_paused = true)]
    async fn an_idle_source_never_trips_the_targets_timer() {
        let activity = Activity::new();
        let request = async {
            for _ in 0..5 {
                activity.waiting_on_source();
                sleep(3600 * SECOND).await;
                activity.waiting_on_transport();
                sleep(9 * SECOND).await;
            }
            activity.waiting_on_answer();
            sleep(29 * SECOND).await;
            "done"
        };
        assert_eq!(watch(request, &activity, PATIENCE).await, Ok("done"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_transport_that_takes_nothing_stalls_at_its_limit() {
        let activity = Activity::new();
        let start = Instant::now();
        // The body lives in another task: nothing wakes the watcher when the turn changes.
        let body = async {
            activity.waiting_on_source();
            sleep(14 * SECOND).await;
            activity.waiting_on_transport();
        };
        let (stalled, ()) = join(watch(pending::<()>(), &activity, PATIENCE), body).await;
        assert_eq!(stalled, Err(Stalled { limit: PATIENCE.transport }));
        assert_eq!(start.elapsed().as_secs(), 24);
    }

    #[tokio::test(start_paused = true)]
    async fn each_piece_taken_begins_the_time_anew() {
        let activity = Activity::new();
        let start = Instant::now();
        let body = async {
            for _ in 0..10 {
                activity.waiting_on_transport();
                sleep(8 * SECOND).await;
            }
        };
        let (stalled, ()) = join(watch(pending::<()>(), &activity, PATIENCE), body).await;
        assert!(stalled.is_err());
        assert_eq!(start.elapsed().as_secs(), 82);
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_never_comes_stalls_at_the_longer_limit() {
        let activity = Activity::new();
        let start = Instant::now();
        activity.waiting_on_answer();
        let stalled = watch(pending::<()>(), &activity, PATIENCE).await;
        assert_eq!(stalled, Err(Stalled { limit: PATIENCE.answer }));
        assert_eq!(start.elapsed().as_secs(), 30);
    }
}
