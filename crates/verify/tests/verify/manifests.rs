//! Manifests below a root: missing ones, wrong ones, and what they may hide.
use content::FaultKind;
use http::Method;
use testkit::{Content, Fake, Mishap, images::OCI_MANIFEST};
use verify::{Depth, Piece};

use crate::world::{about, asked, case, prove};

#[tokio::test]
async fn of_a_sparse_index_the_missing_child_is_found_and_its_siblings_are_looked_at() {
    let mut content = Content::new();
    let layers = [content.layer(1, 100), content.layer(2, 100), content.layer(3, 100)];
    let children =
        [0, 1, 2].map(|n| content.image(n, std::slice::from_ref(&layers[usize::try_from(n).unwrap()])));
    let root = content.index(&children);
    content.forget(&children[1].digest);
    let fake = Fake::setup().checks_parts(false).seed(&content, &root, "app:v1").start();
    let proof = prove(&case(&fake, "app:v1"), Depth::Graph).await;
    let [finding] = proof.findings.as_slice() else { panic!("{proof:?}") };
    assert_eq!(about(finding), (FaultKind::Absent, Piece::Manifest, &*children[1].digest.to_string()));
    assert_eq!(finding.within.as_ref(), Some(&root.digest));
    assert_eq!(finding.expected, format!("{OCI_MANIFEST}, {} bytes", children[1].size));
    assert_eq!((finding.found.as_str(), finding.remedy.as_str()), ("nothing", "repair it"));
    assert_eq!((proof.manifests, proof.blobs), (3, 4));
    assert_eq!(asked(&fake, &Method::HEAD, testkit::Request::is_blob), 4);
}

#[tokio::test]
async fn a_manifest_with_other_bytes_than_its_digest_says_is_wrong() {
    let (content, root) = Content::fleet(2, 1, 50);
    let fake = Fake::with(&content, &root, "app:v1");
    fake.mishap(Mishap::on(Method::GET, "/manifests/sha256:").nth(2).corrupt(testkit::Byte::At(10)));
    let proof = prove(&case(&fake, "app:v1"), Depth::Graph).await;
    let [finding] = proof.findings.as_slice() else { panic!("{proof:?}") };
    assert_eq!((finding.kind, finding.piece), (FaultKind::Untrue, Piece::Manifest));
    assert!(finding.found.contains("the bytes have the digest"), "{}", finding.found);
}

#[tokio::test]
async fn a_root_with_other_bytes_than_its_digest_says_is_wrong_and_no_copy_helps() {
    let (content, root) = Content::fleet(1, 1, 50);
    let fake = Fake::with(&content, &root, "app:v1");
    fake.mishap(Mishap::on(Method::GET, "/manifests/sha256:").corrupt(testkit::Byte::At(10)));
    let proof = prove(&case(&fake, "app:v1"), Depth::Graph).await;
    let [finding] = proof.findings.as_slice() else { panic!("{proof:?}") };
    assert_eq!(about(finding), (FaultKind::Untrue, Piece::Root, &*root.digest.to_string()));
    assert!(finding.remedy.contains("delete it"), "{}", finding.remedy);
}

#[tokio::test]
async fn an_entry_of_unknown_type_that_is_no_manifest_is_looked_for_as_a_blob() {
    let mut content = Content::new();
    let odd = content.add("application/vnd.example.notes", "no manifest");
    let root = content.index(std::slice::from_ref(&odd));
    let fake = Fake::with(&content, &root, "app:v1");
    let proof = prove(&case(&fake, "app:v1"), Depth::Deep).await;
    assert!(proof.holds() && proof.blobs == 1 && proof.manifests == 1, "{proof:?}");
}

#[tokio::test]
async fn an_image_that_nests_without_end_is_refused_and_not_followed() {
    let mut content = Content::new();
    let layer = content.layer(1, 10);
    let mut root = content.image(1, &[layer]);
    for _ in 0..12 {
        root = content.index(std::slice::from_ref(&root));
    }
    let fake = Fake::with(&content, &root, "app:v1");
    let proof = prove(&case(&fake, "app:v1"), Depth::Graph).await;
    assert_eq!(proof.verdict(), Some(FaultKind::Refused), "{proof:?}");
    assert_eq!(proof.manifests, 9);
}
