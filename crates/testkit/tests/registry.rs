//! The loopback registry does what its rules and its gate say, and writes down what it saw.
#![allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]
use std::{
    io::{Read, Write},
    net::TcpStream,
};

use http::Method;
use testkit::{Byte, Content, Registry, Rule, TokenServer, Tokens, images::OCI_LAYER};

/// One request over a connection of its own, and everything that came back.
fn ask(host: &str, line: &str, headers: &str) -> String {
    let mut stream = TcpStream::connect(host).unwrap();
    write!(stream, "{line} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{headers}\r\n").unwrap();
    let mut answer = Vec::new();
    // A cut connection may end in a reset.
    drop(stream.read_to_end(&mut answer));
    String::from_utf8_lossy(&answer).into_owned()
}

fn seeded() -> (testkit::Setup, String) {
    let mut content = Content::new();
    let layer = content.add(OCI_LAYER, "some bytes of a layer");
    let root = content.image(1, std::slice::from_ref(&layer));
    let setup = Registry::setup().seed(&content, &root, "app:v1");
    (setup, format!("GET /v2/app/blobs/{}", layer.digest))
}

#[test]
fn a_seeded_image_is_served_and_written_down() {
    let (setup, line) = seeded();
    let registry = setup.start();
    let answer = ask(&registry.host(), &line, "");
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("some bytes of a layer"), "{answer}");
    assert!(ask(&registry.host(), "HEAD /v2/app/manifests/v1", "").starts_with("HTTP/1.1 200"));
    let seen = registry.ledger().all();
    assert_eq!(seen.len(), 2);
    assert_eq!((seen[0].status, seen[0].sent), (Some(200), 21));
}

#[test]
fn rules_cut_corrupt_chunk_and_replace_answers() {
    let (setup, line) = seeded();
    let registry = setup.start();
    let host = registry.host();
    let with = |rule: Rule| {
        registry.behave();
        registry.rule(rule);
        ask(&host, &line, "")
    };
    let on = || Rule::on(Method::GET, "/blobs/");
    let cut = with(on().cut(4));
    assert!(cut.contains("content-length: 21") && cut.ends_with("\r\n\r\nsome"), "{cut}");
    let corrupt = with(on().corrupt(Byte::Last));
    assert!(corrupt.ends_with("of a layes"), "{corrupt}");
    let chunked = with(on().chunked());
    assert!(
        chunked.contains("transfer-encoding: chunked") && !chunked.contains("content-length"),
        "{chunked}"
    );
    assert!(with(on().status(503).with("retry-after", "7")).contains("retry-after: 7"));
    assert!(with(on().html()).contains("<!DOCTYPE html>"));
}

#[test]
fn a_gate_challenges_and_lets_in() {
    let (setup, line) = seeded();
    let registry = setup.basic("ann", "canary-secret").start();
    let refused = ask(&registry.host(), &line, "");
    assert!(refused.starts_with("HTTP/1.1 401") && refused.contains("www-authenticate: Basic"), "{refused}");
    let answer = ask(&registry.host(), &line, "Authorization: Basic YW5uOmNhbmFyeS1zZWNyZXQ=\r\n");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[test]
fn a_token_opens_what_it_names() {
    let tokens = TokenServer::start(Tokens::new().user("ann", "canary-secret"));
    let (setup, line) = seeded();
    let registry = setup.bearer(&tokens).start();
    let refused = ask(&registry.host(), &line, "");
    assert!(refused.contains("scope=\"repository:app:pull\""), "{refused}");
    let at = tokens.address().to_string();
    let url = "GET /token?service=registry.test&scope=repository:app:pull";
    assert!(ask(&at, url, "").starts_with("HTTP/1.1 401"));
    let given = ask(&at, url, "Authorization: Basic YW5uOmNhbmFyeS1zZWNyZXQ=\r\n");
    let body: serde_json::Value = serde_json::from_str(given.split("\r\n\r\n").nth(1).unwrap()).unwrap();
    let bearer = format!("Authorization: Bearer {}\r\n", body["token"].as_str().unwrap());
    assert!(ask(&registry.host(), &line, &bearer).starts_with("HTTP/1.1 200"));
    let post =
        ask(&registry.host(), "POST /v2/app/blobs/uploads/", &format!("Content-Length: 0\r\n{bearer}"));
    assert!(post.starts_with("HTTP/1.1 401") && post.contains("insufficient_scope"), "{post}");
    tokens.tokens().expire();
    assert!(ask(&registry.host(), &line, &bearer).contains("invalid_token"));
}
