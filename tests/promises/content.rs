//! Content: everything that a registry may hold is carried as it is, or refused in words.
use reference::Algorithm;
use serde_json::json;
use testkit::{
    Content, Registry, Rule,
    images::{DOCKER_CONFIG, DOCKER_FOREIGN, DOCKER_LAYER, DOCKER_MANIFEST, OCI_EMPTY, OCI_LAYER, to_json},
};

use crate::{import, transship};

/// Copies `root` from registry to registry and compares every piece.
fn crosses(content: &Content, root: &content::Descriptor) {
    let (source, target) = (Registry::with(content, root, "app:v1"), Registry::start());
    transship().run(&import(&source.reference("app:v1"), &target.host(), &[])).exits(0);
    assert!(target.holds(content), "{}", target.ledger());
    let put = target.ledger().pick(|r| r.method == "PUT" && r.path == "/v2/app/manifests/v1");
    assert_eq!(put[0].header("content-type"), Some(root.media_type.as_str()));
}

#[test]
fn foreign_layers_are_skipped_and_reported_and_the_manifest_is_unchanged() {
    let mut content = Content::new();
    let layer = content.add(DOCKER_LAYER, testkit::noise(1, 100));
    let mut foreign = content.add(DOCKER_FOREIGN, testkit::noise(2, 100));
    foreign.urls = vec!["https://layers.example/base".to_owned()];
    let config = content.document(DOCKER_CONFIG, &json!({"architecture": "amd64", "os": "windows"}));
    let manifest = json!({"schemaVersion": 2, "mediaType": DOCKER_MANIFEST, "config": to_json(&config),
        "layers": [to_json(&foreign), to_json(&layer)]});
    let root = content.document(DOCKER_MANIFEST, &manifest);
    let (source, target) = (Registry::with(&content, &root, "app:v1"), Registry::start());
    let reference = source.reference("app:v1");
    let run = transship().run(&import(&reference, &target.host(), &["--output", "json"])).exits(0);
    assert!(run.stdout.contains(&foreign.digest.to_string()), "{run}");
    assert!(run.stderr.contains("--include-foreign"), "{run}");
    assert!(target.blob(&root.digest).exists() && target.blob(&layer.digest).exists());
    assert!(!target.blob(&foreign.digest).exists());
    assert_eq!(source.ledger().count(|r| r.path.contains(foreign.digest.hex())), 0);
    transship().run(&import(&reference, &target.host(), &["--include-foreign", "--force"])).exits(0);
    assert!(target.blob(&foreign.digest).exists(), "an equal root does not hide what is asked for");
}

#[test]
fn included_foreign_layers_are_copied() {
    let mut content = Content::new();
    let foreign = content.add(DOCKER_FOREIGN, testkit::noise(2, 100));
    let root = content.image(1, &[foreign]);
    let (source, target) = (Registry::with(&content, &root, "app:v1"), Registry::start());
    let flags = ["--include-foreign"];
    transship().run(&import(&source.reference("app:v1"), &target.host(), &flags)).exits(0);
    assert!(target.holds(&content));
}

#[test]
fn a_layer_with_urls_that_is_not_foreign_is_copied() {
    let mut content = Content::new();
    let mut layer = content.layer(1, 100);
    layer.urls = vec!["https://layers.example/base".to_owned()];
    let root = content.image(1, &[layer]);
    crosses(&content, &root);
}

#[test]
fn artifacts_of_unknown_types_are_carried_opaque() {
    let mut content = Content::new();
    let empty = content.add(OCI_EMPTY, "{}");
    let chart = content.add("application/vnd.cncf.helm.chart.content.v1.tar+gzip", testkit::noise(1, 500));
    let odd = content.add("application/x-nobody-knows", testkit::noise(2, 500));
    let root = content.manifest(&empty, &[chart, odd]);
    crosses(&content, &root);
}

#[test]
fn nested_indexes_are_copied_whole() {
    let mut content = Content::new();
    let layer = content.layer(1, 100);
    let images = [1, 2].map(|seed| content.image(seed, std::slice::from_ref(&layer)));
    let inner = content.index(&images[..1]);
    let middle = content.index(&[inner, images[1].clone()]);
    let root = content.index(&[middle, images[0].clone()]);
    crosses(&content, &root);
}

#[test]
fn entries_of_a_build_cache_are_blobs() {
    let mut content = Content::new();
    let layers = [1, 2].map(|seed| content.layer(seed, 200));
    let config =
        content.document("application/vnd.buildkit.cacheconfig.v0", &json!({"layers": [], "records": []}));
    let entries = [layers[0].clone(), layers[1].clone(), config];
    let root = content.index(&entries);
    crosses(&content, &root);
}

#[test]
fn empty_blobs_shared_blobs_and_sha512_are_copied() {
    let mut content = Content::new();
    let nothing = content.add(OCI_LAYER, "");
    let long = content.add_as(Algorithm::Sha512, OCI_LAYER, testkit::noise(1, 300));
    let layer = content.layer(2, 300);
    let root = content.image(1, &[nothing.clone(), layer.clone(), long, layer, nothing]);
    crosses(&content, &root);
}

#[test]
fn an_artifact_with_a_subject_is_found_as_its_referrer() {
    let mut content = Content::new();
    let layer = content.layer(1, 100);
    let subject = content.image(1, &[layer]);
    let empty = content.add(OCI_EMPTY, "{}");
    let note = content.add("text/plain", "a note");
    let manifest = json!({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "artifactType": "text/note", "config": to_json(&empty), "layers": [to_json(&note)],
        "subject": to_json(&subject)});
    let root = content.document("application/vnd.oci.image.manifest.v1+json", &manifest);
    let (source, target) = (Registry::with(&content, &root, "app:note"), Registry::start());
    transship().run(&import(&source.reference("app:note"), &target.host(), &[])).exits(0);
    let put = target.ledger().pick(|r| r.method == "PUT" && r.is_manifest());
    assert_eq!(put.len(), 1, "the registry lists referrers itself: {}", target.ledger());
    // Where it does not say so, the fallback tag is kept up.
    let old =
        Registry::setup().rule(Rule::on(http::Method::PUT, "/manifests/").without("oci-subject")).start();
    old.rule(Rule::on(http::Method::GET, "/referrers/").status(404));
    transship().run(&import(&source.reference("app:note"), &old.host(), &[])).exits(0);
    let fallback = format!("/v2/app/manifests/sha256-{}", subject.digest.hex());
    assert_eq!(old.ledger().count(|r| r.method == "PUT" && r.path == fallback), 1, "{}", old.ledger());
}

#[test]
fn schema_1_is_refused() {
    let schema1 = "application/vnd.docker.distribution.manifest.v1+prettyjws";
    let body = json!({"schemaVersion": 1, "name": "app", "tag": "v1", "fsLayers": [], "history": []});
    let rule = |method| Rule::on(method, "/manifests/").answer(200, schema1, body.to_string());
    let source = Registry::setup().rule(rule(http::Method::GET)).rule(rule(http::Method::HEAD)).start();
    let target = Registry::start();
    let run = transship().run(&import(&source.reference("app:v1"), &target.host(), &[])).exits(6);
    assert!(run.stderr.contains("schema version 1"), "{run}");
    assert!(target.ledger().writes().is_empty(), "{}", target.ledger());
}

#[test]
fn html_where_a_manifest_was_due_is_untrue() {
    let source = Registry::setup()
        .rule(Rule::on(http::Method::GET, "/v2/").html())
        .rule(Rule::on(http::Method::HEAD, "/v2/").answer(200, "text/html", ""))
        .start();
    let target = Registry::start();
    let run = transship().run(&import(&source.reference("app:v1"), &target.host(), &[])).exits(5);
    assert!(run.stderr.contains("HTML"), "{run}");
    assert!(target.ledger().writes().is_empty(), "{}", target.ledger());
}

#[test]
fn html_where_a_blob_was_due_is_untrue() {
    let (content, root) = Content::fleet(1, 1, 100);
    let page = Rule::on(http::Method::GET, "/blobs/").html();
    let source = Registry::setup().seed(&content, &root, "app:v1").rule(page).start();
    let target = Registry::start();
    transship().run(&import(&source.reference("app:v1"), &target.host(), &[])).exits(5);
    assert!(target.is_empty(), "{}", target.ledger());
}

#[test]
fn an_image_that_does_not_exist_is_absent_and_a_host_that_is_down_is_unreachable() {
    let (source, target) = (Registry::start(), Registry::start());
    let run = transship().run(&import(&source.reference("app:v1"), &target.host(), &[])).exits(4);
    assert!(run.stderr.contains("app") && run.stderr.contains("v1"), "{run}");
    let gone = source.host();
    drop(source);
    let run = transship().run(&import(&format!("{gone}/app:v1"), &target.host(), &[])).exits(7);
    assert!(run.stderr.contains(&gone), "{run}");
    assert!(target.ledger().writes().is_empty());
}
