//! What a layout lists: its names, and what is about a manifest.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
use std::fs;

use bytes::Bytes;
use content::{At, Catalog, FaultKind, Manifest, Mode, Source, Target, Untagged};
use layout::{Layout, LayoutRepository};
use reference::{Digest, RefName};
use tempfile::TempDir;

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";

fn document(media_type: &str, fields: &str) -> Manifest {
    let text = format!(r#"{{"schemaVersion":2,"mediaType":"{media_type}",{fields}}}"#);
    Manifest::read(Bytes::from(text), None, None, None).unwrap()
}

fn image(seed: &str) -> Manifest {
    document(MANIFEST, &format!(r#""layers":[],"annotations":{{"seed":"{seed}"}}"#))
}

fn as_json(manifest: &Manifest) -> String {
    let descriptor = manifest.descriptor();
    let (media_type, digest, size) = (&descriptor.media_type, &descriptor.digest, descriptor.size);
    format!(r#"{{"mediaType":"{media_type}","digest":"{digest}","size":{size}}}"#)
}

fn about(subject: &Manifest, seed: &str) -> Manifest {
    let subject = as_json(subject);
    document(MANIFEST, &format!(r#""layers":[],"artifactType":"a/{seed}","subject":{subject}"#))
}

fn index(entries: &[&Manifest]) -> Manifest {
    let entries: Vec<String> = entries.iter().map(|entry| as_json(entry)).collect();
    document(INDEX, &format!(r#""manifests":[{}]"#, entries.join(",")))
}

fn fresh() -> (TempDir, LayoutRepository) {
    let dir = tempfile::tempdir().unwrap();
    let layout = Layout::create_or_open(dir.path()).unwrap();
    (dir, layout.repository(None))
}

async fn publish(layout: &LayoutRepository, manifest: &Manifest, name: &str) {
    layout.publish(manifest, At::Name(&RefName::new(name)), Mode::Force).await.unwrap();
}

async fn referrers(layout: &LayoutRepository, subject: &Manifest) -> Vec<Digest> {
    let listed = layout.referrers(subject.digest()).await.unwrap();
    listed.into_iter().map(|referrer| referrer.digest).collect()
}

async fn names(layout: &LayoutRepository) -> Vec<String> {
    layout.names().await.unwrap().iter().map(|name| name.as_str().to_owned()).collect()
}

#[tokio::test]
async fn every_ref_name_is_listed_once_and_to_the_letter() {
    let (_dir, layout) = fresh();
    assert!(names(&layout).await.is_empty());
    for name in ["v2", "app:v1", "Any Name"] {
        publish(&layout, &image(name), name).await;
    }
    publish(&layout, &image("other"), "v2").await;
    layout.publish(&image("none"), At::Digest, Mode::Force).await.unwrap();
    assert_eq!(names(&layout).await, ["Any Name", "app:v1", "v2"]);
}

#[tokio::test]
async fn a_name_that_is_taken_away_takes_no_other_with_it() {
    let (_dir, layout) = fresh();
    for name in ["v1", "v2", "app:v1"] {
        publish(&layout, &image("same"), name).await;
    }
    assert_eq!(layout.untag(&RefName::new("v1"), &[]).await.unwrap(), Untagged::Done);
    assert_eq!(layout.untag(&RefName::new("v1"), &[]).await.unwrap(), Untagged::Absent);
    assert_eq!(names(&layout).await, ["app:v1", "v2"]);
    assert!(layout.resolve(&content::Version::Name(RefName::new("v2"))).await.is_ok());
}

#[tokio::test]
async fn referrers_are_found_however_the_layout_leads_to_them() {
    let (_dir, layout) = fresh();
    let (subject, other) = (image("subject"), image("other"));
    let (by_digest, named, listed) =
        (about(&subject, "digest"), about(&subject, "name"), about(&subject, "list"));
    publish(&layout, &subject, "v1").await;
    assert!(referrers(&layout, &subject).await.is_empty());
    layout.publish(&by_digest, At::Digest, Mode::Force).await.unwrap();
    publish(&layout, &named, "signature").await;
    layout.publish(&listed, At::Part, Mode::Force).await.unwrap();
    assert_eq!(referrers(&layout, &subject).await, [by_digest.digest().clone(), named.digest().clone()]);
    // What other tools write: an index of referrers, below the fallback tag.
    let fallback = subject.digest().to_string().replace(':', "-");
    publish(&layout, &index(&[&listed, &by_digest]), &fallback).await;
    let found = referrers(&layout, &subject).await;
    assert_eq!(found, [by_digest, named, listed].map(|one| one.digest().clone()));
    assert!(referrers(&layout, &other).await.is_empty());
}

#[tokio::test]
async fn what_a_layout_need_not_hold_hides_no_referrer() {
    let (dir, layout) = fresh();
    let (subject, absent) = (image("subject"), image("absent"));
    let signature = about(&subject, "signature");
    publish(&layout, &index(&[&subject, &absent]), "v1").await;
    layout.publish(&signature, At::Digest, Mode::Force).await.unwrap();
    let table = fs::read_to_string(dir.path().join("index.json")).unwrap();
    let foreign = format!(
        r#""manifests":[{{"mediaType":"text/x","digest":"sha256:{}","size":4}},"#,
        blob(&dir, b"text")
    );
    fs::write(dir.path().join("index.json"), table.replacen(r#""manifests":["#, &foreign, 1)).unwrap();
    assert_eq!(referrers(&layout, &subject).await, [signature.digest().clone()]);
}

#[tokio::test]
async fn a_damaged_manifest_is_not_passed_over() {
    let (dir, layout) = fresh();
    let subject = image("subject");
    let signature = about(&subject, "signature");
    layout.publish(&signature, At::Digest, Mode::Force).await.unwrap();
    fs::write(dir.path().join("blobs/sha256").join(signature.digest().hex()), "damaged").unwrap();
    let fault = layout.referrers(subject.digest()).await.unwrap_err();
    assert_eq!(fault.kind(), FaultKind::Untrue);
    assert!(fault.to_string().contains(&signature.digest().to_string()), "{fault}");
}

fn blob(dir: &TempDir, bytes: &[u8]) -> String {
    let digest = content::Hasher::digest(reference::Algorithm::Sha256, bytes);
    fs::write(dir.path().join("blobs/sha256").join(digest.hex()), bytes).unwrap();
    digest.hex().to_owned()
}
