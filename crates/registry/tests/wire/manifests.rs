//! Reading: names, manifests and blobs.
use content::{At, FaultKind, Hasher, Manifest, Mode, Source, Target, Version};
use futures::StreamExt;
use reference::{Algorithm, RefName};

use crate::script::{Act, End, Script, answer, blob};

const MANIFEST: &str =
    r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","layers":[]}"#;
const TYPE: &str = "Content-Type: application/vnd.oci.image.manifest.v1+json";

fn name(text: &str) -> Version {
    Version::Name(RefName::new(text))
}

fn digest_line() -> String {
    format!("Docker-Content-Digest: {}", Hasher::digest(Algorithm::Sha256, MANIFEST.as_bytes()))
}

fn head_of_manifest() -> Act {
    let length = format!("Content-Length: {}", MANIFEST.len());
    answer(200, &[TYPE, &digest_line(), &length], "")
}

#[tokio::test]
async fn a_name_costs_one_head_with_every_accepted_type() {
    let server = Script::start(|_, _| head_of_manifest()).await;
    let found = server.repository("a/b").resolve(&name("v1")).await.unwrap();
    assert_eq!(found.digest, Hasher::digest(Algorithm::Sha256, MANIFEST.as_bytes()));
    assert_eq!(found.size, MANIFEST.len() as u64);
    assert_eq!(server.lines(), ["HEAD /v2/a/b/manifests/v1"]);
    let seen = server.seen().remove(0);
    let accept = seen.header("accept").unwrap();
    for part in ["oci.image.index.v1", "manifest.list.v2", "oci.image.manifest.v1", "manifest.v2"] {
        assert!(accept.contains(part), "{accept}");
    }
    assert_eq!(seen.header("accept-encoding"), Some("identity"));
    assert_eq!(seen.header("authorization"), None);
}

#[tokio::test]
async fn a_head_that_is_refused_or_says_too_little_is_followed_by_a_get() {
    let heads: [fn() -> Act; 4] = [
        || answer(405, &[], ""),
        || answer(404, &[], ""),
        || answer(200, &[TYPE, "Content-Length: 107"], ""),
        || answer(200, &[TYPE, &digest_line(), "Content-Length: 0"], ""),
    ];
    for head in heads {
        let server = Script::start(move |seen, _| match seen.method.as_str() {
            "HEAD" => head(),
            _ => answer(200, &[TYPE], MANIFEST),
        })
        .await;
        let found = server.repository("app").resolve(&name("v1")).await.unwrap();
        assert_eq!(found.digest, Hasher::digest(Algorithm::Sha256, MANIFEST.as_bytes()));
        assert_eq!(server.lines(), ["HEAD /v2/app/manifests/v1", "GET /v2/app/manifests/v1"]);
    }
}

#[tokio::test]
async fn only_a_404_is_absent() {
    for (status, expected) in [
        (404, Ok(false)),
        (200, Ok(true)),
        (401, Err(FaultKind::Authentication)),
        (403, Err(FaultKind::Authentication)),
    ] {
        let server = Script::start(move |_, _| match status {
            200 => head_of_manifest(),
            _ => answer(status, &[], ""),
        })
        .await;
        let found = Target::find(&server.repository("app"), &name("v1")).await;
        assert_eq!(found.map(|found| found.is_some()).map_err(|fault| fault.kind()), expected, "{status}");
    }
}

#[tokio::test]
async fn a_tag_exists_whatever_it_points_to() {
    let large = "x".repeat(5 * 1024 * 1024);
    for body in [r#"{"schemaVersion":1,"fsLayers":[]}"#, "no JSON", large.as_str()] {
        let content = body.to_owned();
        let server = Script::start(move |seen, _| match seen.method.as_str() {
            "HEAD" => answer(405, &[], ""),
            _ => {
                answer(200, &["Content-Type: application/vnd.docker.distribution.manifest.v1+json"], &content)
            }
        })
        .await;
        let found = Target::find(&server.repository("app"), &name("v1")).await.unwrap().unwrap();
        assert_eq!(found.digest, Hasher::digest(Algorithm::Sha256, body.as_bytes()));
        assert_eq!(found.size, body.len() as u64);
    }
}

const PAGE: &str = "Content-Type: text/html; charset=utf-8";

#[tokio::test]
async fn a_web_servers_404_is_not_absent() {
    let server = Script::start(|_, _| answer(404, &[PAGE], "<html>not here</html>")).await;
    let repository = server.repository("app");
    let manifest = Manifest::read(bytes::Bytes::from(MANIFEST), None, None, None).unwrap();
    let tag = RefName::new("v1");
    let faults = [
        repository.resolve(&name("v1")).await.unwrap_err(),
        Source::manifest(&repository, &name("v1"), None).await.unwrap_err(),
        repository.open(&blob(b"x"), 0..1).await.unwrap_err(),
        Target::find(&repository, &name("v1")).await.unwrap_err(),
        repository.begin(&blob(b"x"), None).await.unwrap_err(),
        repository.publish(&manifest, At::Name(&tag), Mode::NoForce).await.unwrap_err(),
        repository.publish(&manifest, At::Name(&tag), Mode::Force).await.unwrap_err(),
    ];
    for fault in faults {
        assert_eq!(fault.kind(), FaultKind::Untrue, "{fault}");
        assert!(fault.to_string().contains("web page") && fault.hint_text().is_some(), "{fault}");
    }
}

#[tokio::test]
async fn a_registrys_404_is_absent_and_a_proxys_html_keeps_its_meaning() {
    let own = "Docker-Distribution-Api-Version: registry/2.0";
    for (status, header, kind) in [
        (404, own, FaultKind::Absent),
        (403, "X: y", FaultKind::Authentication),
        (413, "X: y", FaultKind::Refused),
        (429, "X: y", FaultKind::Unreachable),
        (502, "X: y", FaultKind::Unreachable),
    ] {
        let server = Script::start(move |_, _| answer(status, &[PAGE, header], "<html></html>")).await;
        let mut options = registry::Options::default();
        options.attempts = 1;
        let repository = server.repository_with("app", options);
        let fault = Source::manifest(&repository, &name("v1"), None).await.unwrap_err();
        assert_eq!(fault.kind(), kind, "{status}");
        if status == 404 {
            assert!(Target::find(&repository, &name("v1")).await.unwrap().is_none());
        }
    }
}

#[tokio::test]
async fn html_is_no_manifest() {
    let page = || answer(200, &["Content-Type: text/html; charset=utf-8"], "<html></html>");
    let server = Script::start(move |_, _| page()).await;
    let repository = server.repository("app");
    assert_eq!(repository.resolve(&name("v1")).await.unwrap_err().kind(), FaultKind::Untrue);
    let fault = Source::manifest(&repository, &name("v1"), None).await.unwrap_err();
    assert_eq!(fault.kind(), FaultKind::Untrue);
    assert!(fault.hint_text().is_some());
}

#[tokio::test]
async fn a_manifest_of_more_than_4_mib_is_refused_unread() {
    let server = Script::start(|_, _| answer(200, &[TYPE], vec![b' '; 4 * 1024 * 1024 + 1])).await;
    let fault = Source::manifest(&server.repository("app"), &name("v1"), None).await.unwrap_err();
    assert_eq!(fault.kind(), FaultKind::Refused);
}

#[tokio::test]
async fn another_digest_than_the_one_asked_for_is_untrue_and_another_algorithm_is_not() {
    let asked = Hasher::digest(Algorithm::Sha512, MANIFEST.as_bytes());
    let server = Script::start(|_, _| answer(200, &[TYPE, &digest_line()], MANIFEST)).await;
    let repository = server.repository("app");
    let manifest = Source::manifest(&repository, &Version::Digest(asked.clone()), None).await.unwrap();
    assert_eq!(*manifest.digest(), asked);
    let other = Version::Digest(Hasher::digest(Algorithm::Sha256, b"other"));
    assert_eq!(Source::manifest(&repository, &other, None).await.unwrap_err().kind(), FaultKind::Untrue);
    assert_eq!(repository.resolve(&other).await.unwrap_err().kind(), FaultKind::Untrue);
}

#[tokio::test]
async fn a_manifest_cut_short_is_asked_for_again() {
    let server = Script::start(|_, index| match index {
        0 => answer(200, &[TYPE, "Content-Length: 500"], MANIFEST).then(End::Close),
        _ => answer(200, &[TYPE], MANIFEST),
    })
    .await;
    Source::manifest(&server.repository("app"), &name("v1"), None).await.unwrap();
    assert_eq!(server.lines().len(), 2);
}

async fn read(server: &Script, bytes: &[u8], from: u64) -> Result<(u64, Vec<u8>), FaultKind> {
    let descriptor = blob(bytes);
    let span = from..descriptor.size;
    let incoming = server.repository("app").open(&descriptor, span).await.map_err(|fault| fault.kind())?;
    let chunks: Vec<_> = incoming.bytes.collect().await;
    let mut whole = Vec::new();
    for chunk in chunks {
        let chunk = chunk.map_err(|fault| {
            assert!(fault.is_momentary());
            fault.kind()
        })?;
        whole.extend_from_slice(&chunk);
    }
    Ok((incoming.at, whole))
}

#[tokio::test]
async fn a_blob_is_resumed_where_it_broke() {
    let server = Script::start(|seen, _| match seen.header("range") {
        Some("bytes=4-") => answer(206, &["Content-Range: bytes 4-9/10"], "456789"),
        _ => answer(400, &[], ""),
    })
    .await;
    assert_eq!(read(&server, b"0123456789", 4).await, Ok((4, b"456789".to_vec())));
}

#[tokio::test]
async fn a_range_that_is_not_the_one_asked_for_is_not_used() {
    let partial: [fn() -> Act; 6] = [
        || answer(206, &["Content-Range: bytes 5-9/10"], "56789"),
        || answer(206, &["Content-Range: bytes 4-9/11"], "456789"),
        || answer(206, &["Content-Range: bytes 4-9/10"], "4567"),
        || answer(206, &[], "456789"),
        || answer(416, &[], ""),
        || answer(400, &["Content-Type: application/xml"], "<Error/>"),
    ];
    for partial in partial {
        let server = Script::start(move |seen, _| match seen.header("range") {
            Some(_) => partial(),
            None => answer(200, &[], "0123456789"),
        })
        .await;
        assert_eq!(read(&server, b"0123456789", 4).await, Ok((0, b"0123456789".to_vec())));
        assert_eq!(server.lines().len(), 2);
    }
}

#[tokio::test]
async fn a_length_that_contradicts_the_descriptor_is_refused_at_the_door() {
    let server = Script::start(|_, _| answer(200, &[], "012345678")).await;
    assert_eq!(read(&server, b"0123456789", 0).await, Err(FaultKind::Untrue));
}

#[tokio::test]
async fn a_blob_that_breaks_off_is_momentary() {
    for end in [End::Close, End::Reset] {
        let server = Script::start(move |_, _| answer(200, &["Content-Length: 10"], "01234").then(end)).await;
        assert_eq!(read(&server, b"0123456789", 0).await, Err(FaultKind::Unreachable));
    }
}

#[tokio::test]
async fn what_a_repository_holds_of_a_blob_costs_one_head() {
    let server = Script::start(|_, _| answer(200, &["Content-Length: 7"], "")).await;
    let descriptor = blob(b"content");
    assert_eq!(server.repository("app").held(&descriptor).await.unwrap(), Some(7));
    assert_eq!(server.lines(), [format!("HEAD /v2/app/blobs/{}", descriptor.digest)]);
}

#[tokio::test]
async fn a_head_of_a_blob_that_says_too_little_is_followed_by_a_get_of_one_byte() {
    let heads: [fn() -> Act; 4] = [
        || answer(405, &[], ""),
        || answer(404, &[], ""),
        || answer(200, &[], ""),
        || answer(200, &["Content-Length: 0"], ""),
    ];
    for head in heads {
        for (there, found) in [(true, Some(7)), (false, None)] {
            let server = Script::start(move |seen, _| match seen.method.as_str() {
                "HEAD" => head(),
                _ if there => answer(206, &["Content-Range: bytes 0-0/7"], "c"),
                _ => answer(404, &[], r#"{"errors":[{"code":"BLOB_UNKNOWN"}]}"#),
            })
            .await;
            assert_eq!(server.repository("app").held(&blob(b"content")).await.unwrap(), found);
            let seen = server.seen();
            assert_eq!((seen.len(), seen[1].header("range")), (2, Some("bytes=0-0")));
        }
    }
}

#[tokio::test]
async fn a_repository_that_may_not_be_looked_at_holds_nobody_knows_what() {
    let server = Script::start(|_, _| answer(403, &[], "")).await;
    let fault = server.repository("app").held(&blob(b"content")).await.unwrap_err();
    assert_eq!(fault.kind(), FaultKind::Authentication);
    assert_eq!(server.lines().len(), 1);
}
