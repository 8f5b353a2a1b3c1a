//! `NoForce`: a tag that exists is left alone, and that is found out before anything moves.
use http::Method;
use serde_json::json;
use testkit::{
    Content, Fake, Registry, Rule,
    images::{OCI_EMPTY, OCI_MANIFEST, to_json},
};

use crate::{import, transship};

fn image(seed: u64) -> (Content, content::Descriptor) {
    let mut content = Content::new();
    let layer = content.layer(seed, 1000);
    let root = content.image(seed, &[layer]);
    (content, root)
}

/// A source with `app:v1`, and a target where `taken:1` is something else and `same:1` is the same.
fn sides() -> (Registry, Registry) {
    let ((new, root), (old, other)) = (image(1), image(2));
    let source = Registry::with(&new, &root, "app:v1");
    let target = Registry::setup().seed(&old, &other, "taken:1").seed(&new, &root, "same:1").start();
    (source, target)
}

#[test]
fn noforce_refuses_before_any_blob_is_opened_and_lists_every_conflict() {
    let ((new, root), (old, other)) = (image(1), image(2));
    let source = Fake::setup().seed(&new, &root, "app:v1");
    let target = Fake::setup().seed(&old, &other, "taken:1").seed(&new, &root, "same:1");
    // Whoever opens a blob, or writes, fails the test.
    let source = source.only(Method::HEAD, "/manifests/").only(Method::GET, "/manifests/").on_a_thread();
    let target = target.only(Method::HEAD, "/manifests/").on_a_thread();
    let names = ["-t", "free:1", "-t", "taken:1", "-t", "same:1"];
    let run = transship().run(&import(&source.reference("app:v1"), &target.host(), &names)).exits(8);
    assert!(run.stderr.contains("taken:1") && run.stderr.contains("same:1"), "{run}");
    assert!(!run.stderr.contains("free:1 "), "{run}");
}

#[test]
fn a_tag_at_the_same_digest_conflicts_too_unless_allowed() {
    let (source, target) = sides();
    let reference = source.reference("app:v1");
    let host = target.host();
    transship().run(&import(&reference, &host, &["-t", "same:1"])).exits(8);
    transship().run(&import(&reference, &host, &["-t", "same:1", "--allow-same"])).exits(0);
    transship().run(&import(&reference, &host, &["-t", "taken:1", "--allow-same"])).exits(8);
    assert!(target.ledger().writes().is_empty(), "{}", target.ledger());
}

#[test]
fn force_moves_a_tag_and_moves_no_blob_that_is_there() {
    let (source, target) = sides();
    let reference = source.reference("app:v1");
    transship().run(&import(&reference, &target.host(), &["-t", "taken:1", "--force"])).exits(0);
    let (_, root) = image(1);
    let moved = |r: &testkit::Request| r.path == "/v2/taken/manifests/1" && r.status == Some(201);
    assert_eq!(target.ledger().count(moved), 1, "{}", target.ledger());
    source.ledger().clear();
    target.ledger().clear();
    transship().run(&import(&reference, &target.host(), &["-t", "taken:1", "--force"])).exits(0);
    assert!(source.ledger().blob_reads().is_empty(), "{}", source.ledger());
    assert_eq!(target.ledger().count(testkit::Request::is_blob), 0, "{}", target.ledger());
    assert!(std::fs::read_to_string(target.dir().join("index.json")).unwrap().contains(root.digest.hex()));
}

#[test]
fn a_tag_that_appears_meanwhile_is_not_touched() {
    let (source, target) = sides();
    // The first look says "absent"; by the time of the PUT the tag is there.
    target.rule(Rule::on(Method::HEAD, "/v2/taken/manifests/1").nth(1).status(404));
    transship().run(&import(&source.reference("app:v1"), &target.host(), &["-t", "taken:1"])).exits(8);
    let tagged = |r: &testkit::Request| r.method == "PUT" && r.path == "/v2/taken/manifests/1";
    assert_eq!(target.ledger().count(tagged), 0, "{}", target.ledger());
}

#[test]
fn a_tag_is_asked_for_by_get_where_head_is_not_allowed() {
    let (source, target) = sides();
    target.rule(Rule::on(Method::HEAD, "/manifests/").status(405));
    transship().run(&import(&source.reference("app:v1"), &target.host(), &["-t", "taken:1"])).exits(8);
    assert!(target.ledger().writes().is_empty(), "{}", target.ledger());
}

#[test]
fn a_refused_look_at_a_tag_is_never_absence() {
    for status in [401, 403] {
        let (source, target) = sides();
        target.rule(Rule::on(Method::HEAD, "/manifests/").status(status));
        transship().run(&import(&source.reference("app:v1"), &target.host(), &["-t", "free:1"])).exits(3);
        assert!(target.ledger().writes().is_empty(), "{}", target.ledger());
    }
}

#[test]
fn a_target_that_fails_to_say_whether_a_tag_exists_is_7_and_never_absence() {
    let (source, target) = sides();
    let busy = Rule::on(Method::HEAD, "/manifests/").status(503).with("retry-after", "1000");
    target.rule(busy);
    let run =
        transship().run(&import(&source.reference("app:v1"), &target.host(), &["-t", "free:1"])).exits(7);
    assert!(run.stderr.contains("1000 s"), "{run}");
    assert!(target.ledger().writes().is_empty(), "{}", target.ledger());
}

#[test]
fn tags_already_written_are_listed_and_stay() {
    let (source, target) = sides();
    target.rule(Rule::on(Method::PUT, "/v2/new/manifests/2").status(403));
    let names = ["-t", "new:1", "-t", "new:2"];
    let run = transship().run(&import(&source.reference("app:v1"), &target.host(), &names)).exits(3);
    assert!(run.stdout.contains("new:1"), "{run}");
    let deletes = target.ledger().count(|r| r.method == "DELETE" && r.path.contains("/manifests/"));
    assert_eq!(deletes, 0, "{}", target.ledger());
    transship().run(&import(&target.reference("new:1"), &target.host(), &["-t", "again:1"])).exits(0);
}

#[test]
fn a_referrers_fallback_tag_that_exists_is_merged_and_never_a_conflict() {
    let (mut content, subject) = image(1);
    let about = json!({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "artifactType": "text/x-note",
        "config": to_json(&content.add(OCI_EMPTY, "{}")), "layers": [], "subject": to_json(&subject)});
    let note = content.document(OCI_MANIFEST, &about);
    let (mut old, other) = image(2);
    let referrers = old.index(&[other]);
    let fallback = subject.digest.to_string().replace(':', "-");
    let source = Registry::with(&content, &note, "app:note");
    let target = Registry::setup().seed(&old, &referrers, &format!("app:{fallback}")).start();
    target.rule(Rule::on(Method::PUT, "/manifests/").without("oci-subject"));
    transship().run(&import(&source.reference("app:note"), &target.host(), &[])).exits(0);
    let tagged = format!("/v2/app/manifests/{fallback}");
    let puts = target.ledger().count(|r| r.method == "PUT" && r.path == tagged && r.status == Some(201));
    assert_eq!(puts, 1, "{}", target.ledger());
}

#[test]
fn copy_moves_a_tag_unless_told_not_to() {
    let (source, target) = sides();
    let (from, to) = (source.reference("app:v1"), target.reference("taken:1"));
    transship().run(&["copy", "--no-clobber", &from, &to]).exits(8);
    assert!(target.ledger().writes().is_empty(), "{}", target.ledger());
    transship().run(&["copy", &from, &to]).exits(0);
    transship().run(&["copy", "--no-clobber", "--allow-same", &from, &to]).exits(0);
}

#[test]
fn repositories_without_a_tag_never_conflict() {
    let (source, target) = sides();
    let names = ["--repository", "taken", "--repository", "same"];
    transship().run(&import(&source.reference("app:v1"), &target.host(), &names)).exits(0);
}
