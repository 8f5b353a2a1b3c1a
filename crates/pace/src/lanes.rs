//! Lanes: how many requests may be under way to one origin. Their number finds its level: halved when the origin has
//! too many of them, one more for every second that went well while all were taken.
//!
//! No timer runs but while somebody waits for a lane.
use std::{
    collections::HashMap,
    fmt,
    future::poll_fn,
    pin::pin,
    sync::{Arc, Mutex},
    task::Poll,
    time::Duration,
};

use futures::future::{Either, select};
use tokio::{
    sync::{Notify, OwnedMutexGuard, OwnedSemaphorePermit, Semaphore},
    time::{Instant, sleep},
};

use crate::{Level, lock};

/// How long all has to go well before there is one lane more.
const CLEAN: Duration = Duration::from_secs(1);

/// A set of lanes; a clone is the same set. Who waits is served in order.
#[derive(Clone)]
pub struct Lanes(Arc<Set>);

struct Set {
    free: Arc<Semaphore>,
    /// Told of every lane that becomes free.
    freed: Notify,
    state: Mutex<State>,
    /// Whose turn it is to look out for a lane here and one of another set, by that set.
    turns: Mutex<HashMap<usize, Arc<Turn>>>,
}

type Turn = tokio::sync::Mutex<()>;

#[derive(Debug, Clone, Copy)]
struct State {
    number: usize,
    cap: usize,
    /// Lanes to be closed as soon as they come back: the number was lowered while they were taken.
    owed: usize,
    /// How often the number was halved.
    round: u64,
    /// When the number last changed by itself, or should have been less; later, where requests are to wait until then.
    changed: Instant,
    /// Whether a request went well since the last that was refused.
    clean: bool,
}

/// The round in which a request was sent: what becomes of it says nothing about a later one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Round(u64);

impl Lanes {
    /// A set of lanes at its start; a number is start and cap in one.
    pub fn new(level: impl Into<Level>) -> Self {
        let level = level.into();
        let (number, cap) = (sane(level.start), sane(level.cap));
        let number = number.min(cap);
        let state = State { number, cap, owed: 0, round: 0, changed: Instant::now(), clean: true };
        Self(Arc::new(Set {
            free: Arc::new(Semaphore::new(number)),
            freed: Notify::new(),
            state: Mutex::new(state),
            turns: Mutex::default(),
        }))
    }

    /// Waits for a lane.
    pub async fn take(&self) -> Lane {
        if let Some(lane) = self.try_take() {
            return lane;
        }
        let mut turn = pin!(Arc::clone(&self.0.free).acquire_owned());
        loop {
            self.widen();
            turn = match select(turn, pin!(sleep(CLEAN))).await {
                // The semaphore is never closed, so there always is a permit.
                Either::Left((permit, _)) => return self.lane(permit.ok()),
                Either::Right(((), turn)) => turn,
            };
        }
    }

    /// A lane, if one is free now.
    pub fn try_take(&self) -> Option<Lane> {
        let permit = Arc::clone(&self.0.free).try_acquire_owned().ok()?;
        Some(self.lane(Some(permit)))
    }

    /// Waits until a lane is free, and does not take it.
    pub(crate) async fn freed(&self) {
        loop {
            let mut freed = pin!(self.0.freed.notified());
            // Before the look: a lane that comes back right after it is not missed.
            freed.as_mut().enable();
            if self.0.free.available_permits() == 0 {
                self.widen();
            }
            if self.0.free.available_permits() > 0 {
                return;
            }
            select(freed, pin!(sleep(CLEAN))).await;
        }
    }

    /// The turn of one of those who want a lane here and one of `other`.
    pub(crate) async fn turn_beside(&self, other: &Self) -> OwnedMutexGuard<()> {
        let address = |lanes: &Self| Arc::as_ptr(&lanes.0).addr();
        // Both directions wait in one queue.
        let (low, high) = if address(self) < address(other) { (self, other) } else { (other, self) };
        // An address that stands for another set by now costs a wait at most.
        let turn = Arc::clone(lock(&low.0.turns).entry(address(high)).or_default());
        turn.lock_owned().await
    }

    /// How many lanes there are, taken ones included.
    pub fn number(&self) -> usize {
        lock(&self.0.state).number
    }

    /// How many lanes there may ever be.
    pub fn cap(&self) -> usize {
        lock(&self.0.state).cap
    }

    /// The round of a request that is sent now.
    pub fn round(&self) -> Round {
        Round(lock(&self.0.state).round)
    }

    /// A request of `round` met an origin that has too much to do: half of the lanes close, all but one at most. Other
    /// requests that were sent before that have nothing to add: a burst that is refused halves once.
    pub fn congested(&self, round: Round) {
        let mut state = lock(&self.0.state);
        (state.changed, state.clean) = (Instant::now(), false);
        if state.round != round.0 {
            return;
        }
        state.round = state.round.saturating_add(1);
        let half = state.number.div_euclid(2);
        self.set(&mut state, half);
    }

    /// A request went well: only then may there be more of them again.
    pub fn went_well(&self) {
        lock(&self.0.state).clean = true;
    }

    /// Nothing is to be sent for so long: time that shows nothing.
    pub fn rest_for(&self, time: Duration) {
        let mut state = lock(&self.0.state);
        let until = Instant::now().checked_add(time).unwrap_or(state.changed);
        state.changed = state.changed.max(until);
    }

    /// Whether more lanes are taken than there are by now.
    pub fn is_crowded(&self) -> bool {
        lock(&self.0.state).owed > 0
    }

    /// Changes start and cap, wherever the number stands.
    pub(crate) fn set_level(&self, level: Level) {
        let mut state = lock(&self.0.state);
        state.cap = sane(level.cap);
        self.set(&mut state, level.start.min(level.cap));
    }

    /// One lane more, for somebody who finds all taken, when the last second went well.
    fn widen(&self) {
        let mut state = lock(&self.0.state);
        if state.number < state.cap && state.clean && state.changed.elapsed() >= CLEAN {
            state.changed = Instant::now();
            let more = state.number.saturating_add(1);
            self.set(&mut state, more);
        }
    }

    /// Changes how many lanes there are, to at least one. Taken lanes stay taken; surplus ones close as they come back.
    fn set(&self, state: &mut State, number: usize) {
        let number = sane(number);
        let (more, fewer) = (number.saturating_sub(state.number), state.number.saturating_sub(number));
        let forgiven = more.min(state.owed);
        state.owed = state.owed.saturating_sub(forgiven);
        self.0.free.add_permits(more.saturating_sub(forgiven));
        self.0.freed.notify_waiters();
        let taken = fewer.saturating_sub(self.0.free.forget_permits(fewer));
        state.owed = state.owed.saturating_add(taken);
        state.number = number;
    }

    fn lane(&self, permit: Option<OwnedSemaphorePermit>) -> Lane {
        Lane { permit, set: Arc::clone(&self.0) }
    }

    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    #[cfg(test)]
    pub(crate) fn free(&self) -> usize {
        self.0.free.available_permits()
    }
}

/// At least one, and not more than a semaphore can count.
fn sane(number: usize) -> usize {
    number.clamp(1, Semaphore::MAX_PERMITS)
}

impl fmt::Debug for Lanes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let free = self.0.free.available_permits();
        f.debug_struct("Lanes").field("number", &self.number()).field("free", &free).finish()
    }
}

/// A taken lane; dropping it gives it back.
#[must_use = "a lane is given back when dropped"]
pub struct Lane {
    permit: Option<OwnedSemaphorePermit>,
    set: Arc<Set>,
}

impl Lane {
    /// Lets other tasks run once before the lane is free again, so that a connection whose body was just read to its
    /// end is back in the pool by the time the next request looks for one.
    pub async fn give_back(self) {
        yield_once().await;
    }
}

impl fmt::Debug for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lane")
    }
}

/// Lets other tasks run once.
pub(crate) async fn yield_once() {
    let mut yielded = false;
    poll_fn(|context| {
        if yielded {
            return Poll::Ready(());
        }
        yielded = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

impl Drop for Lane {
    fn drop(&mut self) {
        let Some(permit) = self.permit.take() else { return };
        let mut state = lock(&self.set.state);
        if let Some(owed) = state.owed.checked_sub(1) {
            state.owed = owed;
            permit.forget();
            return;
        }
        drop(state);
        drop(permit);
        self.set.freed.notify_waiters();
    }
}

#[cfg(test)]
mod tests;
