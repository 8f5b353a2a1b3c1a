//! Blobs that are asked for, and not read.
use std::sync::Arc;

use content::{Descriptor, FaultKind, MediaType};
use futures::StreamExt;
use http::Method;
use pace::{Level, Traffic};
use testkit::{Content, Fake, Image, Mishap, Request, images::DOCKER_FOREIGN};
use verify::{Case, Depth, Piece, Proof, Verifier};

use crate::world::{about, asked, case, lines, prove, repository};

#[tokio::test]
async fn an_image_that_is_whole_costs_a_head_of_each_blob_and_no_byte_of_it() {
    let image = Image::of(1000);
    let fake = Fake::with(&image.content, &image.root, "app:v1");
    let proof = prove(&case(&fake, "app:v1"), Depth::Graph).await;
    assert!(proof.holds() && proof.digest.as_ref() == Some(&image.root.digest), "{proof:?}");
    assert_eq!((proof.manifests, proof.blobs), (1, 2));
    assert!(proof.bytes > 1000);
    let seen = lines(&fake);
    let first =
        ["HEAD /v2/app/manifests/v1".to_owned(), format!("GET /v2/app/manifests/{}", image.root.digest)];
    assert_eq!((&seen[..2], seen.len()), (&first[..], 4));
    assert!(seen[2..].iter().all(|line| line.starts_with("HEAD /v2/app/blobs/")), "{seen:?}");
}

/// Ten images of one base, `repository:0` to `repository:9` in each of these repositories.
fn ten(repositories: &[&str]) -> (Fake, Descriptor, Vec<Case>) {
    let mut content = Content::new();
    let base = content.layer(1, 500);
    let roots: Vec<Descriptor> =
        (0..10).map(|seed| content.image(seed, std::slice::from_ref(&base))).collect();
    let named = || repositories.iter().flat_map(|name| roots.iter().enumerate().map(move |it| (name, it)));
    let setup = named().fold(Fake::setup(), |fake, (repository, (tag, root))| {
        fake.seed(&content, root, &format!("{repository}:{tag}"))
    });
    let fake = setup.start();
    let cases = named().map(|(repository, (tag, _))| case(&fake, &format!("{repository}:{tag}"))).collect();
    (fake, base, cases)
}

async fn all(cases: &[Case], depth: Depth) -> Vec<Proof> {
    let verifier = Verifier::new(Traffic::default(), depth);
    verifier.prove_all(cases).map(|(_, proof)| proof).collect().await
}

#[tokio::test]
async fn a_blob_of_ten_images_is_asked_for_once_in_each_repository() {
    for (depth, method) in [(Depth::Graph, Method::HEAD), (Depth::Deep, Method::GET)] {
        let (fake, base, cases) = ten(&["app", "other"]);
        assert!(all(&cases, depth).await.iter().all(Proof::holds));
        for repository in ["app", "other"] {
            let path = format!("/v2/{repository}/blobs/{}", base.digest);
            assert_eq!(asked(&fake, &method, |request| request.path == path), 1, "{}", fake.ledger());
        }
    }
}

#[tokio::test]
async fn a_blob_that_ten_images_lack_is_a_finding_of_each_and_looked_for_once() {
    let (fake, base, cases) = ten(&["app"]);
    fake.mishap(Mishap::any(&format!("/blobs/{}", base.digest)).error(404, "BLOB_UNKNOWN"));
    let proofs = all(&cases, Depth::Graph).await;
    for proof in &proofs {
        let [finding] = proof.findings.as_slice() else { panic!("{proof:?}") };
        assert_eq!(about(finding), (FaultKind::Absent, Piece::Layer, &*base.digest.to_string()));
        assert_eq!(finding.within, proof.digest);
        assert_eq!((finding.expected.as_str(), finding.found.as_str()), ("500 bytes", "nothing"));
        assert_eq!(finding.remedy, "repair it");
    }
    let path = format!("/v2/app/blobs/{}", base.digest);
    // A GET has the last word.
    assert_eq!(asked(&fake, &Method::HEAD, |request| request.path == path), 1);
    assert_eq!(asked(&fake, &Method::GET, |request| request.path == path), 1);
}

#[tokio::test]
async fn a_head_that_says_another_size_is_a_finding() {
    let image = Image::of(1000);
    let fake = Fake::with(&image.content, &image.root, "app:v1");
    fake.mishap(Mishap::on(Method::HEAD, &image.blob()).say_present(999));
    let proof = prove(&case(&fake, "app:v1"), Depth::Graph).await;
    let [finding] = proof.findings.as_slice() else { panic!("{proof:?}") };
    assert_eq!(about(finding), (FaultKind::Untrue, Piece::Layer, &*image.layer.digest.to_string()));
    assert_eq!((finding.expected.as_str(), finding.found.as_str()), ("1000 bytes", "999 bytes"));
    assert!(finding.remedy.contains("delete it"), "{}", finding.remedy);
    assert_eq!(proof.verdict(), Some(FaultKind::Untrue));
}

#[tokio::test]
async fn a_config_that_is_gone_is_called_a_config() {
    let image = Image::of(1000);
    let config = image
        .content
        .digests()
        .find(|digest| **digest != image.layer.digest && **digest != image.root.digest);
    let fake = Fake::with(&image.content, &image.root, "app:v1");
    fake.mishap(Mishap::any(&format!("/blobs/{}", config.unwrap())).status(404));
    let proof = prove(&case(&fake, "app:v1"), Depth::Graph).await;
    let [finding] = proof.findings.as_slice() else { panic!("{proof:?}") };
    assert_eq!(about(finding), (FaultKind::Absent, Piece::Config, &*config.unwrap().to_string()));
}

#[tokio::test]
async fn foreign_layers_are_counted_and_not_looked_for_unless_asked() {
    let mut content = Content::new();
    let (own, foreign) = (content.layer(1, 100), content.add(DOCKER_FOREIGN, "elsewhere"));
    let foreign = Descriptor { urls: vec!["http://127.0.0.1:1/layer".to_owned()], ..foreign };
    let root = content.image(1, &[own, foreign.clone()]);
    content.forget(&foreign.digest);
    let fake = Fake::setup().checks_parts(false).seed(&content, &root, "app:v1").start();
    let proof = prove(&case(&fake, "app:v1"), Depth::Deep).await;
    assert!(proof.holds() && proof.left_out == 1 && proof.blobs == 2, "{proof:?}");
    assert_eq!(fake.ledger().count(|request| request.path.ends_with(&foreign.digest.to_string())), 0);
    for depth in [Depth::Graph, Depth::Deep] {
        let verifier = Verifier::new(Traffic::default(), depth).with_foreign(copier::Foreign::Include);
        let proof = verifier.prove(&case(&fake, "app:v1")).await;
        // What stands elsewhere, is not at this place.
        assert_eq!((proof.verdict(), proof.left_out), (Some(FaultKind::Absent), 0), "{proof:?}");
    }
}

#[tokio::test]
async fn what_one_manifest_calls_foreign_and_another_its_own_is_looked_for() {
    let mut content = Content::new();
    let own = content.layer(1, 100);
    let foreign = Descriptor { media_type: MediaType::new(DOCKER_FOREIGN), ..own.clone() };
    let images = [content.image(1, &[own]), content.image(2, &[foreign])];
    let root = content.index(&images);
    let fake = Fake::with(&content, &root, "app:v1");
    let proof = prove(&case(&fake, "app:v1"), Depth::Graph).await;
    assert!(proof.holds() && proof.left_out == 0 && proof.blobs == 3, "{proof:?}");
}

#[tokio::test]
async fn no_more_requests_are_under_way_than_there_are_lanes() {
    let (content, root) = Content::fleet(10, 5, 100);
    let fake = Fake::setup().seed(&content, &root, "app:v1").at_once(3).start();
    let place = repository(&fake, "app");
    let case = Case { place: Arc::clone(&place), ..case(&fake, "app:v1") };
    let proof = Verifier::new(Traffic::new(Level::exactly(3)), Depth::Graph).prove(&case).await;
    assert!(proof.holds() && proof.blobs == 60, "{proof:?}");
    assert_eq!(fake.ledger().count(|request: &Request| request.status == Some(429)), 0, "{}", fake.ledger());
}
