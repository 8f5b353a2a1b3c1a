//! What this server promises beyond the common API: who sees which blob, what outlives it, and what it refuses.
#![allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]
mod support;

use std::time::Duration;

use bytes::Bytes;
use content::{At, Manifest, Mode, Target};
use http_body_util::{BodyExt, Full};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use layout::{Layout, REF_NAME, REPOSITORY};
use reference::RefName;
use serde_json::{Value, json};
use server::Options;
use support::{INDEX, MANIFEST, OCTETS, Registry, digest_of, noise};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

fn image(config: &Bytes, seed: &str) -> String {
    json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": {
            "mediaType": "application/vnd.oci.image.config.v1+json",
            "digest": digest_of(config).to_string(),
            "size": config.len(),
        },
        "layers": [],
        "annotations": {"seed": seed},
    })
    .to_string()
}

async fn push_image(registry: &Registry, repository: &str, reference: &str, seed: &str) -> String {
    let config = noise("config", 100);
    registry.push_blob(repository, &config).await;
    let text = image(&config, seed);
    registry.push_manifest(repository, reference, MANIFEST, &text).await.expect(201);
    digest_of(text.as_bytes()).to_string()
}

fn entries(registry: &Registry) -> Vec<Value> {
    let bytes = std::fs::read(registry.dir.path().join("index.json")).unwrap();
    let index: Value = serde_json::from_slice(&bytes).unwrap();
    index["manifests"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_blob_of_another_repository_is_unknown_until_it_is_mounted() {
    let registry = Registry::start().await;
    let blob = registry.push_blob("one", &noise("blob", 100)).await;
    let there = format!("/v2/two/blobs/{blob}");
    assert_eq!(registry.ask("HEAD", &there).await.status, 404);
    assert_eq!(registry.get(&there).await.code(), "BLOB_UNKNOWN");
    // From a repository that does not show it, and from itself: an upload session instead.
    for from in ["three", "two"] {
        let target = format!("/v2/two/blobs/uploads/?mount={blob}&from={from}");
        let reply = registry.ask("POST", &target).await.expect(202);
        registry.ask("DELETE", reply.header("location")).await.expect(204);
    }
    // Into a repository that shows it already, a mount from itself replaces the HEAD.
    let target = format!("/v2/one/blobs/uploads/?mount={blob}&from=one");
    registry.ask("POST", &target).await.expect(201);
    let target = format!("/v2/two/blobs/uploads/?mount={blob}&from=one");
    let reply = registry.ask("POST", &target).await.expect(201);
    assert_eq!(reply.header("location"), there);
    registry.ask("HEAD", &there).await.expect(200);
}

#[tokio::test]
async fn what_manifests_lead_to_outlives_the_server_and_what_nothing_leads_to_does_not() {
    let registry = Registry::start().await;
    let (config, stray) = (noise("config", 100), noise("stray", 100));
    let child =
        push_image(&registry, "team/app", &digest_of(image(&config, "c").as_bytes()).to_string(), "c").await;
    let entry = json!({"mediaType": MANIFEST, "digest": child, "size": image(&config, "c").len()});
    let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [entry]}).to_string();
    registry.push_manifest("team/app", "v1", INDEX, &index).await.expect(201);
    registry.push_blob("team/app", &stray).await;

    let registry = Registry::start_on(registry.stop().await, Options::default()).await;
    assert_eq!(registry.get("/v2/team/app/manifests/v1").await.expect(200).body, index);
    registry.get(&format!("/v2/team/app/manifests/{child}")).await.expect(200);
    let known = format!("/v2/team/app/blobs/{}", digest_of(&config));
    registry.ask("HEAD", &known).await.expect(200);
    registry.ask("HEAD", &format!("/v2/team/app/blobs/{}", digest_of(&stray))).await.expect(404);
    registry.ask("HEAD", &known.replace("team/app", "team/other")).await.expect(404);
    // A manifest is no blob, and a blob is no manifest.
    registry.get(&format!("/v2/team/app/blobs/{child}")).await.expect(404);
    registry.get(&format!("/v2/team/app/manifests/{}", digest_of(&config))).await.expect(404);
}

#[tokio::test]
async fn a_tag_that_moves_leaves_its_old_manifest_by_digest_and_so_does_one_that_is_deleted() {
    let registry = Registry::start().await;
    let old = push_image(&registry, "app", "v1", "old").await;
    let new = push_image(&registry, "app", "v1", "new").await;
    let moved = registry.ask("HEAD", "/v2/app/manifests/v1").await.expect(200);
    assert_eq!(moved.header("docker-content-digest"), new);
    registry.ask("DELETE", "/v2/app/manifests/v1").await.expect(202);
    let registry = Registry::start_on(registry.stop().await, Options::default()).await;
    registry.get("/v2/app/manifests/v1").await.expect(404);
    for digest in [&old, &new] {
        registry.get(&format!("/v2/app/manifests/{digest}")).await.expect(200);
    }
    let kept: Vec<_> = entries(&registry).iter().map(|entry| entry["annotations"].clone()).collect();
    assert_eq!(kept, [json!({REPOSITORY: "app"}), json!({REPOSITORY: "app"})]);
    let tags = registry.get("/v2/app/tags/list").await.expect(200).json();
    assert_eq!(tags["tags"], json!([]));
}

#[tokio::test]
async fn a_layout_of_another_tool_is_served_under_its_directorys_name() {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("My Images");
    let side = Layout::create_or_open(&dir).unwrap().repository(None);
    let text = json!({"schemaVersion": 2, "manifests": []}).to_string();
    let manifest = Manifest::read(Bytes::from(text.clone()), Some(INDEX), None, None).unwrap();
    side.publish(&manifest, At::Name(&RefName::new("v1")), Mode::NoForce).await.unwrap();
    side.publish(&manifest, At::Name(&RefName::new("other/app:v2")), Mode::NoForce).await.unwrap();
    let server = server::Server::new(side.layout().clone(), Options::default());
    for (target, status) in [
        ("/v2/my-images/manifests/v1", 200),
        ("/v2/other/app/manifests/v2", 200),
        ("/v2/other/app/manifests/v1", 404),
    ] {
        let request = http::Request::get(target).body(Full::new(Bytes::new())).unwrap();
        let reply = server.handle(request).await;
        assert_eq!(reply.status().as_u16(), status, "{target}");
        if status == 200 {
            assert_eq!(reply.headers()["content-type"], INDEX);
            assert_eq!(reply.into_body().collect().await.unwrap().to_bytes(), text);
        }
    }
    // A push moves the bare name, and writes the full one.
    let moved = json!({"schemaVersion": 2, "manifests": [], "annotations": {"x": "y"}}).to_string();
    let request = http::Request::put("/v2/my-images/manifests/v1").header("content-type", INDEX);
    let reply = server.handle(request.body(Full::new(Bytes::from(moved))).unwrap()).await;
    assert_eq!(reply.status(), 201);
    let names: Vec<_> =
        side.layout().entries().await.unwrap().iter().filter_map(|e| e.name().map(str::to_owned)).collect();
    assert_eq!(names, ["other/app:v2", "my-images:v1"]);
}

#[tokio::test]
async fn what_others_write_to_the_layout_is_seen_at_once() {
    let registry = Registry::start().await;
    registry.get("/v2/app/manifests/v1").await.expect(404);
    let side = Layout::open(registry.dir.path()).unwrap().repository(None);
    let manifest = Manifest::read(
        Bytes::from(json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": []}).to_string()),
        None,
        None,
        None,
    );
    let manifest = manifest.unwrap();
    side.publish(&manifest, At::Name(&RefName::new("app:v1")), Mode::NoForce).await.unwrap();
    registry.get("/v2/app/manifests/v1").await.expect(200);
    registry.get(&format!("/v2/app/manifests/{}", manifest.digest())).await.expect(200);
}

#[tokio::test]
async fn a_read_only_server_writes_nothing_and_serves_all() {
    let registry = Registry::start().await;
    let digest = push_image(&registry, "app", "v1", "m").await;
    let options = Options { writable: false, ..Options::default() };
    let registry = Registry::start_on(registry.stop().await, options).await;
    let before = entries(&registry);
    for (method, target) in [
        ("POST", "/v2/app/blobs/uploads/".to_owned()),
        ("PUT", "/v2/app/manifests/v1".to_owned()),
        ("DELETE", "/v2/app/manifests/v1".to_owned()),
        ("DELETE", format!("/v2/app/manifests/{digest}")),
    ] {
        assert_eq!(
            registry.ask(method, &target).await.expect(405).code(),
            "UNSUPPORTED",
            "{method} {target}"
        );
    }
    registry.get("/v2/app/manifests/v1").await.expect(200);
    assert_eq!(entries(&registry), before);
}

#[tokio::test]
async fn bad_manifests_are_refused_each_with_its_code_and_leave_no_entry() {
    let registry = Registry::start().await;
    let config = noise("config", 100);
    let good = image(&config, "m");
    let unknown = registry.push_manifest("app", "v1", MANIFEST, &good).await.expect(400);
    assert_eq!(unknown.code(), "MANIFEST_BLOB_UNKNOWN");
    assert_eq!(unknown.json()["errors"][0]["detail"]["digest"], digest_of(&config).to_string());
    registry.push_blob("app", &config).await;
    let part = json!({"mediaType": MANIFEST, "digest": digest_of(b"none").to_string(), "size": 4});
    let sparse = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [part]}).to_string();
    let ambiguous = good.replacen('{', r#"{"manifests":[],"#, 1);
    let schema1 = json!({"schemaVersion": 1, "name": "app", "fsLayers": []}).to_string();
    for (reference, media_type, text, code) in [
        ("v1", INDEX, good.as_str(), "MANIFEST_INVALID"),
        ("v1", MANIFEST, "<html></html>", "MANIFEST_INVALID"),
        ("v1", MANIFEST, "[]", "MANIFEST_INVALID"),
        ("v1", MANIFEST, "", "MANIFEST_INVALID"),
        ("v1", MANIFEST, ambiguous.as_str(), "MANIFEST_INVALID"),
        ("v1", "application/vnd.docker.distribution.manifest.v1+json", schema1.as_str(), "UNSUPPORTED"),
        ("v1", INDEX, sparse.as_str(), "MANIFEST_BLOB_UNKNOWN"),
        (&digest_of(b"other").to_string(), MANIFEST, good.as_str(), "DIGEST_INVALID"),
        ("sha256:short", MANIFEST, good.as_str(), "DIGEST_INVALID"),
        ("-v1", MANIFEST, good.as_str(), "TAG_INVALID"),
        ("v1?tag=..%2F", MANIFEST, good.as_str(), "TAG_INVALID"),
    ] {
        let reply = registry.push_manifest("app", reference, media_type, text).await.expect(400);
        assert_eq!(reply.code(), code, "{reference} {media_type} {text}");
    }
    let large = format!("{good}{}", " ".repeat(4 * 1024 * 1024));
    registry.push_manifest("app", "v1", MANIFEST, &large).await.expect(413);
    assert_eq!(entries(&registry), Vec::<Value>::new());
    let padding = 4 * 1024 * 1024 - good.len();
    let largest = format!("{good}{}", " ".repeat(padding));
    registry.push_manifest("app", "v1", MANIFEST, &largest).await.expect(201);
    assert_eq!(entries(&registry)[0]["annotations"][REF_NAME], "app:v1");

    let sparse_is_fine = Options { sparse: true, ..Options::default() };
    let registry = Registry::start_on(registry.stop().await, sparse_is_fine).await;
    registry.push_manifest("app", "sparse", INDEX, &sparse).await.expect(201);
}

#[tokio::test]
async fn tags_are_listed_in_pages_whose_links_lead_to_the_end() {
    let registry = Registry::start().await;
    for tag in ["v2", "v10", "V1", "_x", "v1"] {
        push_image(&registry, "app", tag, "m").await;
    }
    push_image(&registry, "app2", "other", "m").await;
    let (mut target, mut pages) = ("/v2/app/tags/list?n=2".to_owned(), Vec::new());
    loop {
        let reply = registry.get(&target).await.expect(200);
        pages.push(reply.json()["tags"].clone());
        let Some(link) = reply.headers.get("link") else { break };
        let link = link.to_str().unwrap();
        assert!(link.ends_with(">; rel=\"next\""), "{link}");
        target = link.trim_start_matches('<').split('>').next().unwrap().to_owned();
    }
    assert_eq!(pages, [json!(["V1", "_x"]), json!(["v1", "v10"]), json!(["v2"])]);
    let rest = registry.get("/v2/app/tags/list?last=v10x").await.expect(200).json();
    assert_eq!(rest["tags"], json!(["v2"]));
    let none = registry.get("/v2/app/tags/list?n=0").await.expect(200).json();
    assert_eq!(none["tags"], json!([]));
    registry.get("/v2/app/tags/list?n=-1").await.expect(400);
    assert_eq!(registry.get("/v2/none/tags/list").await.expect(404).code(), "NAME_UNKNOWN");
}

#[tokio::test]
async fn many_referrers_come_in_pages_that_a_client_can_hold() {
    let registry = Registry::start().await;
    let config = noise("config", 100);
    registry.push_blob("app", &config).await;
    let subject = json!({"mediaType": MANIFEST, "digest": digest_of(b"subject").to_string(), "size": 7});
    let mut pushed = Vec::new();
    for n in 0..5 {
        let mut manifest: Value = serde_json::from_str(&image(&config, "m")).unwrap();
        manifest["artifactType"] = json!("application/example+json");
        manifest["subject"] = subject.clone();
        manifest["annotations"] = json!({"large": n.to_string().repeat(900_000)});
        let reply = registry.push_manifest("app", &format!("v{n}"), MANIFEST, &manifest.to_string()).await;
        pushed.push(reply.expect(201).header("docker-content-digest").to_owned());
    }
    pushed.sort();
    let base = format!("/v2/app/referrers/{}?artifactType=application/example%2Bjson", digest_of(b"subject"));
    let (mut target, mut listed, mut pages) = (base, Vec::new(), 0);
    loop {
        let reply = registry.get(&target).await.expect(200);
        assert!(reply.body.len() < 4 * 1024 * 1024);
        assert_eq!(reply.header("oci-filters-applied"), "artifactType");
        let page = reply.json()["manifests"].as_array().unwrap().clone();
        listed.extend(page.iter().map(|entry| entry["digest"].as_str().unwrap().to_owned()));
        pages += 1;
        let Some(link) = reply.headers.get("link") else { break };
        target = link.to_str().unwrap().trim_start_matches('<').split('>').next().unwrap().to_owned();
    }
    assert_eq!((listed, pages), (pushed, 3));
}

#[tokio::test]
async fn a_cut_chunk_is_held_as_far_as_it_came_and_the_upload_goes_on_there() {
    let registry = Registry::start().await;
    let bytes = noise("cut", 1000);
    for method in ["PATCH", "PUT"] {
        let location = registry.session("app").await;
        let target = format!("{location}?digest={}", digest_of(&bytes));
        let mut stream = TcpStream::connect(registry.address).await.unwrap();
        let head = format!("{method} {target} HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(&bytes[..400]).await.unwrap();
        stream.shutdown().await.unwrap();
        // The server is done with the cut request when it has closed its side.
        drop(stream.read_to_end(&mut Vec::new()).await);
        let status = registry.get(&location).await.expect(204);
        assert_eq!(status.header("range"), "0-399");
        let headers = [("content-range", "400-999"), ("content-type", OCTETS)];
        registry.send("PATCH", &location, &headers, bytes.slice(400..)).await.expect(202);
        registry.ask("PUT", &target).await.expect(201);
        let blob = format!("/v2/app/blobs/{}", digest_of(&bytes));
        assert_eq!(registry.get(&blob).await.expect(200).body, bytes);
    }
}

#[tokio::test]
async fn a_body_that_stalls_is_answered_408_and_its_upload_can_go_on() {
    let options = Options { body_idle: Some(Duration::from_millis(100)), ..Options::default() };
    let registry = Registry::start_on(tempfile::tempdir().unwrap(), options).await;
    let bytes = noise("blob", 1000);
    for method in ["PATCH", "PUT"] {
        let location = registry.session("app").await;
        let target = format!("{location}?digest={}", digest_of(&bytes));
        let mut stream = TcpStream::connect(registry.address).await.unwrap();
        let mut begun =
            format!("{method} {target} HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n").into_bytes();
        begun.extend_from_slice(&bytes[..400]);
        stream.write_all(&begun).await.unwrap();
        // The client keeps its side open and says nothing more.
        let answer = answer_in_time(&mut stream).await;
        assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
        assert!(answer.contains("connection: close"), "{answer}");
        let status = registry.get(&location).await.expect(204);
        assert_eq!(status.header("range"), "0-399");
        let headers = [("content-range", "400-999"), ("content-type", OCTETS)];
        registry.send("PUT", &target, &headers, bytes.slice(400..)).await.expect(201);
    }
}

#[tokio::test]
async fn a_connection_that_brings_no_requests_is_closed() {
    let options = Options { quiet: Duration::from_millis(100), ..Options::default() };
    let registry = Registry::start_on(tempfile::tempdir().unwrap(), options).await;
    let begins = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    // The client's settings, and `GET /`.
    let asks = "\0\0\0\x04\0\0\0\0\0\0\0\x03\x01\x05\0\0\0\x01";
    let asks = [begins.as_bytes(), asks.as_bytes(), &[0x82, 0x86, 0x84]].concat();
    // Nothing; half of what HTTP/2 begins with; all of it, and no request; one request, and no other.
    for word in [b"", &b"PRI * HTTP"[..], begins.as_bytes(), &asks] {
        let mut stream = TcpStream::connect(registry.address).await.unwrap();
        stream.write_all(word).await.unwrap();
        answer_in_time(&mut stream).await;
    }
}

/// One request on a connection that stays open; the head of its answer.
async fn heard(stream: &mut TcpStream) -> String {
    stream.write_all(b"GET /v2/ HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    hears(stream).await
}

async fn hears(stream: &mut TcpStream) -> String {
    let mut answer = vec![0; 1024];
    let length = stream.read(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer[..length]).into_owned()
}

#[tokio::test]
async fn a_connection_beyond_the_limit_waits_until_another_ends() {
    let options = Options { max_connections: 2, ..Options::default() };
    let registry = Registry::start_on(tempfile::tempdir().unwrap(), options).await;
    let mut first = TcpStream::connect(registry.address).await.unwrap();
    let mut second = TcpStream::connect(registry.address).await.unwrap();
    for stream in [&mut first, &mut second] {
        assert!(heard(stream).await.starts_with("HTTP/1.1 200"));
    }
    let mut third = TcpStream::connect(registry.address).await.unwrap();
    third.write_all(b"GET /v2/ HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    for _ in 0..50 {
        assert!(heard(&mut first).await.starts_with("HTTP/1.1 200"));
    }
    assert!(third.try_read(&mut [0; 1]).is_err(), "nothing has come for it yet");
    drop(second);
    assert!(hears(&mut third).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn the_name_space_that_containerd_names_changes_nothing() {
    let registry = Registry::start().await;
    let blob = registry.push_blob("library/app", &Bytes::from_static(b"content")).await;
    let path = format!("/v2/library/app/blobs/{blob}");
    for target in [path.clone(), format!("{path}?ns=docker.io")] {
        assert_eq!(registry.get(&target).await.expect(200).body, "content");
    }
}

/// What comes until the server closes its side. A server that never does is not waited for.
async fn answer_in_time(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let read = stream.read_to_end(&mut answer);
    drop(tokio::time::timeout(Duration::from_secs(30), read).await.unwrap());
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn uploads_are_limited_in_number_and_forgotten_when_idle() {
    let options = Options { max_uploads: 2, ..Options::default() };
    let registry = Registry::start_on(tempfile::tempdir().unwrap(), options).await;
    let first = registry.session("app").await;
    registry.session("app").await;
    let full = registry.ask("POST", "/v2/app/blobs/uploads/").await.expect(429);
    assert_eq!((full.code().as_str(), full.header("retry-after")), ("TOOMANYREQUESTS", "5"));
    registry.ask("DELETE", &first).await.expect(204);
    registry.session("app").await;

    let options = Options { max_uploads: 1, upload_idle: Duration::ZERO, ..Options::default() };
    let registry = Registry::start_on(tempfile::tempdir().unwrap(), options).await;
    let old = registry.session("app").await;
    registry.session("app").await;
    registry.get(&old).await.expect(404);
}

#[tokio::test]
async fn a_session_belongs_to_its_repository_and_ends_with_its_blob() {
    let registry = Registry::start().await;
    let bytes = noise("blob", 10);
    let location = registry.session("app").await;
    registry.get(&location.replace("/app/", "/other/")).await.expect(404);
    assert_eq!(registry.ask("PUT", &location).await.expect(400).code(), "DIGEST_INVALID");
    let target = format!("{location}?digest={}", digest_of(&bytes));
    registry.send("PUT", &target, &[], bytes.clone()).await.expect(201);
    assert_eq!(registry.send("PUT", &target, &[], bytes).await.expect(404).code(), "BLOB_UPLOAD_UNKNOWN");
    for range in ["x-y", "bytes 0-9/10", "5-1", "3-9", "0-3"] {
        let location = registry.session("app").await;
        let reply = registry.send("PATCH", &location, &[("content-range", range)], noise("x", 10)).await;
        reply.expect(416);
    }
    registry.ask("POST", "/v2/app/blobs/uploads/?digest-algorithm=md5").await.expect(400);
}

#[tokio::test]
async fn uploads_leave_no_temporary_files_behind() {
    let registry = Registry::start().await;
    let location = registry.session("app").await;
    registry.ask("DELETE", &location).await.expect(204);
    let wrong = format!("/v2/app/blobs/uploads/?digest={}", digest_of(b"other"));
    registry.send("POST", &wrong, &[], noise("x", 10)).await.expect(400);
    registry.push_blob("app", &noise("y", 10)).await;
    let ours = std::fs::read_dir(registry.dir.path().join(".transship")).unwrap();
    let left: Vec<_> = ours.map(|entry| entry.unwrap().file_name()).filter(|name| name != "lock").collect();
    assert_eq!(left, Vec::<std::ffi::OsString>::new());
}

#[tokio::test]
async fn every_method_on_every_path_has_an_answer() {
    let registry = Registry::start().await;
    let digest = digest_of(b"x");
    let blob = format!("/v2/a/blobs/{digest}");
    let referrers = format!("/v2/a/referrers/{digest}");
    for target in [
        "/",
        "/v2",
        "/v2/",
        "/v2/a",
        "/v2/a/tags/list",
        "/v2/a/blobs/uploads/",
        "/v2/a/blobs/uploads/none",
        "/v2/a/manifests/x",
        "/v2/a/manifests/%00",
        "/v2/%2e%2e/tags/list",
        "/v2/a/blobs/sha256:1",
        &blob,
        &referrers,
        "/v2/a/blobs/uploads/?mount=x&from=%ff",
        "/v2/a/tags/list?n=99999999999999999999999",
        "/v2//tags/list",
    ] {
        for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW"] {
            let reply = registry.ask(method, target).await;
            assert!(reply.status < 500, "{method} {target}: {reply:?}");
            if reply.status >= 400 && method != "HEAD" {
                assert!(!reply.code().is_empty());
            }
            assert_eq!(reply.header("docker-distribution-api-version"), "registry/2.0");
        }
    }
}

#[tokio::test]
async fn http_2_is_spoken_too() {
    let registry = Registry::start().await;
    let blob = noise("blob", 100_000);
    let digest = registry.push_blob("app", &blob).await;
    let client = Client::builder(TokioExecutor::new()).http2_only(true).build_http::<Full<Bytes>>();
    let uri = format!("http://{}/v2/app/blobs/{digest}", registry.address);
    let reply = client.get(uri.parse().unwrap()).await.unwrap();
    assert_eq!(reply.version(), http::Version::HTTP_2);
    assert_eq!(reply.into_body().collect().await.unwrap().to_bytes(), blob);
}
