//! Tallies: whose requests are whose, while many images are under way at once.
//!
//! Whoever sends a request does not know which image it is for. The task knows: each call of a side is made in the
//! scope of its image's tally, and whoever meters requests asks for the tally in scope.
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use copier::{Event, Observer, Side};
use tokio::task::futures::TaskLocalFuture;

use crate::receipt::Requests;

/// What is counted for one image, or for what belongs to none.
#[derive(Debug, Default)]
pub struct Tally {
    source: AtomicU64,
    target: AtomicU64,
    again: AtomicU64,
}

/// A tally, and the side that is being asked.
type Current = (Arc<Tally>, Side);

tokio::task_local! {
    static CURRENT: Current;
}

impl Tally {
    /// Does work whose requests are counted here.
    pub fn counting<T: Future>(self: &Arc<Self>, side: Side, work: T) -> TaskLocalFuture<Current, T> {
        CURRENT.scope((Arc::clone(self), side), work)
    }

    /// The same, of work that does not wait.
    pub(crate) fn counting_now<T>(self: &Arc<Self>, side: Side, work: impl FnOnce() -> T) -> T {
        CURRENT.sync_scope((Arc::clone(self), side), work)
    }

    /// One request more.
    pub fn request(&self, side: Side) {
        let number = match side {
            Side::Source => &self.source,
            Side::Target => &self.target,
        };
        number.fetch_add(1, Relaxed);
    }

    /// So many more.
    pub(crate) fn add(&self, requests: Requests) {
        self.source.fetch_add(requests.source, Relaxed);
        self.target.fetch_add(requests.target, Relaxed);
    }

    /// How many requests there were.
    pub fn requests(&self) -> Requests {
        Requests { source: self.source.load(Relaxed), target: self.target.load(Relaxed) }
    }

    /// How often a transfer was taken up again.
    pub(crate) fn again(&self) -> u64 {
        self.again.load(Relaxed)
    }
}

/// Counts a request on the tally in scope; false where there is none: nobody's image asked for it.
pub fn request() -> bool {
    CURRENT.try_with(|(tally, side)| tally.request(*side)).is_ok()
}

/// Counts transfers that are taken up again, and passes on what happens.
#[derive(Debug)]
pub struct Watch(pub Arc<dyn Observer>);

impl Observer for Watch {
    fn event(&self, event: &Event<'_>) {
        if matches!(event, Event::Retrying { .. }) {
            // Nobody's transfer is no image's.
            let _nobodys = CURRENT.try_with(|(tally, _)| tally.again.fetch_add(1, Relaxed));
        }
        self.0.event(event);
    }
}
