//! Kills: a run that was ended with SIGKILL leaves nothing torn, and the next one goes on with it.
use std::{fs, path::PathBuf, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::json;
use testkit::{End, Fake, FakeSetup, Image, Mishap, Program, Request, Running, until};

use crate::{import, transship};

const MIB: u64 = 1024 * 1024;
const SIZE: u64 = 24 * MIB;
/// Where the source stops sending, so that the run is killed in the middle.
const STALL: u64 = 16 * MIB;
/// Longer than any test runs.
const FOR_EVER: Duration = Duration::from_secs(3600);
/// What stands in the URL of every upload.
const UPLOAD: &str = "/blobs/uploads/";

struct Scene {
    image: Image,
    source: Fake,
    target: Fake,
    program: Program,
}

impl Scene {
    fn new() -> Self {
        Self::of(Fake::setup())
    }

    fn of(target: FakeSetup) -> Self {
        let image = Image::of(usize::try_from(SIZE).unwrap());
        let source = Fake::setup().seed(&image.content, &image.root, "app:v1").on_a_thread();
        Self { image, source, target: target.on_a_thread(), program: transship() }
    }

    /// A run whose source stops in the middle.
    fn stalled(&self, more: &[&str]) -> Running {
        self.source.mishap(Mishap::on(http::Method::GET, &self.image.blob()).cut(STALL, End::Stall));
        self.program.start(&import(&self.source.reference("app:v1"), &self.target.host(), more))
    }

    /// A run that is killed once the target has got all that the source sent.
    fn killed(&self, more: &[&str]) {
        let running = self.stalled(more);
        let came = |request: &Request| request.method == "PUT" && request.received > STALL - MIB;
        until("the target has most of it", || self.target.ledger().count(came) > 0);
        running.signal("KILL");
        running.wait().exits(-1);
        self.source.behave();
        assert_eq!(self.target.tag("app", "v1"), None);
        self.source.ledger().clear();
        self.target.ledger().clear();
    }

    fn again(&self) {
        self.program.run(&import(&self.source.reference("app:v1"), &self.target.host(), &[])).exits(0);
        assert!(self.target.holds("app", &self.image.content), "{}", self.target.ledger());
        assert!(self.target.wrong().is_empty());
    }

    fn reads(&self) -> Vec<Request> {
        self.source.ledger().pick(|request| request.path.ends_with(&self.image.blob()))
    }

    /// Where the journal is, and what it holds.
    fn pages(&self) -> Vec<PathBuf> {
        let listing = fs::read_dir(self.program.journal()).into_iter().flatten();
        listing.map(|entry| entry.unwrap().path()).collect()
    }
}

#[test]
fn a_killed_upload_goes_on_where_the_target_stands() {
    let scene = Scene::new();
    scene.killed(&[]);
    assert_eq!(scene.pages().len(), 1);
    scene.again();
    let reads = scene.reads();
    assert_eq!(reads.len(), 1, "{}", scene.source.ledger());
    assert_eq!(reads[0].status, Some(206));
    assert!(reads[0].sent < SIZE - STALL + 2 * MIB, "{}", reads[0]);
    let put = scene.target.ledger().pick(|request| request.method == "PUT" && request.received > 0);
    let put = put.iter().find(|put| put.is_blob() && put.received > MIB).unwrap();
    assert!(put.received < SIZE - STALL + 2 * MIB, "{put}");
    assert_eq!(scene.target.open_sessions(), 0);
    assert!(scene.pages().is_empty(), "what is done needs no page");
}

#[test]
fn a_session_that_is_gone_costs_the_blob_once_more() {
    let scene = Scene::new();
    scene.killed(&[]);
    scene.target.mishap(Mishap::on(http::Method::GET, "/uploads/").nth(1).lose_session());
    scene.again();
    assert_eq!(scene.reads().len(), 1);
    assert_eq!(scene.reads()[0].status, Some(200));
    assert!(scene.pages().is_empty());
}

#[test]
fn a_page_that_was_tampered_with_costs_one_restart_and_takes_no_credential_elsewhere() {
    // Whoever is led there is asked for credentials, too.
    let elsewhere = Fake::setup().bearer(FOR_EVER).on_a_thread();
    let led_away = format!("{}/v2/app/blobs/uploads/1", elsewhere.origin());
    for (old, new) in [
        ("\"mark\":[", "\"mark\":[1"),
        ("http://", "http://user:canary-page@"),
        ("upload\":\"http", "upload\":\"nowhere"),
        (UPLOAD, &led_away),
    ] {
        let scene = Scene::of(Fake::setup().bearer(FOR_EVER));
        let login = json!({"auth": STANDARD.encode("ann:canary-kill")});
        scene.program.docker_config(&json!({"auths": {scene.target.host(): login}}));
        scene.killed(&[]);
        let page = scene.pages().remove(0);
        let text = fs::read_to_string(&page).unwrap();
        let ours = text.split('"').find(|word| word.contains(UPLOAD)).unwrap();
        let old = if old == UPLOAD { ours } else { old };
        assert!(text.contains(old), "{text}");
        fs::write(&page, text.replace(old, new)).unwrap();
        scene.again();
        assert!(scene.reads().len() <= 2, "{}", scene.source.ledger());
        let basic =
            |request: &Request| request.header("authorization").is_some_and(|it| it.contains("Basic"));
        assert!(scene.target.ledger().count(basic) > 0, "{}", scene.target.ledger());
    }
    let secret = |request: &Request| request.header("authorization").is_some();
    assert_eq!(elsewhere.ledger().count(secret), 0, "{}", elsewhere.ledger());
}

#[test]
fn without_a_journal_nothing_is_written_and_the_blob_begins_again() {
    let scene = Scene::new();
    scene.killed(&["--no-journal"]);
    assert!(!scene.program.home().join(".local").exists());
    scene.again();
    assert_eq!(scene.reads()[0].status, Some(200));
}

#[test]
fn an_interrupted_run_leaves_no_page() {
    let scene = Scene::new();
    let running = scene.stalled(&[]);
    until("a page is written", || !scene.pages().is_empty());
    running.signal("INT");
    running.wait().exits(130);
    assert!(scene.pages().is_empty());
    assert_eq!(scene.target.open_sessions(), 0);
}

#[test]
fn a_small_blob_has_no_page() {
    let image = Image::of(3_000_000);
    let source = Fake::setup().seed(&image.content, &image.root, "app:v1").on_a_thread();
    let (target, program) = (Fake::setup().on_a_thread(), transship());
    program.run(&import(&source.reference("app:v1"), &target.host(), &[])).exits(0);
    assert!(!program.home().join(".local").exists());
}
