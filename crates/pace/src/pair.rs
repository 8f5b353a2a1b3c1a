//! Pairs: a lane at each of two places, taken at once.
use crate::{Lane, Lanes};

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
/// Nothing is held while waiting, not even for a moment: a task that holds the source's last lane while it waits for
/// the target's, and another the other way round, would wait for ever; and lanes that are only taken to be given back
/// would go round among those who wait for two, none of whom ever finds both. Of those who want the same two sets, the
/// first looks out for all.
pub async fn pair(a: &Lanes, b: &Lanes) -> Pair {
    if a.is(b) {
        return Pair { first: a.take().await, second: None };
    }
    let _turn = a.turn_beside(b).await;
    loop {
        a.freed().await;
        b.freed().await;
        if let Some(first) = a.try_take()
            && let Some(second) = b.try_take()
        {
            return Pair { first, second: Some(second) };
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::{FutureExt, future::join_all};

    use super::*;
    use crate::Level;

    fn lanes(number: usize) -> Lanes {
        Lanes::new(Level::exactly(number))
    }

    #[tokio::test]
    async fn a_pair_on_one_set_takes_one_lane() {
        let lanes = lanes(1);
        let pair = pair(&lanes, &lanes.clone()).now_or_never().unwrap();
        assert!(pair.second.is_none());
        assert_eq!(lanes.free(), 0);
    }

    #[tokio::test]
    async fn a_pair_holds_nothing_while_it_waits() {
        let (a, b) = (lanes(1), lanes(1));
        let blocker = b.take().await;
        let mut waiting = Box::pin(pair(&a, &b));
        assert!(waiting.as_mut().now_or_never().is_none());
        assert_eq!(a.free(), 1, "the lane of the first set is not held");
        drop(blocker);
        let _both = waiting.await;
        assert_eq!((a.free(), b.free()), (0, 0));
    }

    #[tokio::test]
    async fn pairs_in_both_directions_never_wait_for_each_other() {
        let (a, b) = (lanes(2), lanes(1));
        let copies = (0..200).map(|turn| {
            let (a, b) = if turn % 2 == 0 { (a.clone(), b.clone()) } else { (b.clone(), a.clone()) };
            async move {
                let pair = pair(&a, &b).await;
                pair.first.give_back().await;
                drop(pair.second);
            }
        });
        join_all(copies).await;
        assert_eq!((a.free(), b.free()), (2, 1));
    }

    #[tokio::test]
    async fn a_pair_that_is_given_up_loses_no_lane() {
        let (a, b) = (lanes(1), lanes(1));
        let blocker = a.take().await;
        for _ in 0..3 {
            assert!(pair(&a, &b).now_or_never().is_none());
        }
        drop(blocker);
        assert_eq!((a.free(), b.free()), (1, 1));
    }

    #[tokio::test]
    async fn pairs_in_both_directions_get_on_where_each_side_has_one_lane() {
        let (a, b) = (lanes(1), lanes(1));
        let copies = (0..20).map(|turn| {
            let (a, b) = if turn % 2 == 0 { (a.clone(), b.clone()) } else { (b.clone(), a.clone()) };
            async move {
                for _ in 0..20 {
                    let pair = pair(&a, &b).await;
                    tokio::task::yield_now().await;
                    drop(pair);
                }
            }
        });
        join_all(copies).await;
        assert_eq!((a.free(), b.free()), (1, 1));
    }

    #[tokio::test]
    async fn a_full_set_keeps_nobody_from_a_third() {
        let (source, full, free) = (lanes(1), lanes(1), lanes(1));
        let _blocker = full.take().await;
        let mut waiting = Box::pin(pair(&source, &full));
        assert!(waiting.as_mut().now_or_never().is_none());
        assert!(pair(&source, &free).now_or_never().is_some());
    }
}
