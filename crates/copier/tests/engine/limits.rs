//! Limits: each passes at its edge and refuses one beyond it, before the target hears of it.
use std::sync::Arc;

use copier::{CopyError, Existing, Foreign, LayerLimit, Limits, MAX_LAYER_BYTES, Refusal};
use serde_json::{Value, json};

use crate::{
    images::{LAYER, MANIFEST, extent, image, index, job, run},
    memory::{Memory, Repository, sha256},
};

fn images(repository: &Repository, count: usize) -> Vec<Value> {
    (0..count).map(|seed| repository.put_manifest(&image(repository, &seed.to_string(), &[]), None)).collect()
}

async fn outcome(source: &Arc<Repository>) -> (Result<(), CopyError>, usize) {
    let there = Memory::new("b");
    let result = run(&job(source, &there, &[("copy", &["v1"])])).await;
    (result.map(drop), there.ledger().len())
}

#[tokio::test]
async fn fifty_manifests_pass_however_often_they_are_named() {
    let source = Memory::new("a").repository("app");
    let mut entries = images(&source, 50);
    entries.push(entries[0].clone());
    source.put_manifest(&index(&entries), Some("v1"));
    assert!(outcome(&source).await.0.is_ok());
}

#[tokio::test]
async fn fifty_one_manifests_are_refused_without_a_second_get() {
    let here = Memory::new("a");
    let source = here.repository("app");
    source.put_manifest(&index(&images(&source, 51)), Some("v1"));
    let (result, requests) = outcome(&source).await;
    let refusal = Refusal::TooManyManifests { found: 51, limit: 50 };
    assert!(matches!(result, Err(CopyError::Refused(found)) if found == refusal));
    assert_eq!((requests, here.count("GET")), (0, 1));
}

#[tokio::test]
async fn nested_manifests_count_and_their_index_too() {
    let source = Memory::new("a").repository("app");
    let inner = source.put_manifest(&index(&images(&source, 50)), None);
    source.put_manifest(&index(&[inner]), Some("v1"));
    assert!(matches!(outcome(&source).await, (Err(CopyError::Refused(_)), 0)));
}

#[tokio::test]
async fn two_gib_pass_the_check_and_one_byte_more_does_not() {
    for (size, passes) in [(MAX_LAYER_BYTES, true), (MAX_LAYER_BYTES + 1, false)] {
        let source = Memory::new("a").repository("app");
        let layer = json!({"mediaType": LAYER, "digest": sha256(b"big").to_string(), "size": size});
        source.put_manifest(&image(&source, "x", &[layer]), Some("v1"));
        let (result, requests) = outcome(&source).await;
        let refused = matches!(result, Err(CopyError::Refused(Refusal::LayerTooLarge { .. })));
        assert_eq!((refused, requests > 0), (!passes, passes));
    }
}

#[tokio::test]
async fn a_large_config_and_a_skipped_foreign_layer_are_no_layers() {
    let here = Memory::new("a");
    let source = here.repository("app");
    let config = source.put_blob(&[1; 100], "application/vnd.oci.image.config.v1+json");
    let foreign = json!({"mediaType": "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
        "digest": sha256(b"far").to_string(), "size": 1_000_000, "urls": ["https://example.com/far"]});
    let manifest = json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [foreign]});
    source.put_manifest(&manifest, Some("v1"));
    let there = Memory::new("b");
    let mut job = job(&source, &there, &[("copy", &["v1"])]);
    job.limits = Limits { layer: Some(LayerLimit { bytes: 10, because: "a test".into() }), manifests: None };
    let report = run(&job).await.unwrap();
    assert_eq!((report.skipped.len(), extent(&report).1), (1, 1));
    assert_eq!(there.tag("copy", "v1"), here.tag("app", "v1"), "the manifest is unchanged");
    job.foreign = Foreign::Include;
    assert!(matches!(run(&job).await, Err(CopyError::Refused(_))));
}

#[tokio::test]
async fn indexes_nest_eight_deep_and_no_deeper() {
    for (depth, passes) in [(8, true), (9, false)] {
        let source = Memory::new("a").repository("app");
        let mut entry = source.put_manifest(&image(&source, "x", &[]), None);
        for _ in 1..depth {
            entry = source.put_manifest(&index(&[entry]), None);
        }
        source.put_manifest(&index(&[entry]), Some("v1"));
        let (result, requests) = outcome(&source).await;
        assert_eq!((result.is_ok(), requests > 0), (passes, passes), "depth {depth}");
    }
}

/// Manifests stay in memory until they are written.
#[tokio::test]
async fn manifests_of_256_mib_are_read_and_a_byte_more_refuses_them_all() {
    const FOUR_MIB: u64 = 4 * 1024 * 1024;
    for (last, passes) in [(FOUR_MIB, true), (1, false)] {
        let here = Memory::new("a");
        let source = here.repository("app");
        let mut sizes = vec![FOUR_MIB; 63];
        sizes.extend([FOUR_MIB, last].iter().take(if passes { 1 } else { 2 }));
        let entry = |(name, size): (usize, &u64)| {
            let digest = sha256(name.to_string().as_bytes()).to_string();
            json!({"mediaType": MANIFEST, "digest": digest, "size": size})
        };
        let entries: Vec<Value> = sizes.iter().enumerate().map(entry).collect();
        source.put_manifest(&index(&entries), Some("v1"));
        let there = Memory::new("b");
        let mut job = job(&source, &there, &[("copy", &["v1"])]);
        job.limits = Limits::none();
        let refused = matches!(run(&job).await, Err(CopyError::Refused(Refusal::TooManyBytes { .. })));
        // None of them is there; where they are not refused unread, that is what is found.
        assert_eq!((refused, here.count("GET") > 1), (!passes, passes));
        assert!(there.ledger().is_empty());
    }
}

#[tokio::test]
async fn a_layer_that_one_manifest_calls_foreign_and_another_its_own_is_copied() {
    for foreign_first in [true, false] {
        let source = Memory::new("a").repository("app");
        let own = source.put_blob(&[4; 40], LAYER);
        let mut foreign = own.clone();
        foreign["mediaType"] = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip".into();
        let mut entries =
            [foreign, own].map(|layer| source.put_manifest(&image(&source, "x", &[layer]), None));
        if !foreign_first {
            entries.reverse();
        }
        source.put_manifest(&index(&entries), Some("v1"));
        let there = Memory::new("b");
        let report = run(&job(&source, &there, &[("copy", &["v1"])])).await.unwrap();
        assert_eq!(report.skipped.len(), 0);
        assert!(there.blob(&sha256(&[4; 40])).is_some());
    }
}

#[tokio::test]
async fn foreign_layers_can_be_asked_for_after_they_were_skipped() {
    let source = Memory::new("a").repository("app");
    let mut foreign = source.put_blob(&[4; 40], LAYER);
    foreign["mediaType"] = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip".into();
    source.put_manifest(&image(&source, "x", &[foreign]), Some("v1"));
    let there = Memory::new("b");
    let mut job = job(&source, &there, &[("copy", &["v1"])]);
    job.existing = Existing::Move;
    run(&job).await.unwrap();
    assert_eq!(there.blob(&sha256(&[4; 40])), None);
    job.foreign = Foreign::Include;
    let report = run(&job).await.unwrap();
    assert_eq!(report.outcomes[0].result.clone().unwrap().copied, 1);
    assert!(there.blob(&sha256(&[4; 40])).is_some());
    assert_eq!(there.count("PUT"), 1, "the manifest was there");
}
