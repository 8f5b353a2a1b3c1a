//! Leaving: whatever ended the run, registries are told which uploads they may forget.
use std::time::Duration;

use crate::{failure::Signal, render::Console};

/// How long that takes without a word about it.
const QUIET: Duration = Duration::from_secs(1);
/// How long it may take after that: a run ends within ten seconds of a signal, whoever does not answer.
const REST: Duration = Duration::from_secs(7);

/// Waits until all is `said`, for as long as that may take, or until the `next` signal.
pub(super) async fn leave<S: Future<Output = bool> + Send>(
    said: impl Fn(Duration) -> S + Send + Sync,
    next: impl Future<Output = Signal> + Send,
    console: &Console,
) {
    let said = async {
        if !said(QUIET).await {
            console.note("cancelling unfinished uploads; another signal ends this at once");
            said(REST).await;
        }
    };
    tokio::select! {
        biased;
        _ = next => {}
        () = said => {}
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use tokio::time::{Instant, sleep};

    use super::*;
    use crate::args::Output;

    /// How long leaving takes where all is said after `seconds`.
    async fn takes(seconds: u64, next: impl Future<Output = Signal> + Send) -> Duration {
        let start = Instant::now();
        let time = Duration::from_secs(seconds);
        let said = |limit: Duration| async move {
            sleep(limit.min(time.saturating_sub(start.elapsed()))).await;
            start.elapsed() >= time
        };
        leave(said, next, &Console::new(Output::Text, true)).await;
        start.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn a_run_ends_within_ten_seconds_of_a_signal_and_as_soon_as_all_is_said() {
        assert_eq!(takes(0, pending()).await.as_secs(), 0);
        assert_eq!(takes(5, pending()).await.as_secs(), 5);
        assert!(takes(600, pending()).await < Duration::from_secs(10));
    }

    #[tokio::test(start_paused = true)]
    async fn a_second_signal_ends_a_run_at_once() {
        assert_eq!(takes(600, ready(Signal::Interrupt)).await, Duration::ZERO);
    }
}
