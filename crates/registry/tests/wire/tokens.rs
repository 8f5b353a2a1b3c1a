//! Token endpoints that do not answer with a token.
use content::{Fault, FaultKind, Source, Version};
use reference::RefName;

use crate::{
    script::{Act, End, Script, Seen, answer},
    tls::authority,
};

/// A registry whose tokens are to be had at `realm`, or below itself where that is a path.
async fn asking_at(realm: String, token: impl Fn() -> Act + Send + Sync + 'static) -> (Script, Fault) {
    let server = Script::start(move |seen: &Seen, _| {
        if seen.target.starts_with("/token") {
            return token();
        }
        answer(401, &[&format!(r#"WWW-Authenticate: Bearer realm="{realm}",service="s""#)], "")
    })
    .await;
    let version = Version::Name(RefName::new("v1"));
    let fault = server.repository("app").resolve(&version).await.unwrap_err();
    (server, fault)
}

#[tokio::test]
async fn a_wait_beyond_the_cap_is_named_and_not_waited_for() {
    let (server, fault) = asking_at("/token".into(), || answer(429, &["Retry-After: 3600"], "")).await;
    assert_eq!((fault.kind(), fault.is_momentary()), (FaultKind::Unreachable, false));
    assert!(fault.to_string().contains("3600 s"), "{fault}");
    assert_eq!(server.lines().len(), 2);
}

#[tokio::test]
async fn a_token_that_breaks_off_is_asked_for_again() {
    let server = Script::start(|seen: &Seen, index| match seen.header("authorization") {
        _ if seen.target.starts_with("/token") && index == 1 => {
            answer(200, &["Content-Length: 100"], r#"{"tok"#).then(End::Close)
        }
        _ if seen.target.starts_with("/token") => answer(200, &[], r#"{"token":"t"}"#),
        Some("Bearer t") => answer(404, &[], ""),
        _ => answer(401, &[r#"WWW-Authenticate: Bearer realm="/token",service="s""#], ""),
    })
    .await;
    let version = Version::Name(RefName::new("v1"));
    let fault = server.repository("app").resolve(&version).await.unwrap_err();
    assert_eq!(fault.kind(), FaultKind::Absent);
    let tokens = server.lines().iter().filter(|line| line.starts_with("GET /token")).count();
    assert_eq!(tokens, 2, "{:?}", server.lines());
}

#[tokio::test]
async fn a_proxy_that_wants_credentials_is_said_and_not_asked_again() {
    let (server, fault) = asking_at("/token".into(), || answer(407, &[], "")).await;
    assert_eq!((fault.kind(), fault.is_momentary()), (FaultKind::Authentication, false));
    assert!(fault.hint_text().unwrap_or_default().contains("proxy"), "{fault:?}");
    assert_eq!(server.lines().len(), 2);
}

#[tokio::test]
async fn an_untrusted_certificate_is_no_matter_of_time() {
    let dir = tempfile::tempdir().unwrap();
    let (acceptor, _) = authority(&dir, &[]);
    let tokens = Script::start_with(Some(acceptor), |_, _| answer(200, &[], r#"{"token":"t"}"#)).await;
    let realm = format!("https://{}/token", tokens.host);
    let (_, fault) = asking_at(realm, || answer(404, &[], "")).await;
    assert_eq!((fault.kind(), fault.is_momentary()), (FaultKind::Authentication, false));
    assert!(fault.hint_text().unwrap_or_default().contains("--ca-file"), "{fault:?}");
    assert!(tokens.lines().is_empty());
}
