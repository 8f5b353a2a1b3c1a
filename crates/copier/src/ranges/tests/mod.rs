//! Readings of a source that gives each request so many bytes a second, on a clock that only waiting moves.
mod slow;
mod turns;

use std::{
    ops::Range,
    sync::{Arc, Weak, atomic::Ordering},
    time::Duration,
};

use content::{Fault, FaultKind, Source};
use futures::StreamExt;
use pace::Lanes;
use tokio::time::{Instant, sleep};

use self::slow::{EACH, Fate, MIB, Slow, pattern};
use super::{Ranges, Shared};

/// What a reading came to.
struct Outcome {
    result: Result<(), Fault>,
    took: Duration,
    /// The least that was left of the memory.
    left: u64,
}

/// Reads all of `source` from `at`, and judges every byte. `pause` is what the target takes for each chunk.
async fn read(source: &Arc<Slow>, shared: &Arc<Shared>, lanes: &Lanes, at: u64, pause: Duration) -> Outcome {
    let (start, mut at, mut left) = (Instant::now(), at, shared.stock.left());
    let dynamic: Arc<dyn Source> = Arc::<Slow>::clone(source);
    let opened = shared.read(&dynamic, &source.blob, at, lanes.clone()).await;
    let mut result = Ok(());
    match opened {
        Err(fault) => result = Err(fault),
        Ok(mut bytes) => {
            while let Some(chunk) = bytes.next().await {
                left = left.min(shared.stock.left());
                match chunk {
                    Ok(chunk) => {
                        let mut rest = &chunk[..];
                        while !rest.is_empty() {
                            let length = rest.len().min(65_536);
                            assert!(rest[..length] == pattern(at, length as u64), "wrong bytes at {at}");
                            (at, rest) = (at + length as u64, &rest[length..]);
                        }
                    }
                    Err(fault) => {
                        result = Err(fault);
                        break;
                    }
                }
                if !pause.is_zero() {
                    sleep(pause).await;
                }
            }
        }
    }
    if result.is_ok() {
        assert_eq!(at, source.blob.size, "all of it came");
    }
    Outcome { result, took: start.elapsed(), left }
}

async fn read_all(source: &Arc<Slow>) -> Outcome {
    read(source, &Shared::new(Ranges::default()), &Lanes::new(18), 0, Duration::ZERO).await
}

fn served(size: u64) -> Arc<Slow> {
    Arc::new(Slow::new(size, |_, _| Fate::Served))
}

#[tokio::test(start_paused = true)]
async fn a_source_that_limits_each_request_is_read_by_eight_at_a_time() {
    let source = served(256 * MIB);
    let outcome = read_all(&source).await;
    outcome.result.unwrap();
    assert_eq!(source.most.load(Ordering::Relaxed), 8);
    let alone = Duration::from_secs(256 / 5);
    assert!(outcome.took < alone * 16 / 100, "{:?} of {alone:?}", outcome.took);
    // What is dropped where the first request meets the first segment is next to nothing.
    assert!(source.sent() <= 257 * MIB, "{} bytes for 256 MiB", source.sent());
    let asked = source.asked();
    assert!(asked[0] == (0, 256 * MIB) && asked.len() < 90, "{asked:?}");
    for pair in asked[1..].windows(2) {
        assert_eq!(pair[0].1, pair[1].0, "every byte is asked for once: {asked:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn memory_stays_within_its_budget_and_comes_back() {
    for memory in [32 * MIB, 8 * MIB, 3 * MIB] {
        let source = served(128 * MIB);
        let shared = Shared::new(Ranges { memory, ..Ranges::default() });
        let outcome = read(&source, &shared, &Lanes::new(18), 0, Duration::ZERO).await;
        outcome.result.unwrap();
        // A stock never gives more than it has; that it was used shows that this is what bounds it.
        assert!(outcome.left < memory, "nothing was read ahead");
        assert_eq!(shared.stock.left(), memory);
        assert!(source.most.load(Ordering::Relaxed) > 1);
    }
}

#[tokio::test(start_paused = true)]
async fn one_range_never_asks_for_a_part_and_neither_does_a_small_blob() {
    let source = served(64 * MIB);
    let shared = Shared::new(Ranges { most: 1, ..Ranges::default() });
    read(&source, &shared, &Lanes::new(18), 0, Duration::ZERO).await.result.unwrap();
    assert_eq!(source.asked(), [(0, 64 * MIB)]);
    let source = served(16 * MIB - 1);
    read_all(&source).await.result.unwrap();
    assert_eq!(source.asked(), [(0, 16 * MIB - 1)]);
}

#[tokio::test(start_paused = true)]
async fn a_slow_target_never_begins_ranges() {
    let source = served(64 * MIB);
    let pause = Duration::from_millis(10);
    read(&source, &Shared::new(Ranges::default()), &Lanes::new(18), 0, pause).await.result.unwrap();
    assert_eq!(source.asked(), [(0, 64 * MIB)], "four fifths of the time the target was waited for");
}

#[tokio::test(start_paused = true)]
async fn a_link_that_all_requests_share_is_tried_once_and_the_next_blob_knows() {
    let shared = Shared::new(Ranges::default());
    let mut source = Slow::new(64 * MIB, |_, _| Fate::Served);
    source.all = EACH;
    let source = Arc::new(source);
    read(&source, &shared, &Lanes::new(18), 0, Duration::ZERO).await.result.unwrap();
    assert_eq!(source.most.load(Ordering::Relaxed), 2);
    assert!(source.asked().len() <= 5, "{:?}", source.asked());
    let before = source.asked().len();
    read(&source, &shared, &Lanes::new(18), 0, Duration::ZERO).await.result.unwrap();
    assert_eq!(source.asked()[before..], [(0, 64 * MIB)]);
}

#[tokio::test(start_paused = true)]
async fn what_one_blob_found_to_help_the_next_one_does_at_once() {
    let shared = Shared::new(Ranges::default());
    let source = served(128 * MIB);
    let first = read(&source, &shared, &Lanes::new(18), 0, Duration::ZERO).await.took;
    let second = read(&source, &shared, &Lanes::new(18), 0, Duration::ZERO).await.took;
    assert!(second + Duration::from_millis(500) < first, "{first:?}, then {second:?}");
}

#[tokio::test(start_paused = true)]
async fn only_lanes_that_nobody_holds_are_taken_and_they_come_back() {
    let source = served(64 * MIB);
    let lanes = Lanes::new(4);
    let (_transfer, _other) = (lanes.take().await, lanes.take().await);
    read(&source, &Shared::new(Ranges::default()), &lanes, 0, Duration::ZERO).await.result.unwrap();
    assert_eq!(source.most.load(Ordering::Relaxed), 3, "the transfer's own, and two that were free");
    assert!(lanes.try_take().is_some() && source.busy.load(Ordering::Relaxed) == 0);
    let full = Lanes::new(1);
    let _transfer = full.take().await;
    let source = served(64 * MIB);
    read(&source, &Shared::new(Ranges::default()), &full, 0, Duration::ZERO).await.result.unwrap();
    assert_eq!(source.asked(), [(0, 64 * MIB)]);
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_a_lane_gets_it_after_a_segment() {
    let source = served(256 * MIB);
    let lanes = Lanes::new(8);
    let _transfer = lanes.take().await;
    let other = async {
        sleep(Duration::from_secs(3)).await;
        assert!(lanes.try_take().is_none(), "all are taken");
        let start = Instant::now();
        let lane = lanes.take().await;
        assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
        drop(lane);
    };
    let shared = Shared::new(Ranges::default());
    let (outcome, ()) = futures::join!(read(&source, &shared, &lanes, 0, Duration::ZERO), other);
    outcome.result.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_source_without_ranges_is_asked_for_a_part_once() {
    let source =
        Arc::new(Slow::new(64 * MIB, |number, _| if number > 1 { Fate::Whole } else { Fate::Served }));
    read_all(&source).await.result.unwrap();
    assert_eq!(source.asked().len(), 2, "{:?}", source.asked());
    assert!(source.sent() <= 65 * MIB, "{} bytes for 64 MiB", source.sent());
}

#[tokio::test(start_paused = true)]
async fn ranges_that_are_refused_leave_the_reading_going_as_it_was() {
    let source =
        Arc::new(Slow::new(64 * MIB, |number, _| if number > 1 { Fate::Later } else { Fate::Served }));
    read_all(&source).await.result.unwrap();
    assert_eq!(source.asked().len(), 2, "{:?}", source.asked());
    // Three at a time, and no more: the others are refused.
    let source = Arc::new_cyclic(|own: &Weak<Slow>| {
        let own = Weak::clone(own);
        Slow::new(256 * MIB, move |_, _| {
            let busy = own.upgrade().map_or(0, |own| own.busy.load(Ordering::Relaxed));
            if busy >= 3 { Fate::Later } else { Fate::Served }
        })
    });
    let outcome = read_all(&source).await;
    outcome.result.unwrap();
    assert!(outcome.took < Duration::from_secs(30), "{:?}", outcome.took);
    let refused = source.asked().len() - 64;
    assert!(refused < 10, "{refused} too many");
}

#[tokio::test(start_paused = true)]
async fn a_range_that_is_cut_is_gone_on_with_where_it_broke() {
    for after in [0, 1, 100_000, MIB, 3 * MIB + 1] {
        let cut = move |number, _: &_| if number % 5 == 0 { Fate::Cut(after) } else { Fate::Served };
        let source = Arc::new(Slow::new(128 * MIB, cut));
        read_all(&source).await.result.unwrap();
        assert!(source.sent() <= 129 * MIB, "cut after {after}: {} bytes for 128 MiB", source.sent());
    }
}

#[tokio::test(start_paused = true)]
async fn more_than_a_range_asked_for_is_cut_off() {
    let source =
        Arc::new(Slow::new(64 * MIB, |number, _| if number > 1 { Fate::More } else { Fate::Served }));
    read_all(&source).await.result.unwrap();
    assert!(source.most.load(Ordering::Relaxed) > 2);
    assert!(source.sent() <= 66 * MIB, "{} bytes for 64 MiB", source.sent());
}

#[tokio::test(start_paused = true)]
async fn a_source_that_is_gone_is_asked_as_often_as_without_ranges() {
    let whole = 10 * MIB;
    let broken = move |_: usize, span: &Range<u64>| {
        if span.start == 0 { Fate::Cut(whole) } else { Fate::Later }
    };
    let source = Arc::new(Slow::new(256 * MIB, broken));
    let fault = read_all(&source).await.result.unwrap_err();
    assert_eq!(fault.kind(), FaultKind::Unreachable);
    assert!(source.asked().len() <= 1 + 8 + 8, "{:?}", source.asked());
    let gone =
        move |_: usize, span: &Range<u64>| if span.start > 40 * MIB { Fate::Gone } else { Fate::Served };
    let source = Arc::new(Slow::new(256 * MIB, gone));
    let fault = read_all(&source).await.result.unwrap_err();
    assert_eq!(fault.kind(), FaultKind::Absent, "and not asked seven times more");
    assert!(source.asked().len() <= 28, "{:?}", source.asked());
    assert_eq!(source.busy.load(Ordering::Relaxed), 0);
}

#[tokio::test(start_paused = true)]
async fn a_reading_that_is_dropped_holds_nothing() {
    let source = served(256 * MIB);
    let (shared, lanes) = (Shared::new(Ranges::default()), Lanes::new(18));
    let reading = read(&source, &shared, &lanes, 0, Duration::ZERO);
    assert!(tokio::time::timeout(Duration::from_secs(4), reading).await.is_err());
    assert_eq!(source.most.load(Ordering::Relaxed), 8);
    assert_eq!((shared.stock.left(), source.busy.load(Ordering::Relaxed)), (32 * MIB, 0));
    let free: Vec<_> = std::iter::from_fn(|| lanes.try_take()).collect();
    assert_eq!(free.len(), 18);
}

#[tokio::test(start_paused = true)]
async fn many_blobs_share_the_memory_and_all_arrive() {
    let (shared, lanes) = (Shared::new(Ranges { memory: 10 * MIB, ..Ranges::default() }), Lanes::new(18));
    let sources: Vec<_> = (0..6).map(|_| served(48 * MIB)).collect();
    let readings = sources.iter().map(|source| read(source, &shared, &lanes, 0, Duration::ZERO));
    for outcome in futures::future::join_all(readings).await {
        outcome.result.unwrap();
    }
    assert_eq!(shared.stock.left(), 10 * MIB);
}

#[tokio::test(start_paused = true)]
async fn a_reading_goes_on_in_ranges_from_any_offset() {
    let source = served(64 * MIB);
    let at = 7 * MIB + 12_345;
    let shared = Shared::new(Ranges::default());
    read(&source, &shared, &Lanes::new(18), at, Duration::ZERO).await.result.unwrap();
    assert_eq!(source.asked()[0], (at, 64 * MIB));
    assert!(source.most.load(Ordering::Relaxed) > 2);
}
