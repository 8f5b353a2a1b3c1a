//! The gate: who may come in (RFC 7617, basic authentication).
//!
//! bcrypt is slow on purpose, and a pull asks a hundred times. So what was right once is remembered, under a key that
//! ends with the process; and whoever guesses keeps neither the others nor the disk waiting for long: as many passwords
//! are checked at a time as there are processors, on threads of their own.
use std::{
    collections::BTreeMap,
    hash::{BuildHasher as _, RandomState},
    sync::{Arc, Mutex, PoisonError},
    thread::available_parallelism,
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use bcrypt::HashParts;
use content::Hasher;
use http::{HeaderMap, StatusCode, header};
use reference::{Algorithm, Digest};
use tokio::{sync::Semaphore, task::spawn_blocking};

use crate::{body::text, error::Refusal, htpasswd::Htpasswd};

const CHALLENGE: &str = "Basic realm=\"transship\", charset=\"UTF-8\"";
/// The longest credentials that are looked at.
const MAX_CREDENTIALS: usize = 4096;

/// Lets in who has a password.
#[derive(Debug)]
pub(crate) struct Gate {
    users: BTreeMap<String, User>,
    /// Whose hash is checked where there is no such user: that takes as long, so that nobody learns who there is.
    nobody: User,
    key: [RandomState; 2],
    checks: Arc<Semaphore>,
}

struct User {
    hash: Arc<str>,
    /// The password that was right last, under our key.
    known: Mutex<Option<Digest>>,
    /// Whoever checks a password of this user: the next one may find it known then.
    turn: tokio::sync::Mutex<()>,
}

impl Gate {
    pub(crate) fn new(htpasswd: &Htpasswd) -> Self {
        let users = htpasswd.users().iter().map(|(name, hash)| (name.clone(), User::of(hash)));
        let cost = |hash: &&String| hash.parse().ok().map(|parts: HashParts| parts.get_cost());
        let slowest = htpasswd.users().values().max_by_key(cost);
        let nobody = User::of(slowest.map_or("", String::as_str));
        let checks = Arc::new(Semaphore::new(available_parallelism().map_or(1, usize::from)));
        Self { users: users.collect(), nobody, key: [RandomState::new(), RandomState::new()], checks }
    }

    /// Who asks; refused where that is nobody we know.
    pub(crate) async fn admit(&self, headers: &HeaderMap) -> Result<String, Refusal> {
        let Some((name, password)) = credentials(headers) else { return Err(refusal()) };
        let Some(user) = self.users.get(&name) else {
            self.verify(&self.nobody, &password).await;
            return Err(refusal());
        };
        if self.is_right(user, &password).await { Ok(name) } else { Err(refusal()) }
    }

    async fn is_right(&self, user: &User, password: &str) -> bool {
        let seen = Some(self.sealed(&user.hash, password));
        if user.known() == seen {
            return true;
        }
        let _turn = user.turn.lock().await;
        if user.known() == seen {
            return true;
        }
        let right = self.verify(user, password).await;
        if right {
            *user.known.lock().unwrap_or_else(PoisonError::into_inner) = seen;
        }
        right
    }

    async fn verify(&self, user: &User, password: &str) -> bool {
        let Ok(permit) = Arc::clone(&self.checks).acquire_owned().await else { return false };
        let (hash, password) = (Arc::clone(&user.hash), password.to_owned());
        let checked = spawn_blocking(move || {
            // To the end, also where whoever asked has left meanwhile.
            let _permit = permit;
            bcrypt::verify(password, &hash)
        });
        matches!(checked.await, Ok(Ok(true)))
    }

    /// What is remembered of a password: nothing that another process could compare guesses with.
    fn sealed(&self, hash: &str, password: &str) -> Digest {
        let mut hasher = Hasher::new(Algorithm::Sha256);
        for key in &self.key {
            hasher.update(&key.hash_one((hash, password)).to_be_bytes());
        }
        hasher.update(hash.as_bytes());
        hasher.update(password.as_bytes());
        hasher.finish()
    }
}

impl User {
    fn of(hash: &str) -> Self {
        Self { hash: hash.into(), known: Mutex::default(), turn: tokio::sync::Mutex::default() }
    }

    fn known(&self) -> Option<Digest> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Shows no hash.
impl std::fmt::Debug for User {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("User")
    }
}

fn credentials(headers: &HeaderMap) -> Option<(String, String)> {
    let given = text(headers, &header::AUTHORIZATION).filter(|given| given.len() <= MAX_CREDENTIALS)?;
    let (scheme, encoded) = given.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(BASE64_STANDARD.decode(encoded.trim()).ok()?).ok()?;
    decoded.split_once(':').map(|(name, password)| (name.to_owned(), password.to_owned()))
}

fn refusal() -> Refusal {
    Refusal::new(StatusCode::UNAUTHORIZED, "UNAUTHORIZED", "a user name and a password are needed")
        .header(header::WWW_AUTHENTICATE, CHALLENGE)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn gate() -> Gate {
        let line = |user: &str, password: &str, cost: u32| {
            format!("{user}:{}\n", bcrypt::hash(password, cost).unwrap())
        };
        let text = line("ann", "canary-right", 4) + &line("bob", "canary-other", 5);
        Gate::new(&Htpasswd::read(&text).unwrap())
    }

    async fn admits(gate: &Gate, user: &str, password: &str) -> bool {
        let encoded = BASE64_STANDARD.encode(format!("{user}:{password}"));
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, HeaderValue::from_str(&format!("Basic {encoded}")).unwrap());
        gate.admit(&headers).await.is_ok_and(|name| name == user)
    }

    #[tokio::test]
    async fn a_password_that_was_right_once_is_not_checked_again() {
        let gate = gate();
        assert!(!admits(&gate, "ann", "canary-wrong").await);
        assert!(admits(&gate, "ann", "canary-right").await);
        // From now on nothing can be checked.
        gate.checks.close();
        for _ in 0..100 {
            assert!(admits(&gate, "ann", "canary-right").await);
        }
        assert!(!admits(&gate, "ann", "canary-wrong").await);
        assert!(!admits(&gate, "bob", "canary-right").await && !admits(&gate, "bob", "canary-other").await);
    }

    #[tokio::test]
    async fn an_unknown_user_is_as_much_work_as_the_slowest_known_one_and_never_comes_in() {
        let gate = gate();
        assert_eq!(gate.nobody.hash, gate.users["bob"].hash);
        for _ in 0..2 {
            assert!(!admits(&gate, "carol", "canary-other").await);
            assert!(gate.nobody.known().is_none(), "nothing is remembered of nobody");
        }
        // While all who check are busy, an unknown user waits as a known one does.
        let busy = gate.checks.available_permits();
        let _all = Arc::clone(&gate.checks).acquire_many_owned(u32::try_from(busy).unwrap()).await.unwrap();
        for user in ["ann", "carol"] {
            let asked = admits(&gate, user, "canary-guess");
            assert!(futures::FutureExt::now_or_never(asked).is_none(), "{user}");
        }
    }

    #[tokio::test]
    async fn what_is_no_basic_authentication_is_refused_with_a_challenge() {
        let gate = gate();
        let long = format!("Basic {}", "A".repeat(MAX_CREDENTIALS));
        for given in
            [None, Some("Bearer x"), Some("Basic"), Some("Basic !"), Some("Basic YW5u"), Some(&*long)]
        {
            let mut headers = HeaderMap::new();
            if let Some(given) = given {
                headers.insert(header::AUTHORIZATION, HeaderValue::from_str(given).unwrap());
            }
            let refused = gate.admit(&headers).await.unwrap_err().into_response();
            assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
            assert_eq!(refused.headers()[header::WWW_AUTHENTICATE], CHALLENGE);
        }
    }
}
