//! Platforms: an index is made anew only where that is asked for, and then it is said.
use content::Descriptor;
use serde_json::{Value, json};
use testkit::{
    Content, Registry, Run,
    images::{OCI_CONFIG, OCI_INDEX, OCI_MANIFEST, to_json},
};

use crate::transship;

/// An image for one platform, whose config says so, and its entry in an index.
fn image(content: &mut Content, seed: u64, platform: &Value) -> (Descriptor, Value) {
    let layer = content.layer(seed, 300);
    let mut config = platform.clone();
    config["rootfs"] = json!({"type": "layers", "diff_ids": []});
    let config = content.document(OCI_CONFIG, &config);
    let image = content.manifest(&config, &[layer]);
    let mut entry = to_json(&image);
    entry["platform"] = platform.clone();
    (image, entry)
}

/// What `BuildKit` says about an image: an entry of no platform, tied to it by an annotation.
fn attestation(content: &mut Content, image: &Descriptor) -> (Descriptor, Value) {
    let layer = content.document("application/vnd.in-toto+json", &json!({"about": image.digest.to_string()}));
    let config = content.document(
        OCI_CONFIG,
        &json!({"os": "unknown", "architecture": "unknown", "of": layer.digest.to_string()}),
    );
    let manifest = content.manifest(&config, &[layer]);
    let mut entry = to_json(&manifest);
    entry["platform"] = json!({"os": "unknown", "architecture": "unknown"});
    entry["annotations"] = json!({"vnd.docker.reference.type": "attestation-manifest",
        "vnd.docker.reference.digest": image.digest.to_string()});
    (manifest, entry)
}

/// `app:v1`, an index as `BuildKit` makes them: three platforms, each with an attestation.
struct Built {
    content: Content,
    root: Descriptor,
    images: Vec<Descriptor>,
    attestations: Vec<Descriptor>,
}

impl Built {
    fn new() -> Self {
        let mut content = Content::new();
        let platforms = [
            json!({"os": "linux", "architecture": "amd64"}),
            json!({"os": "linux", "architecture": "arm64", "variant": "v8"}),
            json!({"os": "linux", "architecture": "arm", "variant": "v7"}),
        ];
        let (mut images, mut attestations, mut entries) = (Vec::new(), Vec::new(), Vec::new());
        for (seed, platform) in platforms.iter().enumerate() {
            let (image, entry) = image(&mut content, seed as u64, platform);
            let (attestation, about) = attestation(&mut content, &image);
            entries.extend([entry, about]);
            images.push(image);
            attestations.push(attestation);
        }
        let index = json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries,
            "annotations": {"kept": "as it is"}});
        let root = content.document(OCI_INDEX, &index);
        Self { content, root, images, attestations }
    }

    fn source(&self) -> Registry {
        Registry::with(&self.content, &self.root, "app:v1")
    }
}

fn copy(source: &Registry, target: &Registry, platforms: &str) -> Run {
    let (from, to) = (source.reference("app:v1"), target.reference("app:v1"));
    transship().run(&["copy", "--platform", platforms, "-o", "json", &from, &to])
}

/// The index that the target's tag leads to.
fn index(target: &Registry, run: &Run) -> Value {
    let digest = run.json()["root"]["digest"].as_str().unwrap().parse().unwrap();
    serde_json::from_slice(&std::fs::read(target.blob(&digest)).unwrap()).unwrap()
}

fn digests(index: &Value) -> Vec<String> {
    let entries = index["manifests"].as_array().unwrap().iter();
    entries.map(|entry| entry["digest"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn an_index_is_made_of_the_chosen_platforms_and_their_attestations_and_that_is_said() {
    let built = Built::new();
    let (source, target) = (built.source(), Registry::start());
    let run = copy(&source, &target, "linux/amd64,linux/arm64").exits(0);
    let index = index(&target, &run);
    let (images, about) = (&built.images, &built.attestations);
    assert_eq!(
        digests(&index),
        [&images[0], &about[0], &images[1], &about[1]].map(|one| one.digest.to_string())
    );
    assert_eq!(index["annotations"]["kept"], "as it is");
    assert_eq!(index["manifests"][2]["platform"]["variant"], "v8");
    let said = &run.json()["narrowed"];
    assert_eq!(said["from"], built.root.digest.to_string().as_str());
    assert_eq!(said["platforms"], json!(["linux/amd64", "linux/arm64/v8"]));
    assert_eq!(said["leftOut"], 2);
    for left in [&images[2], &about[2], &built.root] {
        assert!(!target.blob(&left.digest).exists(), "{}", target.ledger());
    }
    let text = transship()
        .run(&["copy", "--platform", "linux/arm", &source.reference("app:v1"), &target.reference("app:arm")])
        .exits(0);
    let line = format!("a new index, of linux/arm/v7 in {}; 4 entries left out", built.root.digest);
    assert!(text.stdout.contains(&line), "{text}");
}

#[test]
fn one_platform_of_an_index_stays_an_index() {
    let built = Built::new();
    let (source, target) = (built.source(), Registry::start());
    let run = copy(&source, &target, "linux/arm64").exits(0);
    assert_eq!(run.json()["root"]["mediaType"], OCI_INDEX);
    assert_eq!(digests(&index(&target, &run)).len(), 2);
}

#[test]
fn the_same_choice_again_moves_nothing() {
    let built = Built::new();
    let (source, target) = (built.source(), Registry::start());
    let first = copy(&source, &target, "linux/amd64").exits(0).json();
    for ledger in [source.ledger(), target.ledger()] {
        ledger.clear();
    }
    let again = copy(&source, &target, "linux/amd64").exits(0).json();
    assert_eq!((&again["root"], &again["narrowed"]), (&first["root"], &first["narrowed"]));
    assert_eq!(again["destinations"][0]["alreadyThere"], true);
    // One GET of the index, since what it will be depends on it, and one HEAD.
    assert_eq!((source.ledger().all().len(), target.ledger().all().len()), (1, 1), "{}", source.ledger());
}

#[test]
fn a_choice_of_all_that_there_is_changes_nothing() {
    let built = Built::new();
    let (source, target) = (built.source(), Registry::start());
    let run = copy(&source, &target, "linux/amd64,linux/arm64,linux/arm").exits(0);
    assert_eq!(run.json()["root"]["digest"], built.root.digest.to_string().as_str());
    assert_eq!(run.json()["narrowed"], Value::Null);
    assert!(target.holds(&built.content));
}

#[test]
fn a_platform_that_is_not_there_is_absent_and_those_that_are_there_are_named() {
    let built = Built::new();
    let (source, target) = (built.source(), Registry::start());
    for asked in ["linux/s390x", "linux/amd64,linux/s390x", "linux/arm/v6"] {
        let run = copy(&source, &target, asked).exits(4);
        run.says("it has linux/amd64, linux/arm/v7, linux/arm64/v8");
    }
    assert!(target.ledger().writes().is_empty(), "{}", target.ledger());
}

#[test]
fn an_image_that_is_no_index_has_to_be_for_a_chosen_platform() {
    let mut content = Content::new();
    let (image, _) = image(&mut content, 1, &json!({"os": "linux", "architecture": "arm64"}));
    let (source, target) = (Registry::with(&content, &image, "app:v1"), Registry::start());
    copy(&source, &target, "linux/amd64").exits(4).says("it has linux/arm64");
    assert!(target.ledger().writes().is_empty(), "{}", target.ledger());
    let run = copy(&source, &target, "linux/amd64,linux/arm64").exits(0);
    assert_eq!(run.json()["root"]["digest"], image.digest.to_string().as_str());
    assert_eq!(run.json()["narrowed"], Value::Null);
}

#[test]
fn what_runs_nowhere_is_copied_whatever_is_chosen() {
    let mut content = Content::new();
    let config = content.document("application/vnd.cncf.helm.config.v1+json", &json!({"name": "chart"}));
    let chart = content.layer(1, 100);
    let chart = content.manifest(&config, &[chart]);
    let (source, target) = (Registry::with(&content, &chart, "app:v1"), Registry::start());
    copy(&source, &target, "linux/amd64").exits(0);
    assert!(target.holds(&content));
}

#[test]
fn a_config_that_is_not_what_its_name_says_judges_nothing() {
    let mut content = Content::new();
    let (image, _) = image(&mut content, 1, &json!({"os": "linux", "architecture": "arm64"}));
    let source = Registry::setup().seed(&content, &image, "app:v1");
    let source =
        source.rule(testkit::Rule::on(http::Method::GET, "/blobs/").corrupt(testkit::Byte::Last)).start();
    copy(&source, &Registry::start(), "linux/arm64").exits(5);
}

#[test]
fn signatures_of_chosen_platforms_go_along_and_those_of_the_whole_index_stay() {
    let mut built = Built::new();
    let mut sign = |subject: &Descriptor| {
        let config = built.content.add("application/vnd.oci.empty.v1+json", "{}");
        let manifest = json!({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "artifactType": "a/signature",
            "config": to_json(&config), "layers": [], "subject": to_json(subject)});
        built.content.document(OCI_MANIFEST, &manifest)
    };
    let [of_root, of_amd, of_arm] = [&built.root, &built.images[0], &built.images[2]].map(&mut sign);
    let mut setup = Registry::setup().seed(&built.content, &built.root, "app:v1");
    for (number, one) in [&of_root, &of_amd, &of_arm].into_iter().enumerate() {
        setup = setup.seed(&built.content, one, &format!("app:any{number}"));
    }
    let (source, target) = (setup.start(), Registry::start());
    let arguments = ["copy", "--referrers", "--platform", "linux/amd64"];
    let places = [source.reference("app:v1"), target.reference("app:v1")];
    let arguments: Vec<&str> = arguments.into_iter().chain(places.iter().map(String::as_str)).collect();
    transship().run(&arguments).exits(0).says("is not about the index made of it");
    let there = [of_root, of_amd, of_arm].map(|one| target.blob(&one.digest).exists());
    assert_eq!(there, [false, true, false]);
}

#[test]
fn a_word_that_is_no_platform_is_a_usage_error() {
    for words in ["amd64", "linux/", "", "linux/amd64,,linux/arm64"] {
        let run = transship().run(&["copy", "--platform", words, "a.example/app", "b.example/app"]).exits(2);
        assert!(run.stderr.contains("OS/ARCH"), "{run}");
    }
}
