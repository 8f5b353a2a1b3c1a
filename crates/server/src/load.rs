//! The load: how many blobs are being sent, and how much of each may be in memory.
//!
//! Large chunks are fast, and forty of them at a time are nothing; a thousand clients that read slowly get small ones,
//! so that all together hold what one may rely on.
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

/// How much of all blobs is in memory, as long as chunks are no smaller than the least.
const BUDGET: u64 = 16 * 1024 * 1024;
/// How many chunks of a blob are in memory: one is sent while the next one is read.
const EACH: u64 = 2;
/// The smallest chunks.
const LEAST: u64 = 16 * 1024;

/// The blobs that are being sent.
#[derive(Debug, Default)]
pub(crate) struct Load(Arc<AtomicU64>);

/// One of them; dropped when it has been sent, or nobody wants it any more.
#[derive(Debug)]
pub(crate) struct Sending(Arc<AtomicU64>);

impl Load {
    pub(crate) fn begin(&self) -> Sending {
        self.0.fetch_add(1, Ordering::Relaxed);
        Sending(Arc::clone(&self.0))
    }
}

impl Sending {
    /// How large its next chunk may be.
    pub(crate) fn chunk(&self) -> u64 {
        let all = self.0.load(Ordering::Relaxed).max(1).saturating_mul(EACH);
        BUDGET.checked_div(all).unwrap_or(LEAST).max(LEAST)
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_blobs_at_a_time_are_sent_in_small_chunks_and_few_in_large_ones() {
        let load = Load::default();
        let few: Vec<_> = (0..32).map(|_| load.begin()).collect();
        assert!(few[0].chunk() >= 256 * 1024);
        let many: Vec<_> = (0..480).map(|_| load.begin()).collect();
        assert_eq!(few[0].chunk(), LEAST);
        assert!(many.len() as u64 * EACH * many[0].chunk() <= BUDGET);
        drop(many);
        assert!(few[0].chunk() >= 256 * 1024);
    }
}
