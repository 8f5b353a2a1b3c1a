//! Standing: what this run has learnt of one registry, whoever asks: when it wants to be left alone, and which ways of
//! mounting and uploading it takes.
use std::fmt;

use futures::lock::Mutex;
use pace::Gate;

use crate::{facts::Facts, ladder::Ladder, mounting::Mounting};

/// One registry's standing.
pub(crate) struct Standing {
    pub(crate) facts: &'static Facts,
    pub(crate) ladder: Ladder,
    pub(crate) mounting: Mounting,
    /// Closed while the registry wants to be left alone.
    pub(crate) gate: Gate,
    /// Held while an index of referrers is read and written: of two writers in this process none is lost.
    pub(crate) referrers: Mutex<()>,
}

impl Standing {
    pub(crate) fn new(facts: &'static Facts) -> Self {
        let (ladder, mounting) = (Ladder::new(facts), Mounting::new(facts));
        Self { facts, ladder, mounting, gate: Gate::new(), referrers: Mutex::new(()) }
    }
}

impl fmt::Debug for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Standing").field("ladder", &self.ladder).finish_non_exhaustive()
    }
}
