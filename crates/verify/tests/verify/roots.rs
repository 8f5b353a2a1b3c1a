//! Roots: what stands under a tag, against what is said of it.
use std::sync::Arc;

use content::{FaultKind, Version};
use copier::Platforms;
use futures::StreamExt;
use http::Method;
use pace::Traffic;
use reference::RefName;
use testkit::{Content, Fake, Image, Mishap};
use verify::{Case, Depth, Expected, Piece, Verifier};

use crate::world::{about, asked, case, lines, prove, repository, said};

/// The case of `app:v1` at the second fake, which is to be what the first has.
fn against(source: &Fake, target: &Fake) -> Case {
    let expected = Expected::Source {
        source: repository(source, "app"),
        version: Version::Name(RefName::new("v1")),
        platforms: Platforms::All,
        name: source.reference("app:v1"),
    };
    Case { expected, ..case(target, "app:v1") }
}

fn two(image: &Image) -> (Fake, Fake) {
    let fake = || Fake::with(&image.content, &image.root, "app:v1");
    (fake(), fake())
}

#[tokio::test]
async fn a_quick_proof_costs_one_head_a_side() {
    let (source, target) = two(&Image::of(100));
    let proof = prove(&against(&source, &target), Depth::Quick).await;
    assert!(proof.holds(), "{proof:?}");
    assert_eq!(lines(&source), ["HEAD /v2/app/manifests/v1"]);
    assert_eq!(lines(&target), ["HEAD /v2/app/manifests/v1"]);
}

#[tokio::test]
async fn the_source_is_asked_for_its_root_alone_whatever_the_depth() {
    let (source, target) = two(&Image::of(100));
    for depth in [Depth::Graph, Depth::Deep] {
        source.ledger().clear();
        assert!(prove(&against(&source, &target), depth).await.holds());
        assert_eq!(lines(&source), ["HEAD /v2/app/manifests/v1"]);
    }
}

#[tokio::test]
async fn a_tag_that_moved_at_the_source_is_wrong_at_the_destination() {
    let (old, new) = (Image::of(100), Image::of(200));
    let (source, target) =
        (Fake::with(&new.content, &new.root, "app:v1"), Fake::with(&old.content, &old.root, "app:v1"));
    let proof = prove(&against(&source, &target), Depth::Deep).await;
    let [finding] = proof.findings.as_slice() else { panic!("{proof:?}") };
    assert_eq!(about(finding), (FaultKind::Untrue, Piece::Root, "v1"));
    assert_eq!(finding.expected, format!("{}, by {}", new.root.digest, source.reference("app:v1")));
    assert_eq!((finding.found.as_str(), finding.remedy.as_str()), (&*old.root.digest.to_string(), "copy it"));
    // What lies below another root says nothing of the one that should be there.
    assert_eq!(lines(&target), ["HEAD /v2/app/manifests/v1"]);
}

#[tokio::test]
async fn a_tag_that_is_gone_is_missing() {
    let image = Image::of(100);
    let fake = Fake::with(&image.content, &image.root, "app:v1");
    let proof = prove(&said(case(&fake, "app:v2"), &image.root.digest), Depth::Graph).await;
    let [finding] = proof.findings.as_slice() else { panic!("{proof:?}") };
    assert_eq!(about(finding), (FaultKind::Absent, Piece::Root, "v2"));
    assert_eq!(finding.expected, format!("{}, by the test", image.root.digest));
    assert_eq!((finding.found.as_str(), finding.remedy.as_str()), ("nothing", "copy it"));
}

#[tokio::test]
async fn a_source_that_lost_the_image_is_told_and_the_destination_is_looked_at_all_the_same() {
    let image = Image::of(100);
    let (source, target) = (Fake::start(), Fake::with(&image.content, &image.root, "app:v1"));
    let proof = prove(&against(&source, &target), Depth::Graph).await;
    let [finding] = proof.findings.as_slice() else { panic!("{proof:?}") };
    assert_eq!(about(finding), (FaultKind::Absent, Piece::Root, "v1"));
    assert_eq!(finding.place, source.reference("app"));
    assert_eq!((proof.manifests, proof.blobs), (1, 2));
}

#[tokio::test]
async fn one_image_that_cannot_be_looked_at_does_not_stop_the_others() {
    let image = Image::of(100);
    let fake = Fake::setup()
        .seed(&image.content, &image.root, "shut:v1")
        .seed(&image.content, &image.root, "open:v1")
        .mishap(Mishap::any("/v2/shut/").status(403))
        .start();
    let cases = [case(&fake, "shut:v1"), case(&fake, "open:v1")];
    let verifier = Verifier::new(Traffic::default(), Depth::Graph);
    let mut proofs: Vec<_> = verifier.prove_all(&cases).collect().await;
    proofs.sort_by_key(|(number, _)| *number);
    assert_eq!(proofs[0].1.verdict(), Some(FaultKind::Authentication));
    assert!(proofs[1].1.holds());
}

#[tokio::test]
async fn a_root_that_several_tags_have_in_common_is_walked_once() {
    let image = Image::of(100);
    let fake = Fake::setup();
    let tags = ["1", "1.2", "latest"].map(|tag| format!("app:{tag}"));
    let fake = tags.iter().fold(fake, |fake, tag| fake.seed(&image.content, &image.root, tag)).start();
    let place = repository(&fake, "app");
    let cases = tags.each_ref().map(|tag| Case { place: Arc::clone(&place), ..case(&fake, tag) });
    let verifier = Verifier::new(Traffic::default(), Depth::Graph);
    let proofs: Vec<_> = verifier.prove_all(&cases).collect().await;
    assert!(proofs.iter().all(|(_, proof)| proof.holds() && proof.blobs == 2), "{proofs:?}");
    assert_eq!(asked(&fake, &Method::HEAD, testkit::Request::is_manifest), 3);
    assert_eq!(asked(&fake, &Method::GET, testkit::Request::is_manifest), 1);
    assert_eq!(asked(&fake, &Method::HEAD, testkit::Request::is_blob), 2);
}

#[tokio::test]
async fn an_image_by_digest_is_read_without_a_question_before() {
    let (content, root) = Content::fleet(2, 1, 50);
    let fake = Fake::with(&content, &root, "app:v1");
    let case = Case { version: Version::Digest(root.digest.clone()), ..case(&fake, "app:v1") };
    let proof = prove(&case, Depth::Graph).await;
    assert!(proof.holds() && proof.manifests == 3 && proof.blobs == 4, "{proof:?}");
    assert_eq!(lines(&fake)[0], format!("GET /v2/app/manifests/{}", root.digest));
    assert_eq!(asked(&fake, &Method::HEAD, testkit::Request::is_manifest), 0);
}
