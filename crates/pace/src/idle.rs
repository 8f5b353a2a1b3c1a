//! Idle timers: how long one step of a stream may take, counted only while somebody waits for it.
use std::{
    error::Error,
    fmt,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use futures::{Stream, StreamExt};
use tokio::time::{Instant, Sleep, sleep_until};

/// Nothing moved for as long as the limit allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stalled {
    /// The limit.
    pub limit: Duration,
}

impl fmt::Display for Stalled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "nothing moved for {:?}", self.limit)
    }
}

impl Error for Stalled {}

/// A timer that runs from the first `Pending` of a step to its `Ready`, and stands still in between steps: a stream that
/// nobody asks is not idle, whoever should have asked is.
#[derive(Debug)]
pub struct Idle {
    limit: Duration,
    running: Option<Pin<Box<Sleep>>>,
}

impl Idle {
    /// A timer that stands still.
    pub fn new(limit: Duration) -> Self {
        Self { limit, running: None }
    }

    /// Judges one poll. What is ready passes, however late the poll came; what is pending for too long is stalled.
    pub fn judge<T>(&mut self, polled: Poll<T>, context: &mut Context<'_>) -> Poll<Result<T, Stalled>> {
        if let Poll::Ready(value) = polled {
            self.running = None;
            return Poll::Ready(Ok(value));
        }
        let limit = self.limit;
        let running = self.running.get_or_insert_with(|| Box::pin(sleep_until(after(limit))));
        if running.as_mut().poll(context).is_pending() {
            return Poll::Pending;
        }
        self.running = None;
        Poll::Ready(Err(Stalled { limit }))
    }
}

/// The moment `limit` from now; a limit beyond the end of time is a year, or nothing at all.
pub(crate) fn after(limit: Duration) -> Instant {
    let now = Instant::now();
    let year = Duration::from_secs(365 * 24 * 60 * 60);
    now.checked_add(limit).or_else(|| now.checked_add(year)).unwrap_or(now)
}

/// A stream of which no item may take longer than a limit; ends after it has stalled.
#[derive(Debug)]
pub struct Steady<S> {
    /// `None` once it has stalled.
    stream: Option<S>,
    idle: Idle,
}

impl<S> Steady<S> {
    /// Watches over `stream`.
    pub fn new(stream: S, limit: Duration) -> Self {
        Self { stream: Some(stream), idle: Idle::new(limit) }
    }
}

impl<S: Stream + Unpin> Stream for Steady<S> {
    type Item = Result<S::Item, Stalled>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        let Some(stream) = &mut this.stream else { return Poll::Ready(None) };
        let polled = stream.poll_next_unpin(context);
        this.idle.judge(polled, context).map(|judged| {
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

    #[tokio::test(start_paused = true)]
    async fn a_slow_stream_that_keeps_moving_never_stalls() {
        let items: Vec<_> = Steady::new(lazy(&[9, 9, 9, 0, 9]), 10 * SECOND).collect().await;
        assert!(items.iter().all(Result::is_ok) && items.len() == 5);
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_that_stops_is_stalled_at_the_limit_and_ends() {
        let mut steady = Steady::new(lazy(&[1, 3600, 1]), 10 * SECOND);
        assert_eq!(steady.next().await, Some(Ok(1)));
        let start = Instant::now();
        assert_eq!(steady.next().await, Some(Err(Stalled { limit: 10 * SECOND })));
        assert_eq!(start.elapsed().as_secs(), 10);
        assert_eq!(steady.next().await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn time_in_which_nobody_asks_does_not_count() {
        let mut steady = Steady::new(lazy(&[1, 1]), 10 * SECOND);
        for _ in 0..2 {
            sleep(3600 * SECOND).await;
            assert_eq!(steady.next().await, Some(Ok(1)));
        }
        assert_eq!(steady.next().await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_ready_passes_however_late_it_is_asked_for() {
        let mut steady = Steady::new(lazy(&[1]), 10 * SECOND);
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
