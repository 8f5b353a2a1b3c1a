//! Integrity: one wrong byte anywhere, and nothing is complete at the target, whatever carries it.
use testkit::{Authority, Byte, Image, Offer, Registry, Rule};

use crate::{import, transship};

const SIZE: usize = 300_000;
/// The first byte, one in the middle, and the last: the last is the one that clients miss.
const PLACES: [Byte; 3] = [Byte::At(0), Byte::At(SIZE as u64 / 2), Byte::Last];

/// Reads of the layer get one wrong byte.
fn spoilt(image: &Image, byte: Byte) -> Rule {
    Rule::on(http::Method::GET, &image.blob()).corrupt(byte)
}

/// The target has seen no complete layer, keeps none, and no tag.
fn is_not_at(image: &Image, target: &Registry) {
    assert!(!target.blob(&image.layer.digest).exists());
    assert!(!target.blob(&image.root.digest).exists());
    let index = std::fs::read_to_string(target.dir().join("index.json")).unwrap_or_default();
    assert!(!index.contains("sha256:"), "{index}");
    let digest = image.layer.digest.to_string();
    let named = |query: &str| query.contains(&digest.replace(':', "%3A")) || query.contains(&digest);
    for put in target.ledger().pick(|request| request.method == "PUT" && named(&request.query)) {
        assert!(put.received < SIZE as u64, "a complete body came: {put}");
        assert!(put.status.is_none_or(|status| status >= 400), "{put}");
    }
}

#[test]
fn a_wrong_byte_never_completes_over_http1_with_a_length() {
    let image = Image::of(SIZE);
    for byte in PLACES {
        let source = Registry::setup().seed(&image.content, &image.root, "app:v1");
        let (source, target) = (source.rule(spoilt(&image, byte)).start(), Registry::start());
        transship().run(&import(&source.reference("app:v1"), &target.host(), &[])).exits(5);
        let puts = target.ledger().pick(|request| request.method == "PUT" && request.is_blob());
        assert!(puts.iter().any(|put| put.header("content-length") == Some("300000")), "{}", target.ledger());
        is_not_at(&image, &target);
    }
}

#[test]
fn a_wrong_byte_never_completes_from_a_chunked_body() {
    let image = Image::of(SIZE);
    for byte in PLACES {
        let at = if byte == Byte::Last { Byte::At(SIZE as u64 - 1) } else { byte };
        let source = Registry::setup().seed(&image.content, &image.root, "app:v1");
        let (source, target) = (source.rule(spoilt(&image, at).chunked()).start(), Registry::start());
        transship().run(&import(&source.reference("app:v1"), &target.host(), &[])).exits(5);
        is_not_at(&image, &target);
    }
}

#[test]
fn a_wrong_byte_never_completes_over_http2() {
    let (image, authority) = (Image::of(SIZE), Authority::new());
    for byte in PLACES {
        let source = Registry::setup().tls(&authority, Offer::Http2).rule(spoilt(&image, byte));
        let source = source.seed(&image.content, &image.root, "app:v1").start();
        let target = Registry::setup().tls(&authority, Offer::Http2).start();
        let program = transship();
        let roots = program.home().join("root.pem");
        std::fs::write(&roots, authority.root_pem()).unwrap();
        let (from, to) = (source.host(), target.host());
        let tls = ["--http2", "--ca-file", "root.pem", "--tls", &from, "--tls", &to];
        program.run(&import(&source.reference("app:v1"), &to, &tls)).exits(5);
        let versions = target.ledger().pick(|request| request.version != http::Version::HTTP_2);
        assert!(versions.is_empty(), "{}", target.ledger());
        is_not_at(&image, &target);
    }
}

#[test]
fn a_wrong_byte_never_completes_in_a_layout() {
    let image = Image::of(SIZE);
    for byte in PLACES {
        let source = Registry::setup().seed(&image.content, &image.root, "app:v1");
        let (source, program) = (source.rule(spoilt(&image, byte)).start(), transship());
        program.run(&import(&source.reference("app:v1"), "oci:images", &[])).exits(5);
        let images = program.home().join("images");
        // The directory is there once another blob has arrived.
        let blobs = std::fs::read_dir(images.join("blobs/sha256")).into_iter().flatten();
        let layer = image.layer.digest.hex();
        assert!(blobs.into_iter().all(|blob| !blob.unwrap().file_name().to_string_lossy().contains(layer)));
        let index = std::fs::read_to_string(images.join("index.json")).unwrap_or_default();
        assert!(!index.contains("sha256:"), "{index}");
    }
}

#[test]
fn a_wrong_byte_in_a_layout_never_completes_at_a_registry() {
    let image = Image::of(SIZE);
    let (program, target) = (transship(), Registry::start());
    let images = program.home().join("images");
    image.content.write_layout(&images, &[testkit::Entry::named(&image.root, "app:v1")]).unwrap();
    let path = testkit::images::blob_path(&images, &image.layer.digest);
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[SIZE - 1] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    program.run(&["copy", "oci:images:app:v1", &target.reference("app:v1")]).exits(5);
    is_not_at(&image, &target);
}

#[test]
fn too_many_and_too_few_bytes_never_complete() {
    let image = Image::of(SIZE);
    let bytes = image.content.get(&image.layer.digest).unwrap();
    let long = [bytes, &b"!"[..]].concat();
    for body in [bytes.slice(..SIZE - 1), long.into()] {
        let rule = Rule::on(http::Method::GET, &image.blob());
        let rule = rule.answer(200, "application/octet-stream", body);
        let source = Registry::setup().seed(&image.content, &image.root, "app:v1").rule(rule).start();
        let target = Registry::start();
        transship().run(&import(&source.reference("app:v1"), &target.host(), &[])).exits(5);
        is_not_at(&image, &target);
    }
}

#[test]
fn a_wrong_byte_in_a_manifest_reaches_no_target() {
    let image = Image::of(SIZE);
    let rule = Rule::on(http::Method::GET, "/manifests/").corrupt(Byte::At(20));
    let source = Registry::setup().seed(&image.content, &image.root, "app:v1").rule(rule).start();
    let target = Registry::start();
    transship().run(&import(&source.reference("app:v1"), &target.host(), &[])).exits(5);
    assert!(target.ledger().writes().is_empty(), "{}", target.ledger());
}
