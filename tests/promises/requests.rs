//! Requests: how few a copy needs.
use http::Method;
use testkit::{Content, Fake, Image, Registry, TokenServer, Tokens};

use crate::{import, transship};

#[test]
fn a_fresh_copy_needs_three_requests_a_blob_and_two_a_manifest_at_most() {
    let (content, root) = Content::fleet(20, 5, 1000);
    let (source, target) = (Registry::with(&content, &root, "app:v1"), Registry::start());
    transship().run(&import(&source.reference("app:v1"), &target.host(), &[])).exits(0);
    assert!(target.holds(&content));
    let (manifests, blobs) = (21, 20 * 6);
    let ledger = target.ledger();
    assert!(ledger.count(testkit::Request::is_blob) <= 3 * blobs, "{ledger}");
    assert!(ledger.count(testkit::Request::is_manifest) <= 2 * manifests, "{ledger}");
    assert_eq!(ledger.count(|request| !request.is_blob() && !request.is_manifest()), 0, "{ledger}");
    assert_eq!(source.ledger().blob_reads().len(), blobs);
    assert!(source.ledger().count(testkit::Request::is_manifest) <= manifests + 1, "{}", source.ledger());
}

#[test]
fn a_run_with_nothing_to_do_asks_each_side_once() {
    let (content, root) = Content::fleet(3, 2, 1000);
    // Whoever asks one of them for anything else fails the test.
    let side = || Fake::setup().seed(&content, &root, "app:v1").only(Method::HEAD, "/v2/app/manifests/v1");
    let (source, target) = (side().on_a_thread(), side().on_a_thread());
    let (from, to) = (source.reference("app:v1"), target.reference("app:v1"));
    let host = target.host();
    for arguments in [
        vec!["copy", &from, &to],
        import(&from, &host, &["--force"]),
        import(&from, &host, &["--allow-same"]),
    ] {
        transship().run(&arguments).exits(0);
        for ledger in [source.ledger(), target.ledger()] {
            assert_eq!(ledger.all().len(), 1, "{arguments:?}: {ledger}");
            ledger.clear();
        }
    }
}

#[test]
fn a_run_with_nothing_to_do_costs_no_more_than_what_authentication_costs_once() {
    let (content, root) = Content::fleet(1, 1, 1000);
    let tokens = TokenServer::start(Tokens::new().anonymous());
    let source = Registry::setup().bearer(&tokens).seed(&content, &root, "app:v1").start();
    let target = Registry::setup().bearer(&tokens).seed(&content, &root, "app:v1").start();
    transship().run(&["copy", &source.reference("app:v1"), &target.reference("app:v1")]).exits(0);
    for ledger in [source.ledger(), target.ledger()] {
        let statuses: Vec<_> = ledger.all().iter().map(|request| request.status).collect();
        assert_eq!(statuses, [Some(401), Some(200)], "{ledger}");
    }
    assert_eq!(tokens.ledger().all().len(), 2, "one a registry: {}", tokens.ledger());
}

#[test]
fn a_blob_that_two_images_share_crosses_once() {
    let mut content = Content::new();
    let shared = content.layer(1, 1000);
    let images = [1, 2, 3].map(|seed| content.image(seed, std::slice::from_ref(&shared)));
    let root = content.index(&images);
    let (source, target) = (Registry::with(&content, &root, "app:v1"), Registry::start());
    transship().run(&import(&source.reference("app:v1"), &target.host(), &[])).exits(0);
    let reads = source.ledger().blob_reads();
    assert_eq!(reads.iter().filter(|read| read.path.contains(shared.digest.hex())).count(), 1);
    assert!(target.holds(&content));
}

#[test]
fn loopback_never_goes_through_a_proxy() {
    let image = Image::of(1000);
    let (source, target) = (Registry::with(&image.content, &image.root, "app:v1"), Registry::start());
    let mut transship = transship();
    for name in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY"] {
        // Nothing listens there.
        transship.set(name, "http://127.0.0.1:1");
    }
    transship.run(&import(&source.reference("app:v1"), &target.host(), &[])).exits(0);
}
