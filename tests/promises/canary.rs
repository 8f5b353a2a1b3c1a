//! Secrets stay where they were given: not in what is printed or logged, not in a file, not in the words of a helper.
//!
//! Every run of these tests is searched for the canary, which is part of every secret (`testkit::canary`). Here are all
//! the ways in which a secret comes in, with servers that repeat what they were told.
use std::{
    collections::HashSet,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use http::Method;
use serde_json::{Value, json};
use testkit::{Content, Program, Registry, Rule, Run, TokenServer, Tokens, canary::unseen};

use crate::{import, transship};

const RIGHT: &str = "canary-right";
const WRONG: &str = "canary-wrong";
/// Asks every crate for all that it can say.
const LOUD: &str = "trace,hyper=trace,hyper_util=trace,h2=trace,reqwest=trace,rustls=trace,tower=trace";

/// A program that says all it can, and has a directory for temporary files that a test can look into.
fn loud() -> Program {
    let mut program = transship();
    let temp = program.home().join("tmp");
    fs::create_dir(&temp).unwrap();
    program.set("RUST_LOG", LOUD).set("TMPDIR", temp);
    program
}

/// Every file below a directory.
fn files(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// Runs it; no file that was not there before holds a secret.
fn run(program: &Program, arguments: &[&str], input: &str) -> Run {
    let before: HashSet<PathBuf> = files(program.home()).into_iter().collect();
    let run = program.run_with(&[arguments, &["--output", "json"]].concat(), input);
    for file in files(program.home()).into_iter().filter(|file| !before.contains(file)) {
        unseen(&String::from_utf8_lossy(&fs::read(&file).unwrap()), &file.display().to_string());
    }
    run
}

/// A helper that gives this answer, and writes down the words that it and its parent were called with.
fn helper(program: &mut Program, user: &str, secret: &str) {
    let (home, path) = (program.home().to_owned(), std::env::var("PATH").unwrap());
    let helper = home.join("docker-credential-bird");
    let answer = json!({"Username": user, "Secret": secret});
    let words = "cat /proc/$$/cmdline /proc/$PPID/cmdline | tr '\\0' ' ' >>words";
    fs::write(&helper, format!("#!/bin/sh\ncat >/dev/null\n{words}\necho '{answer}'\n")).unwrap();
    fs::set_permissions(&helper, fs::Permissions::from_mode(0o755)).unwrap();
    program.set("PATH", format!("{}:{path}", home.display()));
    program.docker_config(&json!({"credsStore": "bird"}));
}

fn seeded() -> (testkit::Setup, Content) {
    let (content, root) = Content::fleet(1, 2, 1000);
    (Registry::setup().seed(&content, &root, "team/app:v1"), content)
}

/// Every way to give a password for the source, and what is typed then.
fn ways(source: &Registry, password: &str) -> Vec<(Program, Vec<String>, String)> {
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let from = words(&["--source", &source.reference("team/app:v1")]);
    let with = |more: &[&str]| [from.clone(), words(more)].concat();
    let (mut env, mut helped) = (loud(), loud());
    env.set("TRANSSHIP_SOURCE_USERNAME", "ann").set("TRANSSHIP_SOURCE_PASSWORD", password);
    helper(&mut helped, "ann", password);
    let (config, file) = (loud(), loud());
    let code = STANDARD.encode(format!("ann:{password}"));
    config.docker_config(&json!({"auths": {source.host(): {"auth": code}}}));
    fs::write(file.home().join("password"), password).unwrap();
    let body = json!({
        "source": {"registryUri": source.host(), "sourceImage": "team/app:v1",
                   "credentials": {"username": "ann", "password": password}},
        "targetTags": ["team/app:v1"],
    });
    vec![
        (loud(), with(&["-u", "ann", "-p", password]), String::new()),
        (loud(), with(&["-u", "ann", "--password-stdin"]), password.to_owned()),
        (file, with(&["-u", "ann", "--password-file", "password"]), String::new()),
        (env, from.clone(), String::new()),
        (helped, from.clone(), String::new()),
        (config, from.clone(), String::new()),
        (loud(), words(&["--request", "-"]), body.to_string()),
    ]
}

/// Tries all ways at a source; each ends with this code.
fn try_all(source: &Registry, password: &str, code: i32) {
    for (program, words, input) in ways(source, password) {
        let target = Registry::start();
        let line = ["import".to_owned(), "--target".to_owned(), target.host()];
        let line: Vec<&str> = line.iter().chain(&words).map(String::as_str).collect();
        let ran = run(&program, &line, &input).exits(code);
        assert!(code != 0 || ran.log.contains(" INFO "), "{ran}");
        if let Ok(words) = fs::read_to_string(program.home().join("words")) {
            assert!(words.contains(" get ") && words.contains("import"), "{words}");
        }
    }
}

#[test]
fn a_password_is_not_betrayed_however_it_is_given() {
    let source = seeded().0.basic("ann", RIGHT).start();
    try_all(&source, RIGHT, 0);
    try_all(&source, WRONG, 3);
    // What the registry repeats is not repeated.
    let code = STANDARD.encode(format!("ann:{WRONG}"));
    for said in [
        format!("401 for {WRONG}"),
        format!("GET /v2/ HTTP/1.1\r\nAuthorization: Basic {code}\r\n"),
        json!({"errors": [{"code": "DENIED", "message": format!("who is ann:{WRONG}?")}]}).to_string(),
        json!({"errors": [{"code": WRONG, "message": "Basic ".to_owned() + &code}]}).to_string(),
    ] {
        source.behave();
        let echo =
            Rule::on(Method::HEAD, "/manifests/").status(401).with("www-authenticate", "Basic realm=\"x\"");
        source.rule(Rule::on(Method::GET, "/manifests/").answer(400, "application/json", said));
        source.rule(echo.times(1));
        source.rule(Rule::on(Method::HEAD, "/manifests/").status(405));
        let program = loud();
        let from = source.reference("team/app:v1");
        let ran = run(&program, &import(&from, "a.example", &["-u", "ann", "-p", WRONG]), "");
        assert_ne!(ran.code, 0);
    }
}

#[test]
fn a_token_is_not_betrayed_whatever_it_is_made_of() {
    let tokens = || Tokens::new().user("ann", RIGHT).identity(RIGHT);
    let server = TokenServer::start(tokens());
    let source = seeded().0.bearer(&server).start();
    let azure = seeded().0.acr(tokens()).start();
    try_all(&source, RIGHT, 0);
    try_all(&source, WRONG, 3);
    for (token, code) in [(RIGHT, 0), (WRONG, 3)] {
        let (config, mut helped, target) = (loud(), loud(), Registry::start());
        config.docker_config(&json!({"auths": {source.host(): {"identitytoken": token}}}));
        helper(&mut helped, "<token>", token);
        let (from, to) = (source.reference("team/app:v1"), target.host());
        for program in [config, helped] {
            run(&program, &import(&from, &to, &["--force"]), "").exits(code);
        }
        let (from, host) = (azure.reference("team/app:v1"), azure.host());
        let flags = ["--password-stdin", "--acr", &host, "--force"];
        run(&loud(), &import(&from, &to, &flags), token).exits(code);
    }
}

#[test]
fn a_token_server_that_repeats_what_it_was_told_betrays_nothing() {
    let echo = |field: &str| json!({field: format!("{WRONG} is not known here")}).to_string();
    for (status, body) in [(401, echo("message")), (400, echo("error_description")), (200, echo("token"))] {
        let realm = Registry::setup().rule(Rule::on(Method::GET, "/token").answer(
            status,
            "application/json",
            body.clone(),
        ));
        let realm =
            realm.rule(Rule::on(Method::POST, "/token").answer(status, "application/json", body)).start();
        let challenge = format!("Bearer realm=\"http://{}/token?x={WRONG}\",service=\"s\"", realm.host());
        let refusal = |method| Rule::on(method, "/v2/").status(401).with("www-authenticate", &challenge);
        let source = Registry::setup().rule(refusal(Method::HEAD)).rule(refusal(Method::GET)).start();
        for login in
            [json!({"auth": STANDARD.encode(format!("ann:{WRONG}"))}), json!({"identitytoken": WRONG})]
        {
            let program = loud();
            program.docker_config(&json!({"auths": {source.host(): login}}));
            let ran = run(&program, &import(&source.reference("team/app:v1"), "a.example", &[]), "");
            assert_ne!(ran.code, 0);
        }
    }
}

#[test]
fn the_signature_of_a_link_to_storage_is_not_betrayed() {
    let query = "X-Amz-Signature=canary-0123456789";
    let echo = format!("no such key: /blob?{query}");
    let refused = |code| Rule::on(Method::GET, "/blob").answer(code, "text/plain", echo.clone());
    for (rule, code) in [(refused(403), 3), (refused(404), 4), (refused(400), 1)] {
        let storage = Registry::setup().rule(rule).start();
        let nowhere = "http://169.254.169.254".to_owned();
        for (host, code) in [(format!("http://{}", storage.host()), code), (nowhere, 1)] {
            let link = format!("{host}/blob?{query}");
            let away = Rule::on(Method::GET, "/blobs/").status(307).with("location", &link);
            let (source, target) = (seeded().0.rule(away).start(), Registry::start());
            let ran = run(&loud(), &import(&source.reference("team/app:v1"), &target.host(), &[]), "");
            assert_eq!(ran.exits(code).json()["error"]["exitCode"], json!(code));
        }
    }
}

#[test]
fn the_state_of_an_upload_is_not_betrayed() {
    let (source, state) = (seeded().0.start(), "_state=canary-0123456789");
    let opened = |location: &str| {
        Rule::on(Method::POST, "/uploads/").status(202).with("location", &format!("{location}?{state}"))
    };
    for (location, status) in
        [("/v2/x/blobs/uploads/1", 400), ("/v2/x/blobs/uploads/1", 403), ("http://169.254.169.254/x", 400)]
    {
        let said = json!({"errors": [{"code": "X", "message": format!("PUT {location}?{state} is bad")}]});
        let put = Rule::on(Method::PUT, "/uploads/").answer(status, "application/json", said.to_string());
        let target = Registry::setup().rule(opened(location)).rule(put).start();
        let ran = run(&loud(), &import(&source.reference("team/app:v1"), &target.host(), &[]), "");
        assert_ne!(ran.code, 0, "{ran}");
        assert!(matches!(&ran.json()["error"]["message"], Value::String(_)), "{ran}");
    }
}

#[test]
fn the_password_of_a_proxy_is_not_betrayed() {
    let proxy = Registry::setup().rule(Rule::on(Method::HEAD, "/").status(407)).start();
    let flags = [&["--plain-http", "a.example"][..], &[]];
    for (host, codes) in [(proxy.host(), [3, 7]), ("127.0.0.1:1".to_owned(), [7, 7])] {
        let mut program = loud();
        for name in ["HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"] {
            program.set(name, format!("http://ann:canary-proxy@{host}"));
        }
        for (flags, code) in flags.iter().zip(codes) {
            run(&program, &import("a.example/app:v1", "oci:layout", flags), "").exits(code);
        }
    }
}
