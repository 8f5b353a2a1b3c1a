//! Leaving: a run that is interrupted, or fails, leaves no open upload, no temporary file and no process behind.
use std::{fs, os::unix::fs::PermissionsExt, path::Path, time::Duration};

use http::Method;
use serde_json::json;
use testkit::{Content, Program, Registry, Request, Rule, Running, until};

use crate::{import, transship};

/// Longer than any test runs.
const FOR_EVER: Duration = Duration::from_secs(3600);
const LAYERS: usize = 6;

/// A source whose layers do not fit into the buffers on the way, so that uploads stand in the middle of their bytes,
/// and are large enough for a journal.
fn source() -> Registry {
    let (content, root) = Content::fleet(1, LAYERS as u64, 9_000_000);
    Registry::with(&content, &root, "app:v1")
}

fn slow(method: Method, path: &str) -> Rule {
    Rule::on(method, path).delay(FOR_EVER)
}

fn start(program: &Program, source: &Registry, target: &str) -> Running {
    program.start(&import(&source.reference("app:v1"), target, &["--output", "json"]))
}

/// How many uploads the journal holds for another run to go on with.
fn journalled(program: &Program) -> usize {
    let pages = fs::read_dir(program.journal());
    pages.map_or(0, |pages| {
        pages.filter(|page| fs::metadata(page.as_ref().unwrap().path()).unwrap().len() > 0).count()
    })
}

/// Waits until so many requests of this method for a blob's upload have come.
fn arrive(target: &Registry, method: &Method, count: usize) {
    let arrived = |request: &Request| request.method == *method && request.path.contains("/uploads/");
    until("requests at the target", || target.ledger().count(arrived) >= count);
}

/// Temporary files below a directory, which is also what every open session of a registry has.
fn temporary(dir: &Path) -> usize {
    let Ok(entries) = fs::read_dir(dir) else { return 0 };
    let count = |entry: fs::DirEntry| {
        let is_temporary = entry.file_name().to_string_lossy().starts_with("ingest-");
        usize::from(is_temporary) + temporary(&entry.path())
    };
    entries.map(|entry| count(entry.unwrap())).sum()
}

/// How many sessions the registry opened; each was ended by one DELETE of its own.
fn cancelled(target: &Registry) -> usize {
    let ledger = target.ledger();
    let opened = ledger.count(|request| request.method == Method::POST && request.status == Some(202));
    let mut ended: Vec<_> = ledger.pick(|request| request.method == Method::DELETE);
    assert!(ended.iter().all(|request| request.status.is_some_and(|status| status < 300)), "{ledger}");
    ended.sort_by(|a, b| a.path.cmp(&b.path));
    ended.dedup_by(|a, b| a.path == b.path);
    assert_eq!(ended.len(), opened, "{ledger}");
    assert_eq!(temporary(target.dir()), 0, "{ledger}");
    assert_eq!(ledger.count(|r| r.method == Method::PUT && r.is_manifest()), 0, "{ledger}");
    opened
}

#[test]
fn a_signal_in_the_middle_of_uploads_cancels_every_one() {
    let program = transship();
    let source = source();
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let target = Registry::setup().rule(slow(Method::PUT, "/uploads/")).start();
        let running = start(&program, &source, &target.host());
        arrive(&target, &Method::PUT, LAYERS);
        running.signal(signal);
        let document = running.wait().exits(code).json();
        assert!(cancelled(&target) >= LAYERS);
        assert!(target.is_empty());
        assert_eq!(journalled(&program), 0);
        let error = &document["error"];
        assert_eq!((&error["kind"], &error["exitCode"]), (&json!("interrupted"), &json!(code)));
        assert!(document["root"].is_null() && document["destinations"].is_null(), "{document}");
    }
}

#[test]
fn a_session_that_the_target_opens_after_the_signal_is_cancelled_too() {
    let program = transship();
    let (source, target) = (source(), Registry::start());
    target.rule(Rule::on(Method::POST, "/uploads/").delay(Duration::from_secs(4)));
    let running = start(&program, &source, &target.host());
    arrive(&target, &Method::POST, LAYERS);
    running.signal("INT");
    running.wait().exits(130);
    assert!(cancelled(&target) >= LAYERS);
}

#[test]
fn a_target_that_answers_no_more_does_not_keep_a_run_from_ending() {
    let program = transship();
    let (source, target) = (source(), Registry::start());
    target.rule(slow(Method::PUT, "/uploads/"));
    target.rule(slow(Method::DELETE, "/uploads/"));
    let running = start(&program, &source, &target.host());
    arrive(&target, &Method::PUT, LAYERS);
    until("a page of the journal", || journalled(&program) > 0);
    running.signal("TERM");
    let run = running.wait().exits(143);
    assert!(run.stderr.contains("note: cancelling"), "{run}");
    assert_eq!(run.json()["error"]["kind"], "interrupted");
    assert!(target.ledger().count(|request| request.method == Method::DELETE) >= LAYERS);
}

#[test]
fn a_second_signal_does_not_wait_for_the_target() {
    let program = transship();
    let (source, target) = (source(), Registry::start());
    target.rule(slow(Method::PUT, "/uploads/"));
    target.rule(slow(Method::DELETE, "/uploads/"));
    let running = start(&program, &source, &target.host());
    arrive(&target, &Method::PUT, LAYERS);
    running.signal("INT");
    arrive(&target, &Method::DELETE, LAYERS);
    running.signal("TERM");
    // The first one decides.
    running.wait().exits(130);
}

#[test]
fn a_signal_before_anything_is_written_leaves_the_target_alone() {
    let program = transship();
    let (source, target) = (source(), Registry::start());
    source.rule(slow(Method::GET, "/manifests/"));
    let running = start(&program, &source, &target.host());
    until("the plan begins", || source.ledger().count(|r| r.method == Method::GET) > 0);
    running.signal("INT");
    running.wait().exits(130);
    assert!(target.ledger().writes().is_empty(), "{}", target.ledger());
}

#[test]
fn a_signal_does_not_wait_until_a_registry_wants_to_be_asked_again() {
    let program = transship();
    let source = source();
    let later = |method| Rule::on(method, "/uploads/").status(503).with("retry-after", "50");
    for method in [Method::POST, Method::PUT] {
        let target = Registry::setup().rule(later(method.clone())).start();
        let running = start(&program, &source, &target.host());
        let told = |request: &Request| request.status == Some(503);
        until("the registry is busy", || target.ledger().count(told) > 0);
        running.signal("TERM");
        running.wait().exits(143);
        cancelled(&target);
    }
}

#[test]
fn a_signal_ends_a_credential_helper_too() {
    let (source, mut program) = (source(), transship());
    let pid = program.home().join("pid");
    let helper = program.home().join("docker-credential-slow");
    fs::write(
        &helper,
        format!("#!/bin/sh\necho $$ >{}.new\nmv {0}.new {0}\nexec sleep 3600\n", pid.display()),
    )
    .unwrap();
    fs::set_permissions(&helper, fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", program.home().display(), std::env::var("PATH").unwrap());
    program.set("PATH", path);
    program.docker_config(&json!({"credsStore": "slow"}));
    let target = Registry::start();
    let running = program.start(&import(&source.reference("app:v1"), &target.host(), &[]));
    until("the helper runs", || pid.exists());
    let helper = fs::read_to_string(&pid).unwrap();
    let alive = Path::new("/proc").join(helper.trim()).join("cmdline");
    until("the helper sleeps", || fs::read(&alive).unwrap().starts_with(b"sleep"));
    running.signal("INT");
    running.wait().exits(130);
    // What is killed and not yet waited for has no command line.
    until("the end of the helper", || fs::read(&alive).unwrap_or_default().is_empty());
    assert!(source.ledger().all().is_empty() && target.ledger().all().is_empty());
}

#[test]
fn a_signal_leaves_no_temporary_file_in_a_layout() {
    let (source, program) = (source(), transship());
    source.rule(slow(Method::GET, "/blobs/"));
    let layout = program.home().join("layout");
    let to = format!("oci:{}", layout.display());
    let running = program.start(&import(&source.reference("app:v1"), &to, &[]));
    until("blobs are on their way", || temporary(&layout) >= LAYERS);
    running.signal("TERM");
    running.wait().exits(143);
    assert_eq!(temporary(&layout), 0);
    assert!(!fs::read_to_string(layout.join("index.json")).unwrap().contains("sha256:"));
}

#[test]
fn a_copy_that_fails_leaves_no_upload_open() {
    let program = transship();
    let mut content = Content::new();
    let mut layers: Vec<_> = (0..LAYERS as u64).map(|seed| content.layer(seed, 9_000_000)).collect();
    layers.push(content.layer(99, 1000));
    let root = content.image(1, &layers);
    let small = format!("/blobs/{}", layers.last().unwrap().digest);
    for (rule, code) in [
        (Rule::on(Method::GET, &small).status(404), 4),
        (Rule::on(Method::GET, &small).corrupt(testkit::Byte::Last), 5),
    ] {
        // It fails once all the others are in the middle of their bytes.
        let rule = rule.delay(Duration::from_millis(500));
        let source = Registry::setup().seed(&content, &root, "app:v1").rule(rule).start();
        let target = Registry::setup().rule(slow(Method::PUT, "/uploads/")).start();
        start(&program, &source, &target.host()).wait().exits(code);
        assert!(cancelled(&target) > 1);
        assert_eq!(journalled(&program), 0);
    }
}
