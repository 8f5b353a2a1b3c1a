//! Content of every kind that the official suite pushes.
use bytes::Bytes;
use content::Hasher;
use reference::Algorithm;
use serde_json::{Value, json};

use crate::support::{INDEX, MANIFEST, noise};

const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";
const FOREIGN: &str = "application/vnd.oci.image.layer.nondistributable.v1.tar";
const EMPTY: &str = "application/vnd.oci.empty.v1+json";
const EXAMPLE: [&str; 2] = ["application/vnd.example.one", "application/vnd.example.two"];

pub(crate) struct Manifest {
    pub(crate) digest: String,
    pub(crate) media_type: &'static str,
    pub(crate) bytes: Bytes,
    pub(crate) subject: Option<String>,
}

pub(crate) struct Data {
    pub(crate) name: &'static str,
    pub(crate) blobs: Vec<(String, Bytes)>,
    pub(crate) manifests: Vec<Manifest>,
    pub(crate) tags: Vec<(String, String)>,
    /// A subject, and what the list of its referrers must hold.
    pub(crate) referrers: Option<(String, Vec<Value>)>,
    pub(crate) tag_parameter: bool,
    algorithm: Algorithm,
}

impl Data {
    fn new(name: &'static str) -> Self {
        Self {
            name,
            blobs: Vec::new(),
            manifests: Vec::new(),
            tags: Vec::new(),
            referrers: None,
            tag_parameter: false,
            algorithm: Algorithm::Sha256,
        }
    }

    fn blob(&mut self, media_type: &str, bytes: Bytes) -> Value {
        let digest = Hasher::digest(self.algorithm, &bytes).to_string();
        let size = bytes.len();
        if self.blobs.iter().all(|(other, _)| *other != digest) {
            self.blobs.push((digest.clone(), bytes));
        }
        json!({"mediaType": media_type, "digest": digest, "size": size})
    }

    fn image(&mut self, seed: &str, layers: usize) -> Value {
        let seed = format!("{} {seed}", self.name);
        let config =
            self.blob(CONFIG, Bytes::from(json!({"architecture": "amd64", "seed": seed}).to_string()));
        let layers: Vec<Value> =
            (0..layers).map(|n| self.blob(LAYER, noise(&format!("{seed} {n}"), 700))).collect();
        json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers})
    }

    fn artifact(&mut self, artifact_type: &str, layer: (&str, Bytes)) -> Value {
        let config = self.blob(EMPTY, Bytes::from_static(b"{}"));
        let layers = [self.blob(layer.0, layer.1)];
        json!({"schemaVersion": 2, "mediaType": MANIFEST, "artifactType": artifact_type, "config": config,
            "layers": layers})
    }

    fn index(entries: &[Value]) -> Value {
        json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries})
    }

    /// Adds a manifest; its descriptor.
    fn add(&mut self, manifest: &Value) -> Value {
        let media_type = if manifest["mediaType"] == INDEX { INDEX } else { MANIFEST };
        let bytes = Bytes::from(manifest.to_string());
        let digest = Hasher::digest(self.algorithm, &bytes).to_string();
        let subject = manifest["subject"]["digest"].as_str().map(str::to_owned);
        let descriptor = json!({"mediaType": media_type, "digest": digest, "size": bytes.len()});
        self.manifests.push(Manifest { digest, media_type, bytes, subject });
        descriptor
    }

    fn tagged(&mut self, tag: &str, manifest: &Value) -> Value {
        let descriptor = self.add(manifest);
        self.tags.push((tag.to_owned(), descriptor["digest"].as_str().unwrap().to_owned()));
        descriptor
    }

    fn multi_platform(&mut self, seed: &str) -> Value {
        let entries: Vec<Value> = ["amd64", "arm64"]
            .iter()
            .map(|arch| {
                let image = self.image(&format!("{seed} {arch}"), 2);
                let mut descriptor = self.add(&image);
                descriptor["platform"] = json!({"os": "linux", "architecture": arch});
                descriptor
            })
            .collect();
        Self::index(&entries)
    }

    /// Adds a manifest about `subject`, and expects it in the list of referrers.
    fn about(&mut self, subject: &Value, mut manifest: Value, tag: Option<&str>) {
        manifest["subject"] = subject.clone();
        let annotations = json!({"org.example.about": format!("{} {tag:?}", self.name)});
        manifest["annotations"] = annotations.clone();
        let artifact_type = manifest.get("artifactType").unwrap_or(&manifest["config"]["mediaType"]).clone();
        let mut expected = match tag {
            Some(tag) => self.tagged(tag, &manifest),
            None => self.add(&manifest),
        };
        expected["artifactType"] = artifact_type;
        expected["annotations"] = annotations;
        let subject = subject["digest"].as_str().unwrap().to_owned();
        self.referrers.get_or_insert((subject, Vec::new())).1.push(expected);
    }
}

pub(crate) fn every_kind() -> Vec<Data> {
    let mut all = plain();
    all.extend(artifacts());
    all.extend(subjects());
    all.extend(odd());
    all.extend(digests_and_tags());
    all
}

fn plain() -> Vec<Data> {
    let mut image = Data::new("image");
    let manifest = image.image("", 4);
    image.tagged("image", &manifest);

    let mut large = Data::new("large manifest");
    let mut manifest = large.image("", 1);
    for n in 0..390 {
        manifest["annotations"][format!("large-annotation-{n}")] = json!("A".repeat(10_000));
    }
    large.tagged("large-manifest", &manifest);

    let mut index = Data::new("index");
    let manifest = index.multi_platform("");
    index.tagged("index", &manifest);

    let mut nested = Data::new("nested index");
    let inner: Vec<Value> = ["one", "two"]
        .iter()
        .map(|seed| {
            let index = nested.multi_platform(seed);
            nested.add(&index)
        })
        .collect();
    nested.tagged("index-of-index", &Data::index(&inner));

    let mut empty = Data::new("empty index");
    empty.tagged("index", &Data::index(&[]));
    vec![image, large, index, nested, empty]
}

fn artifacts() -> Vec<Data> {
    let mut artifact = Data::new("artifact");
    let manifest = artifact.artifact(EXAMPLE[0], (EXAMPLE[0], noise("artifact", 300)));
    artifact.tagged("artifact", &manifest);

    let mut index = Data::new("artifact index");
    let entries: Vec<Value> = ["one", "two"]
        .iter()
        .map(|seed| {
            let manifest = index.artifact(EXAMPLE[0], (EXAMPLE[0], noise(seed, 300)));
            index.add(&manifest)
        })
        .collect();
    let mut manifest = Data::index(&entries);
    manifest["artifactType"] = json!(EXAMPLE[0]);
    index.tagged("artifact-index", &manifest);

    let mut bare = Data::new("artifact without layers");
    let manifest = bare.artifact(EXAMPLE[0], (EMPTY, Bytes::from_static(b"{}")));
    bare.tagged("artifact-without-layers", &manifest);
    vec![artifact, index, bare]
}

fn subjects() -> Vec<Data> {
    let mut artifacts = Data::new("artifacts with subject");
    let manifest = artifacts.image("", 2);
    let subject = artifacts.tagged("image", &manifest);
    let manifest = artifacts.image("about", 1);
    artifacts.about(&subject, manifest, None);
    for (example, tag) in EXAMPLE.into_iter().zip(["tagged-artifact1", "tagged-artifact2"]) {
        let manifest = artifacts.artifact(example, (example, noise(tag, 300)));
        artifacts.about(&subject, manifest, Some(tag));
    }

    let mut index = Data::new("index with subject");
    let manifest = index.multi_platform("");
    let subject = index.tagged("index", &manifest);
    let manifest = index.artifact(EXAMPLE[0], (EXAMPLE[0], noise("part", 300)));
    let part = index.add(&manifest);
    let mut about = Data::index(&[part]);
    about["artifactType"] = json!(EXAMPLE[0]);
    index.about(&subject, about, Some("tagged-artifact"));

    let mut missing = Data::new("missing subject");
    let digest = Hasher::digest(Algorithm::Sha256, b"missing content").to_string();
    let subject = json!({"mediaType": MANIFEST, "size": 123, "digest": digest});
    let manifest = missing.artifact(EXAMPLE[0], (EXAMPLE[0], noise("missing", 300)));
    missing.about(&subject, manifest, Some("tagged-artifact"));
    vec![artifacts, index, missing]
}

fn odd() -> Vec<Data> {
    let mut field = Data::new("data field");
    let mut manifest = field.artifact(EXAMPLE[0], (EMPTY, Bytes::from_static(b"{}")));
    manifest["config"]["data"] = json!("e30=");
    manifest["layers"][0]["data"] = json!("e30=");
    field.tagged("data-field", &manifest);

    let mut foreign = Data::new("non-distributable layers");
    let mut manifest = foreign.image("", 1);
    let digest = Hasher::digest(Algorithm::Sha256, b"elsewhere").to_string();
    let layer = json!({"mediaType": FOREIGN, "digest": digest, "size": 12345,
        "urls": [format!("https://store.example.com/blobs/{digest}")]});
    manifest["layers"].as_array_mut().unwrap().push(layer);
    foreign.tagged("non-distributable-image", &manifest);

    let mut custom = Data::new("custom fields");
    let mut manifest = custom.multi_platform("");
    manifest["org.example.extra"] = json!({"nested": [1, null, "two"]});
    custom.tagged("custom-fields", &manifest);

    let mut none = Data::new("no layers");
    let manifest = none.image("", 0);
    none.tagged("no-layers", &manifest);
    vec![field, foreign, custom, none]
}

fn digests_and_tags() -> Vec<Data> {
    let mut sha512 = Data::new("sha512");
    sha512.algorithm = Algorithm::Sha512;
    let manifest = sha512.multi_platform("");
    sha512.add(&manifest);

    let mut parameter = Data::new("tag parameter");
    parameter.tag_parameter = true;
    let manifest = parameter.multi_platform("");
    let root = parameter.tagged("tag-parameter", &manifest);
    let digest = root["digest"].as_str().unwrap().to_owned();
    parameter.tags.push(("tag-parameter-2".into(), digest));

    let mut both = Data::new("tag parameter, sha512");
    both.tag_parameter = true;
    both.algorithm = Algorithm::Sha512;
    let manifest = both.multi_platform("");
    both.tagged("tag-parameter-sha512", &manifest);
    vec![sha512, parameter, both]
}
