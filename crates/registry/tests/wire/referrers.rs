//! What is about a manifest: asked of the registry, and read at the fallback tag where it does not know.
use content::{Fault, FaultKind, Hasher, Manifest, Source, Target};
use reference::{Algorithm, Digest};
use registry::Repository;

use crate::script::{Act, Script, Seen, answer};

const INDEX: &str = "Content-Type: application/vnd.oci.image.index.v1+json";

fn digest(seed: u64) -> Digest {
    Hasher::digest(Algorithm::Sha256, &seed.to_le_bytes())
}

fn entry(seed: u64) -> String {
    let digest = digest(seed);
    format!(
        r#"{{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"{digest}","size":{seed}}}"#
    )
}

fn index(entries: &[String]) -> String {
    format!(r#"{{"schemaVersion":2,"manifests":[{}]}}"#, entries.join(","))
}

async fn listed(repository: &Repository) -> Result<Vec<Digest>, Fault> {
    let referrers = repository.referrers(&digest(0)).await?;
    Ok(referrers.into_iter().map(|referrer| referrer.digest).collect())
}

fn fallback() -> String {
    format!("GET /v2/app/manifests/{}", digest(0).to_string().replace(':', "-"))
}

fn question() -> String {
    format!("GET /v2/app/referrers/{}", digest(0))
}

#[tokio::test]
async fn a_registry_that_knows_its_referrers_is_asked_page_by_page() {
    let server = Script::start(|seen: &Seen, _| {
        if seen.target.contains('?') {
            answer(200, &[INDEX], index(&[entry(2), entry(3)]))
        } else {
            answer(200, &[INDEX, "Link: <?last=1>; rel=\"next\""], index(&[entry(1)]))
        }
    })
    .await;
    let repository = server.repository("app");
    assert_eq!(listed(&repository).await.unwrap(), [digest(1), digest(2), digest(3)]);
    assert_eq!(server.lines(), [question(), format!("{}?last=1", question())]);
    assert_eq!(server.seen()[0].header("accept"), Some("application/vnd.oci.image.index.v1+json"));
}

#[tokio::test]
async fn a_registry_that_does_not_know_the_question_is_asked_once() {
    let page = answer(200, &["Content-Type: text/html"], "<html>").answer;
    let unknown = [400, 404, 405, 406, 501].map(|status| answer(status, &[], "404 page not found").answer);
    for unknown in unknown.into_iter().chain([page]) {
        let server = Script::start(move |seen: &Seen, _| {
            if seen.target.contains("/referrers/") {
                Act { answer: unknown.clone(), ..answer(200, &[], "") }
            } else {
                answer(200, &[INDEX], index(&[entry(1)]))
            }
        })
        .await;
        let repository = server.repository("app");
        for _ in 0..2 {
            assert_eq!(listed(&repository).await.unwrap(), [digest(1)]);
        }
        assert_eq!(server.lines(), [question(), fallback(), fallback()]);
    }
}

#[tokio::test]
async fn a_manifest_that_is_not_there_does_not_show_that_a_registry_lists_no_referrers() {
    let server = Script::start(|seen: &Seen, _| {
        if seen.target.contains("/referrers/") {
            answer(404, &[], r#"{"errors":[{"code":"NAME_UNKNOWN"}]}"#)
        } else {
            answer(404, &[], "")
        }
    })
    .await;
    let repository = server.repository("app");
    for _ in 0..2 {
        assert!(listed(&repository).await.unwrap().is_empty());
    }
    assert_eq!(server.lines(), [question(), fallback(), question(), fallback()]);
}

#[tokio::test]
async fn whoever_has_listed_referrers_is_asked_again_after_a_404() {
    let server = Script::start(|_, index_of| match index_of {
        0 => answer(200, &[INDEX], index(&[])),
        1 | 2 => answer(404, &[], ""),
        _ => answer(200, &[INDEX], index(&[entry(1)])),
    })
    .await;
    let repository = server.repository("app");
    assert!(listed(&repository).await.unwrap().is_empty());
    assert!(listed(&repository).await.unwrap().is_empty());
    assert_eq!(listed(&repository).await.unwrap(), [digest(1)]);
    assert_eq!(server.lines(), [question(), question(), fallback(), question()]);
}

#[tokio::test]
async fn an_entry_that_cannot_be_read_is_not_passed_over() {
    let bad = [
        r#"{"mediaType":"x","digest":"sha256:00","size":1}"#,
        r#"{"mediaType":"x","digest":"blake3:00","size":1}"#,
        r#"{"mediaType":"x","size":1}"#,
        "7",
    ];
    for bad in bad {
        for asked in [true, false] {
            let body = index(&[entry(1), bad.to_owned()]);
            let server = Script::start(move |seen: &Seen, _| match seen.target.contains("/referrers/") {
                false => answer(200, &[INDEX], &body),
                true if asked => answer(200, &[INDEX], &body),
                true => answer(404, &[], ""),
            })
            .await;
            let fault = listed(&server.repository("app")).await.unwrap_err();
            assert_eq!(fault.kind(), FaultKind::Untrue, "{bad}: {fault}");
        }
    }
}

#[tokio::test]
async fn what_is_no_index_is_no_list_of_referrers() {
    for body in ["{}", "[]", r#"{"schemaVersion":2,"layers":[]}"#, "<html>"] {
        let server = Script::start(move |_, _| answer(200, &["Content-Type: application/json"], body)).await;
        assert_eq!(listed(&server.repository("app")).await.unwrap_err().kind(), FaultKind::Untrue, "{body}");
    }
}

#[tokio::test]
async fn a_refusal_is_no_empty_list() {
    for (status, kind) in [(403, FaultKind::Authentication), (413, FaultKind::Refused)] {
        let server = Script::start(move |_, _| answer(status, &[], "")).await;
        assert_eq!(listed(&server.repository("app")).await.unwrap_err().kind(), kind);
        assert_eq!(server.lines().len(), 1);
    }
}

#[tokio::test]
async fn referrers_without_end_are_refused() {
    let page: Vec<String> = (0..4000).map(entry).collect();
    let page = index(&page);
    let server = Script::start(move |_, number| {
        answer(200, &[INDEX, &format!("Link: <?last={number}>; rel=\"next\"")], &page)
    })
    .await;
    assert_eq!(listed(&server.repository("app")).await.unwrap_err().kind(), FaultKind::Refused);
    assert_eq!(server.lines().len(), 3);
    let large = format!(r#"{{"schemaVersion":2,"manifests":[],"x":"{}"}}"#, "x".repeat(5 << 20));
    let server = Script::start(move |_, _| answer(200, &[INDEX], &large)).await;
    assert_eq!(listed(&server.repository("app")).await.unwrap_err().kind(), FaultKind::Refused);
}

#[tokio::test]
async fn a_list_of_large_pages_ends_before_it_fills_the_memory() {
    let large = entry(1).replace('}', &format!(r#","annotations":{{"x":"{}"}}}}"#, "x".repeat(3 << 20)));
    let server = Script::start(move |_, number| {
        let link = format!("Link: <?last={number}>; rel=\"next\"");
        answer(200, &[INDEX, &link], index(std::slice::from_ref(&large)))
    })
    .await;
    let fault = listed(&server.repository("app")).await.unwrap_err();
    assert_eq!(fault.kind(), FaultKind::Refused, "{fault}");
    assert_eq!(server.lines().len(), 11);
}

#[tokio::test]
async fn a_referrer_that_is_there_and_not_listed_is_not_taken_for_there() {
    let subject = format!(
        r#"{{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"{}","size":7}}"#,
        digest(0)
    );
    let text = format!(
        r#"{{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","layers":[],"subject":{subject}}}"#
    );
    let manifest = Manifest::read(text.into(), None, None, None).unwrap();
    let own = format!(
        r#"{{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"{}","size":1}}"#,
        manifest.digest()
    );
    for (knows, is_listed) in [(true, true), (true, false), (false, true), (false, false)] {
        let list = index(&if is_listed { vec![entry(1), own.clone()] } else { vec![entry(1)] });
        let said = format!("Docker-Content-Digest: {}", manifest.digest());
        let server = Script::start(move |seen: &Seen, _| match seen.target.contains("/referrers/") {
            true if !knows => answer(404, &[], "404 page not found"),
            false if seen.method == "HEAD" => {
                answer(200, &[&said, "Content-Type: application/vnd.oci.image.manifest.v1+json"], "")
            }
            _ => answer(200, &[INDEX], list.clone()),
        })
        .await;
        let repository = server.repository("app");
        assert_eq!(repository.lists(&manifest).await.unwrap(), is_listed, "{:?}", server.lines());
        let looked = server.lines().iter().filter(|line| line.starts_with("HEAD")).count();
        assert_eq!(looked, usize::from(is_listed && !knows), "{:?}", server.lines());
    }
}
