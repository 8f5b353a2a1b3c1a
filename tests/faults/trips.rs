//! Trips: how many round trips a copy waits for, one after the other. Each request takes one, and the clock stands
//! still meanwhile: so the time that a copy took counts them.
use std::time::Duration;

use testkit::{Content, Fake, Mishap};
use tokio::time::Instant;

use crate::world::copy;

const TRIP: Duration = Duration::from_millis(100);

async fn trips(source: &Fake, target: &Fake) -> u128 {
    let start = Instant::now();
    copy(source, target).await.unwrap();
    start.elapsed().as_millis() / TRIP.as_millis()
}

fn far() -> testkit::FakeSetup {
    Fake::setup().mishap(Mishap::any("/").delay(TRIP))
}

#[tokio::test(start_paused = true)]
async fn a_fresh_image_of_many_platforms_waits_for_eight_round_trips() {
    let (content, root) = Content::fleet(2, 3, 1000);
    let (source, target) = (far().seed(&content, &root, "app:v1").start(), far().start());
    // HEAD and HEAD; the root; its manifests; POST, GET, PUT of all blobs; their manifests; the tag.
    assert_eq!(trips(&source, &target).await, 8, "{}\n{}", source.ledger(), target.ledger());
}

/// 40 blobs in 20 lanes: the first half waits for three round trips, the other for two.
#[tokio::test(start_paused = true)]
async fn small_blobs_are_read_while_a_target_that_lacks_all_is_asked_for_them() {
    let (content, root) = Content::fleet(2, 19, 1000);
    let (source, target) = (far().seed(&content, &root, "app:v1").start(), far().start());
    let world = crate::world::Yard::in_traffic(pace::Traffic::default());
    let start = Instant::now();
    world.run(&world.job(&source, "app", &target, &["app"])).await.unwrap();
    assert_eq!(start.elapsed().as_millis() / TRIP.as_millis(), 8 + 2);
    assert_eq!(source.ledger().blob_reads().len(), 40);
}

/// The target has a layer that another image brought: it is not read, in vain or otherwise, after one was found there.
#[tokio::test(start_paused = true)]
async fn a_target_that_has_some_blobs_is_asked_before_any_more_are_read() {
    let (content, root) = Content::fleet(1, 30, 1000);
    let (source, target) = (Fake::with(&content, &root, "app:v1"), Fake::with(&content, &root, "app:old"));
    copy(&source, &target).await.unwrap();
    assert_eq!(source.ledger().blob_reads().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_copy_with_nothing_to_do_waits_for_one() {
    let (content, root) = Content::fleet(2, 3, 1000);
    let there = || far().seed(&content, &root, "app:v1").start();
    let (source, target) = (there(), there());
    assert_eq!(trips(&source, &target).await, 1);
    assert_eq!((source.ledger().all().len(), target.ledger().all().len()), (1, 1));
}
