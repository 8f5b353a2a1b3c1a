//! Uploads: whatever a target does in the middle of a blob or at its commit, it has the blob, once, or the copy failed.
use content::FaultKind;
use copier::Side;
use http::Method;
use testkit::{Byte, Content, End, Fake, Mishap, Request};

use crate::world::{Image, copy, target};

const SIZE: usize = 1_000_000;

/// The layer's own requests, of which none is small.
fn large(target: &Fake) -> Vec<Request> {
    target.ledger().pick(|request| {
        let length = request.header("content-length").and_then(|length| length.parse::<usize>().ok());
        request.is_blob() && request.method != Method::POST && length.is_some_and(|length| length > 1000)
    })
}

fn count(target: &Fake, method: &Method) -> usize {
    target.ledger().count(|request| request.method == *method && request.is_blob())
}

/// Puts of a layer, the config being sent first or last: it is too small to be cut there.
fn cut(nth: usize, after: u64, end: End) -> Mishap {
    Mishap::on(Method::PUT, "/blobs/uploads/").nth(nth).cut_request(after, end)
}

/// An image without a config: every upload is of the layer.
fn bare() -> Image {
    let mut content = Content::new();
    let layer = content.layer(1, SIZE);
    let root = content.index(std::slice::from_ref(&layer));
    Image { content, root, layer }
}

#[tokio::test(start_paused = true)]
async fn an_upload_that_dies_goes_on_at_the_next_byte() {
    for end in [End::Reset, End::Fin] {
        let image = bare();
        let (source, target) = (image.source([]), target([cut(1, 300_000, end), cut(2, 300_000, end)]));
        copy(&source, &target).await.unwrap();
        image.is_at(&target);
        let puts = large(&target);
        assert_eq!((puts.len(), count(&target, &Method::POST)), (3, 1), "{}", target.ledger());
        let begins = puts.iter().map(|put| put.header("content-range"));
        let due = [None, Some("300000-999999"), Some("600000-999999")];
        assert_eq!(begins.collect::<Vec<_>>(), due, "{}", target.ledger());
    }
}

#[tokio::test(start_paused = true)]
async fn an_upload_whose_session_kept_nothing_or_is_gone_begins_again_once() {
    let image = bare();
    let forgetful = Fake::setup().keeps_partial(false).start();
    let losing = Fake::start();
    losing.mishap(Mishap::on(Method::GET, "/blobs/uploads/").lose_session());
    for target in [forgetful, losing] {
        target.mishap(cut(1, 300_000, End::Reset));
        let source = image.source([]);
        copy(&source, &target).await.unwrap();
        image.is_at(&target);
        assert_eq!(large(&target).len(), 2, "{}", target.ledger());
        assert!(count(&target, &Method::POST) <= 2, "{}", target.ledger());
    }
}

#[tokio::test(start_paused = true)]
async fn a_416_after_a_resume_is_settled_by_the_session() {
    let image = bare();
    let refusal = Mishap::on(Method::PUT, "/blobs/uploads/").nth(2).status(416);
    let (source, target) = (image.source([]), target([cut(1, 300_000, End::Reset), refusal]));
    copy(&source, &target).await.unwrap();
    image.is_at(&target);
    assert!(large(&target).len() <= 4, "{}", target.ledger());
}

/// A session that says less than it holds (ECR's stands still after the first chunk), more, or more than there is.
#[tokio::test(start_paused = true)]
async fn a_session_that_does_not_know_where_it_stands_ends_in_the_right_bytes_or_a_clean_failure() {
    for by in [-299_999, -1000, 1000, 600_000, 10_000_000] {
        for checks in [true, false] {
            let image = bare();
            let source = image.source([]);
            let target = Fake::setup().checks_digests(checks).start();
            target.mishap(cut(1, 300_000, End::Reset));
            target.mishap(Mishap::on(Method::GET, "/blobs/uploads/").shift_range(by));
            match copy(&source, &target).await {
                Ok(()) => image.is_at(&target),
                Err(failure) => {
                    assert_eq!(failure.side, Side::Target, "{by}: {failure:?}");
                    image.is_not_at(&target);
                }
            }
            assert!(target.ledger().all().len() <= 40, "{by}: {}", target.ledger());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_upload_that_always_dies_at_the_same_byte_is_given_up() {
    let image = bare();
    let dying = Mishap::on(Method::PUT, "/blobs/uploads/").cut_request(0, End::Reset);
    let (source, target) = (image.source([]), target([dying]));
    let failure = copy(&source, &target).await.unwrap_err();
    assert_eq!((failure.kind, failure.side), (FaultKind::Unreachable, Side::Target), "{failure:?}");
    image.is_not_at(&target);
    assert!(target.ledger().all().len() <= 60, "{}", target.ledger());
}

#[tokio::test(start_paused = true)]
async fn a_commit_whose_answer_is_lost_is_looked_up_and_not_sent_again() {
    for end in [End::Reset, End::Fin, End::Stall] {
        let image = bare();
        let lost = Mishap::on(Method::PUT, "/blobs/uploads/").nth(1).cut_head(0, end);
        let (source, target) = (image.source([]), target([lost]));
        copy(&source, &target).await.unwrap();
        image.is_at(&target);
        let counts = [Method::POST, Method::PUT, Method::HEAD].map(|method| count(&target, &method));
        assert_eq!(counts, [1, 1, 1], "{}", target.ledger());
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_that_vanished_before_its_commit_costs_one_new_session() {
    let image = bare();
    let vanished = Mishap::on(Method::PUT, "/blobs/uploads/").nth(1).lose_session();
    let (source, target) = (image.source([]), target([vanished]));
    copy(&source, &target).await.unwrap();
    image.is_at(&target);
    let counts = [Method::POST, Method::PUT].map(|method| count(&target, &method));
    assert_eq!(counts, [2, 2], "{}", target.ledger());
}

#[tokio::test(start_paused = true)]
async fn a_blob_that_is_kept_under_another_digest_is_untrue() {
    let image = bare();
    let other = format!("sha256:{}", "0".repeat(64));
    for path in ["/blobs/uploads/", "/manifests/"] {
        let mishap = Mishap::on(Method::PUT, path).with("Docker-Content-Digest", &other);
        let (source, target) = (image.source([]), target([mishap]));
        let failure = copy(&source, &target).await.unwrap_err();
        assert_eq!((failure.kind, failure.side), (FaultKind::Untrue, Side::Target), "{failure:?}");
        assert_eq!(target.wrong(), []);
        let tagged = target.ledger().count(|r| r.path.ends_with("/manifests/v1") && r.method == Method::PUT);
        assert_eq!(tagged, usize::from(path == "/manifests/"), "{}", target.ledger());
    }
}

#[tokio::test(start_paused = true)]
async fn a_byte_that_was_wrong_once_never_stays_at_a_target_that_broke_behind_it() {
    for wrong in [100_000, 900_000, 1_400_000, 1_950_000] {
        // More than lies between the two: the break comes before the verdict.
        let image = Image::of(20_000_000);
        let source = image.source([image.reading().nth(1).corrupt(Byte::At(wrong))]);
        // It keeps what came, and takes what it is given.
        let target = Fake::setup().careless().start();
        let put = Mishap::on(Method::PUT, &format!("/blobs/uploads/*{}", image.layer.digest.hex()));
        target.mishap(put.nth(1).cut_request(2_000_000, End::Reset));
        copy(&source, &target).await.unwrap();
        image.is_at(&target);
        assert_eq!(target.wrong(), [], "byte {wrong}: {}", target.ledger());
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_that_refuses_to_go_on_where_it_says_it_stands_is_replaced() {
    let image = bare();
    let (source, target) = (image.source([]), target([cut(1, 300_000, End::Reset)]));
    // It says one byte too many, and refuses the next one.
    target.mishap(Mishap::on(Method::GET, "/blobs/uploads/").shift_range(-1));
    copy(&source, &target).await.unwrap();
    image.is_at(&target);
    assert!(target.ledger().all().len() < 25, "{}", target.ledger());
}

#[tokio::test(start_paused = true)]
async fn a_limit_on_bodies_costs_no_byte_that_a_session_holds() {
    let image = bare();
    let (source, target) = (image.source([]), target([cut(1, 300_000, End::Reset)]));
    target.mishap(Mishap::on(Method::PUT, "/blobs/uploads/").nth(2).status(413));
    copy(&source, &target).await.unwrap();
    image.is_at(&target);
    assert_eq!(count(&target, &Method::POST), 1, "{}", target.ledger());
    let patch = target.ledger().pick(|request| request.method == Method::PATCH).remove(0);
    assert_eq!(patch.header("content-range"), Some("300000-999999"), "{}", target.ledger());
}
