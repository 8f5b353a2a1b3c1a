//! Idle timers: how long a stream may take to bring anything worth the wait, counted only while somebody waits for it.
use std::{
    error::Error,
    fmt,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use futures::{Stream, StreamExt};
use tokio::time::{Instant, Sleep, sleep_until};

/// So many bytes earn the whole patience again. Over a minute that is 68 bytes a second: less than any line brings that
/// is worth waiting for, and a peer that brings less would hold a transfer for ever.
pub(crate) const WORTH: u64 = 4096;

/// Too little moved for as long as the limit allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stalled {
    /// The limit.
    pub limit: Duration,
}

impl fmt::Display for Stalled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "nothing, or next to nothing, moved for {:?}", self.limit)
    }
}

impl Error for Stalled {}

/// A timer that runs from the first `Pending` of a step to its `Ready`, and stands still in between steps: a stream
/// that nobody asks is not idle, whoever should have asked is. What it measures is patience: waiting spends it, and
/// only 4 KiB earn it anew, so that a peer which sends a byte now and then is idle too.
#[derive(Debug)]
pub struct Idle {
    limit: Duration,
    left: Duration,
    /// Bytes since the patience was whole.
    moved: u64,
    /// Since when the step of the moment is waited for.
    since: Option<Instant>,
    /// Rings when the patience may have ended, or earlier: it is set anew only when it rings, not with every step. A
    /// timer that is set costs a call into the kernel.
    alarm: Option<Pin<Box<Sleep>>>,
}

impl Idle {
    /// A timer that stands still.
    pub fn new(limit: Duration) -> Self {
        Self { limit, left: limit, moved: 0, since: None, alarm: None }
    }

    /// Judges one poll; `weigh` says how many bytes came with it. What is ready passes, however late the poll came;
    /// what is pending for too long is stalled.
    pub fn judge<T>(
        &mut self,
        polled: Poll<T>,
        weigh: impl FnOnce(&T) -> u64,
        context: &mut Context<'_>,
    ) -> Poll<Result<T, Stalled>> {
        if let Poll::Ready(value) = polled {
            self.came(weigh(&value));
            return Poll::Ready(Ok(value));
        }
        if self.rings(context) {
            let limit = self.limit;
            *self = Self::new(limit);
            return Poll::Ready(Err(Stalled { limit }));
        }
        Poll::Pending
    }

    /// Whether the patience has ended; if not, whoever asks is woken when it may have.
    fn rings(&mut self, context: &mut Context<'_>) -> bool {
        let left = self.left;
        let due = later(*self.since.get_or_insert_with(Instant::now), left);
        let alarm = self.alarm.get_or_insert_with(|| Box::pin(sleep_until(due)));
        // The end of the patience only ever moves away, so the alarm is never late.
        while alarm.as_mut().poll(context).is_ready() {
            if Instant::now() >= due {
                return true;
            }
            alarm.as_mut().reset(due);
        }
        false
    }

    /// Ends a step that brought `bytes`.
    fn came(&mut self, bytes: u64) {
        if let Some(since) = self.since.take() {
            // Whoever looked only after the patience had ended was busy elsewhere: that says nothing of this side.
            self.left = self.left.checked_sub(since.elapsed()).unwrap_or(self.left);
        }
        self.moved = self.moved.saturating_add(bytes);
        if self.moved >= WORTH {
            (self.left, self.moved) = (self.limit, 0);
        }
    }
}

/// The moment `limit` from now.
pub(crate) fn after(limit: Duration) -> Instant {
    later(Instant::now(), limit)
}

/// The moment `limit` after `start`; a limit beyond the end of time is a year, or nothing at all.
fn later(start: Instant, limit: Duration) -> Instant {
    let year = Duration::from_secs(365 * 24 * 60 * 60);
    start.checked_add(limit).or_else(|| start.checked_add(year)).unwrap_or(start)
}

/// A stream that may not be idle for longer than a limit; ends after it has stalled.
pub struct Steady<S: Stream> {
    /// `None` once it has stalled.
    stream: Option<S>,
    idle: Idle,
    weigh: fn(&S::Item) -> u64,
}

impl<S: Stream> Steady<S> {
    /// Watches over `stream`, of whose items `weigh` says how many bytes they are.
    pub fn new(stream: S, limit: Duration, weigh: fn(&S::Item) -> u64) -> Self {
        Self { stream: Some(stream), idle: Idle::new(limit), weigh }
    }
}

impl<S: Stream> fmt::Debug for Steady<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Steady").field("idle", &self.idle).finish_non_exhaustive()
    }
}

impl<S: Stream + Unpin> Stream for Steady<S> {
    type Item = Result<S::Item, Stalled>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        let Some(stream) = &mut this.stream else { return Poll::Ready(None) };
        let polled = stream.poll_next_unpin(context);
        let weigh = this.weigh;
        this.idle.judge(polled, |item| item.as_ref().map_or(0, weigh), context).map(|judged| {
            if judged.is_err() {
                this.stream = None;
            }
            judged.transpose()
        })
    }
}

#[cfg(test)]
mod tests {
    use futures::stream;
    use tokio::time::sleep;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// A stream whose items each take so many seconds from the moment they are asked for.
    fn lazy(seconds: &'static [u32]) -> impl Stream<Item = u32> + Unpin {
        Box::pin(stream::iter(seconds).then(|wait| async move {
            sleep(SECOND * *wait).await;
            *wait
        }))
    }

    /// Watches over [`lazy`], every item of which is of `bytes`.
    fn steady<const BYTES: u64>(seconds: &'static [u32]) -> Steady<impl Stream<Item = u32> + Unpin> {
        Steady::new(lazy(seconds), 10 * SECOND, |_| BYTES)
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_stream_that_keeps_moving_never_stalls() {
        let items: Vec<_> = steady::<WORTH>(&[9, 9, 9, 0, 9]).collect().await;
        assert!(items.iter().all(Result::is_ok) && items.len() == 5);
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_that_stops_is_stalled_at_the_limit_and_ends() {
        let mut steady = steady::<WORTH>(&[1, 3600, 1]);
        assert_eq!(steady.next().await, Some(Ok(1)));
        let start = Instant::now();
        assert_eq!(steady.next().await, Some(Err(Stalled { limit: 10 * SECOND })));
        assert_eq!(start.elapsed().as_secs(), 10);
        assert_eq!(steady.next().await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_that_trickles_is_stalled_at_the_limit_too() {
        let start = Instant::now();
        let items: Vec<_> = steady::<1>(&[1; 100]).collect().await;
        assert_eq!(items.last(), Some(&Err(Stalled { limit: 10 * SECOND })));
        assert_eq!((items.len(), start.elapsed().as_secs()), (11, 10));
    }

    #[tokio::test(start_paused = true)]
    async fn enough_bytes_in_small_pieces_earn_the_whole_patience() {
        let items: Vec<_> = steady::<1024>(&[2; 100]).collect().await;
        assert!(items.iter().all(Result::is_ok) && items.len() == 100);
    }

    #[tokio::test(start_paused = true)]
    async fn an_alarm_of_an_earlier_step_is_not_the_end_of_a_later_one() {
        let start = Instant::now();
        let mut steady = steady::<WORTH>(&[9, 9, 3600]);
        assert_eq!(steady.next().await, Some(Ok(9)));
        assert_eq!(steady.next().await, Some(Ok(9)));
        assert!(steady.next().await.is_some_and(|item| item.is_err()));
        assert_eq!(start.elapsed().as_secs(), 9 + 9 + 10);
    }

    #[tokio::test(start_paused = true)]
    async fn time_in_which_nobody_asks_does_not_count() {
        let mut steady = steady::<1>(&[1, 1]);
        for _ in 0..2 {
            sleep(3600 * SECOND).await;
            assert_eq!(steady.next().await, Some(Ok(1)));
        }
        assert_eq!(steady.next().await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_ready_passes_however_late_it_is_asked_for() {
        let mut steady = steady::<1>(&[1]);
        // Asked once, then left alone for longer than the limit; by then the item is there.
        tokio::select! {
            biased;
            _ = steady.next() => unreachable!(),
            () = sleep(SECOND / 2) => {}
        }
        sleep(3600 * SECOND).await;
        assert_eq!(steady.next().await, Some(Ok(1)));
    }
}
