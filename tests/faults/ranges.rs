//! Parallel ranges over HTTP: whatever becomes of a range, the right bytes arrive, or none.
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use content::FaultKind;
use copier::{Ranges, Side};
use registry::{Exchange, Meter, Options};
use testkit::{Byte, End, Fake, Misrange, Request};

use crate::world::{Failure, Image, Yard, settle, target};

const SIZE: usize = 1_000_000;
const SEGMENT: u64 = 50_000;

/// Ranges that begin with the first byte, whatever the source is like.
fn eager() -> Ranges {
    Ranges {
        segment: SEGMENT,
        memory: 8 * SEGMENT,
        patience: Duration::ZERO,
        slow: u64::MAX,
        keeps: Duration::ZERO,
        ..Ranges::default()
    }
}

async fn copy(source: &Fake, target: &Fake, ranges: Ranges) -> Result<(), Failure> {
    let yard = Yard::new(18).with_ranges(ranges);
    let outcome = yard.run(&yard.job(source, "app", target, &["app"])).await;
    settle(target).await;
    outcome.map(drop)
}

/// Counts connections to one origin.
struct Connections {
    origin: String,
    number: AtomicUsize,
}

impl Meter for Connections {
    fn connected(&self, origin: &str) {
        self.number.fetch_add(usize::from(origin == self.origin), Ordering::Relaxed);
    }

    fn exchanged(&self, _exchange: &Exchange<'_>) {}
}

/// From where to where a read asks, the last byte included; `None` for one that goes to the end.
fn part(read: &Request) -> Option<(u64, u64)> {
    let (first, last) = read.header("range")?.strip_prefix("bytes=")?.split_once('-')?;
    Some((first.parse().ok()?, last.parse().ok()?))
}

fn parts(image: &Image, source: &Fake) -> Vec<(u64, u64)> {
    image.reads(source).iter().filter_map(part).collect()
}

#[tokio::test(start_paused = true)]
async fn each_part_is_asked_for_once_and_all_arrives() {
    let image = Image::of(SIZE);
    let (source, target) = (image.source([]), target([]));
    copy(&source, &target, eager()).await.unwrap();
    image.is_at(&target);
    let mut asked = parts(&image, &source);
    assert!(asked.len() > 10, "{}", source.ledger());
    asked.sort_unstable();
    for pair in asked.windows(2) {
        assert!(pair[0].1 < pair[1].0, "asked for twice: {asked:?}");
    }
    let uploads = target.ledger().pick(|request| request.is_blob() && request.received > 1000);
    assert_eq!(uploads.len(), 1, "{}", target.ledger());
}

#[tokio::test(start_paused = true)]
async fn a_range_goes_over_the_connection_of_one_that_has_come() {
    let image = Image::of(3 * SIZE);
    let (source, target) = (image.source([]), target([]));
    let meter = Arc::new(Connections { origin: source.origin(), number: AtomicUsize::new(0) });
    let mut options = Options::default();
    options.meter = Some(Arc::<Connections>::clone(&meter));
    let yard = Yard::with_options(options).with_ranges(eager());
    yard.run(&yard.job(&source, "app", &target, &["app"])).await.unwrap();
    image.is_at(&target);
    let (reads, connections) = (parts(&image, &source).len(), meter.number.load(Ordering::Relaxed));
    assert!(reads > 40 && connections <= 10, "{connections} connections for {reads} ranges");
}

#[tokio::test(start_paused = true)]
async fn one_range_and_a_source_that_is_not_slow_are_never_asked_for_a_part() {
    for ranges in [Ranges { most: 1, ..eager() }, Ranges { segment: SEGMENT, ..Ranges::default() }] {
        let image = Image::of(SIZE);
        let (source, target) = (image.source([]), target([]));
        copy(&source, &target, ranges).await.unwrap();
        image.is_at(&target);
        let reads = image.reads(&source);
        assert!(reads.len() == 1 && reads[0].header("range").is_none(), "{}", source.ledger());
    }
}

#[tokio::test(start_paused = true)]
async fn a_range_that_is_not_what_was_asked_for_harms_nothing() {
    for how in Misrange::ALL {
        let image = Image::of(SIZE);
        let (source, target) = (image.source([image.reading().misrange(how)]), target([]));
        copy(&source, &target, eager()).await.unwrap_or_else(|failure| panic!("{how:?}: {failure:?}"));
        image.is_at(&target);
        // Only bytes that claim to be others are read once more from the start.
        let uploads = target.ledger().count(|request| request.is_blob() && request.received > 1000);
        assert_eq!(uploads, 1 + usize::from(how == Misrange::Liar), "{how:?}: {}", source.ledger());
    }
}

#[tokio::test(start_paused = true)]
async fn a_part_may_be_labelled_with_an_encoding_as_the_whole_blob_may() {
    let image = Image::of(SIZE);
    let (source, target) = (image.source([image.reading().with("Content-Encoding", "gzip")]), target([]));
    // One that is refused would be the last for a minute.
    copy(&source, &target, Ranges { keeps: Duration::from_secs(60), ..eager() }).await.unwrap();
    image.is_at(&target);
    assert!(parts(&image, &source).len() > 10, "{}", source.ledger());
}

#[tokio::test(start_paused = true)]
async fn ranges_that_are_refused_leave_the_copy_going() {
    for status in [429, 503, 403, 404, 400] {
        let image = Image::of(SIZE);
        let source = image.source([image.reading().nth(2).times(usize::MAX).status(status)]);
        let target = target([]);
        copy(&source, &target, Ranges { keeps: Duration::from_secs(60), ..eager() }).await.unwrap();
        image.is_at(&target);
        assert!(image.reads(&source).len() <= 1 + 7 * 2, "{status}: {}", source.ledger());
    }
}

#[tokio::test(start_paused = true)]
async fn a_range_that_is_cut_is_read_on_where_it_broke() {
    for (end, after) in [(End::Fin, 0), (End::Fin, 20_000), (End::Reset, 20_000), (End::Stall, 20_000)] {
        let image = Image::of(SIZE);
        let cuts = [2, 5, 9].map(|nth| image.reading().nth(nth).cut(after, end));
        let (source, target) = (image.source(cuts), target([]));
        copy(&source, &target, eager()).await.unwrap();
        image.is_at(&target);
        let sent: u64 = image.reads(&source).iter().map(|read| read.sent).sum();
        // What the first request had on its way is lost where it meets the first range.
        assert!(sent < 2 * SIZE as u64, "{end:?} after {after}: {sent} bytes");
    }
}

#[tokio::test(start_paused = true)]
async fn a_byte_that_is_wrong_in_every_range_is_read_right_in_one() {
    let image = Image::of(SIZE);
    let wrong = image.reading().nth(2).times(3).corrupt(Byte::At(77));
    let (source, target) = (image.source([wrong]), target([]));
    copy(&source, &target, eager()).await.unwrap();
    image.is_at(&target);
    let reads = image.reads(&source);
    let again = reads.iter().rposition(|read| read.header("range").is_none()).unwrap();
    assert!(again > 0 && again + 1 == reads.len(), "read again in one piece: {}", source.ledger());
}

#[tokio::test(start_paused = true)]
async fn a_byte_that_stays_wrong_completes_nothing() {
    let image = Image::of(SIZE);
    let (source, target) = (image.source([image.reading().corrupt(Byte::At(77))]), target([]));
    let failure = copy(&source, &target, eager()).await.unwrap_err();
    assert_eq!((failure.kind, failure.side), (FaultKind::Untrue, Side::Source));
    image.is_not_at(&target);
}

#[tokio::test(start_paused = true)]
async fn an_upload_that_breaks_goes_on_in_ranges() {
    let image = Image::of(SIZE);
    let cut =
        testkit::Mishap::on(http::Method::PUT, "/blobs/uploads/").nth(1).cut_request(400_000, End::Reset);
    let (source, target) = (image.source([]), target([cut]));
    copy(&source, &target, eager()).await.unwrap();
    image.is_at(&target);
    assert!(parts(&image, &source).len() > 10, "{}", source.ledger());
}
