//! Tokens: real signed JWTs, given out to known users, and judged.
use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyPair};
use serde_json::{Value, json};

use crate::canary::marked;

/// Who may have tokens, and the key that signs them.
#[derive(Debug)]
pub struct Tokens {
    key: KeyPair,
    certificate: rcgen::Certificate,
    users: Vec<(String, String)>,
    identity: Vec<String>,
    anonymous: bool,
    lifetime: Duration,
    /// Tokens of an earlier generation are refused as expired.
    generation: AtomicU64,
    given: AtomicU64,
}

/// What a request must be allowed to do: `(repository, action)`.
pub type Need = (String, &'static str);

/// What a token is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Everything needed is in it.
    Allowed,
    /// It is no token of ours, or no longer.
    Invalid,
    /// It is good for something else.
    Insufficient,
}

/// The service that all tokens here are for.
pub const SERVICE: &str = "registry.test";
/// Who signs them.
pub const ISSUER: &str = "tokens.test";

impl Default for Tokens {
    fn default() -> Self {
        Self::new()
    }
}

impl Tokens {
    /// Nobody may have one yet; they are good for five minutes.
    pub fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, ISSUER);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.self_signed(&key).expect("a certificate");
        Self {
            key,
            certificate,
            users: Vec::new(),
            identity: Vec::new(),
            anonymous: false,
            lifetime: Duration::from_secs(300),
            generation: AtomicU64::new(0),
            given: AtomicU64::new(0),
        }
    }

    /// Lets a user in who shows this password.
    #[must_use]
    pub fn user(mut self, name: &str, password: &str) -> Self {
        self.users.push((name.to_owned(), marked(password).to_owned()));
        self
    }

    /// Lets those in who hold this identity (refresh) token.
    #[must_use]
    pub fn identity(mut self, token: &str) -> Self {
        self.identity.push(marked(token).to_owned());
        self
    }

    /// Gives tokens to everybody; without credentials they are good for pulls.
    #[must_use]
    pub fn anonymous(mut self) -> Self {
        self.anonymous = true;
        self
    }

    /// How long tokens are good.
    #[must_use]
    pub fn lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// The signer's certificate, for registries that check signatures themselves.
    pub fn certificate_pem(&self) -> String {
        self.certificate.pem()
    }

    /// How many tokens were given out.
    pub fn given(&self) -> u64 {
        self.given.load(Ordering::SeqCst)
    }

    /// From now on all tokens given out so far are refused.
    pub fn expire(&self) {
        self.generation.fetch_add(1, Ordering::SeqCst);
    }

    pub(crate) fn knows(&self, name: &str, password: &str) -> bool {
        self.users.iter().any(|(user, secret)| user == name && secret == password)
    }

    pub(crate) fn knows_identity(&self, token: &str) -> bool {
        self.identity.iter().any(|known| known == token)
    }

    pub(crate) fn lets_anybody_pull(&self) -> bool {
        self.anonymous
    }

    pub(crate) fn lifetime_seconds(&self) -> u64 {
        self.lifetime.as_secs()
    }

    /// A token for `user` to do what `scopes` ask for, or of it only pulls.
    pub(crate) fn give<'a>(
        &self,
        user: &str,
        scopes: impl Iterator<Item = &'a str>,
        only_pull: bool,
    ) -> String {
        let access: Vec<Value> = scopes.filter_map(|scope| access(scope, only_pull)).collect();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let number = self.given.fetch_add(1, Ordering::SeqCst);
        let claims = json!({
            "iss": ISSUER, "sub": user, "aud": SERVICE,
            "iat": now, "nbf": now.saturating_sub(5), "exp": now + self.lifetime.as_secs(),
            "jti": number.to_string(),
            "generation": self.generation.load(Ordering::SeqCst),
            "access": access,
        });
        let mut header = Header::new(Algorithm::ES256);
        header.x5c = Some(vec![STANDARD.encode(self.certificate.der())]);
        let key = EncodingKey::from_ec_pem(self.key.serialize_pem().as_bytes()).expect("our own key");
        jsonwebtoken::encode(&header, &claims, &key).expect("a token")
    }

    /// What `token` is worth for a request with these needs.
    pub fn judge(&self, token: &str, needs: &[Need]) -> Verdict {
        let key = DecodingKey::from_ec_pem(self.key.public_key_pem().as_bytes()).expect("our own key");
        let mut rules = Validation::new(Algorithm::ES256);
        rules.leeway = 0;
        rules.validate_nbf = true;
        rules.set_audience(&[SERVICE]);
        rules.set_issuer(&[ISSUER]);
        let Ok(token) = jsonwebtoken::decode::<Value>(token, &key, &rules) else {
            return Verdict::Invalid;
        };
        if token.claims["generation"] != json!(self.generation.load(Ordering::SeqCst)) {
            return Verdict::Invalid;
        }
        let allowed = |(repository, action): &Need| {
            let entries = token.claims["access"].as_array().into_iter().flatten();
            entries.filter(|entry| entry["name"] == json!(repository)).any(|entry| {
                entry["actions"].as_array().is_some_and(|actions| actions.contains(&json!(action)))
            })
        };
        if needs.iter().all(allowed) { Verdict::Allowed } else { Verdict::Insufficient }
    }
}

/// One scope as a claim: `repository:NAME:ACTIONS`; the name may hold colons.
fn access(scope: &str, only_pull: bool) -> Option<Value> {
    let (kind, rest) = scope.split_once(':')?;
    let (name, actions) = rest.rsplit_once(':')?;
    let actions: Vec<&str> = actions.split(',').filter(|action| !only_pull || *action == "pull").collect();
    Some(json!({"type": kind, "name": name, "actions": actions}))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn need(repository: &str, action: &'static str) -> Vec<Need> {
        vec![(repository.to_owned(), action)]
    }

    #[test]
    fn a_token_is_good_for_its_scopes_until_it_expires() {
        let tokens = Tokens::new();
        let token = tokens.give("ann", ["repository:team/app:pull,push"].into_iter(), false);
        assert_eq!(tokens.judge(&token, &need("team/app", "push")), Verdict::Allowed);
        assert_eq!(tokens.judge(&token, &need("team/other", "pull")), Verdict::Insufficient);
        assert_eq!(tokens.judge("token", &[]), Verdict::Invalid);
        assert_eq!(Tokens::new().judge(&token, &[]), Verdict::Invalid);
        tokens.expire();
        assert_eq!(tokens.judge(&token, &need("team/app", "push")), Verdict::Invalid);
    }
}
