//! Standing: what this run has learnt of one registry, whoever asks: when it wants to be left alone, and which ways of
//! mounting and uploading it takes.
use std::{fmt, time::Duration};

use futures::lock::Mutex;
use http::StatusCode;
use pace::{Gate, Lanes, Round};

use crate::{
    facts::Facts,
    ladder::Ladder,
    mounting::Mounting,
    referrers::Knowledge,
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
    /// Whether it lists the referrers of a manifest.
    pub(crate) lists_referrers: Knowledge,
    /// Held while an index of referrers is read and written: of two writers in this process none is lost.
    pub(crate) referrers: Mutex<()>,
}

impl Standing {
    pub(crate) fn new(facts: &'static Facts, lanes: Lanes) -> Self {
        let (ladder, mounting) = (Ladder::new(facts), Mounting::new(facts));
        let lists_referrers = Knowledge::default();
        Self { facts, ladder, mounting, gate: Gate::new(), lanes, lists_referrers, referrers: Mutex::new(()) }
    }

    /// Leaves the registry alone for `pause`: whoever is told to wait keeps all others back too.
    pub(crate) fn rest_for(&self, pause: Duration) {
        self.gate.close_for(pause);
        self.lanes.rest_for(pause);
    }

    /// Closes lanes when what became of a request of `round` shows that the registry, or where it led, has too much to
    /// do; any other answer lets there be more of them. How long it took shows nothing.
    pub(crate) fn weigh(&self, round: Round, outcome: Result<&Reply, &Broken>) {
        let busy = [StatusCode::TOO_MANY_REQUESTS, StatusCode::SERVICE_UNAVAILABLE];
        match outcome {
            Ok(reply) if busy.contains(&reply.status) => self.lanes.congested(round),
            Ok(_) => self.lanes.went_well(),
            Err(broken) if broken.why == Why::Connect => self.lanes.congested(round),
            Err(_) => {}
        }
    }
}

impl fmt::Debug for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Standing").field("ladder", &self.ladder).finish_non_exhaustive()
    }
}
