//! Lanes: how many requests may be under way to one origin.
use std::{
    fmt,
    future::poll_fn,
    sync::{Arc, Mutex},
    task::Poll,
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::lock;

/// A set of lanes; a clone is the same set. Who waits is served in order.
#[derive(Clone)]
pub struct Lanes(Arc<Set>);

struct Set {
    free: Arc<Semaphore>,
    count: Mutex<Count>,
}

#[derive(Debug, Clone, Copy)]
struct Count {
    number: usize,
    /// Lanes to be closed as soon as they come back: the number was lowered while they were taken.
    owed: usize,
}

impl Lanes {
    /// A set of `number` lanes, at least one.
    pub fn new(number: usize) -> Self {
        let number = sane(number);
        let count = Mutex::new(Count { number, owed: 0 });
        Self(Arc::new(Set { free: Arc::new(Semaphore::new(number)), count }))
    }

    /// Waits for a lane.
    pub async fn take(&self) -> Lane {
        // The semaphore is never closed, so there always is a permit.
        Lane { permit: Arc::clone(&self.0.free).acquire_owned().await.ok(), set: Arc::clone(&self.0) }
    }

    /// A lane, if one is free now.
    pub fn try_take(&self) -> Option<Lane> {
        let permit = Arc::clone(&self.0.free).try_acquire_owned().ok()?;
        Some(Lane { permit: Some(permit), set: Arc::clone(&self.0) })
    }

    /// How many lanes there are, taken ones included.
    pub fn number(&self) -> usize {
        lock(&self.0.count).number
    }

    /// Changes how many lanes there are, to at least one. Taken lanes stay taken; surplus ones close as they come back.
    pub fn set_number(&self, number: usize) {
        let number = sane(number);
        let mut count = lock(&self.0.count);
        let (more, fewer) = (number.saturating_sub(count.number), count.number.saturating_sub(number));
        let forgiven = more.min(count.owed);
        count.owed = count.owed.saturating_sub(forgiven);
        self.0.free.add_permits(more.saturating_sub(forgiven));
        let taken = fewer.saturating_sub(self.0.free.forget_permits(fewer));
        count.owed = count.owed.saturating_add(taken);
        count.number = number;
    }

    fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
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
}

impl fmt::Debug for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lane")
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        let Some(permit) = self.permit.take() else { return };
        let mut count = lock(&self.set.count);
        if let Some(owed) = count.owed.checked_sub(1) {
            count.owed = owed;
            permit.forget();
        }
    }
}

/// The lanes of one copy, one at either side; dropping it gives them back.
#[derive(Debug)]
#[must_use = "lanes are given back when dropped"]
pub struct Pair {
    /// A lane of the first set.
    pub first: Lane,
    /// A lane of the second; `None` when it is the same set as the first.
    pub second: Option<Lane>,
}

/// Waits until both sets have a free lane and takes one of each; when both are one set, a single lane does for both.
///
/// Nothing is held while waiting: a task that holds the source's last lane while it waits for the target's, and
/// another the other way round, would wait for ever.
pub async fn pair(a: &Lanes, b: &Lanes) -> Pair {
    if a.is(b) {
        return Pair { first: a.take().await, second: None };
    }
    loop {
        let first = a.take().await;
        if let Some(second) = b.try_take() {
            return Pair { first, second: Some(second) };
        }
        drop(first);
        // Waiting in the queue of the set that is full; what is found free there is tried against the first set.
        let second = b.take().await;
        if let Some(first) = a.try_take() {
            return Pair { first, second: Some(second) };
        }
        drop(second);
    }
}

#[cfg(test)]
mod tests {
    use futures::{FutureExt, future::join_all};

    use super::*;

    fn free(lanes: &Lanes) -> usize {
        lanes.0.free.available_permits()
    }

    #[tokio::test]
    async fn a_dropped_lane_is_free_again() {
        let lanes = Lanes::new(1);
        let lane = lanes.take().await;
        assert!(lanes.try_take().is_none());
        drop(lane);
        let lane = lanes.try_take().unwrap();
        lane.give_back().await;
        assert_eq!(free(&lanes), 1);
    }

    #[tokio::test]
    async fn fewer_lanes_close_only_as_they_come_back() {
        let lanes = Lanes::new(3);
        let (one, two) = (lanes.take().await, lanes.take().await);
        lanes.set_number(1);
        assert_eq!((lanes.number(), free(&lanes)), (1, 0));
        drop(one);
        assert_eq!(free(&lanes), 0, "the second lane was still owed");
        drop(two);
        assert_eq!(free(&lanes), 1);
        lanes.set_number(0);
        assert_eq!((lanes.number(), free(&lanes)), (1, 1), "one lane always stays");
    }

    #[tokio::test]
    async fn more_lanes_forgive_what_is_owed_and_serve_those_who_wait() {
        let lanes = Lanes::new(2);
        let held = (lanes.take().await, lanes.take().await);
        lanes.set_number(1);
        let waiting = lanes.take();
        lanes.set_number(4);
        let third = waiting.now_or_never().unwrap();
        assert_eq!((lanes.number(), free(&lanes)), (4, 1));
        drop((held, third));
        assert_eq!(free(&lanes), 4);
    }

    #[tokio::test]
    async fn a_pair_on_one_set_takes_one_lane() {
        let lanes = Lanes::new(1);
        let pair = pair(&lanes, &lanes.clone()).now_or_never().unwrap();
        assert!(pair.second.is_none());
        assert_eq!(free(&lanes), 0);
    }

    #[tokio::test]
    async fn a_pair_holds_nothing_while_it_waits() {
        let (a, b) = (Lanes::new(1), Lanes::new(1));
        let blocker = b.take().await;
        let mut waiting = Box::pin(pair(&a, &b));
        assert!(waiting.as_mut().now_or_never().is_none());
        assert_eq!(free(&a), 1, "the lane of the first set is not held");
        drop(blocker);
        let _both = waiting.await;
        assert_eq!((free(&a), free(&b)), (0, 0));
    }

    #[tokio::test]
    async fn pairs_in_both_directions_never_wait_for_each_other() {
        let (a, b) = (Lanes::new(2), Lanes::new(1));
        let copies = (0..200).map(|turn| {
            let (a, b) = if turn % 2 == 0 { (a.clone(), b.clone()) } else { (b.clone(), a.clone()) };
            async move {
                let pair = pair(&a, &b).await;
                pair.first.give_back().await;
                drop(pair.second);
            }
        });
        join_all(copies).await;
        assert_eq!((free(&a), free(&b)), (2, 1));
    }

    #[tokio::test]
    async fn a_pair_that_is_given_up_loses_no_lane() {
        let (a, b) = (Lanes::new(1), Lanes::new(1));
        let blocker = a.take().await;
        for _ in 0..3 {
            assert!(pair(&a, &b).now_or_never().is_none());
        }
        drop(blocker);
        assert_eq!((free(&a), free(&b)), (1, 1));
    }
}
