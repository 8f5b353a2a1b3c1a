//! Azure Container Registry: Entra token, refresh token, access token.
mod support;

use auth::{AuthError, AuthErrorKind, Credential, Secret};
use support::{Script, named, negotiator, pull, push};

const REFRESH: (u16, &str) = (200, r#"{"refresh_token":"r+1"}"#);
const ACCESS: (u16, &str) = (200, r#"{"access_token":"a1"}"#);

fn entra() -> Credential {
    Credential::EntraToken(Secret::new("e/1"))
}

/// The realm is somebody else's on purpose: it must not matter.
fn challenge() -> Vec<String> {
    vec![r#"Bearer realm="https://evil.org/oauth2/token",service="mine.azurecr.io""#.to_owned()]
}

#[tokio::test]
async fn the_dance_has_two_steps_and_stays_at_home() {
    let script = Script::new(&[REFRESH, ACCESS]);
    let negotiator = negotiator("mine.azurecr.io", Some(entra()), &script);
    let answer = negotiator.answer(&push(), &challenge(), None).await.unwrap();
    assert_eq!(answer.header(), "Bearer a1");
    assert_eq!(
        script.ledger(),
        [
            "POST https://mine.azurecr.io/oauth2/exchange grant_type=access_token&service=mine.azurecr.io&access_token=e%2F1",
            "POST https://mine.azurecr.io/oauth2/token grant_type=refresh_token&service=mine.azurecr.io\
         &client_id=transship&scope=repository%3Aapp%3Apull%2Cpush&refresh_token=r%2B1",
        ]
    );
}

#[tokio::test]
async fn a_second_scope_set_needs_no_second_exchange() {
    let script = Script::new(&[REFRESH, ACCESS]);
    let negotiator = negotiator("mine.azurecr.io", Some(entra()), &script);
    negotiator.answer(&push(), &challenge(), None).await.unwrap();
    negotiator.authorization(&pull()).await.unwrap();
    let exchanges = script.ledger().iter().filter(|line| line.contains("/oauth2/exchange")).count();
    assert_eq!((exchanges, script.ledger().len()), (1, 3));
}

#[tokio::test]
async fn a_refresh_token_that_has_ended_is_exchanged_once_more() {
    let ended = (401, r#"{"errors":[{"message":"refresh token has expired"}]}"#);
    let script = Script::new(&[REFRESH, ACCESS, ended, REFRESH, ACCESS]);
    let negotiator = negotiator("mine.azurecr.io", Some(entra()), &script);
    negotiator.answer(&push(), &challenge(), None).await.unwrap();
    assert!(negotiator.authorization(&pull()).await.unwrap().is_some());
    assert_eq!(script.ledger().len(), 5);

    let script = Script::new(&[REFRESH, ended]);
    let negotiator = named("mine.azurecr.io", Some(entra()), &script, false);
    let error = negotiator.answer(&push(), &challenge(), None).await.unwrap_err();
    assert!(matches!(error, AuthError::CredentialsRejected { .. }), "{error}");
    assert_eq!(script.ledger().len(), 2, "a fresh one that is refused is not exchanged again");
}

#[tokio::test]
async fn an_entra_token_that_is_refused_is_an_error() {
    let script = Script::new(&[(401, "{}")]);
    let negotiator = negotiator("mine.azurecr.io", Some(entra()), &script);
    let error = negotiator.answer(&push(), &challenge(), None).await.unwrap_err();
    assert!(matches!(error, AuthError::CredentialsRejected { .. }), "{error}");
    assert_eq!(script.ledger().len(), 1);
}

#[tokio::test]
async fn an_entra_token_is_for_azure_before_any_request() {
    let script = Script::tokens(300);
    let other = negotiator("registry.example.com", Some(entra()), &script);
    let error = other.authorization(&pull()).await.unwrap_err();
    assert_eq!(error.kind(), AuthErrorKind::Usage, "{error}");
    assert!(other.answer(&pull(), &challenge(), None).await.is_err());
    assert!(script.ledger().is_empty());
}

#[tokio::test]
async fn a_registry_on_loopback_may_be_named_azure() {
    let script = Script::new(&[REFRESH, ACCESS]);
    let negotiator = named("127.0.0.1:5000", Some(entra()), &script, true);
    let challenge = [r#"Bearer realm="http://127.0.0.1:5000/oauth2/token",service="s""#.to_owned()];
    negotiator.answer(&push(), &challenge, None).await.unwrap();
    assert!(script.ledger()[0].starts_with("POST http://127.0.0.1:5000/oauth2/exchange "));
}
