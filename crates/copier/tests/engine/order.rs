//! Order: nothing is named before it is there.
use content::FaultKind;
use serde_json::json;

use crate::{
    images::{INDEX, LAYER, extent, image, index, job, run, two_platforms},
    memory::{Memory, sha256},
};

#[tokio::test]
async fn blobs_come_before_manifests_and_the_tag_comes_last() {
    let (here, there) = (Memory::new("a"), Memory::new("b"));
    let source = two_platforms(&here);
    run(&job(&source, &there, &[("copy", &["v1", "latest"])])).await.unwrap();
    let writes: Vec<String> = there
        .ledger()
        .into_iter()
        .filter(|line| line.starts_with("COMMIT") || line.starts_with("PUT"))
        .collect();
    assert!(writes[..5].iter().all(|line| line.starts_with("COMMIT")), "{writes:?}");
    assert!(writes[5..7].iter().all(|line| line.starts_with("PUT copy/sha256:")), "{writes:?}");
    assert_eq!(writes[7..], ["PUT copy/v1", "PUT copy/latest"]);
}

#[tokio::test]
async fn a_manifest_follows_all_that_it_names_on_every_path() {
    let (here, there) = (Memory::new("a"), Memory::new("b"));
    let source = here.repository("app");
    let leaf = source.put_manifest(&image(&source, "leaf", &[]), None);
    let middle = source.put_manifest(&index(std::slice::from_ref(&leaf)), None);
    source.put_manifest(&index(&[middle.clone(), leaf.clone()]), Some("v1"));
    run(&job(&source, &there, &[("copy", &["v1"])])).await.unwrap();
    let puts: Vec<String> = there.ledger().into_iter().filter(|line| line.starts_with("PUT")).collect();
    let put = |entry: &serde_json::Value| format!("PUT copy/{}", entry["digest"].as_str().unwrap());
    assert_eq!(puts, [put(&leaf), put(&middle), "PUT copy/v1".to_owned()]);
}

#[tokio::test]
async fn entries_of_a_build_cache_are_blobs() {
    let (here, there) = (Memory::new("a"), Memory::new("b"));
    let source = here.repository("cache");
    let layer = source.put_blob(&[3; 50], LAYER);
    let config = source.put_blob(b"{}", "application/vnd.buildkit.cacheconfig.v0");
    source.put_manifest(&index(&[layer, config]), Some("v1"));
    let report = run(&job(&source, &there, &[("copy", &["v1"])])).await.unwrap();
    assert_eq!(extent(&report), (1, 2));
    assert_eq!(there.blob(&sha256(b"{}")).unwrap(), "{}");
}

#[tokio::test]
async fn a_manifest_of_unknown_type_travels_unchanged() {
    let (here, there) = (Memory::new("a"), Memory::new("b"));
    let source = here.repository("app");
    let odd =
        json!({"schemaVersion": 2, "mediaType": "application/vnd.example.odd.v1+json", "payload": [1, 2]});
    let entry = source.put_manifest(&odd, None);
    source.put_manifest(&json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [entry]}), Some("v1"));
    let report = run(&job(&source, &there, &[("copy", &["v1"])])).await.unwrap();
    assert_eq!(extent(&report), (2, 0));
    let digest = sha256(&serde_json::to_vec(&odd).unwrap());
    assert_eq!(there.manifest_bytes(&digest), here.manifest_bytes(&digest));
}

#[tokio::test]
async fn schema_version_one_is_refused() {
    let (here, there) = (Memory::new("a"), Memory::new("b"));
    let source = here.repository("app");
    let old = json!({"schemaVersion": 1, "mediaType": "application/vnd.docker.distribution.manifest.v1+json",
        "fsLayers": []});
    source.put_manifest(&old, Some("v1"));
    let error = run(&job(&source, &there, &[("copy", &["v1"])])).await.unwrap_err();
    assert_eq!(error.kind(), FaultKind::Refused);
    assert!(there.ledger().is_empty());
}
