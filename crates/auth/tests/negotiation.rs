//! What is asked of a token endpoint, and what is answered to a registry.
mod support;

use auth::{AuthError, AuthErrorKind, Credential, Secret};
use support::{BASIC, REGISTRY, Script, basic, bearer, negotiator, pull, push};

const GET_PULL: &str = "GET https://auth.example.com/token?client_id=transship&service=registry.example.com&scope=repository%3Aapp%3Apull";

#[tokio::test]
async fn nothing_is_sent_before_a_challenge() {
    let script = Script::tokens(300);
    let negotiator = negotiator(REGISTRY, Some(basic()), &script);
    assert!(negotiator.authorization(&pull()).await.unwrap().is_none());
    assert!(script.ledger().is_empty());
}

#[tokio::test]
async fn an_anonymous_token_is_asked_for_without_credentials() {
    let script = Script::tokens(300);
    let negotiator = negotiator(REGISTRY, None, &script);
    let answer = negotiator.answer(&pull(), &bearer(""), None).await.unwrap();
    assert_eq!(answer.header(), "Bearer t1");
    assert_eq!(script.ledger(), [GET_PULL]);
    let next = negotiator.authorization(&pull()).await.unwrap().unwrap();
    assert_eq!(next.header(), "Bearer t1");
}

#[tokio::test]
async fn a_login_goes_to_the_realm_as_basic() {
    let script = Script::tokens(300);
    let negotiator = negotiator(REGISTRY, Some(basic()), &script);
    let challenges = ["Basic realm=\"x\"".to_owned(), bearer("").remove(0)];
    let answer = negotiator.answer(&pull(), &challenges, None).await.unwrap();
    assert_eq!(answer.header(), "Bearer t1");
    assert_eq!(script.ledger(), [format!("{GET_PULL}&account=user [{BASIC}]")]);
}

#[tokio::test]
async fn a_registry_with_basic_only_gets_basic() {
    let script = Script::tokens(300);
    let with = negotiator(REGISTRY, Some(basic()), &script);
    let challenges = ["Negotiate, Basic realm=\"x\"".to_owned()];
    let answer = with.answer(&push(), &challenges, None).await.unwrap();
    assert_eq!(answer.header(), BASIC);
    assert_eq!(with.authorization(&pull()).await.unwrap().unwrap().header(), BASIC);
    let refused = with.answer(&push(), &challenges, Some(&answer)).await.unwrap_err();
    assert!(matches!(refused, AuthError::CredentialsRejected { status: 401, .. }), "{refused}");
    assert!(refused.to_string().contains("the flags"), "{refused}");

    let without = negotiator(REGISTRY, None, &script);
    let missing = without.answer(&push(), &challenges, None).await.unwrap_err();
    assert!(matches!(missing, AuthError::CredentialsMissing { .. }), "{missing}");
    assert!(without.authorization(&push()).await.unwrap().is_none());
    assert!(script.ledger().is_empty());
}

#[tokio::test]
async fn a_401_without_a_challenge_wants_a_ping() {
    let script = Script::tokens(300);
    let negotiator = negotiator(REGISTRY, None, &script);
    let error = negotiator.answer(&pull(), &[], None).await.unwrap_err();
    assert!(error.wants_ping());
    let ping = bearer(",scope=\"repository:user/image:pull\"");
    negotiator.answer(&pull(), &ping, None).await.unwrap();
    assert_eq!(script.ledger(), [GET_PULL]);
    let unknown = negotiator.answer(&pull(), &["Negotiate".to_owned()], None).await.unwrap_err();
    assert!(!unknown.wants_ping() && unknown.to_string().contains("negotiate"), "{unknown}");
}

#[tokio::test]
async fn what_is_newly_demanded_goes_first() {
    let script = Script::tokens(300);
    let negotiator = negotiator(REGISTRY, None, &script);
    let scopes = push().and_pull(&"base".parse().unwrap());
    let demand = bearer(",scope=\"repository:base:pull repository:other:pull\"");
    negotiator.answer(&scopes, &demand, None).await.unwrap();
    let first = script.ledger().remove(0);
    let query = first.split("&scope=").skip(1).collect::<Vec<_>>();
    assert_eq!(
        query,
        ["repository%3Abase%3Apull", "repository%3Aother%3Apull", "repository%3Aapp%3Apull%2Cpush"]
    );
    negotiator.authorization(&scopes).await.unwrap();
    assert_eq!(script.ledger().len(), 1, "the wider set is remembered");
}

#[tokio::test]
async fn a_fresh_token_that_is_refused_is_not_renewed_again() {
    let script = Script::tokens(300);
    let negotiator = negotiator(REGISTRY, Some(basic()), &script);
    let first = negotiator.answer(&pull(), &bearer(""), None).await.unwrap();
    let insufficient = bearer(",scope=\"repository:app:pull\",error=\"insufficient_scope\"");
    let denied = negotiator.answer(&pull(), &insufficient, Some(&first)).await.unwrap_err();
    assert!(matches!(&denied, AuthError::Denied { text, .. } if text == "insufficient_scope"), "{denied}");
    assert_eq!(denied.kind(), AuthErrorKind::Authentication);
    assert_eq!(script.ledger().len(), 1);
}

#[tokio::test]
async fn a_scope_that_is_demanded_late_is_asked_for_once() {
    let script = Script::tokens(300);
    let negotiator = negotiator(REGISTRY, Some(basic()), &script);
    let first = negotiator.answer(&pull(), &bearer(""), None).await.unwrap();
    let more = bearer(",scope=\"repository:app:pull,push\",error=\"insufficient_scope\"");
    let second = negotiator.answer(&pull(), &more, Some(&first)).await.unwrap();
    assert_eq!(second.header(), "Bearer t2");
    assert!(negotiator.answer(&pull(), &more, Some(&second)).await.is_err());
    let endless = bearer(",scope=\"repository:app:pull,push,delete\"");
    assert!(negotiator.answer(&pull(), &endless, Some(&second)).await.is_err());
    assert_eq!(script.ledger().len(), 2);
}

#[tokio::test]
async fn a_kept_token_that_is_refused_is_renewed_once_by_all() {
    let script = Script::tokens(300);
    let negotiator = negotiator(REGISTRY, Some(basic()), &script);
    negotiator.answer(&pull(), &bearer(""), None).await.unwrap();
    let used = negotiator.authorization(&pull()).await.unwrap().unwrap();
    for _ in 0..3 {
        let renewed =
            negotiator.answer(&pull(), &bearer(",error=\"invalid_token\""), Some(&used)).await.unwrap();
        assert_eq!(renewed.header(), "Bearer t2");
    }
    assert_eq!(script.ledger().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn wrong_credentials_are_an_error_after_one_request() {
    let script = Script::new(&[(401, r#"{"details":"incorrect username or password"}"#)]);
    let negotiator = negotiator(REGISTRY, Some(basic()), &script);
    for _ in 0..3 {
        let error = negotiator.answer(&pull(), &bearer(""), None).await.unwrap_err();
        let message = error.to_string();
        assert!(matches!(error, AuthError::CredentialsRejected { status: 401, .. }), "{message}");
        assert!(message.contains("auth.example.com") && message.contains("incorrect username"), "{message}");
    }
    assert_eq!(script.ledger().len(), 1);
}

#[tokio::test]
async fn a_server_that_repeats_the_password_is_not_quoted() {
    let script = Script::new(&[(401, r#"{"message":"bad password pass:word for user"}"#)]);
    let negotiator = negotiator(REGISTRY, Some(basic()), &script);
    let error = negotiator.answer(&pull(), &bearer(""), None).await.unwrap_err();
    assert!(!format!("{error} {error:?}").contains("pass:word"), "{error}");
}

#[tokio::test]
async fn other_answers_of_the_realm_have_their_kinds() {
    for (status, body, kind) in [
        (403, "{}", AuthErrorKind::Authentication),
        (404, "<html>", AuthErrorKind::Authentication),
        (302, "", AuthErrorKind::Authentication),
        (429, "", AuthErrorKind::Unreachable),
        (503, "", AuthErrorKind::Unreachable),
        (200, "<html>", AuthErrorKind::Protocol),
        (200, "{}", AuthErrorKind::Protocol),
    ] {
        let script = Script::new(&[(status, body)]);
        let negotiator = negotiator(REGISTRY, Some(basic()), &script);
        let error = negotiator.answer(&pull(), &bearer(""), None).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{status} {body}: {error}");
    }
}

#[tokio::test]
async fn a_realm_of_another_owner_gets_no_credentials() {
    for credential in [Some(basic()), Some(Credential::IdentityToken(Secret::new("canary")))] {
        let script = Script::tokens(300);
        let negotiator = negotiator(REGISTRY, credential, &script);
        let evil = [r#"Bearer realm="https://auth.evil.org/token",service="s""#.to_owned()];
        let answer = negotiator.answer(&pull(), &evil, None).await.unwrap();
        let expected =
            "GET https://auth.evil.org/token?client_id=transship&service=s&scope=repository%3Aapp%3Apull";
        assert_eq!(script.ledger(), [expected]);
        let refused = negotiator.answer(&pull(), &evil, Some(&answer)).await.unwrap_err();
        assert!(refused.to_string().contains("the flags were not sent to auth.evil.org"), "{refused}");
        assert!(refused.hint().unwrap().contains("does not belong to registry.example.com"));
    }
}

#[tokio::test]
async fn a_realm_that_is_refused_is_not_asked() {
    for realm in [
        "http://auth.example.com/t",
        "https://169.254.169.254/t",
        "https://u:p@auth.example.com/t",
        "file:///x",
    ] {
        let script = Script::tokens(300);
        let negotiator = negotiator(REGISTRY, Some(basic()), &script);
        let error =
            negotiator.answer(&pull(), &[format!("Bearer realm=\"{realm}\"")], None).await.unwrap_err();
        assert_eq!(error.kind(), AuthErrorKind::Address, "{error}");
        assert!(script.ledger().is_empty());
    }
}

#[tokio::test]
async fn an_identity_token_goes_by_post_and_never_as_bearer() {
    let script = Script::new(&[(200, r#"{"access_token":"a"}"#)]);
    let identity = Some(Credential::IdentityToken(Secret::new("i+d")));
    let negotiator = negotiator(REGISTRY, identity, &script);
    let scopes = push().and_pull(&"base".parse().unwrap());
    assert_eq!(negotiator.answer(&scopes, &bearer(""), None).await.unwrap().header(), "Bearer a");
    assert_eq!(
        script.ledger(),
        ["POST https://auth.example.com/token grant_type=refresh_token&service=registry.example.com\
         &client_id=transship&scope=repository%3Aapp%3Apull%2Cpush+repository%3Abase%3Apull&refresh_token=i%2Bd"]
    );
    let basic_only = negotiator.answer(&scopes, &["Basic realm=\"x\"".to_owned()], None).await.unwrap_err();
    assert!(matches!(basic_only, AuthError::CredentialUnusable { .. }), "{basic_only}");
}

#[tokio::test]
async fn a_post_that_is_not_taken_falls_back_to_get_with_the_login() {
    for status in [400, 401, 404, 405] {
        let script = Script::new(&[(status, ""), (200, r#"{"token":"a"}"#)]);
        let credential = Credential::IdentityTokenWithLogin {
            token: Secret::new("canary"),
            username: "user".to_owned(),
            password: Secret::new("pass:word"),
        };
        let negotiator = negotiator(REGISTRY, Some(credential), &script);
        negotiator.answer(&pull(), &bearer(""), None).await.unwrap();
        let ledger = script.ledger();
        assert!(ledger[0].starts_with("POST ") && ledger.len() == 2, "{ledger:?}");
        assert_eq!(ledger[1], format!("{GET_PULL}&account=user [{BASIC}]"));
    }
}

#[tokio::test]
async fn an_identity_token_that_is_refused_is_no_reason_to_be_anonymous() {
    for status in [400, 401, 404, 405] {
        let script = Script::new(&[(status, r#"{"error":"invalid_grant"}"#)]);
        let negotiator = negotiator(REGISTRY, Some(Credential::IdentityToken(Secret::new("i"))), &script);
        let error = negotiator.answer(&pull(), &bearer(""), None).await.unwrap_err();
        assert_eq!(error.kind(), AuthErrorKind::Authentication, "{error}");
        assert_eq!(script.ledger().len(), 1);
    }
}

#[tokio::test]
async fn a_registry_token_is_sent_as_it_is() {
    let script = Script::tokens(300);
    let negotiator = negotiator(REGISTRY, Some(Credential::RegistryToken(Secret::new("r"))), &script);
    let answer =
        negotiator.answer(&pull(), &["Bearer realm=\"https://evil.org\"".to_owned()], None).await.unwrap();
    assert_eq!(answer.header(), "Bearer r");
    assert_eq!(negotiator.authorization(&push()).await.unwrap().unwrap().header(), "Bearer r");
    let refused = negotiator.answer(&pull(), &bearer(""), Some(&answer)).await.unwrap_err();
    assert!(matches!(refused, AuthError::CredentialsRejected { .. }), "{refused}");
    assert!(script.ledger().is_empty());
}
