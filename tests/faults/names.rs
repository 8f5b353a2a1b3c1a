//! Names: tags that move or may not, registries that do not answer HEAD, and what is deleted meanwhile.
use content::FaultKind;
use copier::{Existing, Side};
use http::Method;
use testkit::{Fake, Mishap};

use crate::world::{Image, copy, copy_with, target};

#[tokio::test(start_paused = true)]
async fn a_copy_that_is_done_again_reads_and_writes_nothing() {
    let image = Image::of(1000);
    let (source, target) = (image.source([]), target([]));
    copy(&source, &target).await.unwrap();
    for existing in [Existing::Move, Existing::RefuseUnlessSame] {
        source.ledger().clear();
        target.ledger().clear();
        copy_with(&source, &target, existing).await.unwrap();
        for ledger in [source.ledger(), target.ledger()] {
            let methods: Vec<_> = ledger.all().into_iter().map(|request| request.method).collect();
            assert_eq!(methods, [Method::HEAD], "{ledger}");
        }
    }
}

/// The tag appears, or stands, at some digest, and the registry lets nobody write it.
#[tokio::test(start_paused = true)]
async fn a_tag_that_may_not_be_moved_is_done_where_it_is_right_and_a_conflict_where_not() {
    for (status, right) in [(400, true), (403, true), (409, true), (400, false), (403, false), (409, false)] {
        let image = Image::of(1000);
        let source = image.source([]);
        let target = Fake::start();
        let theirs = Image::of(2000);
        target.put(&theirs.content, &theirs.root, "app:v1");
        let words = r#"{"errors":[{"code":"TAG_INVALID","message":"the tag is immutable"}]}"#;
        let refuse = Mishap::on(Method::PUT, "/manifests/v1").answer(status, words);
        // Somebody else has copied the same image while we did.
        target.mishap(if right { refuse.move_tag("app:v1", &image.root.digest) } else { refuse });
        let manifest = image.content.clone();
        if right {
            target.put(&manifest, &image.root, "app:other");
        }
        match copy(&source, &target).await {
            Ok(()) => assert!(right, "{status}"),
            Err(failure) => {
                assert_eq!((right, failure.kind), (false, FaultKind::Conflict), "{status}: {failure:?}");
                assert_eq!(target.tag("app", "v1").as_ref(), Some(&theirs.root.digest));
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_registry_that_does_not_answer_head_or_not_fully_is_asked_by_get() {
    let image = Image::of(1000);
    let head = || Mishap::on(Method::HEAD, "/manifests/v1");
    for mishap in [
        head().status(405),
        head().status(404),
        head().status(500),
        head().without("Docker-Content-Digest"),
        head().without("Content-Length"),
        head().without("Docker-Content-Digest").without("Content-Length"),
    ] {
        let (source, target) = (image.source([mishap.clone()]), target([]));
        copy(&source, &target).await.unwrap();
        image.is_at(&target);
        let asked = source.ledger().pick(|request| request.path.ends_with("/manifests/v1"));
        let accepts: Vec<_> = asked.iter().map(|request| request.header("accept")).collect();
        assert!(accepts.windows(2).all(|pair| pair[0] == pair[1]), "{accepts:?}");
        // The same at the target, of which the tag is asked for; a 404 is an answer there.
        target.mishap(mishap);
        target.ledger().clear();
        copy(&source, &target).await.unwrap();
        let sent = target.ledger().count(|request| request.method == Method::PUT && request.is_blob());
        assert_eq!(sent, 0, "{}", target.ledger());
    }
}

#[tokio::test(start_paused = true)]
async fn a_tag_that_moves_meanwhile_is_copied_as_it_was() {
    let (image, later) = (Image::of(1000), Image::of(2000));
    for (method, path) in [(Method::GET, "/manifests/sha256"), (Method::GET, "/blobs/sha256")] {
        let source = image.source([]);
        source.put(&later.content, &later.root, "app:later");
        source.mishap(Mishap::on(method, path).nth(1).move_tag("app:v1", &later.root.digest));
        let target = target([]);
        copy(&source, &target).await.unwrap();
        image.is_at(&target);
        assert_eq!(source.tag("app", "v1"), Some(later.root.digest.clone()));
        assert_eq!(target.piece("app", &later.root.digest), None);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_deleted_meanwhile_is_absent_and_leaves_no_tag() {
    let image = Image::of(1000);
    let manifest = Mishap::on(Method::GET, "/manifests/sha256").forget(&image.root.digest);
    let blob = image.reading().forget(&image.layer.digest);
    for mishap in [manifest, blob] {
        let (source, target) = (image.source([mishap]), target([]));
        let failure = copy(&source, &target).await.unwrap_err();
        assert_eq!((failure.kind, failure.side), (FaultKind::Absent, Side::Source), "{failure:?}");
        image.is_not_at(&target);
    }
}

/// Cut first, and deleted when it is asked for again: what came is of no use any more.
#[tokio::test(start_paused = true)]
async fn a_blob_that_is_deleted_between_two_reads_is_absent_and_leaves_no_tag() {
    let image = Image::of(1_000_000);
    let cut = image.reading().nth(1).cut(300_000, testkit::End::Fin);
    let (source, target) =
        (image.source([cut, image.reading().nth(2).forget(&image.layer.digest)]), target([]));
    let failure = copy(&source, &target).await.unwrap_err();
    assert_eq!((failure.kind, failure.side), (FaultKind::Absent, Side::Source), "{failure:?}");
    image.is_not_at(&target);
    assert_eq!(image.reads(&source).len(), 2, "{}", source.ledger());
}
