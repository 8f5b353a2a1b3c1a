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

#[tokio::test(start_paused = true)]
async fn a_copy_with_nothing_to_do_waits_for_one() {
    let (content, root) = Content::fleet(2, 3, 1000);
    let there = || far().seed(&content, &root, "app:v1").start();
    let (source, target) = (there(), there());
    assert_eq!(trips(&source, &target).await, 1);
    assert_eq!((source.ledger().all().len(), target.ledger().all().len()), (1, 1));
}
