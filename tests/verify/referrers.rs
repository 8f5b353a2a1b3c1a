//! What is about an image: signatures and the like, by referrers and by cosign's tags.
use content::Descriptor;
use http::Method;
use serde_json::json;
use testkit::{
    Content, Entry, Registry,
    images::{OCI_EMPTY, OCI_MANIFEST, to_json},
};

use crate::transship;

/// An index of two images; about the second there is a statement, about that a signature, and about the index a
/// signature that cosign keeps under a tag.
struct Scene {
    source: Registry,
    target: Registry,
    statement: Descriptor,
    signature: Descriptor,
    /// The blob of the signature of the statement.
    payload: Descriptor,
    tag: String,
}

fn about(content: &mut Content, subject: &Descriptor, payload: &Descriptor) -> Descriptor {
    let empty = content.add(OCI_EMPTY, "{}");
    let manifest = json!({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "artifactType": "application/vnd.example.statement",
        "config": to_json(&empty), "layers": [to_json(payload)], "subject": to_json(subject)});
    content.document(OCI_MANIFEST, &manifest)
}

impl Scene {
    fn new() -> Self {
        let mut content = Content::new();
        let layers = [content.layer(1, 100), content.layer(2, 100)];
        let images = layers.map(|layer| content.image(layer.size, &[layer]));
        let root = content.index(&images);
        let words = content.add("text/plain", "it is good");
        let payload = content.add("text/plain", "so it is");
        let statement = about(&mut content, &images[1], &words);
        let signature = about(&mut content, &statement, &payload);
        let kept = content.layer(9, 50);
        let cosign = content.image(9, &[kept]);
        let tag = format!("sha256-{}.sig", root.digest.hex());
        let entries = vec![
            Entry::named(&root, "app:v1"),
            Entry::named(&statement, "app:statement"),
            Entry::named(&signature, "app:signature"),
            Entry::named(&cosign, &format!("app:{tag}")),
        ];
        let source = Registry::setup().seed_all(&content, entries).start();
        Self { source, target: Registry::start(), statement, signature, payload, tag }
    }
}

#[test]
fn what_is_about_an_image_is_missing_until_it_is_copied_as_the_finding_says() {
    let scene = Scene::new();
    let (from, to) = (scene.source.reference("app:v1"), scene.target.reference("app:v1"));
    transship(&["copy", &from, &to]).exits(0);
    transship(&["verify", "--deep", &from, &to]).exits(0);
    let ran = transship(&["verify", "--referrers", &from, &to, "-o", "json"]).exits(4).json();
    let findings = ran["images"][0]["findings"].as_array().unwrap();
    let mut missing: Vec<&str> =
        findings.iter().map(|finding| finding["subject"].as_str().unwrap()).collect();
    missing.sort_unstable();
    let statement = scene.statement.digest.to_string();
    assert_eq!(missing, [scene.tag.as_str(), &statement]);
    assert!(findings.iter().all(|finding| finding["kind"] == "absent" && finding["piece"] == "referrer"));
    let remedy = findings[0]["remedy"].as_str().unwrap();
    assert_eq!(remedy, format!("transship copy --referrers {from} {to}"));
    transship(&remedy.split(' ').skip(1).collect::<Vec<_>>()).exits(0);
    let ran = transship(&["verify", "--deep", "--referrers", &from, &to]).exits(0);
    // The index and its images; the statement, its signature, and cosign's.
    assert!(ran.stdout.contains("6 manifests"), "{ran}");
}

#[test]
fn what_is_about_what_is_about_an_image_is_to_be_whole_too() {
    let scene = Scene::new();
    let (from, to) = (scene.source.reference("app:v1"), scene.target.reference("app:v1"));
    transship(&["copy", "--referrers", &from, &to]).exits(0);
    transship(&["verify", "--referrers", &to]).exits(0);
    std::fs::remove_file(scene.target.blob(&scene.payload.digest)).unwrap();
    transship(&["verify", &to]).exits(0);
    let ran = transship(&["verify", "--referrers", &to]).exits(4);
    let line = format!("missing: layer {} at", scene.payload.digest);
    assert!(ran.stdout.contains(&line) && ran.stdout.contains(&scene.signature.digest.to_string()), "{ran}");
    transship(&["copy", "--repair", "--referrers", &from, &to]).exits(0);
    transship(&["verify", "--deep", "--referrers", &from, &to]).exits(0);
}

#[test]
fn a_place_that_lists_nothing_for_us_is_told_of_and_the_image_is_looked_at_all_the_same() {
    let scene = Scene::new();
    let from = scene.source.reference("app:v1");
    scene.source.rule(testkit::Rule::on(Method::GET, "/referrers/").status(403));
    let ran = transship(&["verify", "--referrers", &from, "-o", "json"]).exits(3).json();
    assert_eq!(ran["images"][0]["manifests"], 4);
    assert_eq!(ran["images"][0]["findings"][0]["kind"], "authentication");
}

#[test]
fn a_mirror_whose_configuration_takes_what_is_about_images_is_to_have_it() {
    let scene = Scene::new();
    let program = crate::program();
    let path = program.home().join("mirror.yaml");
    let write = |more: &str| {
        let (from, to) = (scene.source.reference("app"), scene.target.host());
        std::fs::write(
            &path,
            format!("version: 1\nto: {to}\nimages:\n  - from: {from}\n    tags: [v1]\n{more}"),
        )
        .unwrap();
    };
    let config = path.to_str().unwrap().to_owned();
    write("");
    program.run(&["mirror", "-q", &config]).exits(0);
    program.run(&["verify", "--config", &config]).exits(0);
    program.run(&["verify", "--referrers", "--config", &config]).exits(4);
    write("    referrers: true\n");
    program.run(&["verify", "--config", &config]).exits(4);
    program.run(&["mirror", "-q", &config]).exits(0);
    program.run(&["verify", "--deep", "--config", &config]).exits(0);
}

#[test]
fn what_follows_an_image_further_than_a_copy_goes_is_not_called_whole() {
    let mut content = Content::new();
    let layer = content.layer(1, 100);
    let root = content.image(1, &[layer]);
    let mut entries = vec![Entry::named(&root, "app:v1")];
    let mut last = root;
    for step in 1..=9 {
        let words = content.add("text/plain", format!("statement {step}"));
        last = about(&mut content, &last, &words);
        entries.push(Entry::named(&last, &format!("app:{step}")));
        let registry = Registry::setup().seed_all(&content, entries.clone()).start();
        let image = registry.reference("app:v1");
        let ran = transship(&["verify", "--referrers", &image]);
        assert_eq!(ran.code, if step == 9 { 6 } else { 0 }, "{step}: {ran}");
        let copied = transship(&["copy", "--referrers", &image, &Registry::start().reference("app:v1")]);
        assert_eq!(copied.code, ran.code, "a copy goes as far: {copied}");
    }
}
