//! What an import does between registries when something is wrong, and how it ends: each has its own message and
//! exit code, and the target sees no write.
#![allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a promise that is broken stops the test"
)]
#[path = "cli/partly.rs"]
mod partly;
#[path = "cli/run.rs"]
mod run;
#[path = "cli/settings.rs"]
mod settings;

use std::{net::TcpListener, time::Duration};

use content::Descriptor;
use run::{Home, transship};
use testkit::{Content, Image, Registry, Rule};

/// An image of one layer.
fn image() -> (Content, Descriptor) {
    let Image { content, root, .. } = Image::of(4096);
    (content, root)
}

/// A registry that holds `app:v1`, and an empty one.
fn sides() -> (Registry, Registry) {
    let (content, root) = image();
    (Registry::with(&content, &root, "app:v1"), Registry::start())
}

#[test]
fn a_source_that_does_not_exist_is_absent_and_nothing_is_written() {
    let (source, target) = sides();
    for (name, said) in [("app:v2", "v2"), ("other:v1", "other")] {
        let line = ["import", "--source", &source.reference(name), "--target", &target.host()];
        transship(&line).exits(4).says("source").says(said);
    }
    assert!(target.ledger().writes().is_empty() && target.is_empty());
}

#[test]
fn a_refused_login_is_told_from_absence_and_nothing_is_written() {
    let (content, root) = image();
    let source = Registry::setup().basic("me", "canary-right").seed(&content, &root, "app:v1").start();
    let target = Registry::start();
    let line = ["import", "--source", &source.reference("app:v1"), "--target", &target.host()];
    transship(&line).exits(3);
    let wrong = [&line[..], &["-u", "me", "--password-stdin"]].concat();
    let ran = Home::new().run_with(&wrong, "wrong\n").exits(3);
    assert!(!ran.stderr.contains("wrong\n"), "{ran}");
    assert!(target.ledger().writes().is_empty());
    Home::new().run_with(&wrong, "canary-right\n").exits(0);
    assert!(target.holds(&content));
}

#[test]
fn no_log_shows_a_password_or_a_token_made_of_it() {
    let (content, root) = image();
    let source = Registry::setup().basic("me", "canary-2").seed(&content, &root, "app:v1").start();
    let target = Registry::start();
    let line = ["import", "--source", &source.reference("app:v1"), "--target", &target.host(), "-u", "me"];
    for log in ["trace", ""] {
        let home = Home::new().with("RUST_LOG", log);
        let words = [&line[..], &["-vvv", "--force", "--password-stdin"]].concat();
        let ran = home.run_with(&words, "canary-2").exits(0).says("DEBUG");
        // The second is what Basic sends.
        for secret in ["canary-2", "bWU6Y2FuYXJ5LTI"] {
            assert!([&ran.stdout, &ran.stderr, &ran.log].iter().all(|text| !text.contains(secret)), "{ran}");
        }
    }
}

#[test]
fn a_password_may_come_from_a_file_or_the_environment() {
    let (content, root) = image();
    let source = Registry::setup().basic("me", "canary-right").seed(&content, &root, "app:v1").start();
    let target = Registry::setup().basic("you", "canary-left").start();
    let home =
        Home::new().with("TRANSSHIP_TARGET_USERNAME", "you").with("TRANSSHIP_TARGET_PASSWORD", "canary-left");
    let file = home.file("password", "canary-right\n");
    let (from, to) = (source.reference("app:v1"), target.host());
    home.run(&["import", "--source", &from, "--target", &to, "-u", "me", "--password-file", &file]).exits(0);
    assert!(target.holds(&content));
}

#[test]
fn a_source_that_is_down_is_unreachable_and_names_the_host() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap();
    let host = port.local_addr().unwrap().to_string();
    drop(port);
    let target = Registry::start();
    let ran = transship(&["import", "--source", &format!("{host}/app:v1"), "--target", &target.host()]);
    ran.exits(7).says(&host).says("source");
    assert!(target.ledger().all().is_empty());
}

#[test]
fn a_target_that_is_down_is_unreachable_and_no_blob_is_read() {
    let (source, _) = sides();
    let port = TcpListener::bind("127.0.0.1:0").unwrap();
    let host = port.local_addr().unwrap().to_string();
    drop(port);
    transship(&["import", "--source", &source.reference("app:v1"), "--target", &host])
        .exits(7)
        .says(&host)
        .says("target");
    assert!(source.ledger().blob_reads().is_empty());
}

#[test]
fn a_registry_that_answers_html_is_untrue_and_nothing_is_written() {
    let (source, target) = sides();
    source.rule(Rule::on(http::Method::GET, "/manifests/").html());
    let line = ["import", "--source", &source.reference("app:v1"), "--target", &target.host()];
    transship(&line).exits(5).says("HTML");
    assert!(target.ledger().writes().is_empty());
}

#[test]
fn a_tag_that_exists_is_refused_before_any_write() {
    let (source, target) = sides();
    let line = ["import", "--source", &source.reference("app:v1"), "--target", &target.host()];
    transship(&line).exits(0);
    target.ledger().clear();
    let more = [&line[..], &["-t", "app:v1", "-t", "app:v2"]].concat();
    transship(&more).exits(8).says("app:v1").says("--allow-same");
    assert!(target.ledger().writes().is_empty());
}

#[test]
fn another_tag_in_the_same_repository_moves_no_blob() {
    let (source, _) = sides();
    transship(&[
        "import",
        "--source",
        &source.reference("app:v1"),
        "--target",
        &source.host(),
        "-t",
        "app:v2",
    ])
    .exits(0);
    assert!(source.ledger().blob_reads().is_empty());
    assert_eq!(source.ledger().writes().iter().filter(|request| request.is_manifest()).count(), 1);
}

#[test]
fn control_characters_of_a_server_do_not_reach_the_terminal() {
    let (source, target) = sides();
    let body = r#"{"errors":[{"code":"DENIED","message":"\u001b[2Jgone\u001b]0;title\u0007"}]}"#;
    for method in [http::Method::GET, http::Method::HEAD] {
        source.rule(Rule::on(method, "/manifests/").answer(403, "application/json", body));
    }
    let line = ["import", "--source", &source.reference("app:v1"), "--target", &target.host()];
    let text = transship(&line).exits(3);
    let json = transship(&[&line[..], &["-o", "json"]].concat()).exits(3);
    for ran in [text, json] {
        assert!(!ran.stderr.contains('\u{1b}') && !ran.stdout.contains('\u{1b}'), "{ran}");
    }
}

/// The three example bodies of the REST documentation, with their hosts changed to loopback.
#[test]
fn the_example_bodies_run() {
    for (body, name) in [
        (include_str!("../fixtures/import/by-tag.json"), "sourcerepository:sourceTag"),
        (include_str!("../fixtures/import/by-digest.json"), "sourcerepository:any"),
        (include_str!("../fixtures/import/from-public-registry.json"), "library/hello-world:latest"),
    ] {
        let (content, root) = image();
        let source = Registry::with(&content, &root, name);
        let target = Registry::start();
        let body = on_loopback(body, &source.host(), &root.digest.to_string());
        let ran =
            Home::new().run_with(&["import", "--request", "-", "--target", &target.host()], &body).exits(0);
        assert!(target.holds(&content), "{ran}");
        let index = std::fs::read_to_string(target.dir().join("index.json")).unwrap();
        assert!(index.contains("targetrepository:targetTag"), "{index}");
        assert!(
            target
                .ledger()
                .count(|request| request.path.starts_with("/v2/targetrepository1/manifests/sha256:"))
                > 0
        );
        assert!(!index.contains("targetrepository1:"), "{index}");
    }
}

fn on_loopback(body: &str, host: &str, digest: &str) -> String {
    let mut body: serde_json::Value = serde_json::from_str(body).unwrap();
    let source = body["source"].as_object_mut().unwrap();
    source.remove("resourceId");
    source.insert("registryUri".to_owned(), host.into());
    let zeros = format!("sha256:{}", "0".repeat(64));
    body.to_string().replace(&zeros, digest)
}

#[test]
fn credentials_of_a_request_are_the_sources() {
    let (content, root) = image();
    let source = Registry::setup().basic("me", "canary-right").seed(&content, &root, "app:v1").start();
    let target = Registry::start();
    let body = |password: &str| {
        serde_json::json!({"source": {"registryUri": source.host(), "sourceImage": "app:v1",
            "credentials": {"username": "me", "password": password}}})
        .to_string()
    };
    let line = ["import", "--request", "-", "--target", &target.host()];
    Home::new().run_with(&line, &body("canary-wrong")).exits(3);
    assert!(target.ledger().writes().is_empty());
    Home::new().run_with(&line, &body("canary-right")).exits(0);
}

#[test]
fn copy_goes_to_registries_and_layouts_at_once_and_keeps_the_digest() {
    let (source, target) = sides();
    let home = Home::new();
    let dir = home.path("layout");
    let (from, to) = (source.reference("app:v1"), target.reference("team/app"));
    let ran = home.run(&["copy", &from, &to, &format!("oci:{dir}"), "-o", "json"]).exits(0).json();
    assert_eq!(ran["destinations"][0]["written"][0], "v1");
    assert_eq!(ran["destinations"][1]["written"][0], "app:v1");
    let back =
        home.run(&["copy", &format!("oci:{dir}"), &target.reference("team/app"), "-o", "json"]).exits(0);
    assert_eq!(back.json()["destinations"][0]["alreadyThere"], true);
}

#[test]
fn an_interrupted_import_ends_with_130_or_143_and_writes_no_tag() {
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let (source, target) = sides();
        source.rule(Rule::on(http::Method::GET, "/blobs/").delay(Duration::from_secs(600)));
        let (from, to) = (source.reference("app:v1"), target.host());
        let home = Home::new();
        let (running, _stdin) = home.start(&["import", "--source", &from, "--target", &to]);
        // It says so once the image is known and blobs are about to move.
        running.says("found 1 manifest");
        running.signal(signal);
        running.wait().exits(code);
        assert_eq!(target.ledger().count(|request| request.method == http::Method::PUT), 0);
    }
}
