//! Repairs: a destination that has the root, and has lost what lies below it.
use content::FaultKind;
use copier::{Delivered, Destination, Existing, Job};
use http::Method;
use reference::Digest;
use testkit::{Content, Fake, Request};

use crate::world::{Image, Yard};

/// A target that holds `app:v1` without these pieces.
fn torn(content: &Content, root: &content::Descriptor, lost: &[&Digest]) -> Fake {
    let mut left = content.clone();
    for digest in lost {
        left.forget(digest);
    }
    Fake::setup().seed(&left, root, "app:v1").start()
}

async fn copy(source: &Fake, target: &Fake, existing: Existing) -> Delivered {
    let yard = Yard::new(8);
    let job = Job { existing, ..yard.job(source, "app", target, &["app"]) };
    yard.run(&job).await.unwrap().remove(0)
}

#[tokio::test]
async fn a_lost_blob_stays_lost_under_a_trusted_root_and_is_sent_by_a_repair() {
    let image = Image::of(1000);
    let source = image.source([]);
    let target = torn(&image.content, &image.root, &[&image.layer.digest]);
    assert!(copy(&source, &target, Existing::Move).await.already_there);
    assert_eq!(target.lacks("app", &image.content), std::slice::from_ref(&image.layer.digest));

    let delivered = copy(&source, &target, Existing::RepairOrMove).await;
    image.is_at(&target);
    assert_eq!((delivered.copied, delivered.present, delivered.already_there), (1, 1, false));
    let reads = source.ledger().blob_reads();
    assert_eq!(reads.len(), 1, "what is there is not read: {}", source.ledger());
    assert!(target.torn().is_empty());
}

#[tokio::test]
async fn a_lost_child_manifest_is_written_again_before_the_root() {
    let (content, root) = Content::fleet(3, 1, 100);
    let child = content.digests().find(|digest| {
        let text = String::from_utf8_lossy(content.get(digest).unwrap()).into_owned();
        text.contains("\"layers\":[") && **digest != root.digest
    });
    let source = Fake::with(&content, &root, "app:v1");
    let target = torn(&content, &root, &[child.unwrap()]);
    copy(&source, &target, Existing::RepairOrMove).await;
    assert_eq!(target.lacks("app", &content), []);
    let puts = target.ledger().pick(|request| request.method == Method::PUT && request.is_manifest());
    let last = format!("/v2/app/manifests/{}", root.digest);
    assert!(puts.len() == 4 && puts[3].path == last, "{}", target.ledger());
    assert!(source.ledger().blob_reads().is_empty(), "{}", source.ledger());
}

#[tokio::test]
async fn a_repair_of_what_is_whole_sends_no_blob() {
    let image = Image::of(1000);
    let (source, target) = (image.source([]), image.source([]));
    let delivered = copy(&source, &target, Existing::RepairOrMove).await;
    assert_eq!((delivered.copied, delivered.present), (0, 2));
    assert_eq!(target.ledger().count(|request: &Request| request.is_blob() && request.received > 0), 0);
    image.is_at(&target);
}

#[tokio::test]
async fn a_repair_by_digest_looks_below_the_root_too() {
    let image = Image::of(1000);
    let source = image.source([]);
    let target = torn(&image.content, &image.root, &[&image.layer.digest]);
    let yard = Yard::new(8);
    let mut job = yard.job(&source, "app", &target, &["app"]);
    job.destinations =
        job.destinations.iter().map(|one| Destination { names: Vec::new(), ..one.clone() }).collect();
    assert!(yard.run(&job).await.unwrap()[0].already_there);
    let job = Job { existing: Existing::RepairOrMove, ..job };
    assert_eq!(yard.run(&job).await.unwrap()[0].copied, 1);
    image.is_at(&target);
}

#[tokio::test]
async fn a_repair_moves_a_tag_that_is_elsewhere() {
    let (old, new) = (Image::of(10), Image::of(1000));
    let (source, target) = (new.source([]), old.source([]));
    copy(&source, &target, Existing::RepairOrMove).await;
    new.is_at(&target);
}

#[tokio::test]
async fn a_repair_that_may_not_move_a_tag_repairs_the_same_root_and_refuses_another() {
    let (old, new) = (Image::of(10), Image::of(1000));
    let (source, other) = (new.source([]), old.source([]));
    let target = torn(&new.content, &new.root, &[&new.layer.digest]);
    assert_eq!(copy(&source, &target, Existing::RepairOrRefuse).await.copied, 1);
    new.is_at(&target);
    let yard = Yard::new(8);
    let refused = Job { existing: Existing::RepairOrRefuse, ..yard.job(&source, "app", &other, &["app"]) };
    assert_eq!(yard.run(&refused).await.unwrap_err().kind, FaultKind::Conflict);
    old.is_at(&other);
}
