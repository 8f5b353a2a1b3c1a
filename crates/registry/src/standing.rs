//! Standing: what this run has learnt of one registry, whoever asks: when it wants to be left alone, and which way of
//! uploading it takes.
use std::{
    fmt,
    time::{Duration, SystemTime},
};

use futures::lock::Mutex;
use pace::{Gate, RetryAfter, retry_after};

use crate::{facts::Facts, ladder::Ladder, wire::Reply};

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

/// When a registry wants a request to come again.
pub(crate) enum Later {
    /// It does not say.
    Soon,
    /// After so long.
    After(Duration),
    /// After longer than we wait.
    TooLong(Duration),
}

/// Answers after which the same request may be sent again.
const LATER: [u16; 7] = [408, 429, 500, 502, 503, 504, 522];

impl Later {
    /// Whether, and when, the request that got `reply` may come again.
    pub(crate) fn asked_by(reply: &Reply) -> Option<Self> {
        if !LATER.contains(&reply.status.as_u16()) {
            return None;
        }
        let asked = reply.header("retry-after");
        Some(match asked.and_then(|value| retry_after(value, reply.header("date"), SystemTime::now())) {
            None => Self::Soon,
            Some(RetryAfter::Wait(pause)) => Self::After(pause),
            Some(RetryAfter::TooLong(pause)) => Self::TooLong(pause),
        })
    }
}
