//! Standing: what this run has learnt of one registry, whoever asks: when it wants to be left alone, and which way of
//! uploading it takes.
use std::fmt;

use futures::lock::Mutex;
use pace::Gate;

use crate::{facts::Facts, ladder::Ladder};

/// One registry's standing.
pub(crate) struct Standing {
    pub(crate) facts: &'static Facts,
    pub(crate) ladder: Ladder,
    /// Closed while the registry wants to be left alone.
    pub(crate) gate: Gate,
    /// Held while an index of referrers is read and written: of two writers in this process none is lost.
    pub(crate) referrers: Mutex<()>,
}

impl Standing {
    pub(crate) fn new(facts: &'static Facts) -> Self {
        Self { facts, ladder: Ladder::new(facts), gate: Gate::new(), referrers: Mutex::new(()) }
    }
}

impl fmt::Debug for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Standing").field("ladder", &self.ladder).finish_non_exhaustive()
    }
}
