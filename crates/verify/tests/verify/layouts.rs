//! Layouts that lost something.
use std::{fs, path::Path, sync::Arc};

use content::{FaultKind, Version};
use copier::Referrers;
use layout::Layout;
use pace::Traffic;
use reference::RefName;
use testkit::{Entry, Image, images::blob_path};
use verify::{Case, Depth, Expected, Piece, Proof, Verifier};

use crate::world::{about, prove, remedies};

fn case(dir: &Path, repository: Option<&str>) -> Case {
    let layout = Layout::open(dir).unwrap();
    Case {
        name: format!("oci:{}:app:v1", dir.display()),
        place: Arc::new(layout.repository(repository.map(|name| name.parse().unwrap()))),
        version: Version::Name(RefName::new("app:v1")),
        expected: Expected::Whole,
        referrers: Referrers::Leave,
        remedies: remedies(),
    }
}

fn made(image: &Image) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    image.content.write_layout(dir.path(), &[Entry::named(&image.root, "app:v1")]).unwrap();
    dir
}

async fn finds(dir: &Path, depth: Depth) -> Proof {
    prove(&case(dir, None), depth).await
}

#[tokio::test]
async fn a_blob_that_a_layout_lost_or_cut_short_is_found_without_reading_it() {
    let image = Image::of(1000);
    let dir = made(&image);
    assert!(finds(dir.path(), Depth::Deep).await.holds());
    let path = blob_path(dir.path(), &image.layer.digest);
    fs::write(&path, "short").unwrap();
    let proof = finds(dir.path(), Depth::Graph).await;
    let [finding] = proof.findings.as_slice() else { panic!("{proof:?}") };
    assert_eq!(about(finding), (FaultKind::Untrue, Piece::Layer, &*image.layer.digest.to_string()));
    // A layout replaces what is damaged.
    assert_eq!((finding.found.as_str(), finding.remedy.as_str()), ("5 bytes", "repair it"));
    fs::remove_file(&path).unwrap();
    assert_eq!(finds(dir.path(), Depth::Graph).await.verdict(), Some(FaultKind::Absent));
}

#[tokio::test]
async fn a_byte_that_turned_over_on_the_disk_is_found_by_reading() {
    let image = Image::of(1000);
    let dir = made(&image);
    let path = blob_path(dir.path(), &image.layer.digest);
    let mut bytes = fs::read(&path).unwrap();
    bytes[500] ^= 1;
    fs::write(&path, bytes).unwrap();
    assert!(finds(dir.path(), Depth::Graph).await.holds());
    assert_eq!(finds(dir.path(), Depth::Deep).await.verdict(), Some(FaultKind::Untrue));
}

#[tokio::test]
async fn what_repositories_of_a_layout_have_in_common_is_read_once() {
    let image = Image::of(1000);
    let dir = made(&image);
    let verifier = Verifier::new(Traffic::default(), Depth::Deep);
    for repository in [None, Some("a"), Some("b")] {
        assert!(verifier.prove(&case(dir.path(), repository)).await.holds());
    }
    assert_eq!(verifier.seen().blobs, 2);
}
