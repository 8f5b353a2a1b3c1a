//! One token per scope set, however many tasks ask, and as seldom as it lasts.
mod support;

use std::{sync::Arc, time::Duration};

use auth::{AuthError, Credential, CredentialSource, Found, Negotiator, Origin, Scopes, Secret};
use futures::future::{BoxFuture, join_all};
use reference::{Registry, RepositoryName};
use support::{REGISTRY, Script, basic, bearer, negotiator, pull, push};

#[tokio::test]
async fn sixteen_tasks_cause_one_token_request_a_scope_set() {
    let script = Script::tokens(300);
    let negotiator = Arc::new(negotiator(REGISTRY, Some(basic()), &script));
    let tasks = (0..16).map(|n| {
        let negotiator = Arc::clone(&negotiator);
        let scopes = if n % 2 == 0 { pull() } else { push() };
        tokio::spawn(async move {
            // As a request goes: what is at hand, and a 401 where that is nothing.
            let at_hand = negotiator.authorization(&scopes).await.unwrap();
            let authorization = match at_hand {
                Some(at_hand) => at_hand,
                None => negotiator.answer(&scopes, &bearer(""), None).await.unwrap(),
            };
            authorization.header().to_owned()
        })
    });
    let mut headers: Vec<_> = join_all(tasks).await.into_iter().map(Result::unwrap).collect();
    headers.sort();
    headers.dedup();
    assert_eq!(headers, ["Bearer t1", "Bearer t2"]);
    assert_eq!(script.ledger().len(), 2);
}

#[tokio::test]
async fn sixteen_tasks_with_wrong_credentials_cause_one_request() {
    let script = Script::new(&[(401, "{}")]);
    let negotiator = negotiator(REGISTRY, Some(basic()), &script);
    let (scopes, challenges) = (pull(), bearer(""));
    let answers = join_all((0..16).map(|_| negotiator.answer(&scopes, &challenges, None))).await;
    assert!(answers.iter().all(Result::is_err));
    assert_eq!(script.ledger().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_token_is_renewed_before_it_ends_and_an_ended_one_costs_one_request() {
    let script = Script::tokens(100);
    let negotiator = negotiator(REGISTRY, Some(basic()), &script);
    negotiator.answer(&pull(), &bearer(""), None).await.unwrap();
    let scopes = pull();
    let header = async || negotiator.authorization(&scopes).await.unwrap().unwrap().header().to_owned();
    tokio::time::advance(Duration::from_secs(79)).await;
    assert_eq!(header().await, "Bearer t1");
    tokio::time::advance(Duration::from_secs(2)).await;
    assert_eq!(header().await, "Bearer t2");
    tokio::time::advance(Duration::from_secs(1000)).await;
    let all = join_all((0..16).map(|_| header())).await;
    assert!(all.iter().all(|header| header == "Bearer t3"), "{all:?}");
    assert_eq!(script.ledger().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_token_without_a_life_lasts_a_minute() {
    let script = Script::new(&[(200, r#"{"token":"t","issued_at":"2001-01-01T00:00:00Z"}"#)]);
    let negotiator = negotiator(REGISTRY, None, &script);
    negotiator.answer(&pull(), &bearer(""), None).await.unwrap();
    tokio::time::advance(Duration::from_secs(47)).await;
    negotiator.authorization(&pull()).await.unwrap();
    assert_eq!(script.ledger().len(), 1);
    tokio::time::advance(Duration::from_secs(14)).await;
    negotiator.authorization(&pull()).await.unwrap();
    assert_eq!(script.ledger().len(), 2);
}

/// What the token says of itself is by the server's clock, which may be a day off from ours, either way.
#[tokio::test(start_paused = true)]
async fn a_clock_that_is_a_day_off_changes_no_life() {
    // A JSON web token that was good for the first five minutes of 2001.
    let jwt = "eyJhbGciOiJub25lIn0.eyJuYmYiOjk3ODMwNzIwMCwiZXhwIjo5NzgzMDc1MDB9.";
    for issued in ["2001-01-01T00:00:00Z", "2999-01-01T00:00:00Z"] {
        let first = format!(r#"{{"token":"{jwt}","expires_in":100,"issued_at":"{issued}"}}"#);
        let script = Script::new(&[(200, &first), (200, r#"{"token":"next","expires_in":100}"#)]);
        let negotiator = negotiator(REGISTRY, Some(basic()), &script);
        negotiator.answer(&pull(), &bearer(""), None).await.unwrap();
        for (wait, header) in [(79, format!("Bearer {jwt}")), (2, "Bearer next".to_owned())] {
            tokio::time::advance(Duration::from_secs(wait)).await;
            assert_eq!(negotiator.authorization(&pull()).await.unwrap().unwrap().header(), header);
        }
        assert_eq!(script.ledger().len(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn a_fresh_token_that_ended_while_it_was_used_is_renewed() {
    let script = Script::tokens(60);
    let negotiator = negotiator(REGISTRY, Some(basic()), &script);
    let fresh = negotiator.answer(&pull(), &bearer(""), None).await.unwrap();
    tokio::time::advance(Duration::from_secs(61)).await;
    let next = negotiator.answer(&pull(), &bearer(",error=\"invalid_token\""), Some(&fresh)).await.unwrap();
    assert_eq!(next.header(), "Bearer t2");
}

#[tokio::test]
async fn an_owner_that_is_dropped_hands_over_to_a_waiter() {
    let script = Script::tokens(300);
    script.gate.forget_permits(1000);
    let negotiator = negotiator(REGISTRY, Some(basic()), &script);
    let (scopes, challenges) = (pull(), bearer(""));
    let mut owner = Box::pin(negotiator.answer(&scopes, &challenges, None));
    let mut waiter = Box::pin(negotiator.answer(&scopes, &challenges, None));
    assert!(futures::poll!(owner.as_mut()).is_pending());
    assert!(futures::poll!(waiter.as_mut()).is_pending());
    assert_eq!(script.ledger().len(), 1);
    drop(owner);
    script.gate.add_permits(2);
    assert_eq!(waiter.await.unwrap().header(), "Bearer t1");
    assert_eq!(script.ledger().len(), 2);
}

#[tokio::test]
async fn two_negotiators_on_one_host_share_nothing() {
    let script = Script::tokens(300);
    let (source, target) =
        (negotiator(REGISTRY, None, &script), negotiator(REGISTRY, Some(basic()), &script));
    let anonymous = source.answer(&pull(), &bearer(""), None).await.unwrap();
    let known = target.answer(&pull(), &bearer(""), None).await.unwrap();
    assert_ne!(anonymous.header(), known.header());
    assert!(!script.ledger()[0].contains("Basic") && script.ledger()[1].contains("Basic"));
}

/// A credential for each repository, as podman's namespaced keys give them.
#[derive(Debug)]
struct ByRepository;

impl CredentialSource for ByRepository {
    fn find<'a>(
        &'a self,
        _registry: &'a Registry,
        repository: Option<&'a RepositoryName>,
    ) -> BoxFuture<'a, Result<Option<Found>, AuthError>> {
        let credential = Credential::Basic {
            username: repository.map_or_else(String::new, RepositoryName::to_string),
            password: Secret::new("p"),
        };
        Box::pin(async { Ok(Some(Found { credential, from: "a file".to_owned() })) })
    }
}

#[tokio::test]
async fn a_token_is_not_shared_between_two_credentials() -> Result<(), Box<dyn std::error::Error>> {
    let script = Script::tokens(300);
    let origin = Origin { https: true, host: REGISTRY.to_owned(), port: 443 };
    let endpoint: Arc<Script> = Arc::clone(&script);
    let negotiator = Negotiator::new(REGISTRY.parse()?, origin, Arc::new(ByRepository), endpoint, false);
    let (a, b): (RepositoryName, RepositoryName) = ("a".parse()?, "b".parse()?);
    let (from_a, from_b) = (Scopes::pull(&a).and_pull(&b), Scopes::pull(&b).and_pull(&a));
    assert_eq!(from_a.key(), from_b.key());
    let demanded = bearer(",scope=\"repository:a:pull\"");
    let first = negotiator.answer(&from_a, &demanded, None).await?;
    let second = negotiator.authorization(&from_b).await?.ok_or("none")?;
    assert_ne!(first.header(), second.header());
    assert!(script.ledger()[0].contains("account=a ") && script.ledger()[1].contains("account=b "));
    Ok(())
}
