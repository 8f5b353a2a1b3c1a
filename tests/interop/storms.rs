//! Registries in trouble: killed and restarted in the middle of a copy, behind a proxy with a limit, on a disk that
//! takes nothing.
use crate::{
    http::ask,
    large::{MIB, eight_layers, one_layer, read_back, size},
    proxies::Nginx,
    registries::{distribution, distribution_3},
    relay::Relay,
    transship_quiet,
    watching::until,
};

#[test]
fn a_target_that_is_killed_and_comes_back_gets_the_whole_image() {
    let source = distribution().holding(one_layer()).start();
    let mut target = distribution().start();
    let relay = Relay::to(&target.host());
    let program = transship_quiet();
    let (from, to) = (source.reference("large:v1"), relay.reference("copied:v1"));
    let running = program.start(&["copy", "-q", &from, &to]);
    until(&running, || target.unfinished() > size() / 2);
    target.kill_and_restart();
    running.wait().exits(0);
    assert_eq!(read_back(&target.host(), "copied", "v1").as_ref(), Some(&one_layer().root));
    let cut = relay.exchanges().into_iter().filter(|exchange| exchange.sent > 0 && exchange.status == 0);
    assert_eq!(cut.count(), 1, "the kill fell into no upload: {:#?}", relay.exchanges());
}

#[test]
fn a_source_that_is_killed_and_comes_back_is_read_on_where_it_broke() {
    let mut source = distribution().holding(one_layer()).start();
    let target = distribution().start();
    let relay = Relay::to(&source.host());
    let program = transship_quiet();
    let (from, to) = (relay.reference("large:v1"), target.reference("copied:v1"));
    let running = program.start(&["copy", "-q", "--ranges", "1", &from, &to]);
    until(&running, || target.unfinished() > size() / 2);
    source.kill_and_restart();
    running.wait().exits(0);
    assert_eq!(read_back(&target.host(), "copied", "v1").as_ref(), Some(&one_layer().root));
    let reads: Vec<_> = relay.of("GET", "/blobs/").into_iter().filter(|read| read.got > MIB).collect();
    assert_eq!(reads.len(), 2, "the kill fell into no download: {reads:#?}");
    let read: u64 = reads.iter().map(|read| read.got).sum();
    assert!(read <= size() + MIB, "{} bytes were read twice", read - size());
}

#[test]
fn a_proxy_that_takes_no_large_bodies_gets_chunks_and_no_blob_is_held_in_memory() {
    let source = distribution().holding(one_layer()).start();
    let target = distribution().start();
    let nginx = Nginx::of(&target.host(), "20m");
    let (from, to) = (source.reference("large:v1"), nginx.reference("copied:v1"));
    let run = transship_quiet().watch(&["copy", "-q", "--ranges", "1", &from, &to]).exits(0);
    assert_eq!(read_back(&target.host(), "copied", "v1").as_ref(), Some(&one_layer().root));
    assert!(run.peak > 0 && run.peak < 64 * 1024, "{} KiB", run.peak);
    let requests = nginx.requests();
    let most = 20 * MIB;
    let refused = requests.iter().filter(|request| request.status == 413).count();
    assert!(size() < most || (1..=2).contains(&refused), "{requests:?}");
    for request in requests.iter().filter(|request| request.status < 300) {
        assert!(request.size <= most + 64 * 1024, "{request:?}");
    }
    let chunks = requests.iter().filter(|request| request.method == "PATCH" && request.status == 202);
    let bytes: u64 = chunks.map(|chunk| chunk.size).sum();
    assert!((size()..size() + MIB).contains(&bytes), "{bytes} bytes went in chunks");
}

#[test]
fn storage_that_takes_nothing_ends_with_7_names_the_target_and_leaves_no_tag() {
    let source = distribution().holding(eight_layers()).start();
    for target in [distribution().read_only().start(), distribution_3().read_only().start()] {
        let run =
            transship_quiet().run(&["copy", &source.reference("large:v1"), &target.reference("copied:v1")]);
        let run = run.exits(7);
        assert!(run.stderr.contains(&target.reference("copied")), "{run}");
        assert_eq!(ask("GET", &target.host(), "/v2/copied/manifests/v1", "").status, 404);
        assert_eq!(std::fs::read_dir(target.storage()).unwrap().count(), 0);
    }
}
