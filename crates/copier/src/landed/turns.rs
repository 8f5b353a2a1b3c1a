//! Turns: one at a time, in the order in which they came, for each of any number of things.
use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::OwnedMutexGuard;

type Queue = Arc<tokio::sync::Mutex<()>>;
type Queues<K> = Arc<Mutex<HashMap<K, Queue>>>;

/// The queues of all things that somebody has the turn of. A thing that nobody wants costs nothing.
pub(super) struct Turns<K: Hash + Eq>(Queues<K>);

impl<K: Hash + Eq> Default for Turns<K> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

/// The turn of one thing, until it is dropped.
pub(super) struct Turn<K: Hash + Eq> {
    // Dropped first: the seat counts who is left.
    _guard: OwnedMutexGuard<()>,
    _seat: Seat<K>,
}

/// A place in a queue. The last one to leave it takes the queue away.
struct Seat<K: Hash + Eq> {
    queues: Queues<K>,
    key: K,
    queue: Queue,
}

impl<K: Hash + Eq + Clone> Turns<K> {
    /// Waits for the turn.
    pub(super) async fn take(&self, key: K) -> Turn<K> {
        let queue = Arc::clone(lock(&self.0).entry(key.clone()).or_default());
        let seat = Seat { queues: Arc::clone(&self.0), key, queue };
        let guard = Arc::clone(&seat.queue).lock_owned().await;
        Turn { _guard: guard, _seat: seat }
    }

    /// How many things somebody has the turn of.
    #[cfg(test)]
    pub(super) fn number(&self) -> usize {
        lock(&self.0).len()
    }
}

impl<K: Hash + Eq> Drop for Seat<K> {
    fn drop(&mut self) {
        let mut queues = lock(&self.queues);
        // One of the map's, and this one: clones are made under the lock, or by somebody who has a seat.
        if Arc::strong_count(&self.queue) <= 2 {
            queues.remove(&self.key);
        }
    }
}

fn lock<K>(queues: &Mutex<HashMap<K, Queue>>) -> MutexGuard<'_, HashMap<K, Queue>> {
    queues.lock().unwrap_or_else(PoisonError::into_inner)
}
