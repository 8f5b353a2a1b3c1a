//! The gate of an origin: when a server says "later", every request to it waits, not only the one that was told.
use std::{sync::Mutex, time::Duration};

use tokio::time::{Instant, sleep_until};

use crate::lock;

/// The longest time that a gate closes for.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);
/// Over how long those who waited leave, so that they do not all arrive in one burst.
const SPREAD: Duration = Duration::from_millis(250);

/// A gate that is open, or closed until a moment; to be shared by all requests to one origin.
#[derive(Debug, Default)]
pub struct Gate {
    closed_until: Mutex<Option<Instant>>,
}

impl Gate {
    /// An open gate.
    pub fn new() -> Self {
        Self::default()
    }

    /// Closes the gate for `time` from now; a gate that is closed for longer already stays so.
    pub fn close_for(&self, time: Duration) {
        let until = Instant::now().checked_add(time.min(LONGEST));
        let mut closed_until = lock(&self.closed_until);
        *closed_until = (*closed_until).max(until);
    }

    /// How long the gate stays closed; zero when it is open.
    pub fn remaining(&self) -> Duration {
        lock(&self.closed_until)
            .map_or(Duration::ZERO, |until| until.saturating_duration_since(Instant::now()))
    }

    /// Waits until the gate is open, at once when it is. Those who had to wait leave one after another.
    pub async fn wait(&self) {
        let mut waited = false;
        while let Some(until) = self.shut() {
            waited = true;
            sleep_until(until).await;
        }
        if waited {
            tokio::time::sleep(SPREAD.mul_f64(fastrand::f64())).await;
        }
    }

    fn shut(&self) -> Option<Instant> {
        (*lock(&self.closed_until)).filter(|until| *until > Instant::now())
    }
}

#[cfg(test)]
mod tests {
    use futures::{FutureExt, future::join};

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn an_open_gate_is_passed_at_once() {
        assert!(Gate::new().wait().now_or_never().is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn everyone_waits_at_a_closed_gate() {
        let gate = Gate::new();
        let start = Instant::now();
        gate.close_for(2 * SECOND);
        join(gate.wait(), gate.wait()).await;
        let waited = start.elapsed();
        assert!(waited >= 2 * SECOND && waited <= 2 * SECOND + SPREAD + SECOND / 100, "{waited:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_already_waits_for_a_later_word_too() {
        let gate = Gate::new();
        let start = Instant::now();
        gate.close_for(2 * SECOND);
        let later = async {
            tokio::time::sleep(SECOND).await;
            gate.close_for(5 * SECOND);
            gate.close_for(SECOND);
        };
        join(gate.wait(), later).await;
        assert!(start.elapsed() >= 6 * SECOND);
        assert_eq!(gate.remaining(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn a_gate_closed_for_ever_is_closed_for_a_day() {
        let gate = Gate::new();
        gate.close_for(Duration::MAX);
        assert_eq!(gate.remaining(), LONGEST);
    }
}
