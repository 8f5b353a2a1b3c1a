//! Challenges: answered once, remembered, and never answered where they do not belong.
use content::{Begun, FaultKind, Source, Target, Version};
use reference::RefName;

use crate::script::{Act, End, Script, Seen, answer, blob, lend, lend_from};

const TYPE: &str = "Content-Type: application/vnd.oci.image.manifest.v1+json";

fn v1() -> Version {
    Version::Name(RefName::new("v1"))
}

fn found() -> Act {
    let digest = format!("Docker-Content-Digest: {}", blob(b"x").digest);
    answer(200, &[TYPE, &digest, "Content-Length: 100"], "")
}

#[tokio::test]
async fn basic_is_sent_after_the_first_challenge_and_without_one_from_then_on() {
    let server = Script::start(|seen: &Seen, _| match seen.header("authorization") {
        Some("Basic bWU6Y2FuYXJ5") => found(),
        _ => answer(401, &["WWW-Authenticate: Basic realm=\"r\""], ""),
    })
    .await;
    let repository = server.repository_as_me("app");
    repository.resolve(&v1()).await.unwrap();
    repository.resolve(&v1()).await.unwrap();
    let sent: Vec<_> = server.seen().iter().map(|seen| seen.header("authorization").is_some()).collect();
    assert_eq!(sent, [false, true, true]);
}

#[tokio::test]
async fn refused_credentials_name_their_source_and_not_their_value() {
    let server = Script::start(|_, _| answer(401, &["WWW-Authenticate: Basic realm=\"r\""], "")).await;
    let fault = server.repository_as_me("app").resolve(&v1()).await.unwrap_err();
    assert_eq!(fault.kind(), FaultKind::Authentication);
    assert!(fault.to_string().contains("a test"), "{fault}");
    assert!(!format!("{fault} {fault:?}").contains("canary"));
    assert_eq!(server.lines().len(), 2);
}

/// A registry with a token service of its own.
fn token_service(seen: &Seen) -> Act {
    let host = seen.header("host").unwrap();
    if seen.target.starts_with("/token") {
        return answer(200, &["Content-Type: application/json"], r#"{"token":"t0ken","expires_in":300}"#);
    }
    if seen.header("authorization") == Some("Bearer t0ken") {
        return found();
    }
    let challenge = format!(
        r#"WWW-Authenticate: Bearer realm="http://{host}/token",service="s",scope="repository:app:pull""#
    );
    answer(401, &[&challenge], "")
}

#[tokio::test]
async fn one_token_serves_all_that_follows() {
    let server = Script::start(|seen, _| token_service(seen)).await;
    let repository = server.repository("app");
    repository.resolve(&v1()).await.unwrap();
    repository.resolve(&v1()).await.unwrap();
    let lines = server.lines();
    assert_eq!(lines.len(), 4, "{lines:?}");
    assert!(lines[1].starts_with("GET /token?"), "{lines:?}");
}

#[tokio::test]
async fn a_401_without_a_challenge_is_followed_by_one_ping() {
    let server = Script::start(|seen: &Seen, _| match seen.target.as_str() {
        "/v2/" => token_service(seen),
        _ if seen.header("authorization").is_none() && !seen.target.starts_with("/token") => {
            answer(401, &[], "")
        }
        _ => token_service(seen),
    })
    .await;
    server.repository("app").resolve(&v1()).await.unwrap();
    let lines = server.lines();
    assert_eq!((lines[0].as_str(), lines[1].as_str()), ("HEAD /v2/app/manifests/v1", "GET /v2/"));
    assert_eq!(lines.len(), 4, "{lines:?}");
}

#[tokio::test]
async fn a_token_that_expires_while_a_blob_is_sent_is_renewed() {
    let server = Script::start(|seen: &Seen, index| match seen.method.as_str() {
        "GET" if seen.target.starts_with("/token") => token_service(seen),
        "POST" if index > 0 => answer(202, &["Location: /v2/app/blobs/uploads/1"], ""),
        "PUT" if seen.header("content-range").is_some() => answer(201, &[], ""),
        "GET" => answer(204, &["Range: 0-3"], ""),
        _ => {
            let host = seen.header("host").unwrap();
            let challenge = format!(r#"WWW-Authenticate: Bearer realm="http://{host}/token",service="s""#);
            answer(401, &[&challenge], "").then(End::Close)
        }
    })
    .await;
    let descriptor = blob(b"0123456789");
    let repository = server.repository("app");
    let Begun::Upload(mut upload) = repository.begin(&descriptor, None).await.unwrap() else { panic!() };
    let fault = upload.send(lend(&descriptor, b"0123456789", 3).0).await.unwrap_err();
    assert!(fault.is_momentary(), "{fault}");
    assert!(!upload.realign().await.unwrap());
    upload.send(lend_from(&descriptor, b"0123456789", 3, 4).0).await.unwrap();
    let tokens = server.lines().into_iter().filter(|line| line.contains("/token")).count();
    assert_eq!(tokens, 2);
}

#[tokio::test]
async fn an_upload_elsewhere_gets_the_body_without_credentials() {
    let elsewhere = Script::start(|_, _| answer(201, &[], "")).await;
    let other = format!("Location: http://{}/store/1?sig=abc", elsewhere.host);
    let server = Script::start(move |seen: &Seen, _| match seen.header("authorization") {
        Some(_) => answer(202, &[&other], ""),
        None => answer(401, &["WWW-Authenticate: Basic realm=\"r\""], ""),
    })
    .await;
    let descriptor = blob(b"0123456789");
    let repository = server.repository_as_me("app");
    let Begun::Upload(mut upload) = repository.begin(&descriptor, None).await.unwrap() else { panic!() };
    upload.send(lend(&descriptor, b"0123456789", 3).0).await.unwrap();
    let put = elsewhere.seen().remove(0);
    assert_eq!((put.header("authorization"), put.body.as_slice()), (None, &b"0123456789"[..]));
    assert!(put.target.starts_with("/store/1?sig=abc&digest="));
}

/// Whatever is presented is refused: the error says so in words of its own, after one renewal.
#[tokio::test]
async fn a_token_that_is_refused_again_names_the_credentials_it_was_made_from() {
    let server = Script::start(|seen: &Seen, _| {
        if seen.target.starts_with("/token") {
            return token_service(seen);
        }
        let host = seen.header("host").unwrap();
        let realm = format!(r#"realm="http://{host}/token",service="s",error="insufficient_scope""#);
        answer(401, &[&format!("WWW-Authenticate: Bearer {realm}")], "")
    })
    .await;
    let fault = server.repository_as_me("app").resolve(&v1()).await.unwrap_err();
    assert_eq!(fault.kind(), FaultKind::Authentication);
    assert!(fault.to_string().contains("a test"), "{fault}");
    assert!(server.lines().len() <= 5, "{:?}", server.lines());
    let fault = server.repository("app").resolve(&v1()).await.unwrap_err();
    assert!(fault.to_string().contains("anonymous"), "{fault}");
    let descriptor = blob(b"0123456789");
    let fault = server.repository_as_me("app").begin(&descriptor, None).await.unwrap_err();
    assert!(fault.to_string().contains("a test"), "{fault}");
}
