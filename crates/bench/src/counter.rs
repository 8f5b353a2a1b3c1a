//! Counters: what was said to one registry.
use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use registry::{Exchange, Meter};

use crate::{
    results::{SideCounts, SideTotals},
    stats,
};

/// Counts what a meter is told.
#[derive(Debug, Default)]
pub struct Counter(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    totals: SideTotals,
    to_heads: Vec<Duration>,
}

impl Counter {
    /// The sums so far.
    pub fn totals(&self) -> SideTotals {
        self.state().totals
    }

    /// The sums so far, and how long answers took to begin.
    pub fn counts(&self) -> SideCounts {
        let mut state = self.state();
        let SideTotals { requests, connections, sent, received } = state.totals;
        let to_head_ms = stats::latencies(&mut state.to_heads);
        SideCounts { requests, connections, sent, received, to_head_ms }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Meter for Counter {
    fn connected(&self, _origin: &str) {
        let mut state = self.state();
        state.totals.connections = state.totals.connections.saturating_add(1);
    }

    fn exchanged(&self, exchange: &Exchange<'_>) {
        let mut state = self.state();
        let totals = &mut state.totals;
        totals.requests = totals.requests.saturating_add(1);
        totals.sent = totals.sent.saturating_add(exchange.sent);
        totals.received = totals.received.saturating_add(exchange.received);
        state.to_heads.extend(exchange.to_head);
    }
}

impl SideCounts {
    /// The sums among them.
    pub(crate) fn totals(&self) -> SideTotals {
        let Self { requests, connections, sent, received, .. } = *self;
        SideTotals { requests, connections, sent, received }
    }
}

impl SideTotals {
    /// Adds what else was said.
    pub(crate) fn add(&mut self, other: Self) {
        self.requests = self.requests.saturating_add(other.requests);
        self.connections = self.connections.saturating_add(other.connections);
        self.sent = self.sent.saturating_add(other.sent);
        self.received = self.received.saturating_add(other.received);
    }
}
