//! Downloads: whatever a source does in the middle of a blob, the right bytes arrive, or none.
use std::time::Duration;

use content::FaultKind;
use copier::Side;
use tokio::time::Instant;

use crate::world::{Image, copy, target};
use testkit::End;

/// One budget for a resumed read: the answers to its requests are not repeated again inside each attempt.
#[tokio::test(start_paused = true)]
async fn a_source_that_is_never_back_after_a_cut_is_asked_a_few_times_and_given_up() {
    let image = Image::of(1_000_000);
    let source = image.source([
        image.reading().nth(1).cut(300_000, End::Reset),
        image.reading().nth(2).times(1000).status(503),
    ]);
    let target = target([]);
    let failure = copy(&source, &target).await.unwrap_err();
    assert_eq!((failure.kind, failure.side), (FaultKind::Unreachable, Side::Source), "{}", failure.text);
    image.is_not_at(&target);
    assert_eq!(image.reads(&source).len(), 8, "{}", source.ledger());
}

/// What storage elsewhere asks for is waited for, though the registry's own gate stays open.
#[tokio::test(start_paused = true)]
async fn storage_elsewhere_that_says_later_is_left_alone_for_as_long() {
    let image = Image::of(1_000_000);
    let source = image.source([]);
    let storage = source.twin();
    source.mishap(image.reading().redirect(&storage.origin()));
    storage.mishap(image.reading().nth(1).status(503).with("Retry-After", "20"));
    let target = target([]);
    let start = Instant::now();
    copy(&source, &target).await.unwrap();
    image.is_at(&target);
    assert!(start.elapsed() >= Duration::from_secs(20), "{:?}", start.elapsed());
    assert_eq!(image.reads(&storage).len(), 2, "{}", storage.ledger());
}
