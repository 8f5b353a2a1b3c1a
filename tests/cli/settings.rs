//! What flags and variables set: limits, schemes, suffixes, logs; and that each does what it says.
use std::net::TcpListener;

use http::Method;
use testkit::{Registry, Rule};

use crate::{
    image,
    run::{Home, transship},
    sides,
};

const HELLO: &str = "oci:fixtures/images:hello:v1";

/// A host on loopback where nobody listens.
fn nobody() -> String {
    let port = TcpListener::bind("127.0.0.1:0").unwrap();
    port.local_addr().unwrap().to_string()
}

#[test]
fn limits_come_from_the_environment_too_and_flags_go_before() {
    for (name, tight, wide, flag) in [
        ("TRANSSHIP_MAX_MANIFESTS", "1", "2", "--max-manifests"),
        ("TRANSSHIP_MAX_LAYER_SIZE", "10", "1GiB", "--max-layer-size"),
    ] {
        let home = Home::new();
        let target = format!("oci:{}", home.path("target"));
        let line = ["import", "--source", HELLO, "--target", &target, "--force"];
        let home = home.with(name, tight);
        home.run(&line).exits(6).says(flag);
        home.run(&[&line[..], &[flag, "none"]].concat()).exits(0);
        home.with(name, wide).run(&line).exits(0);
    }
}

#[test]
fn the_suffix_of_azure_names_comes_from_a_flag_or_the_environment() {
    let line = ["import", "--name", "myregistry", "--source", HELLO, "--target-username", "me"];
    let empty = Home::new();
    empty.run(&line).exits(2).says("myregistry.azurecr.io");
    empty.run(&[&line[..], &["--acr-suffix", "azurecr.cn"]].concat()).exits(2).says("myregistry.azurecr.cn");
    Home::new().with("TRANSSHIP_ACR_SUFFIX", "azurecr.us").run(&line).exits(2).says("myregistry.azurecr.us");
    let bad = Home::new().with("TRANSSHIP_ACR_SUFFIX", "azure cr");
    bad.run(&line).exits(2).says("--acr-suffix");
}

#[test]
fn schemes_come_from_the_environment_too() {
    let (source, target) = sides();
    let line = ["import", "--source", &source.reference("app:v1"), "--target", &target.host()];
    let tls = Home::new().with("TRANSSHIP_TLS", &format!("a.example,{}", source.host()));
    let ran = tls.run(&line);
    // The source answers a TLS greeting with plain HTTP, so it is never asked for anything.
    assert!(ran.code != 0 && source.ledger().all().is_empty(), "{ran}");
    assert!(!ran.stderr.contains("a.example"), "{ran}");
    let plain = Home::new().with("TRANSSHIP_PLAIN_HTTP", "a.example:1");
    let token = ["import", "--source", "a.example:1/app", "--target", &target.host(), "--acr", "a.example:1"];
    plain.run(&[&token[..], &["-p", "t"]].concat()).exits(2).says("over plain HTTP");
    let both = Home::new().with("TRANSSHIP_PLAIN_HTTP", "a.example").with("TRANSSHIP_TLS", "a.example");
    both.run(&line).exits(2).says("--plain-http and by --tls");
}

#[test]
fn a_flag_about_a_registry_that_no_side_is_at_is_warned_of() {
    let (source, target) = sides();
    let line = ["copy", &source.reference("app:v1"), &target.reference("app"), "-n"];
    let ran = transship(&[&line[..], &["--tls", "127.0.0.1", "--acr", "b.example"]].concat()).exits(0);
    ran.says("warning: --tls 127.0.0.1 does nothing").says("warning: --acr b.example does nothing");
    let line = ["import", "--source", &source.reference("app:v1"), "--target", &target.host(), "-t", "b:v1"];
    let ran =
        transship(&[&line[..], &["--plain-http", "c.example", "--plain-http", &target.host()]].concat());
    let ran = ran.exits(0).says("warning: --plain-http c.example does nothing");
    assert_eq!(ran.stderr.matches("does nothing").count(), 1, "{ran}");
}

#[test]
fn credentials_of_the_source_go_to_the_source_only() {
    let (content, root) = image();
    let source = Registry::setup().basic("me", "canary-right").seed(&content, &root, "app:v1").start();
    let open = Registry::start();
    let closed = Registry::setup().basic("me", "canary-right").start();
    let home = Home::new();
    let file = home.file("password", "canary-right");
    let (from, login) = (source.reference("app:v1"), ["-u", "me", "--password-file", &file]);
    home.run(&[&["copy", &from, &open.reference("app")], &login[..]].concat()).exits(0);
    assert_eq!(open.ledger().count(|request| request.header("authorization").is_some()), 0);
    home.run(&[&["copy", &from, &closed.reference("app")], &login[..]].concat()).exits(3).says("target");
    assert_eq!(closed.ledger().count(|request| request.header("authorization").is_some()), 0);
    let import = ["import", "--source", &from, "--target", &closed.host()];
    home.run(&[&import[..], &login].concat()).exits(3).says("target");
    assert_eq!(closed.ledger().count(|request| request.header("authorization").is_some()), 0);
}

#[test]
fn usage_is_checked_before_any_side_is_asked() {
    let (source, target) = sides();
    let (from, to) = (source.reference("app:v1"), target.host());
    let import = ["import", "--source", &from, "--target", &to];
    for wrong in
        [&["-t", "a", "-t", "a:v1"][..], &["-u", "me"], &["--target-username", "me"], &["-p", "token"]]
    {
        transship(&[&import[..], wrong].concat()).exits(2);
    }
    let copy = ["copy", &from, &target.reference("app")];
    for wrong in [&["-u", "me"][..], &["--target-username", "me"], &[&target.reference("app:v1")]] {
        transship(&[&copy[..], wrong].concat()).exits(2);
    }
    // Nor is a source that is not there found missing first.
    let absent = ["import", "--source", "oci:no/such:x", "--target", &to, "--target-username", "me"];
    transship(&absent).exits(2);
    assert!(source.ledger().all().is_empty() && target.ledger().all().is_empty());
}

#[test]
fn the_source_is_checked_before_the_target() {
    let (source, _) = sides();
    let line = ["import", "--source", &source.reference("app:nope"), "--target", &nobody()];
    transship(&line).exits(4).says("nope");
}

#[test]
fn a_log_says_what_is_done_and_twice_what_is_asked() {
    let (content, root) = image();
    let (source, target) = (Registry::with(&content, &root, "app:v1"), Registry::start());
    // `RUST_LOG` would go before the flags.
    let home = Home::new().with("RUST_LOG", "");
    let line = ["copy", &source.reference("app:v1"), &target.reference("app"), "-q"];
    let quiet = home.run(&[&line[..], &["-n"]].concat()).exits(0);
    assert_eq!((&*quiet.stderr, &*quiet.log), ("", ""));
    let done = home.run(&[&line[..3], &[&target.reference("b:v2"), "-v"]].concat()).exits(0).says("INFO");
    let done = done.says("reading").says("planned").says("a blob is done").says("a manifest is published");
    let done = done.says(&root.digest.to_string()).says("was there already").says("v2");
    assert!(!done.log.contains("DEBUG"), "{done}");
    let steps = home.run(&[&line[..2], &[&target.reference("c"), "-vv"]].concat()).exits(0);
    steps.says("DEBUG").says("step=").says("a blob is done");
    source.rule(Rule::on(Method::GET, "/blobs/").times(1).cut(10));
    source.rule(Rule::on(Method::HEAD, "/manifests/").times(1).status(503));
    let retried = home.run(&[&line[..2], &[&target.reference("d"), "-v"]].concat());
    retried.exits(0).says("resuming a blob").says("to be sent again");
}
