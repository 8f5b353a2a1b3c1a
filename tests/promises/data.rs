//! Data: what registries may hold, in every shape that the distribution specification's own tests have, from registry
//! to registry, into a layout, and out of it: the same to the byte.
use content::Descriptor;
use reference::Algorithm;
use serde_json::{Value, json};
use testkit::{
    Content, Registry,
    images::{OCI_EMPTY, OCI_LAYER, blob_path, to_json},
};

use crate::transship;

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// A shape: builds its content, and returns its root.
type Shape = fn(&mut Content) -> Descriptor;

const SHAPES: [(&str, Shape); 16] = [
    ("image", |content| image(content, 1)),
    ("image with an empty blob", |content| {
        let nothing = content.add(OCI_LAYER, "");
        content.image(1, &[nothing])
    }),
    ("image without layers", |content| content.image(1, &[])),
    ("index", |content| {
        let images = [image(content, 1), image(content, 2)];
        content.index(&images)
    }),
    ("nested index", |content| {
        let inner = [image(content, 1)];
        let inner = content.index(&inner);
        content.index(&[inner])
    }),
    ("empty index", |content| content.index(&[])),
    ("artifact", |content| artifact(content, &Value::Null)),
    ("index of artifacts", |content| {
        let entries = [artifact(content, &Value::Null)];
        content.index(&entries)
    }),
    ("artifact with a missing subject", |content| artifact(content, &missing())),
    ("index with a missing subject", |content| {
        let entry = image(content, 1);
        let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [to_json(&entry)],
            "subject": missing()});
        content.document(INDEX, &index)
    }),
    ("data field", |content| {
        let empty = content.add(OCI_EMPTY, "{}");
        let mut config = to_json(&empty);
        config["data"] = json!("e30=");
        let manifest = json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": config,
            "artifactType": "application/x", "layers": [config]});
        content.document(MANIFEST, &manifest)
    }),
    ("custom fields", |content| {
        let empty = content.add(OCI_EMPTY, "{}");
        let mut layer = to_json(&empty);
        layer["org.example.own"] = json!({"a": [1, 2.50, null]});
        let manifest = json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": to_json(&empty),
            "layers": [layer], "org.example.own": "x", "annotations": {"b": "2", "a": "1"}});
        content.document(MANIFEST, &manifest)
    }),
    ("spaces and order of its own", |content| {
        let empty = to_json(&content.add(OCI_EMPTY, "{}"));
        let text = format!(
            "\n{{ \"layers\" :[ ],\t\"config\": {empty} , \"mediaType\":\"{MANIFEST}\",\"schemaVersion\":2}}\r\n"
        );
        content.add(MANIFEST, text)
    }),
    ("blob by sha512", |content| {
        let layer = content.add_as(Algorithm::Sha512, OCI_LAYER, testkit::noise(7, 300));
        content.image(1, &[layer])
    }),
    ("manifest by sha512", |content| {
        let image = image(content, 1);
        let bytes = content.get(&image.digest).unwrap().clone();
        content.forget(&image.digest);
        let image = content.add_as(Algorithm::Sha512, MANIFEST, bytes);
        content.index(&[image])
    }),
    ("one layer twice", |content| {
        let layer = content.layer(1, 300);
        content.image(1, &[layer.clone(), layer])
    }),
];

fn image(content: &mut Content, seed: u64) -> Descriptor {
    let layer = content.layer(seed, 300);
    content.image(seed, &[layer])
}

fn artifact(content: &mut Content, subject: &Value) -> Descriptor {
    let empty = content.add(OCI_EMPTY, "{}");
    let note = content.add("text/plain", "a note");
    let mut manifest = json!({"schemaVersion": 2, "mediaType": MANIFEST, "artifactType": "text/note",
        "config": to_json(&empty), "layers": [to_json(&note)], "annotations": {"org.example.key": "value"}});
    if !subject.is_null() {
        manifest["subject"] = subject.clone();
    }
    content.document(MANIFEST, &manifest)
}

/// A subject that nobody has.
fn missing() -> Value {
    json!({"mediaType": MANIFEST, "digest": format!("sha256:{}", "4".repeat(64)), "size": 400})
}

#[test]
fn every_shape_of_content_arrives_to_the_byte_in_all_three_directions() {
    for (name, shape) in SHAPES {
        let mut content = Content::new();
        let root = shape(&mut content);
        let program = transship();
        let (source, second, third) =
            (Registry::with(&content, &root, "app:v1"), Registry::start(), Registry::start());
        let from = source.reference("app:v1");
        let run = program.run(&["copy", &from, &second.reference("app:v1")]).exits(0);
        assert!(second.holds(&content), "{name}: {run}\n{}", second.ledger());
        let run = program.run(&["copy", &from, "oci:images:app:v1"]).exits(0);
        let images = program.home().join("images");
        for digest in content.digests() {
            let bytes = std::fs::read(blob_path(&images, digest)).unwrap_or_default();
            assert_eq!(Some(&bytes.into()), content.get(digest), "{name}: {digest}: {run}");
        }
        let run = program.run(&["copy", "oci:images:app:v1", &third.reference("app:v1")]).exits(0);
        assert!(third.holds(&content), "{name}: {run}\n{}", third.ledger());
        for target in [&second, &third] {
            let put = target.ledger().pick(|r| r.method == "PUT" && r.path == "/v2/app/manifests/v1");
            assert_eq!(put[0].header("content-type"), Some(root.media_type.as_str()), "{name}");
        }
    }
}
