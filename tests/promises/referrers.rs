//! Referrers: an image that was signed arrives with its signatures, and never without them under its tag.
use content::Descriptor;
use http::Method;
use serde_json::{Value, json};
use testkit::{
    Content, Registry, Rule, Setup,
    images::{OCI_EMPTY, OCI_MANIFEST, to_json},
};

use crate::transship;

/// `app:v1`, an index of two images, and what is about it: a signature by tag and one by subject for the root, one of
/// each for the first child, and a signature of the root's signature.
pub(crate) struct Signed {
    pub(crate) content: Content,
    pub(crate) root: Descriptor,
    pub(crate) child: Descriptor,
    by_tag: Vec<(Descriptor, String)>,
    pub(crate) by_subject: Vec<Descriptor>,
}

impl Signed {
    pub(crate) fn new() -> Self {
        let mut content = Content::new();
        let layers = [1, 2].map(|seed| content.layer(seed, 300));
        let children = [1, 2].map(|seed| content.image(seed, &layers));
        let [child, _] = children.clone();
        let root = content.index(&children);
        let by_tag = [&root, &child].map(|subject| cosign(&mut content, subject, ".sig"));
        let mut by_subject = vec![signature(&mut content, &root), signature(&mut content, &child)];
        by_subject.push(signature(&mut content, &by_subject[0].clone()));
        Self { content, root, child, by_tag: by_tag.into(), by_subject }
    }

    /// A registry that holds it, and whether it lists referrers itself.
    pub(crate) fn at(&self, lists: bool) -> Registry {
        let mut setup = Registry::setup().seed(&self.content, &self.root, "app:v1");
        for (signature, tag) in &self.by_tag {
            setup = setup.seed(&self.content, signature, &format!("app:{tag}"));
        }
        if lists {
            for (number, signature) in self.by_subject.iter().enumerate() {
                setup = setup.seed(&self.content, signature, &format!("app:any{number}"));
            }
            return setup.start();
        }
        // What clients keep where a registry does not: an index at a tag for each subject.
        let mut content = self.content.clone();
        let subjects = [&self.root, &self.child, &self.by_subject[0]];
        for (subject, signature) in subjects.into_iter().zip(&self.by_subject) {
            let index = content.index(std::slice::from_ref(signature));
            setup = setup.seed(&content, &index, &format!("app:sha256-{}", subject.digest.hex()));
        }
        old(setup)
    }

    /// What is about the image, at the paths where it was written.
    fn paths(&self) -> Vec<String> {
        let by_subject = self.by_subject.iter().map(|one| format!("/v2/app/manifests/{}", one.digest));
        by_subject.chain(self.by_tag.iter().map(|(_, tag)| format!("/v2/app/manifests/{tag}"))).collect()
    }
}

/// A registry that does not know of referrers.
pub(crate) fn old(setup: Setup) -> Registry {
    let registry = setup.rule(Rule::on(Method::PUT, "/manifests/").without("oci-subject")).start();
    registry.rule(Rule::on(Method::GET, "/referrers/").status(404));
    registry
}

/// As cosign keeps it under a tag: an image whose layer is the payload.
fn cosign(content: &mut Content, subject: &Descriptor, end: &str) -> (Descriptor, String) {
    let payload = json!({"critical": {"image": {"docker-manifest-digest": subject.digest.to_string()}}});
    let layer = content.document("application/vnd.dev.cosign.simplesigning.v1+json", &payload);
    let config = content
        .document("application/vnd.oci.image.config.v1+json", &json!({"of": layer.digest.to_string()}));
    let signature = content.manifest(&config, &[layer]);
    (signature, format!("sha256-{}{end}", subject.digest.hex()))
}

/// As cosign attaches it: a manifest with a subject and an artifact type.
fn signature(content: &mut Content, subject: &Descriptor) -> Descriptor {
    let config = content.add(OCI_EMPTY, "{}");
    let bundle = json!({"mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json", "of": subject.digest.to_string()});
    let layer = content.document("application/vnd.dev.sigstore.bundle.v0.3+json", &bundle);
    let manifest = json!({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": to_json(&config),
        "artifactType": "application/vnd.dev.sigstore.bundle.v0.3+json", "layers": [to_json(&layer)],
        "subject": to_json(subject)});
    content.document(OCI_MANIFEST, &manifest)
}

/// The paths of manifests, in the order in which they were written.
pub(crate) fn written(registry: &Registry) -> Vec<String> {
    let puts = registry.ledger().pick(|request| request.method == Method::PUT && request.is_manifest());
    puts.into_iter().map(|request| request.path).collect()
}

/// What a registry lists about a manifest.
fn listed(registry: &Registry, subject: &Descriptor) -> Vec<String> {
    let index = std::fs::read_to_string(registry.dir().join("index.json")).unwrap();
    let index: Value = serde_json::from_str(&index).unwrap();
    let entries = index["manifests"].as_array().unwrap().iter();
    let about = |entry: &&Value| {
        let digest = entry["digest"].as_str().unwrap().parse().unwrap();
        let manifest: Value =
            serde_json::from_slice(&std::fs::read(registry.blob(&digest)).unwrap()).unwrap();
        manifest["subject"]["digest"] == subject.digest.to_string().as_str()
    };
    entries.filter(about).map(|entry| entry["digest"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_signed_image_arrives_with_its_signatures_before_its_tag() {
    for (from_lists, to_lists) in [(true, true), (true, false), (false, true), (false, false)] {
        let signed = Signed::new();
        let source = signed.at(from_lists);
        let target = if to_lists { Registry::start() } else { old(Registry::setup()) };
        let arguments = ["copy", "--referrers", &source.reference("app:v1"), &target.reference("app:v1")];
        let run = transship().run(&arguments).exits(0);
        assert!(run.stdout.contains("5 referrers written"), "{run}");
        let puts = written(&target);
        assert_eq!(puts.last().unwrap(), "/v2/app/manifests/v1", "{}", target.ledger());
        assert_eq!(puts.iter().filter(|put| put.ends_with("/v1")).count(), 1);
        for path in signed.paths() {
            assert!(puts.contains(&path), "{path}: {}", target.ledger());
        }
        assert!(target.holds(&signed.content));
        let of_root: Vec<String> = listed(&target, &signed.root);
        assert_eq!(of_root, [signed.by_subject[0].digest.to_string()]);
        // Where the registry does not list them, an index does, and stands before the tag as well.
        let fallback = format!("/v2/app/manifests/sha256-{}", signed.root.digest.hex());
        assert_eq!(puts.contains(&fallback), !to_lists, "{}", target.ledger());
    }
}

#[test]
fn a_registry_is_asked_once_whether_it_lists_referrers() {
    let signed = Signed::new();
    let (source, target) = (signed.at(false), Registry::start());
    transship()
        .run(&["copy", "--referrers", &source.reference("app:v1"), &target.reference("app:v1")])
        .exits(0);
    let asked = source.ledger().count(|request| request.path.contains("/referrers/"));
    // Several manifests are asked about at once before the first answer has come.
    assert!((1..=3).contains(&asked), "{}", source.ledger());
}

#[test]
fn signatures_go_through_a_layout_and_out_again() {
    let signed = Signed::new();
    let (source, target, program) = (signed.at(true), Registry::start(), transship());
    program.run(&["copy", "--referrers", &source.reference("app:v1"), "oci:between"]).exits(0);
    let run =
        program.run(&["copy", "--referrers", "oci:between:app:v1", &target.reference("app:v1")]).exits(0);
    assert!(run.stdout.contains("5 referrers written"), "{run}");
    assert!(target.holds(&signed.content));
    assert_eq!(written(&target).last().unwrap(), "/v2/app/manifests/v1");
    assert!(signed.paths().iter().all(|path| written(&target).contains(path)), "{}", target.ledger());
}

#[test]
fn a_signature_that_was_made_after_the_copy_is_brought_by_the_next() {
    let signed = Signed::new();
    let (source, target, program) = (signed.at(true), Registry::start(), transship());
    let (from, to) = (source.reference("app:v1"), target.reference("app:v1"));
    program.run(&["copy", &from, &to]).exits(0);
    assert!(listed(&target, &signed.root).is_empty());
    target.ledger().clear();
    let run = program.run(&["copy", "--referrers", "-o", "json", &from, &to]).exits(0).json();
    assert_eq!((&run["referrers"], &run["destinations"][0]["referrers"]), (&json!(5), &json!(5)));
    let mut puts = written(&target);
    puts.sort();
    let mut paths = signed.paths();
    paths.sort();
    assert_eq!(puts, paths, "nothing of the image itself");
    target.ledger().clear();
    let run = program.run(&["copy", "--referrers", &from, &to]).exits(0);
    assert!(run.stdout.contains("was there already"), "{run}");
    assert!(target.ledger().writes().is_empty(), "{}", target.ledger());
    // The tag, and each of the five.
    assert_eq!(target.ledger().all().len(), 6, "{}", target.ledger());
}

#[test]
fn a_signature_that_was_written_and_is_not_listed_yet_is_listed_by_the_next_copy() {
    for extra in [&["--no-clobber"][..], &[]] {
        let signed = Signed::new();
        let (source, target, program) = (signed.at(true), old(Registry::setup()), transship());
        let (from, to) = (source.reference("app:v1"), target.reference("app:v1"));
        if extra.is_empty() {
            program.run(&["copy", &from, &to]).exits(0);
        }
        let fallback = format!("/manifests/sha256-{}", signed.root.digest.hex());
        target.rule(Rule::on(Method::PUT, &fallback).status(403).times(1));
        let arguments = [&["copy", "--referrers", &from, &to], extra].concat();
        program.run(&arguments).exits(3);
        let signature = signed.by_subject[0].digest.to_string();
        assert!(written(&target).contains(&format!("/v2/app/manifests/{signature}")), "{}", target.ledger());
        target.ledger().clear();
        program.run(&arguments).exits(0);
        assert!(written(&target).contains(&format!("/v2/app{fallback}")), "{}", target.ledger());
        target.ledger().clear();
        program.run(&["copy", "--referrers", &from, &to]).exits(0);
        assert!(target.ledger().writes().is_empty(), "{}", target.ledger());
    }
}

#[test]
fn a_signature_that_is_not_listed_yet_is_listed_by_the_next_run_of_a_mirror() {
    let signed = Signed::new();
    let (source, target, program) = (signed.at(true), old(Registry::setup()), transship());
    let (from, to) = (source.reference("app"), target.reference("app:v1"));
    program.run(&["copy", &source.reference("app:v1"), &to]).exits(0);
    let text = format!(
        "version: 1\nto: {}/{{repository}}:{{tag}}\nimages:\n  - from: {from}\n    tags: [v1]\n    referrers: true\n",
        target.host()
    );
    std::fs::write(program.home().join("mirror.yaml"), text).unwrap();
    let fallback = format!("/manifests/sha256-{}", signed.root.digest.hex());
    target.rule(Rule::on(Method::PUT, &fallback).status(403).times(1));
    program.run(&["mirror", "mirror.yaml"]).exits(3);
    target.ledger().clear();
    program.run(&["mirror", "mirror.yaml"]).exits(0);
    assert!(written(&target).contains(&format!("/v2/app{fallback}")), "{}", target.ledger());
}

#[test]
fn a_signature_that_does_not_arrive_leaves_no_tag() {
    let signed = Signed::new();
    let (source, target) = (signed.at(true), Registry::start());
    let path = format!("/manifests/{}", signed.by_tag[0].1);
    target.rule(Rule::on(Method::PUT, &path).status(403));
    let run = transship()
        .run(&["copy", "--referrers", &source.reference("app:v1"), &target.reference("app:v1")])
        .exits(3);
    assert!(!written(&target).contains(&"/v2/app/manifests/v1".to_owned()), "{run}");
}

#[test]
fn an_import_follows_no_referrers() {
    let signed = Signed::new();
    let (source, target) = (signed.at(true), Registry::start());
    let from = source.reference("app:v1");
    transship().run(&["import", "--source", &from, "--target", &target.host()]).exits(0);
    assert!(source.ledger().all().iter().all(|request| !request.path.contains("/referrers/")));
    assert_eq!(written(&target).len(), 3, "{}", target.ledger());
}
