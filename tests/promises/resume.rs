//! Resuming: a broken transfer goes on where it broke.
use testkit::{Content, Registry, Rule};

use crate::{import, transship};

#[test]
fn a_cut_download_goes_on_at_the_byte_where_it_broke() {
    const SIZE: usize = 3_000_000;
    let mut content = Content::new();
    let layer = content.layer(1, SIZE);
    let root = content.image(1, std::slice::from_ref(&layer));
    let blob = format!("/blobs/{}", layer.digest);
    let cut = Rule::on(http::Method::GET, &blob).nth(1).cut(1_000_000);
    let source = Registry::setup().seed(&content, &root, "app:v1").rule(cut).start();
    let target = Registry::start();
    transship().run(&import(&source.reference("app:v1"), &target.host(), &[])).exits(0);
    assert!(target.holds(&content));
    let reads = source.ledger().pick(|request| request.path.ends_with(&blob));
    assert_eq!(reads.len(), 2, "{}", source.ledger());
    let range = reads[1].header("range").unwrap();
    let from: u64 = range.strip_prefix("bytes=").unwrap().split('-').next().unwrap().parse().unwrap();
    assert!(from > 0 && from <= 1_000_000, "{range}");
    assert_eq!(reads[1].status, Some(206));
    assert_eq!(reads[1].sent, SIZE as u64 - from);
}

#[test]
fn a_source_without_ranges_is_read_again_from_the_start() {
    let mut content = Content::new();
    let layer = content.layer(1, 500_000);
    let root = content.image(1, std::slice::from_ref(&layer));
    let blob = format!("/blobs/{}", layer.digest);
    let bytes = content.get(&layer.digest).unwrap().clone();
    let whole = Rule::on(http::Method::GET, &blob).answer(200, "application/octet-stream", bytes);
    let cut = Rule::on(http::Method::GET, &blob).nth(1).cut(200_000);
    let source = Registry::setup().seed(&content, &root, "app:v1").rule(cut).rule(whole).start();
    let target = Registry::start();
    transship().run(&import(&source.reference("app:v1"), &target.host(), &[])).exits(0);
    assert!(target.holds(&content));
    assert_eq!(source.ledger().count(|request| request.path.ends_with(&blob)), 2);
}

#[test]
fn a_cut_upload_is_sent_again() {
    let mut content = Content::new();
    let layer = content.layer(1, 500_000);
    let root = content.image(1, &[layer]);
    let source = Registry::with(&content, &root, "app:v1");
    let target = Registry::setup().rule(Rule::on(http::Method::PUT, "/blobs/").nth(1).hang_up(1000)).start();
    transship().run(&import(&source.reference("app:v1"), &target.host(), &[])).exits(0);
    assert!(target.holds(&content));
}

#[test]
fn a_busy_registry_is_asked_again() {
    let (content, root) = Content::fleet(1, 1, 100);
    let busy = |method, path: &str| Rule::on(method, path).nth(1).status(503).with("retry-after", "0");
    let source = Registry::setup()
        .seed(&content, &root, "app:v1")
        .rule(busy(http::Method::GET, "/manifests/"))
        .rule(busy(http::Method::GET, "/blobs/"))
        .start();
    let target = Registry::setup()
        .rule(busy(http::Method::POST, "/uploads/"))
        .rule(busy(http::Method::PUT, "/manifests/"))
        .start();
    transship().run(&import(&source.reference("app:v1"), &target.host(), &[])).exits(0);
    assert!(target.holds(&content));
}
