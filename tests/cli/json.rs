//! The JSON document of a run, whether it succeeds or fails.
use crate::{
    DIGEST, HELLO,
    run::{Home, transship},
};

#[test]
fn json_is_one_document_for_success_and_for_every_failure() {
    let home = Home::new();
    let target = format!("oci:{}", home.path("target"));
    let line = ["import", "--source", HELLO, "--target", &target, "-o", "json", "--no-wait"];
    let done = home.run(&line).exits(0).json();
    assert_eq!(done["destinations"][0]["written"][0], "hello:v1");
    assert!(done["root"]["digest"].as_str().unwrap().starts_with("sha256:"));
    assert!(done["warnings"][0].as_str().unwrap().contains("--no-wait"));
    let conflict = home.run(&line).exits(8).json();
    assert_eq!(conflict["error"]["kind"], "conflict");
    assert_eq!(conflict["error"]["side"], "target");
    assert_eq!(conflict["error"]["step"], "check tag");
    assert_eq!(conflict["error"]["conflicts"][0]["name"], "hello:v1");
    let usage =
        home.run(&["import", "--source", "x", "--target", &target, "--output", "json"]).exits(2).json();
    assert_eq!(usage["error"]["kind"], "usage");
    let unread = home.run(&["import", "--output=json"]).exits(2).json();
    assert!(unread["error"]["message"].as_str().unwrap().contains("--target"));
    let absent = home.run(&["copy", "-o", "json", "oci:no/such", &target]).exits(4).json();
    assert_eq!((&absent["error"]["kind"], &absent["error"]["side"]), (&"absent".into(), &"source".into()));
    let bad = format!("ocidir://{}:v1@{DIGEST}", home.path("bad"));
    let partly = home.run(&["copy", "-o", "json", HELLO, &bad, &target]).exits(10).json();
    assert_eq!(partly["error"]["kind"], "partly");
    assert_eq!(partly["destinations"][0]["error"]["kind"], "untrue");
    assert_eq!(partly["destinations"][1]["published"], true);
    let local = home.run(&["import", "-ojson", "--target", &target, "--request", "no/such"]).exits(9).json();
    // Side and step stand there, if only to say that there is none.
    for failure in [conflict, usage, unread, absent, partly, local] {
        let error = failure["error"].as_object().unwrap();
        assert!(["kind", "side", "step"].iter().all(|key| error.contains_key(*key)), "{error:#?}");
    }
}

#[test]
fn json_is_asked_for_among_short_flags_too() {
    let unread = transship(&["import", "-qojson"]).exits(2).json();
    assert!(unread["error"]["message"].as_str().unwrap().contains("--target"));
}

#[test]
fn a_result_that_stdout_does_not_take_is_9() {
    let dir = tempfile::tempdir().unwrap();
    let target = format!("oci:{}:v1", dir.path().join("copy").display());
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_transship"));
    let ran = command.args(["copy", HELLO, &target]).stdout(full).output().unwrap();
    assert_eq!(ran.status.code(), Some(9));
    assert!(String::from_utf8_lossy(&ran.stderr).contains("stdout does not take the result"));
}
