//! Standing: what this run has learnt of one registry, whoever asks: when it wants to be left alone, and which ways of
//! mounting and uploading it takes.
use std::fmt;

use futures::lock::Mutex;
use http::StatusCode;
use pace::{Gate, Lanes, Round};

use crate::{
    facts::Facts,
    ladder::Ladder,
    mounting::Mounting,
    wire::{Broken, Reply, Why},
};

/// One registry's standing.
pub(crate) struct Standing {
    pub(crate) facts: &'static Facts,
    pub(crate) ladder: Ladder,
    pub(crate) mounting: Mounting,
    /// Closed while the registry wants to be left alone.
    pub(crate) gate: Gate,
    /// How many requests it is sent at a time, by whoever sends them.
    pub(crate) lanes: Lanes,
    /// Held while an index of referrers is read and written: of two writers in this process none is lost.
    pub(crate) referrers: Mutex<()>,
}

impl Standing {
    pub(crate) fn new(facts: &'static Facts, lanes: Lanes) -> Self {
        let (ladder, mounting) = (Ladder::new(facts), Mounting::new(facts));
        Self { facts, ladder, mounting, gate: Gate::new(), lanes, referrers: Mutex::new(()) }
    }

    /// Closes lanes when what became of a request of `round` shows that the registry, or where it led, has too much to
    /// do. How long an answer took shows nothing.
    pub(crate) fn weigh(&self, round: Round, outcome: Result<&Reply, &Broken>) {
        let congested = match outcome {
            Ok(reply) => {
                [StatusCode::TOO_MANY_REQUESTS, StatusCode::SERVICE_UNAVAILABLE].contains(&reply.status)
            }
            Err(broken) => broken.why == Why::Connect,
        };
        if congested {
            self.lanes.congested(round);
        }
    }
}

impl fmt::Debug for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Standing").field("ladder", &self.ladder).finish_non_exhaustive()
    }
}
