//! What the binary says to words that make no sense, and what it does without any registry: each has its own message
//! and exit code, and nothing is written.
#![allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a promise that is broken stops the test"
)]
#[path = "cli/json.rs"]
mod json;
#[path = "cli/page.rs"]
mod page;
#[path = "cli/run.rs"]
mod run;
#[path = "cli/stdin.rs"]
mod stdin;

use std::path::Path;

use run::{Home, transship};

const HELLO: &str = "oci:fixtures/images:hello:v1";
const DIGEST: &str = "sha256:92c7f9c92844bbbb5d0a101b22f7c2a7949e40f8ea90c8b3bc396879d95e899a";

#[test]
fn every_usage_error_of_bench_has_its_own_message() {
    let digest_target = format!("b.example/app@{DIGEST}");
    let cases: &[(&[&str], &str)] = &[
        (&["a.example/app"], "<TARGET>"),
        (&["app", "b.example/app"], "SOURCE: "),
        (&["a.example/app", "oci:images"], "TARGET: "),
        (&["a.example/app", "b.example/app:v1"], "without a tag"),
        (&["a.example/app", &digest_target], "without a tag"),
        (&["a.example/app", "a.example/other"], "one registry"),
        (&["a.example/app:v1", "b.example/app", "--images", "3"], "--images: SOURCE names an image"),
        (&["--layers", "2", "--shared", "3"], "an image has 2 layers"),
        (&["--images", "0"], "--images"),
        (&["--layer-size", "0"], "1 or more"),
        (&["--layer-size", "15"], "16 or more"),
        (&["--layer-size", "99999999999TiB"], "more bytes than can be counted"),
        (&["--images", "1001", "--layers", "100"], "--images: 1001 images of 100 layers"),
        (&["--dry-run", "--html", "x"], "--html"),
        (&["--layer-size", "8MB"], "8MiB"),
        (&["--jobs", "1,0"], "from 1 to 1000"),
        (&["--ranges", "65"], "from 1 to 64"),
        (&["--repeat", "0"], "--repeat"),
        (&["--rtt", "50"], "50ms"),
        (&["--rate", "none"], "8MiB"),
        (&["--username", "me", "--password", "secret"], "--username: the registries are our own"),
        (&["--plain-http", "a.example"], "--plain-http: the registries are our own"),
        (&["--tls", "a.example"], "--tls: the registries are our own"),
        (&["--acr", "a.example"], "--acr: the registries are our own"),
        (&["--ca-file", "x"], "--ca-file: the registries are our own"),
        (&["--http2"], "--http2: the registries are our own"),
        (&["a.example/app", "b.example/app", "-u", "me"], "without a password"),
        (&["10.0.0.1:5000/app", "b.example/app", "--rtt", "1ms"], "whose certificate is for its address"),
    ];
    for (words, message) in cases {
        let ran = Home::new().run(&[&["bench"], *words].concat()).exits(2).says(message);
        assert_eq!(ran.stderr.matches("error: ").count(), 1, "{words:?}: {ran}");
        assert_eq!(ran.stdout, "", "{words:?}");
    }
}

#[test]
fn lanes_of_one_registry_are_a_number_and_named_once() {
    let cases: &[(&[&str], &str)] = &[
        (&["--jobs-at", "b.example"], "registry.example=8"),
        (&["--jobs-at", "b.example=0"], "from 1 to 1000"),
        (&["--jobs-at", "b.example:x=4"], "a port is a number"),
        (&["--jobs-at", "b.example=4", "--jobs-at", "b.example=5"], "named twice by --jobs-at"),
    ];
    for (words, message) in cases {
        Home::new()
            .run(&[&["copy", "a.example/app", "b.example/app"], *words].concat())
            .exits(2)
            .says(message);
    }
}

/// Each makes an import out of its words, is refused with exit code 2, and says something of its own.
#[test]
fn every_usage_error_of_import_has_its_own_message() {
    let digest_target = format!("app@{DIGEST}");
    let cases: &[(&[&str], &str)] = &[
        (&["--source", "registry.example/App"], "repository names are lower case"),
        (&["--source", "registry.example/app:a b"], "no place in a tag"),
        (&["--source", "registry.example/app@sha256:00"], "64 digits"),
        (&["--source", "registry.example:x/app"], "a port is a number"),
        (&["--source", "hello-world"], "docker.io/library/hello-world"),
        (&["--source", "team/app"], "docker.io/team/app"),
        (&["--source", ""], "the source image is missing"),
        (&["--source", "docker-archive:x.tar"], "only OCI archives are supported"),
        (&["--source", "oci-archive:"], "an archive's file is missing"),
        (&["--source", HELLO, "-r", "registry.example"], "takes no --registry"),
        (&["--source", "other.example/app", "-r", "registry.example"], "another registry"),
        (&["--source", "app", "-r", "http://registry.example"], "--plain-http registry.example"),
        (&["--source", "app", "-r", "my-registry"], "no login server"),
        (&["--source", "app", "-r", "/subscriptions/1"], "not the resource id"),
        (&["--source", HELLO, "-t", "registry.example/app"], "without a registry"),
        (&["--source", HELLO, "-t", &digest_target], "without a digest"),
        (&["--source", HELLO, "-t", "app", "-t", "app:v1"], "given twice"),
        (&["--source", HELLO, "--repository", "app", "--repository", "app"], "given twice"),
        (&["--source", HELLO, "--repository", "app:v1"], "has a tag"),
        (&["--source", "registry.example/app", "-u", "me"], "without a password"),
        (&["--source", "registry.example/app", "-p", "secret"], "access token"),
        (&["--source", HELLO, "-u", "me", "-p", "secret"], "--username: the source is a directory"),
        (&["--source", HELLO, "-p", "secret"], "--password: the source is a directory"),
        // Before the source is looked at, which is not there.
        (&["--source", "oci:no/such", "-t", "app", "-t", "app"], "given twice"),
        (&["--source", HELLO, "--target-username", "me"], "takes no credentials"),
        (&["--source", HELLO, "-p", "x", "--password-stdin"], "cannot be used with"),
        (&["--source", HELLO, "--max-layer-size", "0"], "`none` lifts the limit"),
        (&["--source", HELLO, "--max-layer-size", "4GB"], "4GiB"),
        (&["--source", HELLO, "--max-manifests", "many"], "whole number"),
        (&["--source", HELLO, "--jobs", "0"], "from 1 to 1000"),
        (&["--source", HELLO, "--ranges", "0"], "from 1 to 64"),
        (&["--source", HELLO, "--ranges", "65"], "from 1 to 64"),
        (&["--source", HELLO, "--range-memory", "1023KiB"], "1MiB or more"),
        (&["--source", HELLO, "--range-memory", "32MB"], "32MiB"),
        (&["--source", HELLO, "--plain-http", "nohost"], "--plain-http"),
        (
            &["--source", HELLO, "--plain-http", "a.example", "--tls", "a.example"],
            "--plain-http and by --tls",
        ),
        (&["--source", HELLO, "--output", "table"], "possible values: text, json"),
        (&["--source", HELLO, "--query", "id"], "--output json"),
        (&["--source", HELLO, "--force", "--allow-same"], "cannot be used with"),
        (&["--source", HELLO, "--name", "abcdef"], "cannot be used with"),
        (&["--source", HELLO, "--no-such-flag"], "--no-such-flag"),
        (&["--source", HELLO, "--request", "x.json"], "cannot be used with"),
        (&[], "--source"),
    ];
    for (words, message) in cases {
        let home = Home::new();
        let target = format!("oci:{}", home.path("target"));
        let line = [&["import", "--target", &target], *words].concat();
        let ran = home.run(&line).exits(2).says(message);
        assert_eq!(ran.stderr.matches("error: ").count(), 1, "{words:?}: {ran}");
        assert_eq!(ran.stdout, "", "{words:?}");
        assert!(!Path::new(&home.path("target")).exists(), "{words:?} left something behind");
    }
}

#[test]
fn a_target_is_needed_and_is_no_azure_name() {
    transship(&["import", "--source", HELLO]).exits(2).says("--target");
    let ran = transship(&["import", "--source", HELLO, "--target", "myregistry"]).exits(2);
    ran.says("--name myregistry").says("--target myregistry.azurecr.io");
    transship(&["import", "--source", HELLO, "--target", ""]).exits(2).says("the target is empty");
    transship(&["import", "--source", HELLO, "--target", "docker-archive:x.tar"])
        .exits(2)
        .says("only OCI archives");
    transship(&["import", "--source", HELLO, "--target", "http://a.example"]).exits(2).says("--plain-http");
    transship(&["import", "--source", HELLO, "--name", "a.example"]).exits(2).says("--target HOST");
}

#[test]
fn a_digest_without_a_target_is_not_moved_over_latest_by_force() {
    let source = format!("registry.example/app@{DIGEST}");
    let ran = transship(&["import", "--source", &source, "--target", "other.example", "--force"]);
    ran.exits(2).says("-t app:latest");
}

#[test]
fn every_usage_error_of_copy_has_its_own_message() {
    let cases: &[(&[&str], &str)] = &[
        (&["alpine"], "<DST>"),
        (&["http://registry.example/app", "oci:x"], "no http://"),
        (&["./dir", "oci:x"], "oci:DIR"),
        (&["dir:x", "oci:x"], "transport is not supported"),
        (&["oci://nohost", "oci:x"], "`oci://` names a registry"),
        (&[HELLO, "a.example/app", "b.example/app", "--target-username", "me"], "for one registry"),
        (&[HELLO, "oci:x", "oci:x"], "given twice"),
        // Before the source is looked at, which is not there.
        (&["oci:no/such:x", "b.example/app", "b.example/app"], "given twice"),
        (&["oci:no/such", "b.example/app", "b.example/app"], "given twice"),
        (&["oci:no/such:x", "b.example/app", "--target-username", "me"], "without a password"),
        (&[HELLO, "oci:x", "--allow-same"], "--no-clobber"),
        (&["oci:fixtures/images", "oci:x"], "hello:v1"),
    ];
    for (words, message) in cases {
        let line = [&["copy"], *words].concat();
        transship(&line).exits(2).says(message);
        assert!(!Path::new("x").exists(), "{words:?}");
    }
}

#[test]
fn a_flag_of_another_tool_leads_to_what_does_it_here() {
    for (flags, meant) in [
        (&["--all"][..], "every platform is copied anyway"),
        (&["-a"], "every platform is copied anyway"),
        (&["--dest-tls-verify=false"], "--ca-file FILE"),
        (&["--src-creds", "me:mine"], "--password-stdin"),
        (&["-r"], "--referrers"),
    ] {
        let line = [&["copy", HELLO, "oci:x", "-o", "json"], flags].concat();
        let ran = transship(&line)
            .exits(2)
            .says(&format!("unexpected argument '{}'", &flags[0].split('=').next().unwrap()));
        assert_eq!(
            (ran.stderr.matches("tip: ").count(), ran.stderr.contains(meant)),
            (1, true),
            "{}",
            ran.stderr
        );
        assert!(ran.json()["error"]["hint"].as_str().unwrap().contains(meant));
    }
}

#[test]
fn a_malformed_name_is_drawn_with_a_caret() {
    let ran = transship(&["import", "--target", "a.example", "--source", "b.example/App"]).exits(2);
    assert!(ran.stderr.contains("\n  b.example/App\n            ^\n"), "{}", ran.stderr);
}

#[test]
fn a_request_that_is_no_json_names_line_and_column() {
    let home = Home::new();
    let file = home.file("request.json", "{\n  \"source\": nope }");
    let ran = home.run(&["import", "--target", "a.example", "--request", &file]);
    ran.exits(2).says("line 2 column");
}

#[test]
fn a_request_is_checked_like_flags_and_names_its_fields() {
    let home = Home::new();
    let request = |rest: &str| {
        let text = format!(r#"{{"source":{{"registryUri":"b.example","sourceImage":"app:v1"}}{rest}}}"#);
        let file = home.file("request.json", &text);
        home.run(&["import", "--target", "a.example", "--request", &file])
    };
    request(r#","targetTags":["x","c.example/app:v1"]"#).exits(2).says("targetTags[1]");
    request(r#","untaggedTargetRepositories":["x","x"]"#).exits(2).says("untaggedTargetRepositories[1]");
    request(r#","mode":"Overwrite""#).exits(2).says("mode");
    let ran = home.run_with(
        &["import", "--target", "a.example", "--request", "-"],
        r#"{"source":{"sourceImage":"a"}}"#,
    );
    ran.exits(2).says("neither registryUri nor resourceId");
}

#[test]
fn a_request_that_cannot_be_read_is_a_local_failure() {
    transship(&["import", "--target", "a.example", "--request", "no/such.json"])
        .exits(9)
        .says("no/such.json");
}

#[test]
fn a_request_and_flags_do_not_both_hold_credentials() {
    let text = r#"{"source":{"registryUri":"b.example","sourceImage":"a","credentials":{"username":"u","password":"p"}}}"#;
    let line = ["import", "--target", "a.example", "--request", "-", "-u", "me", "-p", "secret"];
    Home::new().run_with(&line, text).exits(2).says("keep one of them");
}

#[test]
fn a_password_file_that_cannot_be_read_is_a_local_failure() {
    let line = [
        "import",
        "--target",
        "a.example",
        "--source",
        "b.example/app",
        "-u",
        "me",
        "--password-file",
        "no/such",
    ];
    transship(&line).exits(9).says("no/such");
}

#[test]
fn limits_of_the_environment_are_checked_too() {
    let home = Home::new().with("TRANSSHIP_MAX_LAYER_SIZE", "0");
    home.run(&["import", "--target", "a.example", "--source", HELLO]).exits(2).says("none");
}

#[test]
fn empty_variables_of_the_environment_say_nothing() {
    let mut home = Home::new();
    for name in [
        "TRANSSHIP_MAX_LAYER_SIZE",
        "TRANSSHIP_MAX_MANIFESTS",
        "TRANSSHIP_PLAIN_HTTP",
        "TRANSSHIP_TLS",
        "TRANSSHIP_ACR_SUFFIX",
        "TRANSSHIP_SOURCE_USERNAME",
        "TRANSSHIP_TARGET_PASSWORD",
    ] {
        home = home.with(name, "");
    }
    let target = format!("oci:{}", home.path("target"));
    home.run(&["import", "--target", &target, "--source", HELLO]).exits(0);
}

#[test]
fn a_target_that_is_a_file_is_a_local_failure() {
    let home = Home::new();
    let target = format!("oci:{}", home.file("file", "x"));
    home.run(&["import", "--target", &target, "--source", HELLO]).exits(9);
}

#[test]
fn a_user_name_of_the_environment_needs_its_password() {
    let home = Home::new().with("TRANSSHIP_SOURCE_USERNAME", "me");
    let ran = home.run(&["import", "--target", "a.example", "--source", "b.example/app"]);
    ran.exits(2).says("TRANSSHIP_SOURCE_USERNAME").says("without a password");
}

#[test]
fn a_layout_or_entry_that_is_not_there_is_absent_and_leaves_nothing_behind() {
    let home = Home::new();
    let target = home.path("target");
    let target_dir = format!("oci:{target}");
    home.run(&["copy", "oci:no/such/layout", &target_dir]).exits(4).says("no/such/layout");
    home.run(&["copy", "oci:fixtures/images:nope:v1", &target_dir]).exits(4).says("nope:v1");
    assert!(!Path::new(&target).exists());
}

#[test]
fn an_import_between_layouts_says_what_it_did() {
    let home = Home::new();
    let target = format!("oci:{}", home.path("target"));
    let line =
        ["import", "--source", HELLO, "--target", &target, "-t", "a", "-t", "a:x", "--repository", "b"];
    let ran = home.run(&line).exits(0);
    assert!(ran.stdout.contains(&format!("{target}:a:v1, {target}:a:x")), "{ran}");
    let index = std::fs::read_to_string(home.path("target/index.json")).unwrap();
    for name in ["\"a:v1\"", "\"a:x\"", "\"io.transship.repository\":\"b\""] {
        assert!(index.contains(name), "{index}");
    }
}

#[test]
fn a_tag_that_exists_is_refused_listed_and_not_touched() {
    let home = Home::new();
    let target = format!("oci:{}", home.path("target"));
    home.run(&["import", "--source", HELLO, "--target", &target, "-t", "a:v1", "-t", "a:v2"]).exits(0);
    let before = std::fs::read(home.path("target/index.json")).unwrap();
    let other = [
        "import",
        "--source",
        "oci:fixtures/images:note:v1",
        "--target",
        &target,
        "-t",
        "a:v1",
        "-t",
        "a:v2",
    ];
    home.run(&other).exits(8).says("a:v1").says("a:v2").says("--force");
    assert_eq!(std::fs::read(home.path("target/index.json")).unwrap(), before);
    home.run(&[&other[..], &["--force"]].concat()).exits(0);
    assert_ne!(std::fs::read(home.path("target/index.json")).unwrap(), before);
}

#[test]
fn a_tag_at_the_same_digest_conflicts_unless_that_is_allowed() {
    let home = Home::new();
    let target = format!("oci:{}", home.path("target"));
    let line = ["import", "--source", HELLO, "--target", &target, "-t", "a:v1"];
    home.run(&line).exits(0);
    home.run(&line).exits(8).says("the source's own digest").says("--allow-same");
    home.run(&[&line[..], &["--allow-same"]].concat()).exits(0);
}

#[test]
fn copy_refuses_to_move_tags_only_when_told() {
    let home = Home::new();
    let target = format!("oci:{}:app:v1", home.path("target"));
    home.run(&["copy", HELLO, &target]).exits(0);
    home.run(&["copy", "-n", "oci:fixtures/images:note:v1", &target]).exits(8);
    let ran = home.run(&["copy", HELLO, &target]).exits(0);
    assert!(ran.stdout.contains("was there already"), "{ran}");
    home.run(&["copy", "oci:fixtures/images:note:v1", &target]).exits(0);
}

#[test]
fn a_destination_with_another_digest_is_untrue_and_nothing_is_written() {
    let home = Home::new();
    let target = format!("ocidir://{}:v1@{DIGEST}", home.path("target"));
    home.run(&["copy", HELLO, &target]).exits(5).says(&format!("target {target}: ")).says("another digest");
    assert!(!Path::new(&home.path("target")).exists());
}

#[test]
fn one_destination_that_fails_does_not_stop_the_others() {
    let home = Home::new();
    let good = format!("oci:{}", home.path("good"));
    let bad = format!("ocidir://{}:v1@{DIGEST}", home.path("bad"));
    let ran = home.run(&["copy", HELLO, &bad, &good]).exits(10).says("1 of 2 destinations failed");
    let ran = ran.says(&format!("-> {bad}: failed: resolve: the source has another digest"));
    // What arrived is a result like any other.
    assert!(ran.stdout.starts_with(&format!("copied {HELLO}\n")), "{ran}");
    assert!(ran.stdout.contains(&format!("-> {good}:")) && !ran.stdout.contains(&bad), "{ran}");
    assert!(Path::new(&home.path("good/index.json")).exists());
}

#[test]
fn both_limits_bind_when_given_and_leave_nothing_behind() {
    let home = Home::new();
    let target = format!("oci:{}", home.path("target"));
    let import =
        |flag: &str, value: &str| home.run(&["import", "--source", HELLO, "--target", &target, flag, value]);
    import("--max-manifests", "1").exits(6).says("--max-manifests");
    import("--max-layer-size", "10").exits(6).says("--max-layer-size");
    assert!(!Path::new(&home.path("target")).exists());
    import("--max-manifests", "2").exits(0);
}

#[test]
fn a_layouts_tag_with_a_digest_keeps_its_tag_in_the_report() {
    let home = Home::new();
    let target = format!("oci:{}", home.path("target"));
    let root = home.run(&["copy", HELLO, &target, "-o", "json"]).exits(0).json();
    let digest = root["root"]["digest"].as_str().unwrap();
    home.run(&["copy", HELLO, &format!("ocidir://{}:v1", home.path("pinned"))]).exits(0);
    let source = format!("ocidir://{}:v1@{digest}", home.path("pinned"));
    let ran = home.run(&["copy", &source, &format!("oci:{}", home.path("again"))]).exits(0);
    assert!(ran.stdout.starts_with(&format!("copied {source}\n")), "{ran}");
}

#[test]
fn flags_of_az_are_accepted_with_a_note() {
    let home = Home::new();
    let target = format!("oci:{}", home.path("target"));
    let line =
        ["import", "--source", HELLO, "--target", &target, "-g", "group", "--subscription", "s", "--no-wait"];
    home.run(&line).exits(0).says("--resource-group does nothing").says("--subscription").says("--no-wait");
}

#[test]
fn quiet_prints_errors_only() {
    let home = Home::new();
    let target = format!("oci:{}", home.path("target"));
    let line = ["import", "--source", HELLO, "--target", &target, "--no-wait", "-q"];
    assert_eq!(home.run(&line).exits(0).stderr, "");
    home.run(&line).exits(8).says("error: ");
}

#[test]
fn a_log_has_lines_of_progress_and_stdout_has_none() {
    let home = Home::new();
    let target = format!("oci:{}", home.path("target"));
    let ran = home.run(&["copy", HELLO, &target]).exits(0).says("found 3 manifests").says("published");
    assert!(ran.stdout.starts_with("copied ") && !ran.stdout.contains("found"), "{ran}");
}

#[test]
fn a_password_on_the_command_line_is_warned_of_and_never_shown() {
    let line =
        ["import", "--source", "127.0.0.1:1/app", "--target", "oci:x", "-u", "me", "-p", "canary", "-vvv"];
    for log in ["trace", ""] {
        let ran = Home::new().with("RUST_LOG", log).run(&line).exits(7).says("--password-stdin");
        assert!(!ran.stderr.contains("canary") && !ran.log.contains("canary"), "{ran}");
    }
}

#[test]
fn help_teaches_with_examples() {
    let ran = transship(&["--help"]).exits(0);
    assert!(ran.stdout.contains("import") && ran.stdout.contains("Exit codes"), "{ran}");
    for command in ["import", "copy"] {
        let ran = transship(&[command, "--help"]).exits(0);
        assert!(ran.stdout.contains("Examples:\n  transship"), "{ran}");
        assert!(
            ran.stdout.contains("A location is") || ran.stdout.contains("A target tag that exists"),
            "{ran}"
        );
    }
    transship(&["--version"]).exits(0);
    transship(&[]).exits(2).says("Usage");
}
