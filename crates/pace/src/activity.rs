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

use crate::{
    Stalled,
    idle::{WORTH, after},
    lock,
};

/// The slowest peer that still counts as moving, in bytes a second.
const SLOWEST: u64 = 1024;
/// The most bytes of a body that the transport is taken to hold on their way to the peer. The HTTP library takes some
/// 400 KiB before it asks for more; a kernel holds little where the line is slow.
const BETWEEN: u64 = 512 * 1024;

/// How soon a watcher looks again at a transport whose patience is almost spent while the source is waited for.
const LOOK: Duration = Duration::from_secs(5);

/// Whom a request waits for; a clone speaks of the same request.
#[derive(Debug, Clone)]
pub struct Activity(Arc<Mutex<State>>);

#[derive(Debug, Clone, Copy)]
struct State {
    on: On,
    since: Instant,
    /// Patience with the transport that earlier waits have spent, since enough bytes went to earn it anew.
    spent: Duration,
    /// Bytes that went since then.
    moved: u64,
    /// Bytes that the transport has taken of this request.
    taken: u64,
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
        Self(Arc::new(Mutex::new(State::new())))
    }

    /// The next request of the same transfer is about to be sent.
    pub fn begin(&self) {
        *lock(&self.0) = State::new();
    }

    /// The body was asked and has nothing yet. Time does not count until it has.
    pub fn waiting_on_source(&self) {
        lock(&self.0).turn(On::Source);
    }

    /// The body has handed over so many bytes, and the transport has not asked for more yet. With enough of them the
    /// clock begins anew: not with every byte, or a peer that takes one now and then would never be late.
    pub fn handed_over(&self, bytes: u64) {
        let mut state = lock(&self.0);
        state.turn(On::Transport);
        state.taken = state.taken.saturating_add(bytes);
        state.moved = state.moved.saturating_add(bytes);
        if state.moved >= WORTH {
            (state.spent, state.moved) = (Duration::ZERO, 0);
        }
    }

    /// The body has handed over its last byte; what is missing is the answer. HTTP/1.1 with a `Content-Length` never
    /// asks for the end of a body, so say this with the last chunk.
    pub fn waiting_on_answer(&self) {
        lock(&self.0).turn(On::Answer);
    }

    /// When to look again, and the limit that is broken if nothing has changed until then.
    fn due(&self, patience: Patience) -> (Instant, Option<Duration>) {
        let State { on, since, spent, taken, .. } = *lock(&self.0);
        // What the transport has taken is not with the peer yet: a slow one needs its time for it.
        let underway = Duration::from_secs(taken.min(BETWEEN) / SLOWEST);
        let transport = patience.transport.saturating_add(underway);
        let answer = patience.answer.saturating_add(underway);
        let limit = match on {
            On::Source => {
                // The transport cannot be late much before this moment, whenever its turn comes.
                let left = transport.saturating_sub(spent).max(LOOK);
                return (after(left.min(answer)), None);
            }
            On::Transport => transport,
            On::Answer => answer,
        };
        let left = if on == On::Transport { limit.saturating_sub(spent) } else { limit };
        (since.checked_add(left).unwrap_or_else(|| after(left)), Some(limit))
    }
}

impl State {
    fn new() -> Self {
        Self { on: On::Transport, since: Instant::now(), spent: Duration::ZERO, moved: 0, taken: 0 }
    }

    /// Ends the wait of the moment, and begins that for `on`.
    fn turn(&mut self, on: On) {
        if self.on == On::Transport {
            self.spent = self.spent.saturating_add(self.since.elapsed());
        }
        (self.on, self.since) = (on, Instant::now());
    }
}

impl Default for Activity {
    fn default() -> Self {
        Self::new()
    }
}

/// How long a request may wait for its peer, on top of the time that the slowest peer needs for what is on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// For the transport to take more of the body.
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
                activity.handed_over(WORTH);
                sleep(9 * SECOND).await;
            }
            activity.waiting_on_answer();
            sleep(29 * SECOND).await;
            "done"
        };
        assert_eq!(watch(request, &activity, PATIENCE).await, Ok("done"));
    }

    /// After how many seconds a request whose body does this is given up.
    async fn given_up(body: impl AsyncFn(&Activity)) -> u64 {
        let activity = Activity::new();
        let start = Instant::now();
        // The body lives in another task: nothing wakes the watcher when the turn changes.
        let (stalled, ()) = join(
            async {
                let stalled = watch(pending::<()>(), &activity, PATIENCE).await;
                stalled.map_err(|_| start.elapsed().as_secs())
            },
            body(&activity),
        )
        .await;
        stalled.unwrap_err()
    }

    #[tokio::test(start_paused = true)]
    async fn a_transport_that_takes_nothing_stalls_at_its_limit() {
        let waited = given_up(async |activity| {
            activity.waiting_on_source();
            sleep(14 * SECOND).await;
            activity.handed_over(1);
        });
        assert_eq!(waited.await, 24);
    }

    #[tokio::test(start_paused = true)]
    async fn each_piece_taken_begins_the_time_anew() {
        let waited = given_up(async |activity| {
            for _ in 0..10 {
                activity.handed_over(WORTH);
                sleep(8 * SECOND).await;
            }
        });
        // Nine waits, and the limit after the last piece, with the time for 40 KiB on their way.
        assert_eq!(waited.await, 72 + 10 + 40);
    }

    #[tokio::test(start_paused = true)]
    async fn a_transport_that_takes_next_to_nothing_stalls_too_and_the_sources_time_does_not_count() {
        let waited = given_up(async |activity| {
            for _ in 0..100 {
                activity.handed_over(1);
                sleep(SECOND).await;
                activity.waiting_on_source();
                sleep(SECOND).await;
            }
        });
        // Ten seconds of waiting are the transport's own; they are noticed at the next look.
        assert!((19..=19 + LOOK.as_secs()).contains(&waited.await));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_on_its_way_gets_the_time_of_the_slowest_peer() {
        let waited = given_up(async |activity| {
            activity.handed_over(10 * BETWEEN);
            activity.waiting_on_answer();
        });
        assert_eq!(waited.await, 30 + 512, "no more than what may be underway");
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_never_comes_stalls_at_the_longer_limit() {
        assert_eq!(given_up(async |activity| activity.waiting_on_answer()).await, 30);
    }
}
