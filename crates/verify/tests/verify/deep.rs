//! Deep proofs: every byte.
use content::FaultKind;
use http::Method;
use pace::Traffic;
use testkit::{Byte, Content, End, Fake, Image, Mishap};
use verify::{Depth, Piece, Verifier};

use crate::world::{about, asked, case, prove};

#[tokio::test]
async fn one_flipped_byte_is_found_by_reading_and_by_nothing_else() {
    let image = Image::of(300_000);
    for byte in [Byte::At(0), Byte::At(150_000), Byte::Last] {
        let fake = Fake::with(&image.content, &image.root, "app:v1");
        fake.mishap(Mishap::on(Method::GET, &image.blob()).corrupt(byte));
        for depth in [Depth::Quick, Depth::Graph] {
            assert!(prove(&case(&fake, "app:v1"), depth).await.holds());
        }
        let proof = prove(&case(&fake, "app:v1"), Depth::Deep).await;
        let [finding] = proof.findings.as_slice() else { panic!("{proof:?}") };
        assert_eq!(about(finding), (FaultKind::Untrue, Piece::Layer, &*image.layer.digest.to_string()));
        assert_eq!(finding.expected, "300000 bytes with its digest");
        assert!(finding.found.starts_with("its 300000 bytes have the digest sha256:"), "{}", finding.found);
    }
}

#[tokio::test(start_paused = true)]
async fn a_reading_that_breaks_goes_on_where_it_broke() {
    let image = Image::of(300_000);
    let fake = Fake::with(&image.content, &image.root, "app:v1");
    for (nth, after) in [(1, 100_000), (2, 50_000)] {
        fake.mishap(Mishap::on(Method::GET, &image.blob()).nth(nth).cut(after, End::Fin));
    }
    let verifier = Verifier::new(Traffic::default(), Depth::Deep);
    let proof = verifier.prove(&case(&fake, "app:v1")).await;
    assert!(proof.holds(), "{proof:?}");
    assert_eq!(asked(&fake, &Method::GET, |request| request.path.ends_with(&image.blob())), 3);
    let begins: Vec<_> = fake.ledger().pick(|request| request.path.ends_with(&image.blob()));
    assert_eq!(
        begins.iter().map(testkit::Request::first_byte).collect::<Vec<_>>(),
        [None, Some(100_000), Some(150_000)]
    );
    assert_eq!(verifier.seen().blobs, 2);
    assert_eq!(verifier.seen().bytes, proof.bytes);
}

#[tokio::test(start_paused = true)]
async fn a_blob_that_cannot_be_read_is_told_as_what_kept_us_from_it() {
    let image = Image::of(1000);
    let fake = Fake::with(&image.content, &image.root, "app:v1");
    fake.mishap(Mishap::on(Method::GET, &image.blob()).status(503));
    let proof = prove(&case(&fake, "app:v1"), Depth::Deep).await;
    assert_eq!(proof.verdict(), Some(FaultKind::Unreachable), "{proof:?}");
    assert!(proof.findings[0].found.contains("503"), "{proof:?}");
}

#[tokio::test]
async fn an_empty_blob_is_asked_for_too() {
    let mut content = Content::new();
    let empty = content.add("application/vnd.oci.image.layer.v1.tar", "");
    let root = content.image(1, std::slice::from_ref(&empty));
    let fake = Fake::with(&content, &root, "app:v1");
    for depth in [Depth::Graph, Depth::Deep] {
        assert!(prove(&case(&fake, "app:v1"), depth).await.holds());
    }
    fake.mishap(Mishap::any(&format!("/blobs/{}", empty.digest)).status(404));
    for depth in [Depth::Graph, Depth::Deep] {
        assert_eq!(prove(&case(&fake, "app:v1"), depth).await.verdict(), Some(FaultKind::Absent));
    }
}
