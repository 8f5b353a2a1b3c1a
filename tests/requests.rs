//! Requests: how many a fixed copy makes, side by side and kind by kind, to the last one. A number that changes is
//! either a promise broken or a round trip saved: then change the table, and say why.
#![allow(clippy::arithmetic_side_effects, clippy::indexing_slicing, reason = "a test fails by panicking")]
use std::fmt;

use content::Descriptor;
use http::Method;
use testkit::{Content, Program, Registry, Request};

/// Requests to one side, by kind.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Side {
    /// What does a name stand for?
    heads: usize,
    /// Manifests read.
    manifests: usize,
    /// Blobs read.
    blobs: usize,
    /// Is this blob here? Answered "yes", or by a mount from another repository.
    mounts: usize,
    /// Is this blob here? Answered "no", with a session to send it.
    sessions: usize,
    /// Blobs sent.
    sent: usize,
    /// Manifests written.
    written: usize,
    /// Anything else.
    other: usize,
}

impl Side {
    fn of(registry: &Registry) -> Self {
        let mut side = Self::default();
        for request in registry.ledger().all() {
            *side.kind(&request) += 1;
        }
        side
    }

    fn kind(&mut self, request: &Request) -> &mut usize {
        match (&request.method, request.is_manifest(), request.is_blob(), request.status) {
            (&Method::HEAD, true, _, _) => &mut self.heads,
            (&Method::GET, true, _, Some(200)) => &mut self.manifests,
            (&Method::PUT, true, _, Some(201)) => &mut self.written,
            (&Method::GET, _, true, Some(200)) => &mut self.blobs,
            (&Method::POST, _, true, Some(201)) => &mut self.mounts,
            (&Method::POST, _, true, Some(202)) => &mut self.sessions,
            (&Method::PUT, _, true, Some(201)) => &mut self.sent,
            _ => &mut self.other,
        }
    }

    fn total(self) -> usize {
        let Self { heads, manifests, blobs, mounts, sessions, sent, written, other } = self;
        heads + manifests + blobs + mounts + sessions + sent + written + other
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { heads, manifests, blobs, mounts, sessions, sent, written, other } = self;
        write!(
            f,
            "{heads} heads, {manifests} manifests read, {blobs} blobs read, {mounts} mounted or present, \
             {sessions} sessions, {sent} blobs sent, {written} manifests written, {other} other"
        )
    }
}

/// The most connections to one side: one a lane, and there are never more lanes, however long a copy takes.
const LANES: usize = 32;

fn transship(arguments: &[&str]) {
    Program::new(env!("CARGO_BIN_EXE_transship")).run(arguments).exits(0);
}

/// Fails when the side was asked for anything more, or less.
#[track_caller]
fn expect(name: &str, registry: &Registry, expected: Side, why: &str) {
    let found = Side::of(registry);
    assert_eq!(
        found,
        expected,
        "the {name} saw {} requests: {found}\nexpected {}: {expected}\nwhich are {why}\n{}",
        found.total(),
        expected.total(),
        registry.ledger()
    );
    let connections = registry.connections();
    assert!(connections <= LANES, "{connections} connections to the {name}, where {LANES} are enough");
}

/// An image of one layer.
fn small() -> (Content, Descriptor) {
    let mut content = Content::new();
    let layer = content.layer(1, 1000);
    let root = content.image(1, &[layer]);
    (content, root)
}

#[test]
fn a_fresh_image_of_one_layer() {
    let (content, root) = small();
    let (source, target) = (Registry::with(&content, &root, "app:v1"), Registry::start());
    transship(&["copy", &source.reference("app:v1"), &target.reference("app:v1")]);
    let read = Side { heads: 1, manifests: 1, blobs: 2, ..Side::default() };
    expect("source", &source, read, "the tag, its manifest, its config and its layer");
    let written = Side { heads: 1, sessions: 2, sent: 2, written: 1, ..Side::default() };
    expect("target", &target, written, "the tag, two for each of two blobs, and the manifest");
}

#[test]
fn an_import_looks_at_the_tag_once_more_before_it_writes_it() {
    let (content, root) = small();
    let (source, target) = (Registry::with(&content, &root, "app:v1"), Registry::start());
    transship(&["import", "--source", &source.reference("app:v1"), "--target", &target.host()]);
    let read = Side { heads: 1, manifests: 1, blobs: 2, ..Side::default() };
    expect("source", &source, read, "the tag, its manifest, its config and its layer");
    let written = Side { heads: 2, sessions: 2, sent: 2, written: 1, ..Side::default() };
    expect("target", &target, written, "the tag, before all and before its write, blobs and manifest");
}

#[test]
fn twenty_fresh_manifests_of_five_layers() {
    let (content, root) = Content::fleet(20, 5, 1000);
    let (source, target) = (Registry::with(&content, &root, "app:v1"), Registry::start());
    transship(&["copy", &source.reference("app:v1"), &target.reference("app:v1")]);
    let read = Side { heads: 1, manifests: 21, blobs: 120, ..Side::default() };
    expect("source", &source, read, "the tag, 20 manifests and their index, 20 configs and 100 layers");
    let written = Side { heads: 1, sessions: 120, sent: 120, written: 21, ..Side::default() };
    expect("target", &target, written, "the tag, two for each of 120 blobs, 20 manifests and their index");
}

/// What comes beside the transfers, tags and manifests, has no connections of its own.
#[test]
fn a_copy_opens_no_more_connections_than_it_was_given_lanes() {
    let (content, root) = Content::fleet(20, 5, 1000);
    let (source, target) = (Registry::with(&content, &root, "app:v1"), Registry::start());
    let names: Vec<String> = (0..4).map(|number| target.reference(&format!("team/{number}:v1"))).collect();
    let from = source.reference("app:v1");
    let arguments: Vec<&str> =
        ["copy", "--jobs", "8", &from].into_iter().chain(names.iter().map(String::as_str)).collect();
    transship(&arguments);
    assert!(source.connections() <= 8, "{} connections to the source", source.connections());
    assert!(target.connections() <= 8, "{} connections to the target", target.connections());
}

#[test]
fn nothing_to_do() {
    let (content, root) = Content::fleet(20, 5, 1000);
    let held = || Registry::with(&content, &root, "app:v1");
    let (source, target) = (held(), held());
    transship(&["copy", &source.reference("app:v1"), &target.reference("app:v1")]);
    let asked = Side { heads: 1, ..Side::default() };
    expect("source", &source, asked, "the tag");
    expect("target", &target, asked, "the tag");
}

#[test]
fn one_changed_layer_of_ten() {
    let mut content = Content::new();
    let mut layers: Vec<Descriptor> = (0..10).map(|seed| content.layer(seed, 1000)).collect();
    let old = content.image(1, &layers);
    let target = Registry::with(&content, &old, "app:v1");
    layers[9] = content.layer(10, 1000);
    let new = content.image(2, &layers);
    let source = Registry::with(&content, &new, "app:v1");
    transship(&["copy", &source.reference("app:v1"), &target.reference("app:v1")]);
    let read = Side { heads: 1, manifests: 1, blobs: 2, ..Side::default() };
    expect("source", &source, read, "the tag, its manifest, the new config and the new layer");
    let written = Side { heads: 1, mounts: 9, sessions: 2, sent: 2, written: 1, ..Side::default() };
    expect(
        "target",
        &target,
        written,
        "the tag, one for each layer there is, two for each that is not, the manifest",
    );
}

#[test]
fn one_image_to_twenty_repositories() {
    let (content, root) = Content::fleet(1, 3, 1000);
    let (source, target) = (Registry::with(&content, &root, "app:v1"), Registry::start());
    let from = source.reference("app:v1");
    let names: Vec<String> = (0..20).map(|number| target.reference(&format!("team/{number}:v1"))).collect();
    let arguments: Vec<&str> = ["copy", &from].into_iter().chain(names.iter().map(String::as_str)).collect();
    transship(&arguments);
    let read = Side { heads: 1, manifests: 2, blobs: 4, ..Side::default() };
    expect("source", &source, read, "the tag, a manifest and its index, a config and three layers");
    let written =
        Side { heads: 20, mounts: 4 * 19, sessions: 4, sent: 4, written: 2 * 20, ..Side::default() };
    expect("target", &target, written, "20 tags, 4 blobs sent once and mounted 19 times, 2 manifests each");
}

#[test]
fn another_repository_of_the_same_registry() {
    let (content, root) = Content::fleet(3, 2, 1000);
    let registry = Registry::with(&content, &root, "app:v1");
    transship(&["copy", &registry.reference("app:v1"), &registry.reference("copy:v1")]);
    let asked = Side { heads: 2, manifests: 4, mounts: 3 * 3, written: 4, ..Side::default() };
    expect("registry", &registry, asked, "two tags, 4 manifests read, 9 blobs mounted, 4 manifests written");
}
