//! Lessons: what readings have found out about their sources, for those that come after them.
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use content::Place;
use tokio::time::Instant;

/// How many requests helped at each origin, and until when that is believed.
#[derive(Debug, Default)]
pub(super) struct Lessons(Mutex<HashMap<String, (usize, Instant)>>);

impl Lessons {
    /// How many requests help at a place, as far as somebody found out lately.
    pub(super) fn about(&self, place: &Place, now: Instant) -> Option<usize> {
        self.lock().get(place.origin()).filter(|(_, until)| now < *until).map(|(width, _)| *width)
    }

    /// So many requests help at a place: believed for so long. What is believed for longer already stays.
    pub(super) fn learn(&self, place: &Place, width: usize, keeps: Duration) {
        let Some(until) = Instant::now().checked_add(keeps) else { return };
        let mut lessons = self.lock();
        if lessons.get(place.origin()).is_none_or(|(_, other)| *other <= until) {
            lessons.insert(place.origin().to_owned(), (width, until));
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, (usize, Instant)>> {
        // A panic elsewhere leaves the map as it was: every change is one step.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
