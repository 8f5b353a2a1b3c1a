//! Kills: a run that was ended with SIGKILL leaves nothing torn, and the next one goes on with it.
use std::{fs, path::PathBuf};

use content::Descriptor;
use testkit::{Content, End, Fake, Mishap, Program, Request, until};

use crate::{import, transship};

const MIB: u64 = 1024 * 1024;
const SIZE: u64 = 24 * MIB;
/// Where the source stops sending, so that the run is killed in the middle.
const STALL: u64 = 16 * MIB;

struct Scene {
    content: Content,
    layer: Descriptor,
    source: Fake,
    target: Fake,
    program: Program,
}

impl Scene {
    fn new() -> Self {
        let mut content = Content::new();
        let layer = content.layer(1, usize::try_from(SIZE).unwrap());
        let root = content.image(1, std::slice::from_ref(&layer));
        let source = Fake::setup().seed(&content, &root, "app:v1").on_a_thread();
        let target = Fake::setup().on_a_thread();
        Self { content, layer, source, target, program: transship() }
    }

    fn blob(&self) -> String {
        format!("/blobs/{}", self.layer.digest)
    }

    fn arguments(&self) -> [String; 5] {
        let (from, to) = (self.source.reference("app:v1"), self.target.host());
        ["import", "--source", &from, "--target", &to].map(str::to_owned)
    }

    /// A run that is killed once the target has got all that the source sent.
    fn killed(&self, more: &[&str]) {
        self.source.mishap(Mishap::on(http::Method::GET, &self.blob()).cut(STALL, End::Stall));
        let arguments = [&self.arguments()[..], &more.map_to_strings()].concat();
        let running = self.program.start(&arguments);
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
        self.program.run(&self.arguments()).exits(0);
        assert!(self.target.holds("app", &self.content), "{}", self.target.ledger());
        assert!(self.target.wrong().is_empty());
    }

    fn reads(&self) -> Vec<Request> {
        self.source.ledger().pick(|request| request.path.ends_with(&self.blob()))
    }

    /// Where the journal is, and what it holds.
    fn pages(&self) -> Vec<PathBuf> {
        let folder = self.program.home().join(".local/state/transship/uploads");
        let listing = fs::read_dir(folder).into_iter().flatten();
        listing.map(|entry| entry.unwrap().path()).collect()
    }
}

trait Strings {
    fn map_to_strings(&self) -> Vec<String>;
}

impl Strings for [&str] {
    fn map_to_strings(&self) -> Vec<String> {
        self.iter().map(|text| (*text).to_owned()).collect()
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
fn a_page_that_was_tampered_with_costs_one_restart_and_leads_nowhere() {
    let elsewhere = Fake::setup().on_a_thread();
    let evil = format!("{}/v2/app/blobs/uploads/1", elsewhere.origin());
    for (old, new) in [
        ("\"mark\":[", "\"mark\":[1"),
        ("http://", "http://user:password@"),
        ("upload\":\"http", "upload\":\"nowhere"),
    ] {
        let scene = Scene::new();
        scene.killed(&[]);
        let page = scene.pages().remove(0);
        let text = fs::read_to_string(&page).unwrap();
        assert!(text.contains(old), "{text}");
        fs::write(&page, text.replace(old, new)).unwrap();
        scene.again();
        assert!(scene.reads().len() <= 2, "{}", scene.source.ledger());
    }
    let scene = Scene::new();
    scene.killed(&[]);
    let page = scene.pages().remove(0);
    let text = fs::read_to_string(&page).unwrap();
    let ours = text.split('"').find(|word| word.contains("/blobs/uploads/")).unwrap().to_owned();
    fs::write(&page, text.replace(&ours, &evil)).unwrap();
    scene.again();
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
    scene.source.mishap(Mishap::on(http::Method::GET, &scene.blob()).cut(STALL, End::Stall));
    let running = scene.program.start(&scene.arguments());
    until("a page is written", || !scene.pages().is_empty());
    running.signal("INT");
    running.wait().exits(130);
    assert!(scene.pages().is_empty());
    assert_eq!(scene.target.open_sessions(), 0);
}

#[test]
fn a_small_blob_has_no_page() {
    let mut content = Content::new();
    let layer = content.layer(1, 3_000_000);
    let root = content.image(1, &[layer]);
    let source = Fake::setup().seed(&content, &root, "app:v1").on_a_thread();
    let (target, program) = (Fake::setup().on_a_thread(), transship());
    program.run(&import(&source.reference("app:v1"), &target.host(), &[])).exits(0);
    assert!(!program.home().join(".local").exists());
}
