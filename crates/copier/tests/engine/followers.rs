//! Followers: what is about an image arrives before its name, whatever led to it.
use std::sync::Arc;

use content::{Descriptor, FaultKind, MediaType};
use copier::{CopyError, Existing, Job, Limits, Referrers, Refusal, Report};
use reference::Digest;
use serde_json::{Value, json};

use crate::{
    images::{INDEX, LAYER, MANIFEST, engine, image, index, job, run, two_platforms},
    memory::{Memory, Repository},
};

fn digest(value: &Value) -> Digest {
    value["digest"].as_str().unwrap().parse().unwrap()
}

/// A manifest about `subject`, with a blob of its own.
fn referrer(repository: &Repository, subject: &Value, seed: &str) -> Value {
    let blob = repository.put_blob(seed.as_bytes(), "text/plain");
    let manifest = json!({"schemaVersion": 2, "mediaType": MANIFEST, "artifactType": "application/x.sig",
        "layers": [blob], "subject": subject});
    repository.put_manifest(&manifest, None)
}

/// What cosign keeps about `subject`, under the tag that ends like this.
fn cosign(repository: &Repository, subject: &Value, end: &str) -> Value {
    let tag = digest(subject).to_string().replace(':', "-") + end;
    let blob = repository.put_blob(tag.as_bytes(), "application/vnd.dev.cosign.simplesigning.v1+json");
    repository.put_manifest(&json!({"schemaVersion": 2, "mediaType": MANIFEST, "layers": [blob]}), Some(&tag))
}

fn tag_of(subject: &Value, end: &str) -> String {
    digest(subject).to_string().replace(':', "-") + end
}

fn following(source: &Arc<Repository>, target: &Memory) -> Job {
    let job = job(source, target, &[("copy", &["v1"])]);
    Job { referrers: Referrers::Follow, existing: Existing::Move, limits: Limits::none(), ..job }
}

fn puts(target: &Memory) -> Vec<String> {
    target.ledger().into_iter().filter_map(|line| Some(line.strip_prefix("PUT copy/")?.to_owned())).collect()
}

/// The image, as an entry of an index.
fn root(memory: &Memory) -> Value {
    let digest = memory.tag("app", "v1").unwrap();
    let size = memory.manifest_bytes(&digest).unwrap().len();
    json!({"mediaType": INDEX, "digest": digest.to_string(), "size": size})
}

fn children(memory: &Memory) -> Vec<Value> {
    let bytes = memory.manifest_bytes(&digest(&root(memory))).unwrap();
    let index: Value = serde_json::from_slice(&bytes).unwrap();
    index["manifests"].as_array().unwrap().clone()
}

fn referrers(report: &Report) -> (usize, usize) {
    let found = report.extent.unwrap().referrers.unwrap();
    (found, report.outcomes[0].result.as_ref().unwrap().referrers)
}

#[tokio::test]
async fn signatures_of_both_kinds_come_after_what_they_sign_and_before_the_tag() {
    let (here, there) = (Memory::new("a"), Memory::new("b"));
    let source = two_platforms(&here);
    let (root, child) = (root(&here), children(&here).remove(0));
    let by_digest = [referrer(&source, &root, "root"), referrer(&source, &child, "child")];
    cosign(&source, &root, ".sig");
    cosign(&source, &child, ".att");
    cosign(&source, &child, ".sbom");
    let report = run(&following(&source, &there)).await.unwrap();
    assert_eq!(referrers(&report), (5, 5));
    let puts = puts(&there);
    let place = |name: &str| puts.iter().position(|put| put == name).unwrap();
    let parts = children(&here).iter().map(|part| place(&digest(part).to_string())).max().unwrap();
    let digests: Vec<usize> = by_digest.iter().map(|one| place(&digest(one).to_string())).collect();
    let tags = [(&root, ".sig"), (&child, ".att"), (&child, ".sbom")];
    let tags: Vec<usize> = tags.iter().map(|(subject, end)| place(&tag_of(subject, end))).collect();
    assert!(digests.iter().all(|one| *one > parts), "{puts:?}");
    assert!(tags.iter().min().unwrap() > digests.iter().max().unwrap(), "{puts:?}");
    assert_eq!(place("v1"), puts.len() - 1);
    assert_eq!(puts.len(), 8);
    let commits = there.ledger().iter().rposition(|line| line.starts_with("COMMIT")).unwrap();
    let first = there.ledger().iter().position(|line| line.starts_with("PUT")).unwrap();
    assert!(commits < first);
}

#[tokio::test]
async fn what_is_about_a_referrer_comes_before_it() {
    let (here, there) = (Memory::new("a"), Memory::new("b"));
    let source = two_platforms(&here);
    let sbom = referrer(&source, &root(&here), "sbom");
    let signature = referrer(&source, &sbom, "signature");
    cosign(&source, &signature, ".sig");
    let report = run(&following(&source, &there)).await.unwrap();
    assert_eq!(referrers(&report), (3, 3));
    let expected = [
        tag_of(&signature, ".sig"),
        digest(&signature).to_string(),
        digest(&sbom).to_string(),
        "v1".to_owned(),
    ];
    assert_eq!(puts(&there)[2..], expected);
}

#[tokio::test]
async fn nobody_is_asked_for_followers_that_nobody_wants() {
    let (here, there) = (Memory::new("a"), Memory::new("b"));
    let source = two_platforms(&here);
    referrer(&source, &root(&here), "signature");
    cosign(&source, &root(&here), ".sig");
    let report = run(&job(&source, &there, &[("copy", &["v1"])])).await.unwrap();
    assert_eq!(report.extent.unwrap().referrers, None);
    assert_eq!(here.count("LIST"), 0);
    assert_eq!(here.ledger().iter().filter(|line| line.contains(".sig")).count(), 0);
}

#[tokio::test]
async fn a_signature_that_is_younger_than_the_copy_follows_it() {
    let (here, there) = (Memory::new("a"), Memory::new("b"));
    let source = two_platforms(&here);
    let old = referrer(&source, &root(&here), "old");
    run(&following(&source, &there)).await.unwrap();
    let (new, before) = (referrer(&source, &root(&here), "new"), there.ledger().len());
    cosign(&source, &children(&here)[1], ".sig");
    let report = run(&following(&source, &there)).await.unwrap();
    assert_eq!(referrers(&report), (3, 2));
    let ledger = there.ledger().split_off(before);
    let of = |verb: &str| ledger.iter().filter(|line| line.starts_with(verb)).count();
    let written: Vec<&String> = ledger.iter().filter(|line| line.starts_with("PUT")).collect();
    let expected =
        [format!("PUT copy/{}", digest(&new)), format!("PUT copy/{}", tag_of(&children(&here)[1], ".sig"))];
    assert_eq!(written, expected.iter().collect::<Vec<_>>());
    // The tag, and each follower; the two new ones have a blob each.
    assert_eq!((of("HEAD"), of("COMMIT")), (4, 2), "{ledger:?}");
    assert!(ledger.contains(&format!("HEAD copy/{}", digest(&old))));
    let report = run(&following(&source, &there)).await.unwrap();
    let delivered = report.outcomes[0].result.as_ref().unwrap();
    assert!(delivered.already_there && delivered.referrers == 0);
}

#[tokio::test]
async fn a_survey_of_an_image_that_is_there_finds_the_signature_that_it_lacks() {
    let (here, there) = (Memory::new("a"), Memory::new("b"));
    let source = two_platforms(&here);
    let engine = engine();
    run(&following(&source, &there)).await.unwrap();
    assert!(engine.survey(&following(&source, &there)).await.unwrap().blobs.is_none());
    let signature = digest(&cosign(&source, &root(&here), ".sig"));
    let survey = engine.survey(&following(&source, &there)).await.unwrap();
    assert!(survey.blobs.is_some(), "{signature} is to be copied");
    let alone = Job { referrers: Referrers::Leave, ..following(&source, &there) };
    assert!(engine.survey(&alone).await.unwrap().blobs.is_none());
    assert_eq!(there.tag("copy", &tag_of(&root(&here), ".sig")), None);
}

#[tokio::test]
async fn a_tag_of_cosigns_moves_only_where_tags_may_move() {
    let (here, there) = (Memory::new("a"), Memory::new("b"));
    let source = two_platforms(&here);
    let signed = cosign(&source, &root(&here), ".sig");
    let tag = tag_of(&root(&here), ".sig");
    let theirs = there
        .repository("copy")
        .put_manifest(&json!({"schemaVersion": 2, "mediaType": MANIFEST, "layers": []}), Some(&tag));
    for existing in [Existing::Refuse, Existing::RefuseUnlessSame] {
        let error = run(&Job { existing, ..following(&source, &there) }).await.unwrap_err();
        let CopyError::TagsExist(conflicts) = error else { panic!("{error}") };
        assert_eq!(conflicts[0].name.as_str(), tag);
        assert_eq!((there.count("PUT"), there.count("BEGIN")), (0, 0));
        assert_eq!(there.tag("copy", &tag), Some(digest(&theirs)));
    }
    run(&following(&source, &there)).await.unwrap();
    assert_eq!(there.tag("copy", &tag), Some(digest(&signed)));
}

#[tokio::test]
async fn a_referrer_that_is_an_index_brings_what_is_below_it() {
    let (here, there) = (Memory::new("a"), Memory::new("b"));
    let source = two_platforms(&here);
    let part = source.put_manifest(&image(&source, "part", &[source.put_blob(&[5; 50], LAYER)]), None);
    let mut about = index(std::slice::from_ref(&part));
    about["subject"] = root(&here);
    let about = source.put_manifest(&about, None);
    let signature = referrer(&source, &part, "signature of a part");
    let report = run(&following(&source, &there)).await.unwrap();
    assert_eq!(referrers(&report), (2, 2));
    let expected = [&part, &signature, &about].map(|one| digest(one).to_string());
    assert_eq!(puts(&there)[2..5], expected);
}

#[tokio::test]
async fn followers_do_not_count_as_manifests_of_the_image() {
    let (here, there) = (Memory::new("a"), Memory::new("b"));
    let source = two_platforms(&here);
    for seed in 0..5 {
        referrer(&source, &root(&here), &seed.to_string());
    }
    let limits = Limits { manifests: Some(2), layer: None };
    let report = run(&Job { limits, ..following(&source, &there) }).await.unwrap();
    assert_eq!((report.extent.unwrap().manifests, referrers(&report)), (3, (5, 5)));
}

#[tokio::test]
async fn referrers_of_referrers_are_followed_eight_deep_and_no_deeper() {
    let (here, there) = (Memory::new("a"), Memory::new("b"));
    let source = two_platforms(&here);
    let mut subject = root(&here);
    for depth in 0..8 {
        subject = referrer(&source, &subject, &depth.to_string());
    }
    assert_eq!(referrers(&run(&following(&source, &there)).await.unwrap()), (8, 8));
    referrer(&source, &subject, "too far");
    let before = there.ledger().len();
    let error = run(&following(&source, &there)).await.unwrap_err();
    assert!(matches!(error, CopyError::Refused(Refusal::FollowedTooFar { limit: 8 })), "{error}");
    assert!(there.ledger()[before..].iter().all(|line| line.starts_with("HEAD")));
}

#[tokio::test]
async fn what_is_listed_and_says_otherwise_is_untrue() {
    let (here, there) = (Memory::new("a"), Memory::new("b"));
    let source = two_platforms(&here);
    let other = source.put_manifest(&image(&source, "other", &[]), None);
    let size = other["size"].as_u64().unwrap();
    here.list(&digest(&root(&here)), Descriptor::new(MediaType::new(MANIFEST), digest(&other), size));
    let error = run(&following(&source, &there)).await.unwrap_err();
    assert_eq!(error.kind(), FaultKind::Untrue);
    assert!(error.to_string().contains("is listed as a referrer"), "{error}");
    assert_eq!(there.count("PUT") + there.count("BEGIN"), 0);
}

#[tokio::test]
async fn what_is_listed_and_not_there_is_absent() {
    let (here, there) = (Memory::new("a"), Memory::new("b"));
    let source = two_platforms(&here);
    let gone = Descriptor::new(MediaType::new(MANIFEST), Digest::sha256([9; 32]), 7);
    here.list(&digest(&root(&here)), gone);
    let error = run(&following(&source, &there)).await.unwrap_err();
    assert_eq!(error.kind(), FaultKind::Absent);
    assert!(error.to_string().contains("though it is listed"), "{error}");
    assert!(error.hint().unwrap().contains("--referrers"));
}

#[tokio::test]
async fn a_lie_about_ten_thousand_referrers_is_refused_before_they_are_read() {
    let (here, there) = (Memory::new("a"), Memory::new("b"));
    let source = two_platforms(&here);
    for seed in 0..=10_000_u64 {
        let digest_of = crate::memory::sha256(&seed.to_le_bytes());
        here.list(&digest(&root(&here)), Descriptor::new(MediaType::new(MANIFEST), digest_of, 7));
    }
    let reads = here.count("GET");
    let error = run(&following(&source, &there)).await.unwrap_err();
    assert!(matches!(error, CopyError::Refused(Refusal::TooManyFollowers { .. })), "{error}");
    // The index, its two parts, and at most three tags of cosign's for each of the three.
    assert!(here.count("GET") - reads <= 12, "{:?}", here.ledger());
}

#[tokio::test]
async fn lies_about_many_manifests_are_refused_before_all_are_told() {
    let (here, there) = (Memory::new("a"), Memory::new("b"));
    let source = here.repository("app");
    let children: Vec<Value> =
        (0..60).map(|seed: u8| source.put_manifest(&image(&source, &seed.to_string(), &[]), None)).collect();
    source.put_manifest(&index(&children), Some("v1"));
    for (number, child) in children.iter().enumerate() {
        for seed in 0..1_000 {
            let digest_of = crate::memory::sha256(format!("{number} {seed}").as_bytes());
            here.list(&digest(child), Descriptor::new(MediaType::new(MANIFEST), digest_of, 7));
        }
    }
    let error = run(&following(&source, &there)).await.unwrap_err();
    assert!(matches!(error, CopyError::Refused(Refusal::TooManyFollowers { .. })), "{error}");
    assert!(here.count("LIST") < 30, "{}", here.count("LIST"));
}
