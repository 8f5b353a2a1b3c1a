//! Taking a tag away, and no other with it.
use content::{Catalog, Fault, Hasher, Untagged};
use reference::{Algorithm, Digest, RefName};

use crate::script::{Script, Seen, answer};

const TYPE: &str = "Content-Type: application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "Content-Type: application/vnd.oci.image.index.v1+json";

fn digest() -> Digest {
    Hasher::digest(Algorithm::Sha256, b"doomed")
}

fn index() -> String {
    let (digest, kind) = (digest(), "application/vnd.oci.image.manifest.v1+json");
    format!(r#"{{"schemaVersion":2,"manifests":[{{"mediaType":"{kind}","digest":"{digest}","size":6}}]}}"#)
}

/// A registry that removes by digest only, and has the tags `doomed` and `other`: at the same manifest, at an index
/// that holds it, or at another manifest.
async fn by_digest_only(refusal: u16, other: &'static str) -> Script {
    let at = |bytes: &[u8]| format!("Docker-Content-Digest: {}", Hasher::digest(Algorithm::Sha256, bytes));
    let head = |kind: &str, digest: String| answer(200, &[kind, &digest, "Content-Length: 6"], "");
    Script::start(move |seen: &Seen, _| match (seen.method.as_str(), seen.target.as_str()) {
        ("DELETE", "/v2/app/manifests/doomed") => {
            answer(refusal, &[], r#"{"errors":[{"code":"UNSUPPORTED"}]}"#)
        }
        ("DELETE", _) => answer(202, &[], ""),
        ("HEAD", "/v2/app/manifests/doomed") => head(TYPE, at(b"doomed")),
        ("HEAD", _) if other == "same" => head(TYPE, at(b"doomed")),
        ("HEAD", _) if other == "index" => head(INDEX, at(index().as_bytes())),
        ("HEAD", _) => head(TYPE, at(b"other")),
        ("GET", target) if target.contains("tags/list") => answer(200, &[], r#"{"tags":["doomed","other"]}"#),
        _ => answer(200, &[INDEX], index()),
    })
    .await
}

async fn untag(server: &Script) -> Result<Untagged, Fault> {
    server.repository("app").untag(&RefName::new("doomed"), &[]).await
}

fn deleted(server: &Script) -> Vec<String> {
    server.lines().into_iter().filter(|line| line.starts_with("DELETE")).collect()
}

#[tokio::test]
async fn a_registry_that_removes_tags_is_asked_once() {
    let server = Script::start(|_, _| answer(202, &[], "")).await;
    assert_eq!(untag(&server).await.unwrap(), Untagged::Done);
    assert_eq!(server.lines(), ["DELETE /v2/app/manifests/doomed"]);
}

#[tokio::test]
async fn a_tag_that_is_not_there_is_absent() {
    let server = Script::start(|_, _| answer(404, &[], "")).await;
    assert_eq!(untag(&server).await.unwrap(), Untagged::Absent);
    assert_eq!(server.lines(), ["DELETE /v2/app/manifests/doomed", "HEAD /v2/app/manifests/doomed"]);
}

#[tokio::test]
async fn a_manifest_is_removed_in_the_tags_stead_when_no_other_tag_leads_to_it() {
    // docker-registry 2.8 does not find the tag that it has; others say what is wrong.
    for refusal in [404, 400, 405] {
        let server = by_digest_only(refusal, "unlike").await;
        assert_eq!(untag(&server).await.unwrap(), Untagged::Done);
        let by_digest = format!("DELETE /v2/app/manifests/{}", digest());
        assert_eq!(deleted(&server), ["DELETE /v2/app/manifests/doomed".to_owned(), by_digest]);
    }
}

#[tokio::test]
async fn a_manifest_that_another_tag_leads_to_is_not_removed() {
    for other in ["same", "index"] {
        for refusal in [404, 405] {
            let server = by_digest_only(refusal, other).await;
            let Untagged::Refused(words) = untag(&server).await.unwrap() else { panic!("{other}") };
            assert!(words.contains("the tag other needs"), "{words}");
            assert_eq!(deleted(&server), ["DELETE /v2/app/manifests/doomed"], "{other}");
        }
    }
}

#[tokio::test]
async fn a_manifest_goes_with_all_its_tags_when_all_of_them_are_to_go() {
    let names = ["doomed", "other"].map(RefName::new);
    let server = by_digest_only(404, "same").await;
    let outcome = server.repository("app").untag(&names[0], &names).await.unwrap();
    assert_eq!((outcome, deleted(&server).len()), (Untagged::Done, 2));
    // An index is not left without what it holds, even if it is to go next.
    let server = by_digest_only(404, "index").await;
    let outcome = server.repository("app").untag(&names[0], &names).await.unwrap();
    assert!(matches!(outcome, Untagged::Refused(_)), "{outcome:?}");
}

#[tokio::test]
async fn a_registry_that_removes_nothing_says_so() {
    let server = Script::start(|seen: &Seen, _| match seen.method.as_str() {
        "DELETE" => answer(405, &[], r#"{"errors":[{"code":"UNSUPPORTED","message":"not here"}]}"#),
        "HEAD" => {
            answer(200, &[TYPE, &format!("Docker-Content-Digest: {}", digest()), "Content-Length: 6"], "")
        }
        _ => answer(200, &[], r#"{"tags":["doomed"]}"#),
    })
    .await;
    let outcome = untag(&server).await.unwrap();
    assert!(matches!(&outcome, Untagged::Refused(words) if words.contains("not here")), "{outcome:?}");
}

#[tokio::test]
async fn a_name_that_is_no_tag_is_not_asked_for() {
    let server = Script::start(|_, _| answer(202, &[], "")).await;
    let name = RefName::new("../../other/manifests/v1");
    assert!(server.repository("app").untag(&name, &[]).await.is_err());
    assert!(server.lines().is_empty());
}
