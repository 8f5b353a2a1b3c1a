//! Journeys: work that goes on in a lane at one place, or in one at each of two, and gives way where there are too
//! many.
//!
//! Who is told that there are too many is a request deep down, and the lanes were taken far above it. So they lie with
//! the task of the moment, where [`give_way`] finds them.
use std::sync::{Arc, Mutex};

use crate::{Lanes, Pair, lanes::yield_once, lock, pair};

tokio::task_local! {
    /// None within work that keeps its lanes.
    static UNDERWAY: Option<Arc<Journey>>;
}

/// The lanes of some work. The same place twice is one lane.
struct Journey {
    from: Lanes,
    to: Lanes,
    /// Empty while lanes are waited for.
    held: Mutex<Option<Pair>>,
}

impl Journey {
    async fn take(&self) {
        let pair = pair(&self.from, &self.to).await;
        *lock(&self.held) = Some(pair);
    }
}

/// Waits for a lane at either place, at once, and does `work` meanwhile; when both are one place, one lane does for
/// both. Connections whose bodies were just read are back in their pool before the lanes are free again.
pub async fn travel<T>(from: &Lanes, to: &Lanes, work: impl Future<Output = T>) -> T {
    let journey = Arc::new(Journey { from: from.clone(), to: to.clone(), held: Mutex::default() });
    journey.take().await;
    let done = UNDERWAY.scope(Some(Arc::clone(&journey)), work).await;
    yield_once().await;
    done
}

/// To be called before a request that was refused is sent again: where more lanes are taken than there are by now, the
/// journey that it belongs to gives back its own, and waits for its turn. Nothing is held meanwhile, so two that give
/// way to each other both get on. Without a journey this is nothing.
pub async fn give_way() {
    let Ok(Some(journey)) = UNDERWAY.try_with(Clone::clone) else { return };
    if journey.from.is_crowded() || journey.to.is_crowded() {
        let held = lock(&journey.held).take();
        drop(held);
        journey.take().await;
    }
}

/// Does `work` without giving way: it holds something that others wait for, and they may have all the lanes.
pub async fn keep_way<T>(work: impl Future<Output = T>) -> T {
    UNDERWAY.scope(None, work).await
}

#[cfg(test)]
mod tests {
    use futures::future::{join, join_all};
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;
    use tokio::time::sleep;

    use super::*;
    use crate::Level;

    const MOMENT: Duration = Duration::from_millis(10);

    fn lanes(number: usize) -> Lanes {
        Lanes::new(Level::exactly(number))
    }

    /// How many journeys there are that are not refused any more.
    #[derive(Default)]
    struct Seen {
        now: AtomicUsize,
        most: AtomicUsize,
    }

    impl Seen {
        async fn work(&self) {
            let now = self.now.fetch_add(1, Ordering::Relaxed) + 1;
            self.most.fetch_max(now, Ordering::Relaxed);
            sleep(MOMENT).await;
            self.now.fetch_sub(1, Ordering::Relaxed);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn journeys_that_are_refused_go_on_in_as_many_lanes_as_are_left() {
        let (a, b, seen) = (lanes(8), lanes(8), Seen::default());
        let journeys = (0..8).map(async |_| {
            let refused = async {
                let round = b.round();
                sleep(MOMENT).await;
                b.congested(round);
                give_way().await;
                seen.work().await;
            };
            travel(&a, &b, refused).await;
        });
        join_all(journeys).await;
        assert_eq!(seen.most.load(Ordering::Relaxed), 4);
        assert_eq!((a.free(), b.free(), b.number()), (8, 4, 4));
    }

    #[tokio::test(start_paused = true)]
    async fn two_that_give_way_to_each_other_both_get_on() {
        let (a, b) = (lanes(2), lanes(2));
        let there = travel(&a, &b, async {
            sleep(MOMENT).await;
            a.congested(a.round());
            give_way().await;
        });
        let back = travel(&b, &a, async {
            sleep(MOMENT).await;
            b.congested(b.round());
            give_way().await;
        });
        join(there, back).await;
        assert_eq!((a.free(), b.free()), (1, 1));
    }

    #[tokio::test]
    async fn nobody_gives_way_where_there_is_room_or_no_journey() {
        let lanes = lanes(1);
        give_way().await;
        travel(&lanes, &lanes, async {
            let waiting = lanes.take();
            give_way().await;
            drop(waiting);
            assert_eq!(lanes.free(), 0);
        })
        .await;
        assert_eq!(lanes.free(), 1);
    }
}
