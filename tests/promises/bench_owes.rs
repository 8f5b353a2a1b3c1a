//! Benchmarks between registries that others use, too, or that do not do what they say: nothing is removed that
//! somebody else may want, and what stays is told.
use std::time::Duration;

use http::Method;
use testkit::{Content, Program, Registry, Request, Rule, until};

use crate::transship;

/// Longer than any test runs.
const FOR_EVER: Duration = Duration::from_secs(3600);
const MADE: [&str; 8] = ["--images", "2", "--layers", "3", "--layer-size", "3000", "--repeat", "2"];

fn made<'a>(source: &'a str, target: &'a str) -> Vec<&'a str> {
    [&["bench", source, target, "--jobs", "4", "--ranges", "1", "-o", "json"], &MADE[..]].concat()
}

/// Whether the image is at the target in full, under its tag.
fn is_there(program: &Program, name: &str) {
    program.run(&["copy", name, "oci:read"]).exits(0);
}

#[test]
fn what_somebody_tags_during_a_benchmark_is_not_removed() {
    let (content, root) = Content::fleet(1, 2, 1000);
    let source = Registry::with(&content, &root, "app:v1");
    let slow = Rule::on(Method::PUT, "/v2/app/manifests/").nth(1).delay(Duration::from_secs(8));
    let target = Registry::setup().rule(slow).start();
    let (from, to, tagged) =
        (source.reference("app:v1"), target.reference("app"), target.reference("app:v1"));
    let program = transship();
    let running = program.start(&["bench", &from, &to, "--jobs", "4", "--ranges", "1", "--repeat", "3"]);
    until("a manifest of the first run", || {
        target.ledger().count(|r| r.method == Method::PUT && r.is_manifest()) > 0
    });
    program.run(&["copy", &from, &tagged]).exits(0);
    running.wait().exits(8).says("left behind in");
    is_there(&program, &tagged);
}

#[test]
fn a_target_that_has_tags_gets_no_image_of_the_users() {
    let (content, root) = Content::fleet(1, 1, 1000);
    let mut other = Content::new();
    let layer = other.layer(77, 2000);
    let kept = other.image(77, &[layer]);
    let source = Registry::with(&content, &root, "app:v1");
    let target = Registry::with(&other, &kept, "app:kept");
    transship()
        .run(&["bench", &source.reference("app:v1"), &target.reference("app")])
        .exits(8)
        .says("has tags");
    assert_eq!(target.ledger().writes().len(), 0, "{}", target.ledger());
}

#[test]
fn what_comes_between_two_runs_ends_the_benchmark_and_stays() {
    let (source, target) = (Registry::start(), Registry::start());
    let (from, to) = (source.reference("app"), target.reference("app"));
    let program = transship();
    let line = [&made(&from, &to)[..], &["--seed", "5"]].concat();
    // Where the second run would begin, its first blob is there.
    let blobs = |r: &Request| r.method == Method::HEAD && r.is_blob();
    program.run(&line).exits(0);
    let asked = target.ledger().count(blobs);
    target.ledger().clear();
    target.rule(
        Rule::on(Method::HEAD, "/v2/app/blobs/")
            .nth(asked / 2 + 7)
            .status(200)
            .with("content-length", "3000"),
    );
    program.run(&line).exits(8).says("holds this already");
    let removed = target.ledger().count(|r| r.method == Method::DELETE && r.status == Some(202));
    assert_eq!(removed, 2 + 7, "of the first run alone: {}", target.ledger());
}

#[test]
fn a_target_that_says_404_and_removes_nothing_is_told_from_one_that_removes() {
    let (source, target) = (Registry::start(), Registry::start());
    target.rule(Rule::on(Method::DELETE, "/v2/app/").status(404));
    let (from, to) = (source.reference("app"), target.reference("app"));
    let results = transship().run(&made(&from, &to)).exits(0).json();
    let left = results["left"][0].as_str().unwrap();
    assert!(left.starts_with(&format!("{to}: 4 manifests and 14 blobs, ")), "{left}");
    assert!(left.ends_with("404 Not Found, though it is there"), "{left}");
    let runs = results["cells"][0]["runs"].as_array().unwrap();
    assert!(runs.iter().all(|run| run["bytes"] == results["workload"]["bytes"]), "{results}");
    let warnings = results["warnings"].as_array().unwrap();
    assert!(warnings.iter().any(|text| text.as_str().unwrap().contains("removes nothing")), "{warnings:?}");
}

#[test]
fn an_image_of_the_users_is_moved_once_where_404_is_all_that_a_target_says() {
    let (content, root) = Content::fleet(1, 1, 1000);
    let (source, target) = (Registry::with(&content, &root, "app:v1"), Registry::start());
    target.rule(Rule::on(Method::DELETE, "/v2/app/").status(404));
    let (from, to) = (source.reference("app:v1"), target.reference("app"));
    transship().run(&["bench", &from, &to]).exits(6).says("only the first of 30 runs").says("left behind in");
}

#[test]
fn a_signal_behind_a_link_cancels_the_uploads_of_the_run() {
    let slow = Rule::on(Method::PUT, "/v2/app/blobs/uploads/").delay(FOR_EVER);
    let (source, target) = (Registry::start(), Registry::setup().rule(slow).start());
    let (from, to) = (source.reference("app"), target.reference("app"));
    let sizes =
        ["--images", "1", "--layers", "2", "--shared", "0", "--layer-size", "9000000", "--rate", "1GiB"];
    let program = transship();
    let running = program.start(&[&["bench", &from, &to, "--jobs", "4"], &sizes[..]].concat());
    let sent = |r: &Request| r.method == Method::PUT && r.path.contains("/uploads/");
    until("uploads at the target", || target.ledger().count(sent) >= 2);
    running.signal("INT");
    running.wait().exits(130);
    let ledger = target.ledger();
    let opened = ledger.count(|r| r.method == Method::POST && r.status == Some(202));
    let ended =
        ledger.count(|r| r.method == Method::DELETE && r.path.contains("/uploads/") && r.status == Some(204));
    assert_eq!(ended, opened, "{ledger}");
}
