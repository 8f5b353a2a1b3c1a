//! Downloads: whatever a source does in the middle of a blob, the right bytes arrive, or none.
use std::time::Duration;

use content::FaultKind;
use copier::Side;
use http::Method;
use testkit::{End, Fake, Misrange, Request};
use tokio::time::Instant;

use crate::world::{Image, copy, target};

const SIZE: usize = 1_000_000;
/// What may be on its way when a connection breaks, and is lost with it.
const BUFFER: u64 = 512 * 1024;

/// Where a read asks to begin.
fn begins(read: &Request) -> u64 {
    let range = read.header("range").unwrap_or("bytes=0-");
    range.strip_prefix("bytes=").unwrap().trim_end_matches('-').parse().unwrap()
}

/// Asserts that one upload took all of the layer, and no byte twice.
fn saw_one_upload(target: &Fake) {
    let writes = target.ledger().pick(|r| r.is_blob() && r.received > 1000);
    assert_eq!(writes.len(), 1, "{}", target.ledger());
    assert_eq!((writes[0].method.clone(), writes[0].received), (Method::PUT, SIZE as u64));
}

#[tokio::test(start_paused = true)]
async fn five_cuts_cost_five_requests_that_go_on_where_it_broke_and_one_upload() {
    for end in [End::Reset, End::Fin] {
        let image = Image::of(SIZE);
        let cuts = [1_u64, 70_000, 0, 250_000, 400_000];
        let cut = |(nth, after)| image.reading().nth(nth + 1).cut(after, end);
        let source = image.source(cuts.into_iter().enumerate().map(cut));
        let target = target([]);
        copy(&source, &target).await.unwrap();
        image.is_at(&target);
        saw_one_upload(&target);
        let reads = image.reads(&source);
        assert_eq!(reads.len(), 6, "{}", source.ledger());
        for pair in reads.windows(2) {
            let (before, here) = (begins(&pair[0]), begins(&pair[1]));
            assert!(here >= before && here <= before + pair[0].sent, "{end:?}: {}", source.ledger());
            // A close loses nothing; a reset may lose what was not read yet.
            assert!(end == End::Reset || here == before + pair[0].sent, "{}", source.ledger());
            assert_eq!(pair[1].header("range").is_some(), here > 0);
        }
        let sent: u64 = reads.iter().map(|read| read.sent).sum();
        assert!(sent <= SIZE as u64 + 5 * BUFFER, "{sent} bytes");
    }
}

/// How each answer to a resumed read ends, once and for ever.
const MISRANGES: [(Misrange, Option<FaultKind>); 7] = [
    (Misrange::Whole, None),
    (Misrange::Elsewhere, None),
    (Misrange::Unsaid, None),
    (Misrange::Gibberish, None),
    (Misrange::Unsatisfiable, None),
    // It sends half of what is left each time: enough progress to be asked again, and not for ever.
    (Misrange::Short, Some(FaultKind::Untrue)),
    // Nobody can see that those are other bytes, but for the digest.
    (Misrange::Liar, Some(FaultKind::Untrue)),
];

#[tokio::test(start_paused = true)]
async fn an_answer_to_a_resumed_read_that_is_not_what_was_asked_for_harms_nothing() {
    for (how, _) in MISRANGES {
        let image = Image::of(SIZE);
        let cut = image.reading().nth(1).cut(300_000, End::Fin);
        let source = image.source([cut, image.reading().nth(2).misrange(how)]);
        let target = target([]);
        copy(&source, &target).await.unwrap_or_else(|failure| panic!("{how:?}: {failure:?}"));
        image.is_at(&target);
        assert!(image.reads(&source).len() <= 4, "{how:?}: {}", source.ledger());
    }
}

#[tokio::test(start_paused = true)]
async fn a_source_that_never_serves_the_range_it_is_asked_for_is_read_whole_or_given_up() {
    for (how, ends) in MISRANGES {
        let image = Image::of(SIZE);
        let cut = image.reading().nth(1).cut(300_000, End::Fin);
        let source = image.source([cut, image.reading().misrange(how)]);
        let target = target([]);
        match copy(&source, &target).await {
            Ok(()) => image.is_at(&target),
            Err(failure) => {
                assert_eq!((Some(failure.kind), failure.side), (ends, Side::Source), "{how:?}: {failure:?}");
                image.is_not_at(&target);
            }
        }
        assert!(image.reads(&source).len() <= 20, "{how:?}: {}", source.ledger());
    }
}

/// An S3 that was asked with a link which has expired meanwhile.
#[tokio::test(start_paused = true)]
async fn a_link_that_expires_between_two_reads_is_asked_for_anew_at_the_registry() {
    for (status, kind) in [(400, "application/xml"), (403, "application/xml"), (403, "text/html")] {
        let image = Image::of(SIZE);
        let source = image.source([]);
        let storage = source.twin();
        source.mishap(image.reading().redirect(&storage.origin()));
        storage.mishap(image.reading().nth(1).cut(300_000, End::Reset));
        let expired = "<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>";
        storage.mishap(image.reading().nth(2).answer(status, expired).with("Content-Type", kind));
        let target = target([]);
        copy(&source, &target).await.unwrap();
        image.is_at(&target);
        assert_eq!((image.reads(&source).len(), image.reads(&storage).len()), (3, 3), "{}", source.ledger());
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_ends_early_is_gone_on_with_whatever_its_length_says() {
    let image = Image::of(SIZE);
    for mishap in [
        image.reading().cut(SIZE as u64 - 1, End::Fin),
        image.reading().chunked().cut(500_000, End::Fin),
        image.reading().chunked().cut(500_000, End::Reset),
        image.reading().unended(),
    ] {
        let (source, target) = (image.source([mishap.nth(1)]), target([]));
        copy(&source, &target).await.unwrap();
        image.is_at(&target);
        saw_one_upload(&target);
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_always_ends_early_is_never_a_success() {
    let image = Image::of(SIZE);
    let short = image.content.get(&image.layer.digest).unwrap().slice(..SIZE - 1);
    let source = image.source([image.reading().answer(200, short).chunked()]);
    let target = target([]);
    let failure = copy(&source, &target).await.unwrap_err();
    assert_eq!((failure.kind, failure.side), (FaultKind::Untrue, Side::Source), "{failure:?}");
    image.is_not_at(&target);
    assert!(image.reads(&source).len() <= 16, "{}", source.ledger());
}

#[tokio::test(start_paused = true)]
async fn what_was_compressed_on_the_way_is_untrue_and_a_header_alone_harms_nothing() {
    let image = Image::of(SIZE);
    let gzip = image.reading().with("Content-Encoding", "gzip");
    let (source, there) = (image.source([gzip.clone()]), target([]));
    copy(&source, &there).await.unwrap();
    image.is_at(&there);
    for body in [vec![0x1f; 1000], vec![0x1f; SIZE]] {
        let (source, there) = (image.source([gzip.clone().answer(200, body)]), target([]));
        let failure = copy(&source, &there).await.unwrap_err();
        assert_eq!((failure.kind, failure.side), (FaultKind::Untrue, Side::Source), "{failure:?}");
        image.is_not_at(&there);
        assert!(image.reads(&source).len() <= 2, "{}", source.ledger());
        assert!(source.ledger().all().iter().all(|r| r.header("accept-encoding") == Some("identity")));
    }
}

#[tokio::test(start_paused = true)]
async fn a_web_page_in_the_place_of_a_blob_is_untrue() {
    let image = Image::of(SIZE);
    let (source, target) = (image.source([image.reading().html()]), target([]));
    let failure = copy(&source, &target).await.unwrap_err();
    assert_eq!((failure.kind, failure.side), (FaultKind::Untrue, Side::Source), "{failure:?}");
    image.is_not_at(&target);
}

#[tokio::test(start_paused = true)]
async fn wrong_bytes_are_read_once_more_and_given_up() {
    let image = Image::of(SIZE);
    let mut wrong = image.content.get(&image.layer.digest).unwrap().to_vec();
    *wrong.last_mut().unwrap() ^= 1;
    let source = image.source([image.reading().answer(200, wrong)]);
    // This target would take them.
    let target = Fake::setup().careless().start();
    let failure = copy(&source, &target).await.unwrap_err();
    assert_eq!((failure.kind, failure.side), (FaultKind::Untrue, Side::Source), "{failure:?}");
    image.is_not_at(&target);
    assert_eq!(image.reads(&source).len(), 2, "{}", source.ledger());
}

#[tokio::test(start_paused = true)]
async fn a_source_that_is_away_for_a_moment_in_the_middle_is_waited_for() {
    let image = Image::of(SIZE);
    let source = image.source([image.reading().nth(1).cut(300_000, End::Reset)]);
    let target = target([]);
    let away = async {
        while image.reads(&source).is_empty() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        source.mishap(image.reading().status(503));
        tokio::time::sleep(Duration::from_secs(1)).await;
        source.behave();
    };
    let (copied, ()) = futures::join!(copy(&source, &target), away);
    copied.unwrap();
    image.is_at(&target);
}

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
