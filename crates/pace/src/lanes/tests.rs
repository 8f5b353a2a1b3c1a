//! What is promised of lanes.
use futures::FutureExt;

use super::*;

fn lanes(start: usize, cap: usize) -> Lanes {
    Lanes::new(Level { start, cap })
}

async fn clean_second() {
    tokio::time::advance(CLEAN).await;
}

#[tokio::test]
async fn a_dropped_lane_is_free_again() {
    let lanes = lanes(1, 1);
    let lane = lanes.take().await;
    assert!(lanes.try_take().is_none());
    drop(lane);
    let lane = lanes.try_take().unwrap();
    lane.give_back().await;
    assert_eq!(lanes.free(), 1);
}

#[tokio::test]
async fn fewer_lanes_close_only_as_they_come_back() {
    let lanes = lanes(3, 3);
    let (one, two) = (lanes.take().await, lanes.take().await);
    lanes.congested(lanes.round());
    assert_eq!((lanes.number(), lanes.free()), (1, 0));
    assert!(lanes.is_crowded());
    drop(one);
    assert_eq!(lanes.free(), 0, "the second lane was still owed");
    assert!(!lanes.is_crowded());
    drop(two);
    assert_eq!(lanes.free(), 1);
    lanes.congested(lanes.round());
    assert_eq!((lanes.number(), lanes.free()), (1, 1), "one lane always stays");
}

#[tokio::test]
async fn more_lanes_forgive_what_is_owed_and_serve_those_who_wait() {
    let lanes = lanes(2, 2);
    let held = (lanes.take().await, lanes.take().await);
    lanes.set_level(Level::exactly(1));
    let waiting = lanes.take();
    lanes.set_level(Level::exactly(4));
    let third = waiting.now_or_never().unwrap();
    assert_eq!((lanes.number(), lanes.free()), (4, 1));
    drop((held, third));
    assert_eq!(lanes.free(), 4);
}

#[tokio::test]
async fn a_burst_that_is_refused_halves_once_and_the_next_one_again() {
    let lanes = lanes(18, 32);
    let burst: Vec<Round> = (0..18).map(|_| lanes.round()).collect();
    for round in burst {
        lanes.congested(round);
    }
    assert_eq!(lanes.number(), 9);
    lanes.congested(lanes.round());
    assert_eq!(lanes.number(), 4);
}

#[tokio::test(start_paused = true)]
async fn one_lane_more_for_each_clean_second_in_which_all_were_taken() {
    let lanes = lanes(2, 4);
    let mut held = vec![lanes.take().await, lanes.take().await];
    assert!(lanes.take().now_or_never().is_none(), "the first second is not over");
    let begun = Instant::now();
    for seconds in 1..=2 {
        held.push(lanes.take().await);
        assert_eq!(begun.elapsed().as_secs(), seconds);
    }
    assert_eq!(lanes.number(), 4);
    let waiting = tokio::time::timeout(60 * CLEAN, lanes.take()).await;
    assert!(waiting.is_err(), "there are never more than the cap");
}

#[tokio::test(start_paused = true)]
async fn lanes_that_nobody_wants_do_not_grow_in_number() {
    let lanes = lanes(2, 4);
    for _ in 0..10 {
        clean_second().await;
        drop((lanes.take().await, lanes.take().await));
    }
    assert_eq!(lanes.number(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_second_with_a_halving_in_it_is_not_clean() {
    let lanes = lanes(2, 4);
    let held = (lanes.take().await, lanes.take().await);
    clean_second().await;
    lanes.congested(lanes.round());
    assert!(lanes.take().now_or_never().is_none());
    assert_eq!(lanes.number(), 1);
    clean_second().await;
    assert!(lanes.take().now_or_never().is_none());
    assert_eq!(lanes.number(), 1, "nothing has gone well since");
    lanes.went_well();
    assert!(lanes.take().now_or_never().is_none(), "the lane that came was owed");
    assert_eq!((lanes.number(), lanes.is_crowded()), (2, false));
    drop(held);
}

#[tokio::test(start_paused = true)]
async fn time_in_which_nothing_is_to_be_sent_makes_no_lanes() {
    let lanes = lanes(1, 4);
    let _held = lanes.take().await;
    lanes.rest_for(60 * CLEAN);
    tokio::time::advance(60 * CLEAN).await;
    assert!(lanes.take().now_or_never().is_none());
    clean_second().await;
    assert!(lanes.take().now_or_never().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_late_refusal_of_an_earlier_burst_makes_its_second_unclean_too() {
    let lanes = lanes(2, 4);
    let round = lanes.round();
    let _held = lanes.take().await;
    lanes.congested(round);
    lanes.went_well();
    tokio::time::advance(CLEAN * 3 / 4).await;
    lanes.congested(round);
    tokio::time::advance(CLEAN * 3 / 4).await;
    lanes.went_well();
    assert!(lanes.take().now_or_never().is_none());
    assert_eq!(lanes.number(), 1);
}
