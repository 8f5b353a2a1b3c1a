//! What [`content::Manifest`] accepts, and what it refuses to take for two things.
#![allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]
use bytes::Bytes;
use content::{Descriptor, Fault, FaultKind, Hasher, Manifest, MediaType, Shape};
use reference::Algorithm;

const OCI: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const ENTRY: &str = r#"{"mediaType":"application/vnd.oci.image.manifest.v1+json","size":7,
    "digest":"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}"#;

fn read(text: &str, content_type: Option<&str>) -> Result<Manifest, Fault> {
    Manifest::read(Bytes::copy_from_slice(text.as_bytes()), content_type, None, None)
}

#[test]
fn an_index_names_its_entries_as_often_as_it_does() {
    let text = format!(r#"{{"schemaVersion":2,"mediaType":"{INDEX}","manifests":[{ENTRY},{ENTRY}]}}"#);
    let manifest = read(&text, Some(INDEX)).unwrap();
    assert!(
        matches!(manifest.shape(), Shape::Index { entries } if entries.len() == 2 && entries[0].size == 7)
    );
    assert_eq!(manifest.bytes(), text.as_bytes());
}

#[test]
fn a_missing_or_vague_content_type_leaves_the_word_to_the_body() {
    let text = format!(r#"{{"schemaVersion":2,"mediaType":"{INDEX}","manifests":[]}}"#);
    for content_type in [None, Some("application/json"), Some("text/plain; charset=utf-8")] {
        assert_eq!(read(&text, content_type).unwrap().media_type().as_str(), INDEX);
    }
    let bare = r#"{"schemaVersion":2,"manifests":[]}"#;
    assert_eq!(read(bare, None).unwrap().media_type().as_str(), INDEX);
    assert_eq!(
        read(&format!(r#"{{"config":{ENTRY},"layers":[]}}"#), None).unwrap().media_type().as_str(),
        OCI
    );
}

#[test]
fn what_two_readers_could_read_differently_is_untrue() {
    for text in [
        format!(r#"{{"manifests":[],"layers":[],"mediaType":"{INDEX}"}}"#),
        format!(r#"{{"manifests":[],"Layers":[],"mediaType":"{INDEX}"}}"#),
        format!(r#"{{"Manifests":[],"config":{ENTRY}}}"#),
        format!(r#"{{"layers":[],"Layers":[],"mediaType":"{OCI}"}}"#),
        format!(r#"{{"layers":[],"layers":[],"mediaType":"{OCI}"}}"#),
        format!(r#"{{"manifests":[],"mediaType":"{OCI}"}}"#),
        format!(r#"{{"layers":[],"mediaType":"{INDEX}"}}"#),
        format!(r#"{{"Layers":[],"mediaType":"{OCI}"}}"#),
        format!(
            r#"{{"manifests":[{}],"mediaType":"{INDEX}"}}"#,
            ENTRY.replace("\"size\"", "\"Size\":9,\"size\"")
        ),
        "<html>log in</html>".to_owned(),
        "[]".to_owned(),
        "{".to_owned(),
    ] {
        assert_eq!(read(&text, None).unwrap_err().kind(), FaultKind::Untrue, "{text}");
    }
}

#[test]
fn header_body_and_descriptor_must_not_contradict_each_other() {
    let text = format!(r#"{{"schemaVersion":2,"mediaType":"{INDEX}","manifests":[]}}"#);
    assert_eq!(read(&text, Some(OCI)).unwrap_err().kind(), FaultKind::Untrue);
    let digest = Hasher::digest(Algorithm::Sha256, text.as_bytes());
    let bytes = Bytes::from(text);
    let described = Descriptor::new(MediaType::new(OCI), digest.clone(), bytes.len() as u64);
    let error = Manifest::read(bytes.clone(), None, None, Some(&described)).unwrap_err();
    assert_eq!(error.kind(), FaultKind::Untrue);
    let short = Descriptor::new(MediaType::new(INDEX), digest, 3);
    assert_eq!(Manifest::read(bytes, None, None, Some(&short)).unwrap_err().kind(), FaultKind::Untrue);
}

#[test]
fn bytes_asked_for_by_digest_must_have_it() {
    let other = Hasher::digest(Algorithm::Sha256, b"other");
    let error = Manifest::read(Bytes::from_static(b"{}"), None, Some(&other), None).unwrap_err();
    assert_eq!(error.kind(), FaultKind::Untrue);
    assert!(error.to_string().contains(&other.to_string()), "{error}");
}

#[test]
fn a_sha512_name_is_checked_with_sha512() {
    let bytes = Bytes::from_static(br#"{"manifests":[]}"#);
    let digest = Hasher::digest(Algorithm::Sha512, &bytes);
    assert_eq!(Manifest::read(bytes, None, Some(&digest), None).unwrap().digest(), &digest);
}

#[test]
fn sizes_and_digests_that_are_none_are_typed_errors() {
    for size in ["-1", "1.5", "\"7\"", "1e30", "18446744073709551616"] {
        let entry = ENTRY.replace("\"size\":7", &format!("\"size\":{size}"));
        let text = format!(r#"{{"mediaType":"{INDEX}","manifests":[{entry}]}}"#);
        assert_eq!(read(&text, None).unwrap_err().kind(), FaultKind::Untrue, "{size}");
    }
    let entry = ENTRY.replace("sha256:e3", "sha256:../../e3");
    let text = format!(r#"{{"mediaType":"{INDEX}","manifests":[{entry}]}}"#);
    assert_eq!(read(&text, None).unwrap_err().kind(), FaultKind::Untrue);
}

#[test]
fn an_artifact_manifest_holds_blobs_and_a_subject() {
    let text = format!(
        r#"{{"mediaType":"application/vnd.oci.artifact.manifest.v1+json","artifactType":"text/x-sbom",
            "blobs":[{ENTRY}],"subject":{ENTRY},"annotations":{{"a":"b"}}}}"#
    );
    let manifest = read(&text, None).unwrap();
    assert!(matches!(manifest.shape(), Shape::Image { config: None, layers } if layers.len() == 1));
    assert_eq!((manifest.artifact_type(), manifest.subject().unwrap().size), (Some("text/x-sbom"), 7));
    assert_eq!(manifest.annotations()["a"], "b");
}

#[test]
fn schema_version_one_is_refused() {
    let error = read(r#"{"schemaVersion":1,"fsLayers":[],"history":[]}"#, None).unwrap_err();
    assert_eq!(error.kind(), FaultKind::Refused);
}

#[test]
fn an_unknown_type_is_opaque_where_it_does_not_look_like_an_image() {
    let text = r#"{"mediaType":"application/vnd.example.v1+json","layers":"none of ours"}"#;
    assert_eq!(read(text, None).unwrap().shape(), &Shape::Opaque);
}
