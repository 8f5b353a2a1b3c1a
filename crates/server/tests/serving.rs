//! What this server promises as a product: several layouts, a catalog, users, and clients that do not behave.
#![allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]
mod support;

use bytes::Bytes;
use content::{At, Manifest, Mode, Target};
use http_body_util::{BodyExt, Full};
use layout::{Entry, Layout};
use reference::{Algorithm, RefName};
use serde_json::json;
use server::{Oddity, Options, Server};
use support::{INDEX, MANIFEST, Registry, Reply, digest_of, noise};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// A layout that holds these images, each with one layer that is made of its seed.
async fn holding(images: &[(&str, &str)]) -> (tempfile::TempDir, Layout) {
    let dir = tempfile::tempdir().unwrap();
    let layout = Layout::create_or_open(dir.path()).unwrap();
    for (name, seed) in images {
        add(&layout, name, seed, true).await;
    }
    (dir, layout)
}

/// Adds an image; its digest, and its layer's.
async fn add(layout: &Layout, name: &str, seed: &str, with_layer: bool) -> (String, String) {
    let layer = noise(seed, 1000);
    let digest = digest_of(&layer);
    if with_layer {
        layout.store().put(&digest, layer).await.unwrap();
    }
    let descriptor = json!({"mediaType": "application/x-layer", "digest": digest.to_string(), "size": 1000});
    let text = json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": descriptor, "layers": []});
    let manifest = Manifest::read(Bytes::from(text.to_string()), None, None, None).unwrap();
    let side = layout.repository(None);
    side.publish(&manifest, At::Name(&RefName::new(name)), Mode::Force).await.unwrap();
    (manifest.digest().to_string(), digest.to_string())
}

async fn ask(server: &Server, method: &str, target: &str, headers: &[(&str, &str)]) -> Reply {
    let mut request = http::Request::builder().method(method).uri(target);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let (parts, body) = server.handle(request.body(Full::new(Bytes::new())).unwrap()).await.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    Reply { status: parts.status.as_u16(), headers: parts.headers, body }
}

#[tokio::test]
async fn several_layouts_are_one_registry_and_the_first_one_wins() {
    let (_one, one) = holding(&[("app:v1", "first"), ("app:v2", "a"), ("only/one:v1", "b")]).await;
    let (_two, two) = holding(&[("app:v1", "second"), ("app:v3", "c"), ("only/two:v1", "d")]).await;
    let (first, layer) = add(&one, "app:v1", "first", true).await;
    let (second, other) = add(&two, "app:v1", "second", true).await;
    let server = Server::over(vec![one.clone(), two.clone()], Options::default());
    assert_eq!(ask(&server, "GET", "/v2/app/tags/list", &[]).await.json()["tags"], json!(["v1", "v2", "v3"]));
    let tagged = ask(&server, "GET", "/v2/app/manifests/v1", &[]).await.expect(200);
    assert_eq!(tagged.header("docker-content-digest"), first);
    ask(&server, "GET", "/v2/app/manifests/v3", &[]).await.expect(200);
    // What the tag does not lead to is there by digest all the same, with all it is made of.
    ask(&server, "GET", &format!("/v2/app/manifests/{second}"), &[]).await.expect(200);
    for layer in [layer, other] {
        assert_eq!(
            ask(&server, "GET", &format!("/v2/app/blobs/{layer}"), &[]).await.expect(200).body.len(),
            1000
        );
    }
    let survey = server.survey().await.unwrap();
    assert_eq!((survey.repositories, survey.tags), (3, 5));
    let [Oddity::Shared { repository, layouts, overruled }] = survey.oddities.as_slice() else {
        panic!("{survey:?}")
    };
    assert_eq!(repository.as_str(), "app");
    assert_eq!(layouts, &[one.shown().to_owned(), two.shown().to_owned()]);
    assert_eq!(overruled.iter().map(ToString::to_string).collect::<Vec<_>>(), ["v1"]);
    // Nobody could say which one is meant.
    let refused = ask(&server, "POST", "/v2/app/blobs/uploads/", &[]).await.expect(405);
    assert_eq!(refused.header("allow"), "GET, HEAD");
}

#[tokio::test]
async fn a_manifest_in_one_layout_and_its_layer_in_another_are_an_image() {
    let (_one, one) = holding(&[]).await;
    let (_two, two) = holding(&[("elsewhere:v1", "layer")]).await;
    let (_, layer) = add(&one, "app:v1", "layer", false).await;
    let server = Server::over(vec![one, two], Options::default());
    assert_eq!(
        ask(&server, "GET", &format!("/v2/app/blobs/{layer}"), &[]).await.expect(200).body,
        noise("layer", 1000)
    );
}

#[tokio::test]
async fn the_catalog_lists_every_repository_once_page_by_page() {
    let (_dir, layout) = holding(&[("b/c:v1", "1"), ("a:v1", "2"), ("a:v2", "3"), ("d:v1", "4")]).await;
    let server = Server::new(layout, Options::default());
    let whole = ask(&server, "GET", "/v2/_catalog", &[]).await.expect(200);
    assert_eq!(whole.json(), json!({"repositories": ["a", "b/c", "d"]}));
    assert!(whole.headers.get("link").is_none());
    let page = ask(&server, "GET", "/v2/_catalog?n=2", &[]).await.expect(200);
    assert_eq!(page.json()["repositories"], json!(["a", "b/c"]));
    assert_eq!(page.header("link"), "</v2/_catalog?n=2&last=b%2Fc>; rel=\"next\"");
    let rest = ask(&server, "GET", "/v2/_catalog?n=2&last=b%2Fc", &[]).await.expect(200);
    assert_eq!(rest.json()["repositories"], json!(["d"]));
    assert!(rest.headers.get("link").is_none());
    assert_eq!(
        ask(&server, "GET", "/v2/_catalog?n=x", &[]).await.expect(400).code(),
        "PAGINATION_NUMBER_INVALID"
    );
    assert_eq!(ask(&server, "DELETE", "/v2/_catalog", &[]).await.expect(405).header("allow"), "GET, HEAD");
}

#[tokio::test]
async fn what_is_not_served_is_told_at_the_start() {
    let (dir, layout) = holding(&[("any text", "1"), ("app:v1", "2")]).await;
    let gone = Entry::named(
        &content::Descriptor::new(
            content::MediaType::oci_manifest(),
            content::Hasher::digest(Algorithm::Sha256, b"gone"),
            4,
        ),
        &RefName::new("app:gone"),
    );
    let entered = layout.update(move |index| {
        index.add(&gone);
        Ok(())
    });
    entered.await.unwrap();
    // As another tool may write it: the same name twice.
    let path = dir.path().join("index.json");
    let mut index: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    let mut twin = index["manifests"][0].clone();
    twin["annotations"] = index["manifests"][1]["annotations"].clone();
    index["manifests"].as_array_mut().unwrap().push(twin);
    std::fs::write(&path, index.to_string()).unwrap();
    let server = Server::new(layout, Options::default());
    let survey = server.survey().await.unwrap();
    let told: Vec<String> = survey.oddities.iter().map(ToString::to_string).collect();
    let said = |words: &str| told.iter().filter(|told| told.contains(words)).count();
    assert_eq!((told.len(), survey.unlisted), (3, 0), "{told:?}");
    assert_eq!((said("\"any text\" is not served"), said("\"app:gone\" is not served")), (1, 1), "{told:?}");
    assert_eq!(said("app:v1 stands for both"), 1, "{told:?}");
    ask(&server, "GET", "/v2/app/manifests/gone", &[]).await.expect(404);
    ask(&server, "GET", "/v2/app/manifests/v1", &[]).await.expect(409);
}

#[tokio::test]
async fn whatever_a_client_accepts_it_gets_the_manifest_that_there_is() {
    let registry = Registry::start().await;
    let text = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": []}).to_string();
    registry.push_manifest("app", "v1", INDEX, &text).await.expect(201);
    for accept in [MANIFEST, "application/vnd.docker.distribution.manifest.v2+json", "text/html", "*/*"] {
        let reply = registry.send("GET", "/v2/app/manifests/v1", &[("accept", accept)], Bytes::new()).await;
        assert_eq!(reply.expect(200).header("content-type"), INDEX);
    }
}

#[tokio::test]
async fn who_has_the_content_already_gets_no_bytes_and_a_range_of_other_content_is_none() {
    let registry = Registry::start().await;
    let blob = registry.push_blob("app", &noise("blob", 1000)).await;
    let text = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": []}).to_string();
    registry.push_manifest("app", "v1", INDEX, &text).await.expect(201);
    for target in [format!("/v2/app/blobs/{blob}"), "/v2/app/manifests/v1".to_owned()] {
        let etag = registry.get(&target).await.expect(200).header("etag").to_owned();
        for known in [etag.clone(), format!("\"x\", W/{etag}"), "*".to_owned()] {
            let reply = registry.send("GET", &target, &[("if-none-match", &known)], Bytes::new()).await;
            assert!(reply.expect(304).body.is_empty());
        }
        registry.send("GET", &target, &[("if-none-match", "\"x\"")], Bytes::new()).await.expect(200);
    }
    let (target, range) = (format!("/v2/app/blobs/{blob}"), ("range", "bytes=0-9"));
    let etag = format!("\"{blob}\"");
    registry.send("GET", &target, &[range, ("if-range", &etag)], Bytes::new()).await.expect(206);
    registry.send("GET", &target, &[range, ("if-range", "\"x\"")], Bytes::new()).await.expect(200);
}

#[tokio::test]
async fn an_answer_to_head_has_the_length_and_no_body_also_where_it_is_a_refusal() {
    let (_dir, layout) = holding(&[("app:v1", "1")]).await;
    let server = Server::new(layout, Options::default());
    for target in ["/v2/app/manifests/v1", "/v2/app/manifests/v2", "/v2/_catalog", "/nowhere"] {
        let (seen, whole) = (ask(&server, "HEAD", target, &[]).await, ask(&server, "GET", target, &[]).await);
        assert_eq!((seen.status, &seen.body), (whole.status, &Bytes::new()), "{target}");
        assert_eq!(seen.header("content-length"), whole.body.len().to_string(), "{target}");
    }
}

#[tokio::test]
async fn methods_that_are_none_are_refused_and_told_which_there_are() {
    let registry = Registry::start().await;
    let digest = digest_of(b"x");
    for (method, target, allowed) in [
        ("POST", "/v2/".to_owned(), "GET, HEAD"),
        ("BREW", "/v2/app/tags/list".to_owned(), "GET, HEAD"),
        ("POST", format!("/v2/app/referrers/{digest}"), "GET, HEAD"),
        ("PATCH", "/v2/app/manifests/v1".to_owned(), "GET, HEAD, PUT, DELETE"),
        ("PUT", format!("/v2/app/blobs/{digest}"), "GET, HEAD, DELETE"),
        ("GET", "/v2/app/blobs/uploads/".to_owned(), "POST"),
        ("OPTIONS", "/v2/app/blobs/uploads/x".to_owned(), "GET, PATCH, PUT, DELETE"),
    ] {
        assert_eq!(
            registry.ask(method, &target).await.expect(405).header("allow"),
            allowed,
            "{method} {target}"
        );
    }
}

/// What a server says to these bytes before it closes the connection.
async fn say(registry: &Registry, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(registry.address).await.unwrap();
    // It may have heard enough.
    drop(stream.write_all(bytes).await);
    let mut said = Vec::new();
    drop(stream.read_to_end(&mut said).await);
    String::from_utf8_lossy(&said).into_owned()
}

#[tokio::test]
async fn a_head_without_end_and_a_path_that_climbs_get_nothing() {
    let (dir, _layout) = holding(&[("app:v1", "1")]).await;
    std::fs::write(dir.path().join("secret"), "canary-of-a-file").unwrap();
    let registry = Registry::start_on(dir, Options { writable: false, ..Options::default() }).await;
    let close = "HTTP/1.1\r\nHost: x\r\nConnection: close\r\n";
    for path in [
        "/v2/app/blobs/sha256:../../secret",
        "/v2/../secret",
        "/../secret",
        "/v2/app/manifests/..%2f..%2fsecret",
        "/v2/%2e%2e/blobs/uploads/../../secret",
        "/v2/app/blobs/uploads/%2e%2e%2fsecret",
    ] {
        let said = say(&registry, format!("GET {path} {close}\r\n").as_bytes()).await;
        let status = said.split(' ').nth(1).unwrap_or_default().to_owned();
        assert!(["400", "404", "405"].contains(&&*status) && !said.contains("canary"), "{path}: {said}");
    }
    let long = format!("GET /v2/ {close}X: {}\r\n\r\n", "x".repeat(128 * 1024));
    let said = say(&registry, long.as_bytes()).await;
    assert!(said.is_empty() || said.starts_with("HTTP/1.1 431"), "{said}");
    let many = format!("GET /v2/ {close}{}\r\n", "X: y\r\n".repeat(1000));
    assert!(say(&registry, many.as_bytes()).await.starts_with("HTTP/1.1 431"));
    let long = format!("GET /v2/{} {close}\r\n", "x".repeat(128 * 1024));
    let said = say(&registry, long.as_bytes()).await;
    assert!(said.is_empty() || said.starts_with("HTTP/1.1 4"), "{said}");
    // It serves others as before.
    registry.get("/v2/").await.expect(200);
}

#[tokio::test]
async fn an_upload_to_a_read_only_registry_is_refused_before_its_body_is_read() {
    let registry = Registry::start_on(
        holding(&[("app:v1", "1")]).await.0,
        Options { writable: false, ..Options::default() },
    )
    .await;
    let head = "PUT /v2/app/manifests/v1 HTTP/1.1\r\nHost: x\r\nContent-Length: 1099511627776\r\n\r\n";
    let mut stream = TcpStream::connect(registry.address).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut said = [0; 12];
    stream.read_exact(&mut said).await.unwrap();
    assert_eq!(&said, b"HTTP/1.1 405");
}
