//! Token endpoints that do not answer with a token.
use content::{Fault, FaultKind, Source, Version};
use reference::RefName;

use crate::{
    script::{Act, Script, Seen, answer},
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
