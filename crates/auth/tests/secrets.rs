//! A canary: no public type shows a secret, by Debug or by Display.
mod support;

use std::sync::Arc;

use auth::{
    Challenge, Credential, CredentialSource, Environment, Found, Given, Secret, Stores, TokenResponse,
};
use support::{REGISTRY, Script, bearer, negotiator, pull};

const CANARY: &str = "canary-7f3a";

fn all_credentials() -> Vec<Credential> {
    let secret = || Secret::new(CANARY);
    vec![
        Credential::Basic { username: "user".to_owned(), password: secret() },
        Credential::IdentityToken(secret()),
        Credential::IdentityTokenWithLogin {
            token: secret(),
            username: "user".to_owned(),
            password: secret(),
        },
        Credential::RegistryToken(secret()),
        Credential::EntraToken(secret()),
    ]
}

#[tokio::test]
async fn no_value_shows_its_secret() {
    let mut shown = vec![format!("{:?}", Secret::new(CANARY))];
    for credential in all_credentials() {
        let given = Given(Some(Found { credential: credential.clone(), from: "x".to_owned() }));
        shown.push(format!("{credential:?} {given:?} {:?}", given.given()));
        let script = Script::new(&[(200, &format!(r#"{{"token":"{CANARY}","refresh_token":"{CANARY}"}}"#))]);
        let negotiator = negotiator("mine.azurecr.io", Some(credential), &script);
        let challenge = [r#"Bearer realm="https://mine.azurecr.io/t""#.to_owned()];
        let answer = negotiator.answer(&pull(), &challenge, None).await.unwrap();
        assert!(answer.header().contains(CANARY));
        shown.push(format!("{answer:?} {negotiator:?}"));
    }
    let environment = Environment::new([("DOCKER_AUTH_CONFIG", CANARY), ("X", CANARY)], None);
    let stores = Stores::new(environment.clone());
    let broken = stores.find(&REGISTRY.parse().unwrap(), Some(&"app".parse().unwrap())).await.unwrap_err();
    shown.push(format!("{environment:?} {stores:?} {broken} {broken:?}"));
    shown.push(format!("{:?}", TokenResponse { status: 200, body: CANARY.as_bytes().to_vec() }));
    for text in shown {
        assert!(!text.contains(CANARY), "{text}");
    }
}

#[tokio::test]
async fn no_error_shows_a_secret() {
    let bodies =
        [CANARY.to_owned(), format!(r#"{{"token":["{CANARY}"]}}"#), format!(r#"{{"message":"{CANARY}"}}"#)];
    for credential in all_credentials() {
        for (status, body) in
            [200, 400, 401, 403, 500].iter().flat_map(|s| bodies.iter().map(move |b| (*s, b)))
        {
            let script: Arc<Script> = Script::new(&[(status, body)]);
            let negotiator = negotiator(REGISTRY, Some(credential.clone()), &script);
            let Err(error) = negotiator.answer(&pull(), &bearer(""), None).await else { continue };
            let text = format!("{error} {error:?} {:?}", error.hint());
            assert!(!text.contains(CANARY), "{status} {body}: {text}");
        }
    }
}

#[test]
fn a_challenge_holds_what_a_server_said_and_no_secret_of_ours() {
    let challenges = Challenge::read_all(&["Basic realm=\"x\"".to_owned()]);
    assert_eq!(challenges[0].scheme(), "basic");
}
