//! Limits: 50 manifests and layers of 2 GiB, to the one, and decided before the target hears anything.
use content::Descriptor;
use testkit::{Content, Image, Registry, images::OCI_LAYER, noise};

use crate::{import, transship};

const TWO_GIB: u64 = 2_147_483_648;

/// An image whose one layer claims `size` bytes; no such layer is anywhere.
fn image_of(size: u64) -> (Content, Descriptor) {
    let mut content = Content::new();
    let mut layer = content.add(OCI_LAYER, noise(1, 10));
    layer.size = size;
    let image = content.image(1, &[layer.clone()]);
    content.forget(&layer.digest);
    (content, image)
}

fn images(content: &mut Content, count: u64) -> Vec<Descriptor> {
    let layer = content.layer(0, 100);
    (0..count).map(|seed| content.image(seed, std::slice::from_ref(&layer))).collect()
}

#[test]
fn fifty_manifests_pass() {
    let (content, root) = Content::fleet(50, 1, 100);
    let (source, target) = (Registry::with(&content, &root, "app:v1"), Registry::start());
    transship().run(&import(&source.reference("app:v1"), &target.host(), &[])).exits(0);
    assert!(target.holds(&content));
}

#[test]
fn fifty_one_manifests_are_refused_before_any_request_to_the_target() {
    let (content, root) = Content::fleet(51, 1, 100);
    let (source, target) = (Registry::with(&content, &root, "app:v1"), Registry::start());
    let run = transship().run(&import(&source.reference("app:v1"), &target.host(), &[])).exits(6);
    assert!(run.stderr.contains("51") && run.stderr.contains("50"), "{run}");
    assert_eq!(target.ledger().all().len(), 0, "{}", target.ledger());
    // Counted from the root's own entries: no image was read.
    let reads = source.ledger().count(|request| request.method == "GET" && request.is_manifest());
    assert_eq!(reads, 1, "{}", source.ledger());
}

#[test]
fn nested_manifests_count_and_the_root_does_not() {
    for (leaves, code) in [(48, 0), (49, 6)] {
        let mut content = Content::new();
        let images = images(&mut content, leaves);
        let (some, others) = images.split_at(24);
        let nested = [content.index(some), content.index(others)];
        let root = content.index(&nested);
        let (source, target) = (Registry::with(&content, &root, "app:v1"), Registry::start());
        transship().run(&import(&source.reference("app:v1"), &target.host(), &[])).exits(code);
        assert_eq!(target.ledger().all().is_empty(), code != 0, "{}", target.ledger());
    }
}

#[test]
fn a_manifest_named_twice_counts_once() {
    let mut content = Content::new();
    let mut images = images(&mut content, 50);
    images.push(images[0].clone());
    let root = content.index(&images);
    let (source, target) = (Registry::with(&content, &root, "app:v1"), Registry::start());
    transship().run(&import(&source.reference("app:v1"), &target.host(), &[])).exits(0);
    assert!(target.holds(&content));
}

#[test]
fn the_manifest_limit_is_lifted_by_its_flag() {
    let (content, root) = Content::fleet(51, 1, 100);
    let (source, target) = (Registry::with(&content, &root, "app:v1"), Registry::start());
    let flags = ["--max-manifests", "none"];
    transship().run(&import(&source.reference("app:v1"), &target.host(), &flags)).exits(0);
    assert!(target.holds(&content));
}

#[test]
fn a_layer_of_two_gib_passes_the_check() {
    let (content, root) = image_of(TWO_GIB);
    let (source, target) = (Registry::with(&content, &root, "app:v1"), Registry::start());
    // Nobody has two GiB here: past the check, the layer turns out to be missing.
    transship().run(&import(&source.reference("app:v1"), &target.host(), &[])).exits(4);
    assert_ne!(target.ledger().all().len(), 0);
}

#[test]
fn a_layer_of_two_gib_and_a_byte_is_refused_before_any_request_to_the_target() {
    let (content, root) = image_of(TWO_GIB + 1);
    let (source, target) = (Registry::with(&content, &root, "app:v1"), Registry::start());
    let run = transship().run(&import(&source.reference("app:v1"), &target.host(), &[])).exits(6);
    assert!(run.stderr.contains("2147483649"), "{run}");
    assert!(run.stderr.contains("no credential"), "the refusal says why the source is public: {run}");
    assert_eq!(target.ledger().all().len(), 0, "{}", target.ledger());
    assert_eq!(source.ledger().count(testkit::Request::is_blob), 0, "{}", source.ledger());
}

#[test]
fn a_source_with_credentials_is_not_public() {
    let (content, root) = image_of(TWO_GIB + 1);
    let source = Registry::setup().basic("ann", "canary-secret").seed(&content, &root, "app:v1").start();
    let target = Registry::start();
    let flags = ["-u", "ann", "-p", "canary-secret"];
    transship().run(&import(&source.reference("app:v1"), &target.host(), &flags)).exits(4);
    assert_ne!(target.ledger().all().len(), 0);
}

#[test]
fn an_explicit_layer_limit_binds_every_source() {
    let Image { content, root, .. } = Image::of(1001);
    let source = Registry::setup().basic("ann", "canary-secret").seed(&content, &root, "app:v1").start();
    let reference = source.reference("app:v1");
    for (limit, code) in [("1000", 6), ("1001", 0)] {
        let target = Registry::start();
        let flags = ["-u", "ann", "-p", "canary-secret", "--max-layer-size", limit];
        transship().run(&import(&reference, &target.host(), &flags)).exits(code);
        assert_eq!(target.ledger().all().is_empty(), code != 0);
    }
}
