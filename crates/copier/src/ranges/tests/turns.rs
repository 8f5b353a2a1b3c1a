//! Sources that stop serving ranges, or stop answering: what a reading holds meanwhile, and what it tells others.
use std::sync::atomic::AtomicUsize;

use super::*;

#[tokio::test(start_paused = true)]
async fn a_source_that_stops_serving_ranges_is_read_on_in_one_request() {
    let (size, last) = (512 * MIB, 300 * MIB);
    // Where some are refused at first, it is the second attempt of one that finds out, and the next brings the rest.
    for (refusals, times) in [(0, 1), (7, 2)] {
        let late = AtomicUsize::new(0);
        let source = Arc::new(Slow::new(size, move |_, span| match span.start > last {
            true if late.fetch_add(1, Ordering::Relaxed) < refusals => Fate::Later,
            true => Fate::Whole,
            false => Fate::Served,
        }));
        read_all(&source).await.result.unwrap();
        let asked = source.asked().iter().filter(|(start, _)| *start > last).count();
        assert!(asked <= 9 + refusals, "{:?}", source.asked());
        let thrown = source.sent() - size;
        assert!(thrown < times * (last + 32 * MIB), "{} MiB thrown away", thrown / MIB);
    }
}

#[tokio::test(start_paused = true)]
async fn what_breaks_cost_without_ranges_is_counted_for_all_requests_of_a_reading() {
    let (last, late) = (60 * MIB, AtomicUsize::new(0));
    // Each answer is the whole blob, and breaks after it has brought one more MiB of what was asked for.
    let source = Arc::new(Slow::new(512 * MIB, move |_, span| match span.start > last {
        true if late.fetch_add(1, Ordering::Relaxed) < 7 => Fate::Later,
        true => Fate::WholeCut(span.start + MIB),
        false => Fate::Served,
    }));
    let fault = read_all(&source).await.result.unwrap_err();
    assert_eq!(fault.kind(), FaultKind::Unreachable);
    assert!(source.sent() < 500 * MIB, "{} MiB", source.sent() / MIB);
}

#[tokio::test(start_paused = true)]
async fn a_range_that_broke_gives_its_lane_back() {
    let source = Arc::new(Slow::new(
        64 * MIB,
        |number, _| if number == 2 { Fate::Cut(100_000) } else { Fate::Served },
    ));
    let lanes = Lanes::new(3);
    let _transfer = lanes.take().await;
    let other = async {
        sleep(Duration::from_millis(800)).await;
        assert_eq!(source.asked().len(), 2, "one range, and it is broken");
        assert!(lanes.try_take().is_some_and(|_one| lanes.try_take().is_some()), "both are free");
    };
    let shared = Shared::new(Ranges::default());
    let (outcome, ()) = futures::join!(read(&source, &shared, &lanes, 0, Duration::ZERO), other);
    outcome.result.unwrap();
    assert!(source.sent() <= 65 * MIB, "{} bytes for 64 MiB", source.sent());
}

#[tokio::test(start_paused = true)]
async fn however_ranges_break_no_more_requests_are_under_way_than_lanes() {
    for (nth, after) in (3..9).flat_map(|nth| [(nth, 50_000), (nth, 1_000_000)]) {
        let cut = move |number, _: &_| if number % nth == 0 { Fate::Cut(after) } else { Fate::Served };
        let source = Arc::new(Slow::new(128 * MIB, cut));
        let shared = Shared::new(Ranges { keeps: Duration::ZERO, ..Ranges::default() });
        let lanes = Lanes::new(4);
        let _transfer = lanes.take().await;
        read(&source, &shared, &lanes, 0, Duration::ZERO).await.result.unwrap();
        assert!(source.most.load(Ordering::Relaxed) <= 4, "{}", source.most.load(Ordering::Relaxed));
        assert_eq!(shared.stock.left(), 32 * MIB);
    }
}

#[tokio::test(start_paused = true)]
async fn ranges_that_are_not_answered_do_not_stop_the_request_that_brings_their_bytes() {
    let silent = |number, _: &_| if number > 1 { Fate::Silent } else { Fate::Served };
    let source = Arc::new(Slow::new(64 * MIB, silent));
    let outcome = read_all(&source).await;
    outcome.result.unwrap();
    let alone = Duration::from_millis(64_000 / 5);
    assert!(outcome.took < alone + Duration::from_secs(3), "{:?} of {alone:?}", outcome.took);
}

#[tokio::test(start_paused = true)]
async fn lanes_that_come_free_later_are_taken_where_it_is_known_that_they_help() {
    let source = served(128 * MIB);
    let (shared, lanes) = (Shared::new(Ranges::default()), Lanes::new(8));
    shared.lessons.learn(source.place(), 8, Duration::from_secs(60));
    let mut taken = Vec::new();
    for _ in 0..7 {
        taken.push(lanes.take().await);
    }
    let transfer = taken.pop();
    let other = async {
        sleep(Duration::from_secs(2)).await;
        assert_eq!(source.most.load(Ordering::Relaxed), 2);
        taken.clear();
    };
    let outcome = futures::join!(read(&source, &shared, &lanes, 0, Duration::ZERO), other).0;
    outcome.result.unwrap();
    drop(transfer);
    assert_eq!(source.most.load(Ordering::Relaxed), 8);
}

#[tokio::test(start_paused = true)]
async fn others_are_told_what_a_source_says_and_not_of_accidents() {
    let cases = [
        (Fate::Cut(0), false, None),
        (Fate::Cut(100_000), false, None),
        (Fate::Gone, false, None),
        (Fate::Later, false, Some(1)),
        (Fate::Whole, false, Some(1)),
        (Fate::Later, true, None),
        (Fate::Whole, true, None),
    ];
    for (fate, is_foreign, told) in cases {
        let mut source = Slow::new(64 * MIB, move |number, _| if number == 2 { fate } else { Fate::Served });
        if is_foreign {
            source.blob.urls.push("https://elsewhere.example/layer".to_owned());
        }
        let (source, shared) = (Arc::new(source), Shared::new(Ranges::default()));
        read(&source, &shared, &Lanes::new(18), 0, Duration::ZERO).await.result.unwrap();
        assert_eq!(shared.lessons.about(source.place(), Instant::now()), told, "{fate:?}, {is_foreign}");
    }
}
