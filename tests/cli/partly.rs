//! Runs that fail at some destinations, or after some tags: what is said, and where.
use http::Method;
use testkit::{Content, Registry, Rule};

use crate::{
    run::{Home, transship},
    sides,
};

#[test]
fn a_registry_that_fails_among_several_is_10_and_the_others_are_results() {
    let (source, good) = sides();
    let bad = Registry::setup().rule(Rule::on(Method::PUT, "/manifests/").status(403)).start();
    let (from, to, not) = (source.reference("app:v1"), good.reference("app"), bad.reference("app"));
    let ran = transship(&["copy", &from, &not, &to]).exits(10).says("1 of 2 destinations failed");
    let ran = ran.says(&format!("-> {not}: failed: publish manifest"));
    assert!(ran.stdout.contains(&format!("-> {to}:v1:")) && !ran.stdout.contains(&not), "{ran}");
    assert!(bad.ledger().count(|request| request.method == Method::PUT && request.is_manifest()) > 0);
}

#[test]
fn html_at_the_target_is_untrue() {
    let (source, target) = sides();
    for method in [Method::HEAD, Method::GET] {
        target.rule(Rule::on(method, "/manifests/").html());
    }
    let line = ["import", "--source", &source.reference("app:v1"), "--target", &target.host()];
    transship(&line).exits(5).says("target").says("HTML");
    assert!(target.ledger().writes().is_empty() && source.ledger().blob_reads().is_empty());
}

/// The tag is absent when it is looked for, and there when it is about to be written.
#[test]
fn an_import_with_a_tag_that_appears_meanwhile_is_8_and_lists_what_was_written() {
    let (source, target) = sides();
    let host = target.host();
    let line = ["import", "--source", &source.reference("app:v1"), "--target", &host];
    transship(&[&line[..], &["-t", "b:taken"]].concat()).exits(0);
    for method in [Method::HEAD, Method::GET] {
        target.rule(Rule::on(method, "/v2/b/manifests/taken").times(1).status(404));
    }
    let more = [&line[..], &["-t", "a:v1", "-t", "b:new", "-t", "b:taken"]].concat();
    let ran = transship(&more).exits(8).says("taken");
    assert!(ran.stdout.contains(&format!("-> {host}/a:v1:")), "{ran}");
    assert!(ran.stdout.contains(&format!("-> {host}/b:new: written before")), "{ran}");
    target.behave();
}

#[test]
fn an_import_that_fails_in_part_has_the_json_of_what_failed() {
    let (source, target) = sides();
    target.rule(Rule::on(Method::PUT, "/v2/b/manifests/").status(403));
    let line = ["import", "--source", &source.reference("app:v1"), "--target", &target.host(), "-o", "json"];
    let ran = transship(&[&line[..], &["-t", "a:v1", "-t", "b:v1"]].concat()).exits(3).json();
    assert_eq!(ran["error"]["kind"], "authentication");
    assert_eq!(ran["error"]["side"], "target");
    assert_eq!(ran["error"]["step"], "publish manifest");
    assert_eq!(ran["destinations"][0]["written"][0], "v1");
}

#[test]
fn layers_left_out_are_told_of_when_a_destination_fails() {
    let mut content = Content::new();
    let layer = content.layer(1, 4096);
    let foreign = content.add("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", vec![7; 4096]);
    let root = content.image(1, &[layer, foreign.clone()]);
    let source = Registry::with(&content, &root, "app:v1");
    let bad = Registry::setup().rule(Rule::on(Method::PUT, "/manifests/").status(400)).start();
    let home = Home::new();
    let (from, not) = (source.reference("app:v1"), bad.reference("app"));
    let good = format!("oci:{}", home.path("good"));
    let warned = format!("the foreign layer {} was left out; --include-foreign", foreign.digest);
    let alone = home.run(&["copy", &from, &not]).says(&warned);
    assert!(alone.code != 0 && alone.code != 10, "{alone}");
    let hint = alone.stderr.lines().find(|line| line.starts_with("hint: ")).unwrap();
    assert!(hint.contains("--include-foreign"), "{alone}");
    home.run(&["copy", &from, &not, &good]).exits(10).says(&warned);
    home.run(&["import", "--source", &from, "--target", &bad.host()]).says(&warned);
}
