//! The ladder: three ways to upload a blob, cheapest first, and what a registry taught us about them in this run.
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::{facts::Facts, rung::Rung};

/// Which rung a registry takes, by the size of the blob.
#[derive(Debug)]
pub(crate) struct Ladder {
    lowest: Rung,
    limits: Mutex<Limits>,
}

/// The size of a chunk to begin with, and the least to which refusals bring it down.
const CHUNK: u64 = 8 * 1024 * 1024;
const LEAST_CHUNK: u64 = 512 * 1024;

/// The largest blob that may be tried on each of the upper rungs, and what has worked.
#[derive(Debug, Clone, Copy)]
struct Limits {
    put: u64,
    patch: u64,
    chunk: u64,
    /// The largest blob that went in one request.
    taken: u64,
    /// Whether every chunk has a connection of its own.
    apart: bool,
}

impl Ladder {
    pub(crate) fn new(facts: &Facts) -> Self {
        let limits = Limits { put: facts.largest_put, patch: u64::MAX, chunk: CHUNK, taken: 0, apart: false };
        Self { lowest: facts.lowest, limits: Mutex::new(limits) }
    }

    /// Where a blob of `size` bytes begins.
    pub(crate) fn rung(&self, size: u64) -> Rung {
        let limits = *self.limits();
        let rung = if size <= limits.put {
            Rung::Put
        } else if size <= limits.patch {
            Rung::Patch
        } else {
            Rung::Chunks
        };
        rung.min(self.lowest)
    }

    /// The size of a chunk on the lowest rung, in bytes.
    pub(crate) fn chunk(&self) -> u64 {
        self.limits().chunk
    }

    /// Whether every chunk is to go over a connection of its own.
    pub(crate) fn sends_apart(&self) -> bool {
        self.limits().apart
    }

    /// Learns that a cut in the middle of a chunk costs the whole session: distribution 2.8 forgets one that broke.
    /// Behind something that ends each connection after so many bytes, only a chunk that begins a connection is safe.
    pub(crate) fn send_apart(&self) {
        self.limits().apart = true;
    }

    /// Learns that a blob of `size` bytes went in one request.
    pub(crate) fn took(&self, size: u64) {
        let mut limits = self.limits();
        limits.taken = limits.taken.max(size);
    }

    /// Whether a blob of `size` bytes has gone in one request before.
    pub(crate) fn has_taken(&self, size: u64) -> bool {
        self.limits().taken >= size
    }

    /// Learns that `rung` does not take `size` bytes; the way to go on with, unless there is none.
    pub(crate) fn step_down(&self, rung: Rung, size: u64) -> Option<Rung> {
        let below = match rung {
            Rung::Put => Rung::Patch,
            Rung::Patch | Rung::Chunks => Rung::Chunks,
        };
        if below > self.lowest {
            return None;
        }
        let mut limits = self.limits();
        let most = size.saturating_sub(1);
        match rung {
            Rung::Put => limits.put = limits.put.min(most),
            Rung::Patch => limits.patch = limits.patch.min(most),
            Rung::Chunks if limits.chunk / 2 >= LEAST_CHUNK => limits.chunk /= 2,
            Rung::Chunks => return None,
        }
        Some(below)
    }

    fn limits(&self) -> MutexGuard<'_, Limits> {
        self.limits.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ladder(host: &str) -> Ladder {
        Ladder::new(Facts::of(&host.parse().unwrap()))
    }

    #[test]
    fn a_refused_size_steps_down_for_blobs_as_large() {
        let ladder = ladder("registry.example");
        assert_eq!(ladder.rung(100), Rung::Put);
        assert_eq!(ladder.step_down(Rung::Put, 50), Some(Rung::Patch));
        assert_eq!((ladder.rung(49), ladder.rung(50)), (Rung::Put, Rung::Patch));
        assert_eq!(ladder.step_down(Rung::Patch, 80), Some(Rung::Chunks));
        assert_eq!((ladder.rung(79), ladder.rung(80)), (Rung::Patch, Rung::Chunks));
        for chunk in [4, 2, 1] {
            assert_eq!(ladder.step_down(Rung::Chunks, 80), Some(Rung::Chunks));
            assert_eq!(ladder.chunk(), chunk * 1024 * 1024);
        }
        assert_eq!(ladder.step_down(Rung::Chunks, 80), Some(Rung::Chunks));
        assert_eq!(ladder.step_down(Rung::Chunks, 80), None);
    }

    #[test]
    fn the_ladder_ends_where_a_product_does() {
        let ladder = ladder("ghcr.io");
        assert_eq!(ladder.step_down(Rung::Put, 50), Some(Rung::Patch));
        assert_eq!(ladder.step_down(Rung::Patch, 50), None);
    }
}
