//! Standing: what this run has learnt of one registry, whoever asks: when it wants to be left alone, and which way of
//! uploading it takes.
use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::{Instant, sleep_until};

use crate::{facts::Facts, ladder::Ladder, wire::Reply};

/// One registry's standing.
#[derive(Debug)]
pub(crate) struct Standing {
    pub(crate) facts: &'static Facts,
    pub(crate) ladder: Ladder,
    closed_until: Mutex<Option<Instant>>,
}

impl Standing {
    pub(crate) fn new(facts: &'static Facts) -> Self {
        Self { facts, ladder: Ladder::new(facts), closed_until: Mutex::new(None) }
    }

    /// Waits until the registry wants requests again.
    pub(crate) async fn wait(&self) {
        let until = *self.closed_until.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(until) = until {
            sleep_until(until).await;
        }
    }

    /// Keeps all requests to the registry back for a while.
    pub(crate) fn close_for(&self, pause: Duration) {
        let mut until = self.closed_until.lock().unwrap_or_else(PoisonError::into_inner);
        *until = (*until).max(Some(Instant::now() + pause));
    }
}

/// When a registry wants a request to come again.
pub(crate) enum Later {
    /// It does not say.
    Soon,
    /// After so long.
    After(Duration),
    /// After longer than we wait; in words.
    TooLong(String),
}

/// Answers after which the same request may be sent again.
const LATER: [u16; 7] = [408, 429, 500, 502, 503, 504, 522];

impl Later {
    /// Whether, and when, the request that got `reply` may come again.
    pub(crate) fn asked_by(reply: &Reply) -> Option<Self> {
        if !LATER.contains(&reply.status.as_u16()) {
            return None;
        }
        let Some(seconds) = reply.header("retry-after").and_then(|value| value.trim().parse::<u64>().ok())
        else {
            return Some(Self::Soon);
        };
        Some(if seconds > 120 {
            Self::TooLong(format!("in {seconds} s"))
        } else {
            Self::After(Duration::from_secs(seconds))
        })
    }
}
