//! Conformance: every way to push a blob and every kind of content that the official suite of distribution-spec
//! exercises at its default settings, over loopback HTTP. Prints one line for each check that it made.
#![allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking, and this one prints what it checked"
)]
mod data;
mod support;

use bytes::Bytes;
use content::Hasher;
use data::Data;
use reference::Algorithm;
use support::{OCTETS, Registry, Reply, noise};

const REPOSITORY: &str = "conformance/repo1";
const OTHER: &str = "conformance/repo2";

struct Suite {
    registry: Registry,
    algorithm: Algorithm,
    passed: usize,
}

impl Suite {
    async fn new(algorithm: Algorithm) -> Self {
        Self { registry: Registry::start().await, algorithm, passed: 0 }
    }

    fn pass(&mut self, name: &str) {
        self.passed += 1;
        println!("pass  {} {name}", self.algorithm.as_str());
    }

    /// A check that fails stops the program, and none is ever left out.
    fn report(what: &str, passed: usize) {
        println!("{what}: {passed} passed, 0 failed, 0 skipped, 0 disabled");
    }

    fn blob(&self, name: &str, length: usize) -> (String, Bytes) {
        let bytes = noise(name, length);
        (Hasher::digest(self.algorithm, &bytes).to_string(), bytes)
    }

    async fn put(&self, location: &str, digest: &str, headers: &[(&str, &str)], body: Bytes) -> Reply {
        self.registry.send("PUT", &format!("{location}?digest={digest}"), headers, body).await
    }

    /// The answer to a push leads to the blob, which can be looked at, read, and deleted at once.
    async fn pushed(&mut self, name: &str, reply: Reply, digest: &str, bytes: &Bytes) {
        let reply = reply.expect(201);
        assert_eq!(reply.header("docker-content-digest"), digest);
        assert_eq!(self.registry.get(reply.header("location")).await.expect(200).body, bytes);
        self.blob_is_there(digest, bytes).await;
        self.blob_goes(digest).await;
        self.pass(name);
    }

    async fn blob_is_there(&self, digest: &str, bytes: &Bytes) {
        let target = format!("/v2/{REPOSITORY}/blobs/{digest}");
        for method in ["HEAD", "GET"] {
            let reply = self.registry.ask(method, &target).await.expect(200);
            assert_eq!(reply.header("content-length"), bytes.len().to_string());
            assert_eq!(reply.header("docker-content-digest"), digest);
            let expected = if method == "GET" { bytes.clone() } else { Bytes::new() };
            assert_eq!(reply.body, expected);
        }
    }

    async fn blob_goes(&self, digest: &str) {
        let target = format!("/v2/{REPOSITORY}/blobs/{digest}");
        self.registry.ask("DELETE", &target).await.expect(202);
        self.registry.ask("HEAD", &target).await.expect(404);
        self.registry.ask("DELETE", &target).await.expect(404);
    }

    /// Sends a blob in three chunks; `last_by_put` sends the last one with the commit.
    async fn chunked(&self, bytes: &Bytes, digest: &str, last_by_put: bool, out_of_order: bool) -> Reply {
        let mut location = self.registry.session(REPOSITORY).await;
        let step = bytes.len() / 3 + 1;
        let mut start = 0;
        while start < bytes.len() {
            let end = (start + step).min(bytes.len());
            if out_of_order {
                location = self.wrong_chunk(&location, bytes, (start, end), digest).await;
            }
            let range = format!("{start}-{}", end - 1);
            let headers = [("content-type", OCTETS), ("content-range", range.as_str())];
            let chunk = bytes.slice(start..end);
            if last_by_put && end == bytes.len() {
                return self.put(&location, digest, &headers, chunk).await;
            }
            let reply = self.registry.send("PATCH", &location, &headers, chunk).await.expect(202);
            assert_eq!(reply.header("range"), format!("0-{}", end - 1));
            reply.header("location").clone_into(&mut location);
            start = end;
        }
        self.put(&location, digest, &[], Bytes::new()).await
    }

    /// A chunk that skips ahead or begins again is refused, and the session says where it stands.
    async fn wrong_chunk(
        &self,
        location: &str,
        bytes: &Bytes,
        (start, end): (usize, usize),
        digest: &str,
    ) -> String {
        let wrong = if end < bytes.len() { end } else { 0 };
        let range = format!("{wrong}-{}", bytes.len() - 1);
        for method in ["PATCH", "PUT"] {
            let target = format!("{location}?digest={digest}");
            let headers = [("content-range", range.as_str())];
            let reply = self.registry.send(method, &target, &headers, bytes.slice(wrong..)).await.expect(416);
            assert_eq!(reply.header("range"), format!("0-{}", start.saturating_sub(1)));
        }
        let status = self.registry.get(location).await.expect(204);
        assert_eq!(status.header("range"), format!("0-{}", start.saturating_sub(1)));
        status.header("location").to_owned()
    }

    async fn push_styles(&mut self) {
        let uploads = format!("/v2/{REPOSITORY}/blobs/uploads/");
        let (digest, bytes) = self.blob("post only", 512);
        let reply =
            self.registry.send("POST", &format!("{uploads}?digest={digest}"), &[], bytes.clone()).await;
        self.pushed("post only", reply, &digest, &bytes).await;

        let (digest, bytes) = self.blob("post and put", 512);
        let location = self.registry.session(REPOSITORY).await;
        let reply = self.put(&location, &digest, &[("content-type", OCTETS)], bytes.clone()).await;
        self.pushed("post and put", reply, &digest, &bytes).await;

        let (digest, bytes) = self.blob("stream", 512);
        let location = self.registry.session(REPOSITORY).await;
        let reply = self.registry.send("PATCH", &location, &[], bytes.clone()).await.expect(202);
        let reply = self.put(reply.header("location"), &digest, &[], Bytes::new()).await;
        self.pushed("stream", reply, &digest, &bytes).await;

        for (name, length, last_by_put, out_of_order) in [
            ("chunked, one chunk", 2, false, false),
            ("chunked", 3067, false, false),
            ("chunked, last by put", 3067, true, false),
            ("chunked, out of order", 3067, false, true),
            ("chunked, out of order, last by put", 3067, true, true),
        ] {
            let (digest, bytes) = self.blob(name, length);
            let reply = self.chunked(&bytes, &digest, last_by_put, out_of_order).await;
            self.pushed(name, reply, &digest, &bytes).await;
        }
        let algorithm = self.algorithm.as_str();
        let (digest, bytes) = self.blob("declared algorithm", 512);
        let opened = self.registry.ask("POST", &format!("{uploads}?digest-algorithm={algorithm}")).await;
        let reply = self.put(opened.expect(202).header("location"), &digest, &[], bytes.clone()).await;
        self.pushed("declared algorithm", reply, &digest, &bytes).await;

        for (name, bytes) in [("empty", Bytes::new()), ("empty JSON", Bytes::from_static(b"{}"))] {
            let digest = Hasher::digest(self.algorithm, &bytes).to_string();
            let location = self.registry.session(REPOSITORY).await;
            let reply = self.put(&location, &digest, &[], bytes.clone()).await;
            self.pushed(name, reply, &digest, &bytes).await;
        }
    }

    async fn wrong_digests(&mut self) {
        let uploads = format!("/v2/{REPOSITORY}/blobs/uploads/");
        for style in ["post only", "post and put", "stream", "chunked", "chunked, last by put"] {
            let (digest, bytes) = self.blob(&format!("wrong {style}"), 3067);
            let corrupt = Bytes::from([&bytes[..], b"oh no"].concat());
            let reply = match style {
                "post only" => {
                    self.registry.send("POST", &format!("{uploads}?digest={digest}"), &[], corrupt).await
                }
                "post and put" => {
                    let location = self.registry.session(REPOSITORY).await;
                    self.put(&location, &digest, &[], corrupt).await
                }
                "stream" => {
                    let location = self.registry.session(REPOSITORY).await;
                    let reply = self.registry.send("PATCH", &location, &[], corrupt).await.expect(202);
                    self.put(reply.header("location"), &digest, &[], Bytes::new()).await
                }
                style => self.chunked(&corrupt, &digest, style.ends_with("put"), false).await,
            };
            assert_eq!(reply.expect(400).code(), "DIGEST_INVALID");
            self.registry.get(&format!("/v2/{REPOSITORY}/blobs/{digest}")).await.expect(404);
            self.pass(&format!("wrong digest, {style}"));
        }
    }

    async fn mounts_and_cancel(&mut self) {
        for (name, from) in [("mount", format!("&from={OTHER}")), ("mount anonymous", String::new())] {
            let (digest, bytes) = self.blob(name, 512);
            let location = self.registry.session(OTHER).await;
            self.put(&location, &digest, &[], bytes.clone()).await.expect(201);
            self.registry.get(&format!("/v2/{REPOSITORY}/blobs/{digest}")).await.expect(404);
            let target = format!("/v2/{REPOSITORY}/blobs/uploads/?mount={digest}{from}");
            let reply = self.registry.ask("POST", &target).await;
            self.pushed(name, reply, &digest, &bytes).await;
            self.registry.get(&format!("/v2/{OTHER}/blobs/{digest}")).await.expect(200);
        }
        let (digest, bytes) = self.blob("mount missing", 512);
        let target = format!("/v2/{REPOSITORY}/blobs/uploads/?mount={digest}&from={OTHER}");
        let reply = self.registry.ask("POST", &target).await.expect(202);
        let reply = self.put(reply.header("location"), &digest, &[], bytes.clone()).await;
        self.pushed("mount missing, then sent", reply, &digest, &bytes).await;

        let location = self.registry.session(REPOSITORY).await;
        self.registry.ask("DELETE", &location).await.expect(204);
        assert_eq!(self.registry.get(&location).await.expect(404).code(), "BLOB_UPLOAD_UNKNOWN");
        self.pass("cancel");
    }

    async fn ranges(&mut self) {
        let (digest, bytes) = self.blob("ranges", 2048);
        let location = self.registry.session(REPOSITORY).await;
        self.put(&location, &digest, &[], bytes.clone()).await.expect(201);
        let target = format!("/v2/{REPOSITORY}/blobs/{digest}");
        for (range, expected) in [
            ("bytes=500-1499", Some(500..1500)),
            ("bytes=500-", Some(500..2048)),
            ("bytes=-500", Some(1548..2048)),
            ("bytes=2000-5000", Some(2000..2048)),
            ("bytes=500-0", None),
            ("bytes=5000-10000", None),
        ] {
            let reply = self.registry.send("GET", &target, &[("range", range)], Bytes::new()).await;
            let Some(expected) = expected else {
                reply.expect(416);
                self.pass(range);
                continue;
            };
            let reply = reply.expect(206);
            let wanted = format!("bytes {}-{}/2048", expected.start, expected.end - 1);
            assert_eq!(reply.header("content-range"), wanted);
            assert_eq!(reply.header("content-length"), expected.len().to_string());
            assert_eq!(reply.body, bytes.slice(expected));
            self.pass(range);
        }
    }

    async fn content(&mut self, data: &Data) {
        for (digest, bytes) in &data.blobs {
            let location = self.registry.session(REPOSITORY).await;
            self.put(&location, digest, &[], bytes.clone()).await.expect(201);
        }
        for manifest in &data.manifests {
            self.push_manifest(data, manifest, &manifest.digest).await;
        }
        for (tag, digest) in &data.tags {
            let manifest = data.manifests.iter().find(|manifest| manifest.digest == *digest).unwrap();
            // A tag's digest is always a SHA-256: others are tagged by the parameter.
            if digest.starts_with("sha256:") {
                self.push_manifest(data, manifest, tag).await;
            }
        }
        self.lists(data).await;
        self.pulls(data).await;
        self.referrers(data).await;
        self.deletes(data).await;
        self.pass(data.name);
    }

    async fn push_manifest(&self, data: &Data, manifest: &data::Manifest, reference: &str) {
        let mut target = format!("/v2/{REPOSITORY}/manifests/{reference}");
        let tags: Vec<&String> =
            data.tags.iter().filter(|(_, digest)| *digest == manifest.digest).map(|(tag, _)| tag).collect();
        let by_parameter = data.tag_parameter && reference == manifest.digest;
        if by_parameter {
            let parameters: Vec<String> = tags.iter().map(|tag| format!("tag={tag}")).collect();
            target = format!("{target}?{}", parameters.join("&"));
        }
        let headers = [("content-type", manifest.media_type)];
        let reply = self.registry.send("PUT", &target, &headers, manifest.bytes.clone()).await.expect(201);
        assert_eq!(reply.header("docker-content-digest"), manifest.digest);
        if let Some(subject) = &manifest.subject {
            assert_eq!(reply.header("oci-subject"), subject);
        }
        if by_parameter {
            for tag in tags {
                assert!(reply.headers.get_all("oci-tag").iter().any(|value| value == tag.as_str()));
            }
        }
        let found = self.registry.get(reply.header("location")).await.expect(200);
        assert_eq!(found.body, manifest.bytes);
        assert_eq!(found.header("content-type"), manifest.media_type);
    }

    async fn lists(&self, data: &Data) {
        let list = self.registry.get(&format!("/v2/{REPOSITORY}/tags/list")).await.expect(200).json();
        assert_eq!(list["name"], REPOSITORY);
        let mut listed: Vec<&str> =
            list["tags"].as_array().unwrap().iter().map(|t| t.as_str().unwrap()).collect();
        assert!(data.tags.iter().all(|(tag, _)| listed.contains(&tag.as_str())), "{list}");
        let Some(after) = listed.len().checked_sub(2).map(|at| listed[at]) else { return };
        let target = format!("/v2/{REPOSITORY}/tags/list?last={after}");
        let rest = self.registry.get(&target).await.expect(200).json();
        listed.drain(..listed.len() - 1);
        assert_eq!(rest["tags"], serde_json::json!(listed));
    }

    async fn pulls(&self, data: &Data) {
        let tags = data.tags.iter().map(|(tag, digest)| (tag, digest));
        let digests = data.manifests.iter().map(|manifest| (&manifest.digest, &manifest.digest));
        for (reference, digest) in tags.chain(digests) {
            let manifest = data.manifests.iter().find(|manifest| manifest.digest == *digest).unwrap();
            for method in ["HEAD", "GET"] {
                let target = format!("/v2/{REPOSITORY}/manifests/{reference}");
                let reply = self.registry.ask(method, &target).await.expect(200);
                assert_eq!(reply.header("content-type"), manifest.media_type);
                assert_eq!(reply.header("content-length"), manifest.bytes.len().to_string());
                assert_eq!(reply.header("docker-content-digest"), manifest.digest);
                assert!(method == "HEAD" || reply.body == manifest.bytes);
            }
        }
        for (digest, bytes) in &data.blobs {
            self.blob_is_there(digest, bytes).await;
        }
    }

    async fn referrers(&self, data: &Data) {
        let Some((subject, expected)) = &data.referrers else { return };
        let base = format!("/v2/{REPOSITORY}/referrers/{subject}");
        let all = self.registry.get(&base).await.expect(200);
        assert_eq!(all.header("content-type"), support::INDEX);
        assert!(!all.headers.contains_key("oci-filters-applied"));
        let listed = all.json();
        assert_eq!(listed["mediaType"], support::INDEX);
        assert_eq!(listed["schemaVersion"], 2);
        let listed = listed["manifests"].as_array().unwrap().clone();
        assert_eq!(listed.len(), expected.len());
        for wanted in expected {
            assert!(listed.contains(wanted), "{wanted} in {listed:?}");
            let artifact_type = wanted["artifactType"].as_str().unwrap();
            let some = self.registry.get(&format!("{base}?artifactType={artifact_type}")).await.expect(200);
            assert_eq!(some.header("oci-filters-applied"), "artifactType");
            let some = some.json();
            let some = some["manifests"].as_array().unwrap();
            assert!(some.contains(wanted));
            assert!(some.iter().all(|other| other["artifactType"] == artifact_type));
        }
    }

    async fn deletes(&self, data: &Data) {
        let tags = data.tags.iter().map(|(tag, _)| tag);
        let digests = data.manifests.iter().rev().map(|manifest| &manifest.digest);
        for reference in tags.chain(digests) {
            let target = format!("/v2/{REPOSITORY}/manifests/{reference}");
            self.registry.ask("DELETE", &target).await.expect(202);
            self.registry.ask("HEAD", &target).await.expect(404);
        }
        for (digest, _) in &data.blobs {
            self.blob_goes(digest).await;
        }
        if let Some((subject, _)) = &data.referrers {
            let left = self.registry.get(&format!("/v2/{REPOSITORY}/referrers/{subject}")).await.expect(200);
            assert_eq!(left.json()["manifests"], serde_json::json!([]));
        }
    }
}

#[tokio::test]
async fn blobs_of_both_algorithms_are_pushed_in_every_way_mounted_read_and_deleted() {
    let mut passed = 0;
    for algorithm in [Algorithm::Sha256, Algorithm::Sha512] {
        let mut suite = Suite::new(algorithm).await;
        let missing = suite.blob("missing", 512).0;
        suite.registry.get(&format!("/v2/{REPOSITORY}/blobs/{missing}")).await.expect(404);
        suite.push_styles().await;
        suite.wrong_digests().await;
        suite.mounts_and_cancel().await;
        suite.ranges().await;
        passed += suite.passed;
    }
    Suite::report("ways of blobs", passed);
}

#[tokio::test]
async fn content_of_every_kind_is_pushed_listed_pulled_referred_to_and_deleted() {
    let mut suite = Suite::new(Algorithm::Sha256).await;
    for data in data::every_kind() {
        suite.content(&data).await;
    }
    Suite::report("kinds of content", suite.passed);
}

#[tokio::test]
async fn an_empty_registry_answers_politely() {
    let mut suite = Suite::new(Algorithm::Sha256).await;
    let (registry, base) = (&suite.registry, format!("/v2/{REPOSITORY}"));
    let nothing = Hasher::digest(Algorithm::Sha256, b"nothing");
    for (target, status) in [
        ("/v2/".to_owned(), 200),
        (format!("{base}/tags/list"), 404),
        (format!("{base}/manifests/{nothing}"), 404),
        (format!("{base}/manifests/missing"), 404),
        (format!("{base}/manifests/sha256:baddigeststring"), 400),
    ] {
        registry.get(&target).await.expect(status);
    }
    let reply = registry.get(&format!("{base}/referrers/{nothing}")).await.expect(200);
    assert_eq!(reply.header("content-type"), support::INDEX);
    assert_eq!(reply.json()["manifests"], serde_json::json!([]));
    suite.pass("empty registry");
    Suite::report("empty registry", suite.passed);
}
