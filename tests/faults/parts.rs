//! Parts: a registry that says that it holds a part of a manifest, and refuses the manifest for want of it.
use content::FaultKind;
use copier::Side;
use http::Method;
use testkit::{Content, Fake, Mishap, Request, images::DOCKER_FOREIGN};

use crate::world::{Image, copy, target};

fn puts(target: &Fake, part: &str) -> usize {
    target.ledger().count(|request| request.method == Method::PUT && request.path.contains(part))
}

fn sent(target: &Fake) -> Vec<u64> {
    let bodies = target.ledger().pick(|r| r.method == Method::PUT && r.is_blob());
    bodies.iter().map(|request| request.received).collect()
}

/// It mounts from itself what it does not have.
fn lying_mount() -> Mishap {
    Mishap::on(Method::POST, "/uploads/*mount=").status(201)
}

#[tokio::test(start_paused = true)]
async fn a_blob_that_a_mount_claims_and_the_manifest_lacks_is_sent_once_more() {
    let image = Image::of(1000);
    let (source, target) = (image.source([]), target([lying_mount()]));
    copy(&source, &target).await.unwrap();
    image.is_at(&target);
    assert_eq!((puts(&target, "/manifests/"), sent(&target).len()), (2, 2), "{}", target.ledger());
}

#[tokio::test(start_paused = true)]
async fn a_blob_that_a_head_claims_and_the_manifest_lacks_is_sent_once_more() {
    let image = Image::of(1000);
    let source = image.source([]);
    let head = Mishap::on(Method::HEAD, "/blobs/").say_present(1000);
    let target = target([Mishap::on(Method::POST, "/uploads/*mount=").status(405), head]);
    copy(&source, &target).await.unwrap();
    image.is_at(&target);
    // Of the two blobs the lie fits one.
    assert_eq!((puts(&target, "/manifests/"), image.reads(&source).len()), (2, 1), "{}", target.ledger());
}

/// The registry forgets a child between its own PUT and that of the index.
#[tokio::test(start_paused = true)]
async fn a_child_that_was_lost_is_written_once_more_with_what_it_names() {
    let mut content = Content::new();
    let layer = content.layer(1, 1000);
    let children = [1, 2].map(|seed| content.image(seed, std::slice::from_ref(&layer)));
    let root = content.index(&children);
    let source = Fake::with(&content, &root, "app:v1");
    let losing = Mishap::on(Method::PUT, "/manifests/v1").nth(1);
    let target = target([losing.forget(&children[0].digest).forget(&layer.digest)]);
    copy(&source, &target).await.unwrap();
    assert!(target.holds("app", &content), "{}", target.ledger());
    assert_eq!(puts(&target, "/manifests/v1"), 2);
    for child in &children {
        assert!((2..=3).contains(&puts(&target, &child.digest.to_string())), "{}", target.ledger());
    }
    let layers = sent(&target).into_iter().filter(|bytes| *bytes == 1000).count();
    assert_eq!(layers, 2, "once, and once more: {}", target.ledger());
}

#[tokio::test(start_paused = true)]
async fn a_registry_that_never_finds_what_it_was_sent_ends_in_a_clean_failure() {
    for status in [400, 404] {
        let image = Image::of(1000);
        let source = image.source([]);
        let target = target([Mishap::on(Method::PUT, "/manifests/").error(status, "MANIFEST_BLOB_UNKNOWN")]);
        let failure = copy(&source, &target).await.unwrap_err();
        assert_eq!((failure.kind, failure.side), (FaultKind::Protocol, Side::Target), "{}", failure.text);
        image.is_not_at(&target);
        assert_eq!((puts(&target, "/manifests/"), sent(&target).len()), (2, 4), "{}", target.ledger());
    }
}

#[tokio::test(start_paused = true)]
async fn two_manifests_that_share_a_lost_part_get_it_once_more_and_no_more() {
    let mut content = Content::new();
    let layer = content.layer(1, 1000);
    let images = [1, 2, 3, 4].map(|seed| content.image(seed, std::slice::from_ref(&layer)));
    let root = content.index(&images);
    let source = Fake::with(&content, &root, "app:v1");
    let target = target([lying_mount()]);
    copy(&source, &target).await.unwrap();
    assert!(target.holds("app", &content), "{}", target.ledger());
    let sizes = sent(&target);
    assert_eq!(sizes.iter().filter(|bytes| **bytes == 1000).count(), 1, "{}", target.ledger());
    assert!(target.ledger().count(Request::is_manifest) <= 1 + 2 * 4 + 1, "{}", target.ledger());
}

#[tokio::test(start_paused = true)]
async fn a_registry_that_wants_the_foreign_layers_that_were_left_out_is_said_to_and_gets_nothing_twice() {
    let mut content = Content::new();
    let foreign = content.add(DOCKER_FOREIGN, testkit::noise(2, 100));
    let layer = content.layer(1, 1000);
    let root = content.image(1, &[foreign, layer]);
    let source = Fake::with(&content, &root, "app:v1");
    let target = target([Mishap::on(Method::PUT, "/manifests/").error(404, "MANIFEST_BLOB_UNKNOWN")]);
    let failure = copy(&source, &target).await.unwrap_err();
    assert_eq!((failure.kind, failure.side), (FaultKind::Refused, Side::Target), "{}", failure.text);
    assert_eq!((puts(&target, "/manifests/"), sent(&target).len()), (1, 2), "{}", target.ledger());
}
