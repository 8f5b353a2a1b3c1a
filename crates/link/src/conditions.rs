//! What a network is like.
use std::{num::NonZeroU64, time::Duration};

use tokio::{sync::Semaphore, time::Instant};

/// The largest piece that is read at once.
const LARGEST: u64 = 256 * 1024;
/// The smallest piece that a rate cuts the stream into.
const SMALLEST: u64 = 512;
/// How much may be on its way in one direction of a connection without a rate: 25 ms of 5 Gbit/s.
const IN_FLIGHT: u64 = 16 * 1024 * 1024;

/// What a network is like: distance and width. By default there is no difference to a direct connection.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Conditions {
    /// From a question to its answer, if that takes no time; half is added on each way. To connect takes as long.
    pub rtt: Duration,
    /// Bytes in a second, of each connection and each direction on its own; `None` is as fast as it goes.
    pub rate: Option<NonZeroU64>,
}

impl Conditions {
    /// How long a byte is on its way.
    pub(crate) fn way(&self) -> Duration {
        self.rtt.checked_div(2).unwrap_or_default()
    }

    /// How many bytes are taken at once: those of 5 ms, so that a rate does not come in gusts.
    pub(crate) fn slice(&self) -> usize {
        let slice = self.rate.map_or(LARGEST, |rate| (rate.get() / 200).clamp(SMALLEST, LARGEST));
        usize::try_from(slice).unwrap_or(usize::MAX)
    }

    /// How many bytes may be on their way in one direction of a connection. A sender is held back behind that: enough
    /// to fill the whole round trip, and a queue of 50 ms before the narrow place, which is never to run dry.
    pub(crate) fn in_flight(&self) -> usize {
        let enough = self.rate.map_or(IN_FLIGHT, |rate| {
            let bytes = |time: Duration| u128::from(rate.get()).saturating_mul(time.as_micros()) / 1_000_000;
            let bytes = bytes(self.rtt.saturating_add(Duration::from_millis(50)));
            u64::try_from(bytes).unwrap_or(u64::MAX).saturating_add(2 * SMALLEST)
        });
        let enough = usize::try_from(enough).unwrap_or(usize::MAX);
        enough.max(self.slice()).min(Semaphore::MAX_PERMITS)
    }
}

/// The narrow place of one direction: what has passed it, and when the next byte may.
#[derive(Debug)]
pub(crate) struct Narrows {
    conditions: Conditions,
    free: Instant,
}

impl Narrows {
    /// Nothing passes before `open`.
    pub(crate) fn new(conditions: Conditions, open: Instant) -> Self {
        Self { conditions, free: open }
    }

    /// When `bytes` that are sent now arrive. Time in which nothing was sent is not made up for.
    pub(crate) fn due(&mut self, bytes: usize) -> Instant {
        self.free = later(self.free.max(Instant::now()), self.takes(bytes));
        later(self.free, self.conditions.way())
    }

    fn takes(&self, bytes: usize) -> Duration {
        let Some(rate) = self.conditions.rate else { return Duration::ZERO };
        let nanos = (bytes as u128).saturating_mul(1_000_000_000);
        let nanos = nanos.checked_div(rate.get().into()).unwrap_or_default();
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

/// What lies beyond the end of the clock counts as now: nobody waits for it.
pub(crate) fn later(instant: Instant, time: Duration) -> Instant {
    instant.checked_add(time).unwrap_or(instant)
}
