//! Resuming: a broken transfer goes on where it broke.
use testkit::{Authority, Content, End, Fake, Image, Mishap, Offer, Registry, Rule};

use crate::{import, transship};

#[test]
fn a_cut_download_goes_on_at_the_byte_where_it_broke() {
    const SIZE: usize = 3_000_000;
    let image = Image::of(SIZE);
    let cut = Rule::on(http::Method::GET, &image.blob()).nth(1).cut(1_000_000);
    let source = Registry::setup().seed(&image.content, &image.root, "app:v1").rule(cut).start();
    let target = Registry::start();
    transship().run(&import(&source.reference("app:v1"), &target.host(), &[])).exits(0);
    assert!(target.holds(&image.content));
    let reads = source.ledger().pick(|request| request.path.ends_with(&image.blob()));
    assert_eq!(reads.len(), 2, "{}", source.ledger());
    let from = reads[1].first_byte().unwrap();
    assert!(from > 0 && from <= 1_000_000, "{from}");
    assert_eq!(reads[1].status, Some(206));
    assert_eq!(reads[1].sent, SIZE as u64 - from);
}

#[test]
fn a_source_without_ranges_is_read_again_from_the_start() {
    let Image { content, root, layer } = Image::of(500_000);
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
    let Image { content, root, .. } = Image::of(500_000);
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

const LARGE: usize = 24 * 1024 * 1024;

#[test]
fn breaks_at_the_source_cost_at_most_a_mib_each() {
    const BREAKS: u64 = 6;
    let Image { content, root, layer } = Image::of(LARGE);
    let blob = format!("/blobs/{}", layer.digest);
    for end in [End::Reset, End::Fin] {
        let mut source = Fake::setup().seed(&content, &root, "app:v1");
        for nth in 1..=BREAKS {
            let cut = Mishap::on(http::Method::GET, &blob).nth(usize::try_from(nth).unwrap());
            source = source.mishap(cut.cut(nth * 700_001, end));
        }
        let (source, target) = (source.on_a_thread(), Fake::setup().on_a_thread());
        // The pauses after breaks look like a slow source, and ranges would add requests of their own.
        let one = ["--ranges", "1"];
        transship().run(&import(&source.reference("app:v1"), &target.host(), &one)).exits(0);
        assert!(target.holds("app", &content));
        let reads = source.ledger().pick(|request| request.path.ends_with(&blob));
        assert_eq!(reads.len() as u64, BREAKS + 1, "{}", source.ledger());
        let sent: u64 = reads.iter().map(|request| request.sent).sum();
        // What a reset throws away on its way was sent, and never read.
        assert!(end == End::Reset || sent <= layer.size + BREAKS * 1024 * 1024, "{sent} of {}", layer.size);
        let puts = target.ledger().count(|request| request.method == "PUT" && request.received == layer.size);
        assert_eq!(puts, 1, "one upload takes it all: {}", target.ledger());
    }
}

#[test]
fn breaks_at_the_target_cost_at_most_a_mib_each_beyond_what_it_had_not_got() {
    let Image { content, root, layer } = Image::of(LARGE);
    let blob = format!("/blobs/{}", layer.digest);
    let source = Fake::setup().seed(&content, &root, "app:v1").on_a_thread();
    let mut target = Fake::setup();
    for nth in 1..=3 {
        let cut = Mishap::on(http::Method::PUT, &format!("/blobs/uploads/*{}", layer.digest.hex())).nth(nth);
        target = target.mishap(cut.cut_request(5_000_001, End::Reset));
    }
    let target = target.on_a_thread();
    transship().run(&import(&source.reference("app:v1"), &target.host(), &["--jobs", "1"])).exits(0);
    assert!(target.holds("app", &content));
    let reads = source.ledger().pick(|request| request.path.ends_with(&blob));
    // Each read begins where the target stood, or less than a MiB before it.
    let starts: Vec<u64> = reads.iter().skip(1).map(|read| read.first_byte().unwrap()).collect();
    let puts = target
        .ledger()
        .pick(|request| request.method == "PUT" && request.is_blob() && request.received > 1000);
    let mut held = 0;
    assert_eq!(starts.len() + 1, puts.len(), "{}", target.ledger());
    for (start, put) in starts.iter().zip(&puts) {
        held += put.received;
        assert!(*start <= held && held - start < 1024 * 1024, "{start} of {held}");
    }
    assert_eq!(
        held + puts.last().unwrap().received,
        layer.size,
        "nothing is sent twice: {}",
        target.ledger()
    );
    let asked =
        target.ledger().count(|request| request.method == "GET" && request.path.contains("/uploads/"));
    assert_eq!(asked, starts.len(), "the target is asked where it stands: {}", target.ledger());
}

#[test]
fn reset_streams_of_http2_cost_a_request_each_that_goes_on_where_it_broke() {
    const SIZE: u64 = 1_000_000;
    let Image { content, root, layer } = Image::of(1_000_000);
    let (blob, authority) = (format!("/blobs/{}", layer.digest), Authority::new());
    let mut source = Registry::setup().tls(&authority, Offer::Http2).seed(&content, &root, "app:v1");
    for (nth, after) in [(1, 70_000), (2, 1), (3, 0), (4, 250_000), (5, 400_000)] {
        source = source.rule(Rule::on(http::Method::GET, &blob).nth(nth).cut(after));
    }
    let (source, target) = (source.start(), Registry::start());
    let program = transship();
    std::fs::write(program.home().join("root.pem"), authority.root_pem()).unwrap();
    let from = source.host();
    let tls = ["--http2", "--ca-file", "root.pem", "--tls", &from];
    program.run(&import(&source.reference("app:v1"), &target.host(), &tls)).exits(0);
    assert!(target.holds(&content));
    let reads = source.ledger().pick(|request| request.path.ends_with(&blob));
    assert_eq!(reads.len(), 6, "{}", source.ledger());
    assert!(reads.iter().all(|read| read.version == http::Version::HTTP_2), "{}", source.ledger());
    let mut begins = 0;
    for read in &reads[1..] {
        let from = read.first_byte().unwrap_or(0);
        assert!(from >= begins, "{}", source.ledger());
        begins = from;
    }
    assert!(begins > 0 && reads.iter().map(|read| read.sent).sum::<u64>() <= SIZE + 5 * 256 * 1024);
    let puts = target.ledger().pick(|r| r.method == "PUT" && r.received == SIZE);
    assert_eq!(puts.len(), 1, "{}", target.ledger());
}
