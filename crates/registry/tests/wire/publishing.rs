//! Publishing: tags, conflicts and the referrers fallback.
use std::sync::{
    Mutex,
    atomic::{AtomicUsize, Ordering},
};

use bytes::Bytes;
use content::{At, FaultKind, Hasher, Manifest, Mode, Target};
use reference::{Algorithm, RefName};

use crate::script::{Act, End, Script, Seen, answer, silence};

const TYPE: &str = "application/vnd.oci.image.manifest.v1+json";

fn manifest(extra: &str) -> Manifest {
    let text = format!(r#"{{ "schemaVersion": 2, "mediaType": "{TYPE}", "layers": [] {extra} }}"#);
    Manifest::read(Bytes::from(text), None, None, None).unwrap()
}

fn head(digest: &impl ToString) -> Act {
    let digest = format!("Docker-Content-Digest: {}", digest.to_string());
    answer(200, &[&format!("Content-Type: {TYPE}"), &digest, "Content-Length: 100"], "")
}

#[tokio::test]
async fn bytes_and_media_type_go_out_as_they_are() {
    let server = Script::start(|_, _| answer(201, &[], "")).await;
    let manifest = manifest("");
    let repository = server.repository("app");
    repository.publish(&manifest, At::Name(&RefName::new("v1")), Mode::Force).await.unwrap();
    repository.publish(&manifest, At::Part, Mode::Force).await.unwrap();
    let seen = server.seen();
    assert_eq!(seen[0].line(), "PUT /v2/app/manifests/v1");
    assert_eq!(seen[1].line(), format!("PUT /v2/app/manifests/{}", manifest.digest()));
    assert_eq!(seen[0].body, manifest.bytes().to_vec());
    assert_eq!(seen[0].header("content-type"), Some(TYPE));
}

#[tokio::test]
async fn a_web_page_is_no_manifest_written() {
    for status in [200, 201] {
        let page = "<!DOCTYPE html><html>Please log in</html>";
        let server = Script::start(move |_, _| answer(status, &["Content-Type: text/html"], page)).await;
        let name = RefName::new("v1");
        let outcome = server.repository("app").publish(&manifest(""), At::Name(&name), Mode::Force).await;
        assert_eq!(outcome.unwrap_err().kind(), FaultKind::Untrue);
    }
}

#[tokio::test]
async fn an_answer_that_is_not_the_one_that_is_due_is_looked_into() {
    let there = head(&manifest("").digest().clone()).answer;
    let other = head(&Hasher::digest(Algorithm::Sha256, b"theirs")).answer;
    let cases = [
        (there, None),
        (other, Some(FaultKind::Protocol)),
        (answer(404, &[], "").answer, Some(FaultKind::Protocol)),
    ];
    for (found, kind) in cases {
        let server = Script::start(move |seen: &Seen, _| match seen.method.as_str() {
            "HEAD" => Act { answer: found.clone(), ..answer(200, &[], "") },
            _ => answer(200, &[], ""),
        })
        .await;
        let name = RefName::new("v1");
        let outcome = server.repository("app").publish(&manifest(""), At::Name(&name), Mode::Force).await;
        assert_eq!(outcome.err().map(|fault| fault.kind()), kind);
        assert_eq!(server.lines(), ["PUT /v2/app/manifests/v1", "HEAD /v2/app/manifests/v1"]);
    }
}

#[tokio::test]
async fn a_tag_that_appeared_is_not_touched() {
    let server = Script::start(|_, _| head(&Hasher::digest(Algorithm::Sha256, b"theirs"))).await;
    let name = RefName::new("v1");
    let outcome = server.repository("app").publish(&manifest(""), At::Name(&name), Mode::NoForce).await;
    assert_eq!(outcome.unwrap_err().kind(), FaultKind::Conflict);
    assert_eq!(server.lines(), ["HEAD /v2/app/manifests/v1"]);
}

#[tokio::test]
async fn a_tag_that_appears_between_two_tries_is_not_touched() {
    let server = Script::start(|seen: &Seen, index| match seen.method.as_str() {
        "HEAD" if index == 0 => answer(404, &[], ""),
        "HEAD" => head(&Hasher::digest(Algorithm::Sha256, b"theirs")),
        _ => answer(503, &[], ""),
    })
    .await;
    let name = RefName::new("v1");
    let outcome = server.repository("app").publish(&manifest(""), At::Name(&name), Mode::NoForce).await;
    assert_eq!(outcome.unwrap_err().kind(), FaultKind::Conflict);
    let methods: Vec<_> = server.seen().into_iter().map(|seen| seen.method).collect();
    assert_eq!(methods, ["HEAD", "PUT", "HEAD"]);
}

#[tokio::test]
async fn a_tag_whose_answer_was_lost_is_done_when_it_is_there() {
    let manifest = manifest("");
    let digest = manifest.digest().clone();
    let server = Script::start(move |seen: &Seen, index| match seen.method.as_str() {
        "HEAD" if index == 0 => answer(404, &[], ""),
        "HEAD" => head(&digest),
        "PUT" if index == 1 => silence(usize::MAX, End::Close),
        _ => answer(201, &[], ""),
    })
    .await;
    let name = RefName::new("v1");
    server.repository("app").publish(&manifest, At::Name(&name), Mode::NoForce).await.unwrap();
    let tagged = server.lines().into_iter().filter(|line| line == "PUT /v2/app/manifests/v1").count();
    assert_eq!(tagged, 1);
}

#[tokio::test]
async fn a_refused_tag_at_the_same_digest_is_done_and_at_another_a_conflict() {
    let manifest = manifest("");
    let refusal = r#"{"errors":[{"code":"X","message":"tag is immutable"}]}"#;
    for same in [true, false] {
        for status in [400, 403, 405, 409, 412] {
            let theirs = Hasher::digest(Algorithm::Sha256, b"theirs");
            let there = if same { manifest.digest().clone() } else { theirs };
            let server = Script::start(move |seen: &Seen, _| match seen.method.as_str() {
                "HEAD" => head(&there),
                _ => answer(status, &[], refusal),
            })
            .await;
            let name = RefName::new("v1");
            let outcome = server.repository("app").publish(&manifest, At::Name(&name), Mode::Force).await;
            match outcome {
                Ok(()) => assert!(same, "{status}"),
                Err(fault) => assert_eq!((same, fault.kind()), (false, FaultKind::Conflict), "{status}"),
            }
        }
    }
}

#[tokio::test]
async fn an_ok_in_html_that_names_the_digest_is_a_registrys() {
    for (named, kind) in [(true, None), (false, Some(FaultKind::Untrue))] {
        let manifest = manifest("");
        let digest = format!("Docker-Content-Digest: {}", manifest.digest());
        let server = Script::start(move |_, _| {
            let mut headers = vec!["Content-Type: text/html; charset=utf-8"];
            headers.extend(named.then_some(&*digest));
            answer(201, &headers, "OK")
        })
        .await;
        let name = RefName::new("v1");
        let published = server.repository("app").publish(&manifest, At::Name(&name), Mode::Force).await;
        assert_eq!(published.err().map(|fault| fault.kind()), kind);
    }
}

#[tokio::test]
async fn a_manifest_that_is_kept_under_another_digest_is_untrue() {
    let said = format!("Docker-Content-Digest: {}", Hasher::digest(Algorithm::Sha256, b"other"));
    let server = Script::start(move |_, _| answer(201, &[&said], "")).await;
    let outcome = server.repository("app").publish(&manifest(""), At::Digest, Mode::Force).await;
    assert_eq!(outcome.unwrap_err().kind(), FaultKind::Untrue);
}

fn with_subject() -> Manifest {
    let subject = Hasher::digest(Algorithm::Sha256, b"subject");
    manifest(&format!(
        r#", "artifactType": "application/x.sig", "annotations": {{"a": "b"}},
            "subject": {{"mediaType": "{TYPE}", "digest": "{subject}", "size": 7}}"#
    ))
}

#[tokio::test]
async fn a_registry_that_lists_referrers_needs_no_fallback_tag() {
    let server = Script::start(|_, _| answer(201, &["OCI-Subject: sha256:whatever"], "")).await;
    server.repository("app").publish(&with_subject(), At::Part, Mode::Force).await.unwrap();
    assert_eq!(server.lines().len(), 1);
}

const INDEX_TYPE: &str = "Content-Type: application/vnd.oci.image.index.v1+json";

/// An index of referrers that somebody else wrote.
fn their_index() -> String {
    let zeros = "0".repeat(64);
    format!(
        r#"{{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[
        {{"mediaType":"application/x","digest":"sha256:{zeros}","size":1,"custom":true}}],
        "annotations":{{"keep":"me"}},"unknown":[1]}}"#
    )
}

/// A registry without referrers, whose fallback tag is overwritten by somebody else after the first `lost` writes.
async fn forgetful(lost: usize) -> Script {
    let (index, writes) = (Mutex::new(their_index()), AtomicUsize::new(0));
    let tag = Hasher::digest(Algorithm::Sha256, b"subject").to_string().replace(':', "-");
    Script::start(move |seen: &Seen, _| match seen.method.as_str() {
        "GET" => answer(200, &[INDEX_TYPE, "ETag: \"7\""], index.lock().unwrap().as_str()),
        _ if seen.target.ends_with(&tag) && writes.fetch_add(1, Ordering::SeqCst) >= lost => {
            *index.lock().unwrap() = format!(
                r#"{{"schemaVersion":2,"manifests":[{{"mediaType":"{TYPE}","digest":"{}","size":1}}]}}"#,
                with_subject().digest()
            );
            answer(201, &[], "")
        }
        _ => answer(201, &[], ""),
    })
    .await
}

#[tokio::test]
async fn the_fallback_tag_is_merged_written_against_its_etag_and_read_again() {
    let server = forgetful(0).await;
    let manifest = with_subject();
    server.repository("app").publish(&manifest, At::Part, Mode::Force).await.unwrap();
    let tag = Hasher::digest(Algorithm::Sha256, b"subject").to_string().replace(':', "-");
    let lines = server.lines();
    let (get, put) = (format!("GET /v2/app/manifests/{tag}"), format!("PUT /v2/app/manifests/{tag}"));
    assert_eq!(lines[1..], [get.clone(), put, get]);
    let put = server.seen().remove(2);
    assert_eq!(put.header("if-match"), Some("\"7\""));
    let written = String::from_utf8(put.body).unwrap();
    let digest = manifest.digest().to_string();
    let theirs = ["\"custom\":true", r#""annotations":{"keep":"me"}"#, r#""unknown":[1]"#];
    for part in theirs.into_iter().chain([digest.as_str(), "application/x.sig", r#""annotations":{"a":"b"}"#])
    {
        assert!(written.contains(part), "{part} in {written}");
    }
}

#[tokio::test]
async fn a_referrer_that_was_overwritten_is_written_again_three_times_at_most() {
    let server = forgetful(2).await;
    server.repository("app").publish(&with_subject(), At::Part, Mode::Force).await.unwrap();
    let puts = server.lines().into_iter().filter(|line| line.contains("PUT")).count();
    assert_eq!(puts, 4);
    let server = forgetful(usize::MAX).await;
    let fault = server.repository("app").publish(&with_subject(), At::Part, Mode::Force).await.unwrap_err();
    assert!(fault.is_momentary(), "{fault}");
    assert_eq!(server.lines().into_iter().filter(|line| line.contains("PUT")).count(), 4);
}

#[tokio::test]
async fn a_registrys_own_words_are_shown_without_their_control_characters() {
    let body = r#"{"errors":[{"code":"MANIFEST_INVALID","message":"unknown \u001b[31mfield"}]}"#;
    let server = Script::start(move |_, _| answer(400, &[], body)).await;
    let outcome = server.repository("app").publish(&manifest(""), At::Part, Mode::Force).await;
    let text = outcome.unwrap_err().to_string();
    assert!(text.contains("MANIFEST_INVALID (unknown \\u{1b}[31mfield)"), "{text}");
}
