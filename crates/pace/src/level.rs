//! Levels: with how many lanes a place begins, and how many it may come to have.

/// Lanes at the start, when nothing is known of a place.
const START: usize = 20;
/// Lanes at most: a registry that takes more hardly gives more.
const CAP: usize = 32;

/// A number of lanes to begin with, and the most that there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Level {
    /// To begin with.
    pub start: usize,
    /// At most.
    pub cap: usize,
}

impl Level {
    /// As many to begin with as there may be at most.
    pub fn exactly(number: usize) -> Self {
        Self { start: number, cap: number }
    }
}

impl From<usize> for Level {
    fn from(number: usize) -> Self {
        Self::exactly(number)
    }
}

impl Default for Level {
    /// 20 to begin with, 32 at most.
    fn default() -> Self {
        Self { start: START, cap: CAP }
    }
}
