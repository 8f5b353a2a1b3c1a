//! Marks: points in a blob's bytes from which hashing can go on without reading from the start.
use std::{collections::VecDeque, fmt, iter};

use reference::Algorithm;

use crate::Hasher;

/// The least distance between two marks, in bytes. With chunks of up to 400 KiB, no byte is further than 1 MiB from
/// the mark before it.
const EVERY: u64 = if cfg!(fuzzing) { 16 } else { 512 * 1024 };
/// How many marks are kept of one blob.
const MOST: usize = if cfg!(fuzzing) { 8 } else { 128 };

/// The hash of the first [`Mark::at`] bytes of a blob.
#[derive(Clone)]
pub struct Mark {
    pub(crate) at: u64,
    pub(crate) hasher: Hasher,
}

impl Mark {
    /// Before the first byte.
    pub fn start(algorithm: Algorithm) -> Self {
        Self { at: 0, hasher: Hasher::new(algorithm) }
    }

    /// How many bytes were hashed.
    pub fn at(&self) -> u64 {
        self.at
    }

    /// The state of the hash, for [`Self::restore`].
    pub fn save(&self) -> Vec<u8> {
        self.hasher.save()
    }

    pub(crate) fn hash(&mut self, bytes: &[u8]) {
        self.hasher.update(bytes);
        self.at = self.at.saturating_add(bytes.len() as u64);
    }

    /// Whether the same bytes were hashed.
    pub(crate) fn agrees(&self, other: &Self) -> bool {
        self.at == other.at && self.hasher.clone().finish() == other.hasher.clone().finish()
    }

    /// A mark that was saved at `at`; `None` where the state is none, or not one of so many bytes.
    pub fn restore(algorithm: Algorithm, at: u64, saved: &[u8]) -> Option<Self> {
        Some(Self { at, hasher: Hasher::restore(algorithm, at, saved)? })
    }
}

impl fmt::Debug for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mark").field("at", &self.at).finish_non_exhaustive()
    }
}

/// The marks of one blob, in order: dense near the end, where uploads break, and sparser the further back.
#[derive(Debug, Clone, Default)]
pub struct Marks(VecDeque<Mark>);

impl Marks {
    /// Sets a mark, unless the last one is near; whether it did.
    pub fn set(&mut self, mark: &Mark) -> bool {
        let last = self.0.back().map_or(0, Mark::at);
        if mark.at.saturating_sub(last) < EVERY {
            return false;
        }
        if self.0.len() >= MOST {
            self.thin_out(mark.at);
        }
        self.0.push_back(mark.clone());
        true
    }

    /// The last mark at or before `offset`; `None` where only the start is.
    pub fn before(&self, offset: u64) -> Option<&Mark> {
        self.0.iter().rev().find(|mark| mark.at <= offset)
    }

    /// The first mark at or behind `offset`.
    pub(crate) fn from(&self, offset: u64) -> Option<&Mark> {
        self.0.iter().find(|mark| mark.at >= offset)
    }

    /// Forgets the marks behind `offset`: those bytes are read anew.
    pub fn forget_after(&mut self, offset: u64) {
        self.0.retain(|mark| mark.at <= offset);
    }

    /// One mark goes: the first whose loss leaves a gap that is small for its distance from `end`.
    fn thin_out(&mut self, end: u64) {
        let starts = iter::once(0).chain(self.0.iter().map(Mark::at));
        let ends = self.0.iter().skip(1).map(Mark::at);
        let is_small =
            |(start, next): (u64, u64)| next.saturating_sub(start) <= end.saturating_sub(start) / 8;
        let spare = starts.zip(ends).position(is_small);
        self.0.remove(spare.unwrap_or(0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(at: u64) -> Mark {
        Mark { at, hasher: Hasher::new(Algorithm::Sha256) }
    }

    #[test]
    fn going_far_back_costs_no_more_than_going_back_did() {
        const GIB: u64 = 1024 * 1024 * 1024;
        let mut marks = Marks::default();
        for step in 1..=GIB / EVERY {
            marks.set(&at(step * EVERY));
        }
        assert!(marks.0.len() <= MOST);
        let lost = |offset: u64| offset - marks.before(offset).map_or(0, Mark::at);
        for back in 0..GIB / EVERY {
            assert!(lost(GIB - back * EVERY) <= back / 4 * EVERY, "{back}");
        }
    }

    #[test]
    fn a_mark_that_was_saved_goes_on_to_the_same_digest() {
        for algorithm in [Algorithm::Sha256, Algorithm::Sha512] {
            let mut hasher = Hasher::new(algorithm);
            hasher.update(&[1; 1000]);
            let saved = Mark { at: 1000, hasher }.save();
            let mut restored = Mark::restore(algorithm, 1000, &saved).unwrap();
            restored.hasher.update(&[2; 77]);
            let whole = [[1; 1000].as_slice(), &[2; 77]].concat();
            assert_eq!(restored.hasher.finish(), Hasher::digest(algorithm, &whole));
            assert!(Mark::restore(algorithm, 1000, &saved[1..]).is_none());
            assert!(Mark::restore(algorithm, 1000, &[]).is_none());
            assert!(Mark::restore(algorithm, 1001, &saved).is_none(), "a state of other bytes");
        }
    }

    #[test]
    fn a_saved_count_that_would_overflow_is_no_mark() {
        for (algorithm, words, width) in [(Algorithm::Sha256, 32, 8), (Algorithm::Sha512, 64, 16)] {
            for at in [0, 1, 63, 64, 127, 128, 1000] {
                let mut hasher = Hasher::new(algorithm);
                hasher.update(&vec![1; at]);
                let mut saved = hasher.save();
                assert!(Mark::restore(algorithm, at as u64, &saved).is_some(), "{at}");
                saved[words + width - 1] = 0x80;
                assert!(Mark::restore(algorithm, at as u64, &saved).is_none(), "{at}");
                saved[words..words + width].fill(0xff);
                saved[words + width] = 63;
                assert!(Mark::restore(algorithm, u64::MAX, &saved).is_none());
            }
        }
    }
}
