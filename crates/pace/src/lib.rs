//! The pace of requests: lanes and back-off.
use std::{sync::Arc, time::Duration};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How many transfers may be under way at one place.
#[derive(Debug)]
pub struct Lanes(Arc<Semaphore>);

impl Lanes {
    /// `count` lanes.
    pub fn new(count: usize) -> Self {
        Self(Arc::new(Semaphore::new(count)))
    }
}

/// Lanes held for one transfer; given back when dropped.
#[derive(Debug)]
pub struct Pair {
    _permit: Option<OwnedSemaphorePermit>,
}

/// One lane of each, or one in all when both are the same.
pub async fn pair(first: &Arc<Lanes>, _second: &Arc<Lanes>) -> Pair {
    Pair { _permit: Arc::clone(&first.0).acquire_owned().await.ok() }
}

/// Waits between attempts.
#[derive(Debug)]
pub struct Backoff(u32);

impl Backoff {
    /// Waits at most `attempts` times.
    pub fn new(attempts: u32) -> Self {
        Self(attempts)
    }

    /// Waits before another attempt; `false` when none is left.
    pub async fn wait(&mut self) -> bool {
        let left = self.0.checked_sub(1);
        if let Some(left) = left {
            self.0 = left;
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
        left.is_some()
    }
}
