//! Back-off: how often to try again, and how long to wait before it.
use std::time::Duration;

/// The wait before the second attempt is at most this; it doubles with each further one.
const BASE: Duration = Duration::from_millis(250);
/// No wait is longer.
const CAP: Duration = Duration::from_secs(30);
/// How often something is tried again: six attempts in all.
const RETRIES: u32 = 5;

/// The attempts at one thing, six unless told otherwise, with waits drawn evenly from zero up to 250 ms, 500 ms, 1 s
/// and so on ("full jitter": callers that failed together do not come back together).
#[derive(Debug, Clone)]
pub struct Backoff {
    random: fastrand::Rng,
    retries: u32,
    failed: u32,
}

impl Backoff {
    /// At most `retries` after the first attempt.
    pub fn new(retries: u32) -> Self {
        Self { random: fastrand::Rng::new(), retries, failed: 0 }
    }

    /// The same waits in every run.
    #[must_use]
    pub fn seeded(mut self, seed: u64) -> Self {
        self.random.seed(seed);
        self
    }

    /// Notes a failed attempt: how long to wait before the next one, or `None` when it was the last.
    pub fn failed(&mut self) -> Option<Duration> {
        let before = self.failed;
        self.failed = before.saturating_add(1);
        if self.failed > self.retries {
            return None;
        }
        let doubled = BASE.saturating_mul(2_u32.saturating_pow(before));
        Some(doubled.min(CAP).mul_f64(self.random.f64()))
    }

    /// Notes a failed attempt and waits until the next one is due; `false`, at once, when it was the last.
    pub async fn wait(&mut self) -> bool {
        let Some(wait) = self.failed() else { return false };
        tokio::time::sleep(wait).await;
        true
    }

    /// How many attempts have failed since the beginning, or since the last progress.
    pub fn failures(&self) -> u32 {
        self.failed
    }

    /// Begins anew: there was progress, so what fails next is a new failure.
    pub fn refill(&mut self) {
        self.failed = 0;
    }
}

impl Default for Backoff {
    fn default() -> Self {
        Self::new(RETRIES)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn six_attempts_have_five_waits_between_them() {
        let mut backoff = Backoff::default();
        let waits: Vec<_> = std::iter::from_fn(|| backoff.failed()).collect();
        assert_eq!(waits.len(), 5);
        for (wait, most) in waits.iter().zip([250, 500, 1000, 2000, 4000]) {
            assert!(*wait <= Duration::from_millis(most), "{wait:?} of {most} ms");
        }
        assert_eq!(backoff.failures(), 6);
    }

    #[test]
    fn progress_refills_the_budget() {
        let mut backoff = Backoff::new(1);
        assert!(backoff.failed().is_some());
        assert!(backoff.failed().is_none());
        backoff.refill();
        assert!(backoff.failed().is_some());
    }

    #[test]
    fn no_wait_is_longer_than_the_cap_however_often_it_fails() {
        let mut backoff = Backoff::new(1000).seeded(7);
        let longest = std::iter::from_fn(|| backoff.failed()).max().unwrap();
        assert!(longest <= CAP && longest > CAP / 2, "{longest:?}");
    }

    #[test]
    fn equal_seeds_wait_equally_and_others_do_not() {
        let waits = |seed| {
            let mut backoff = Backoff::default().seeded(seed);
            std::iter::from_fn(move || backoff.failed()).collect::<Vec<_>>()
        };
        assert_eq!(waits(1), waits(1));
        assert_ne!(waits(1), waits(2));
    }
}
