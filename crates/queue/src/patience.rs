//! What a server did not do at once is asked for again for a minute: it may be restarting, and a connection that is
//! lost is opened again meanwhile.
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::{QueueError, QueueErrorKind};

const LIMIT: Duration = Duration::from_secs(60);
const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(5);

/// Tries until it works, or fails by something that time does not mend, or for a minute.
pub(crate) async fn patiently<T, F>(mut act: impl FnMut() -> F + Send) -> Result<T, QueueError>
where
    T: Send,
    F: Future<Output = Result<T, QueueError>> + Send,
{
    let (started, mut pause) = (Instant::now(), FIRST);
    loop {
        match act().await {
            Err(why) if why.kind() == QueueErrorKind::Unreachable && started.elapsed() < LIMIT => {
                tracing::debug!("the queue: {why}; once more");
                sleep(pause.mul_f64(fastrand::f64() / 2.0 + 0.5)).await;
                pause = pause.saturating_mul(2).min(LONGEST);
            }
            done => return done,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_server_that_comes_back_within_a_minute_is_waited_for() {
        let mut left = 4;
        let done = patiently(|| {
            left -= 1;
            let done = if left == 0 { Ok(()) } else { Err(QueueError::unreachable("answer", "down")) };
            async move { done }
        });
        done.await.unwrap();
        let started = Instant::now();
        let gone = patiently(|| async { Err::<(), _>(QueueError::unreachable("answer", "down")) }).await;
        assert_eq!(gone.unwrap_err().kind(), QueueErrorKind::Unreachable);
        assert!(started.elapsed() >= LIMIT && started.elapsed() < LIMIT * 2);
    }

    #[tokio::test(start_paused = true)]
    async fn what_time_does_not_mend_is_not_waited_for() {
        let started = Instant::now();
        let refused = patiently(|| async { Err::<(), _>(QueueError::usage("no")) }).await;
        assert_eq!(refused.unwrap_err().kind(), QueueErrorKind::Usage);
        assert_eq!(started.elapsed(), Duration::ZERO);
    }
}
