//! The watchdog: a seed that takes too long of real time is named, and ends the run. The clock of the copies stands
//! still while they wait, so that only a loop that never waits can take long.
use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// More than any seed takes on a busy machine in a debug build.
const PATIENCE: Duration = Duration::from_secs(120);

/// Seeds that run now, and since when.
#[derive(Debug, Default)]
pub(crate) struct Watch(Mutex<Vec<(u64, Instant)>>);

impl Watch {
    /// Runs the seed under the eye of [`Self::look`].
    pub(crate) fn over<T>(&self, seed: u64, run: impl FnOnce() -> T) -> T {
        self.lock(|running| running.push((seed, Instant::now())));
        let outcome = run();
        self.lock(|running| running.retain(|(own, _)| *own != seed));
        outcome
    }

    /// A seed that hangs.
    pub(crate) fn look(&self) -> Option<u64> {
        self.lock(|running| {
            running.iter().find(|(_, since)| since.elapsed() > PATIENCE).map(|(seed, _)| *seed)
        })
    }

    fn lock<T>(&self, change: impl FnOnce(&mut Vec<(u64, Instant)>) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
