//! Authorizations: the header value of one request.
use std::fmt;

use base64::{Engine, prelude::BASE64_STANDARD};
use tokio::time::Instant;

use crate::{Secret, token::Token};

/// The value of an `Authorization` header, and enough about its origin to answer a 401 to it.
#[derive(Clone)]
pub struct Authorization {
    value: Secret,
    made_of: MadeOf,
    /// How many 401 answers in a row led to it.
    answers: u8,
}

/// What an authorization was made of.
#[derive(Clone)]
enum MadeOf {
    /// The credential itself: nothing can be renewed.
    Credential,
    /// A token of the token endpoint: which one, and when it ends.
    Token { serial: u64, end: Instant },
}

impl Authorization {
    /// `Basic` with a user name and a password (RFC 7617).
    pub(crate) fn basic(username: &str, password: &Secret) -> Self {
        let pair = Secret::new(format!("{username}:{}", password.expose()));
        Self::of_credential(format!("Basic {}", BASE64_STANDARD.encode(pair.expose())))
    }

    /// `Bearer` with a registry token as it is.
    pub(crate) fn registry_token(token: &Secret) -> Self {
        Self::of_credential(format!("Bearer {}", token.expose()))
    }

    /// `Bearer` with a token of the token endpoint.
    pub(crate) fn bearer(token: &Token, serial: u64) -> Self {
        let value = Secret::new(format!("Bearer {}", token.value.expose()));
        Self { value, made_of: MadeOf::Token { serial, end: token.end }, answers: 0 }
    }

    fn of_credential(value: String) -> Self {
        Self { value: Secret::new(value), made_of: MadeOf::Credential, answers: 0 }
    }

    /// The same, as the answer to a 401 that `used` got.
    pub(crate) fn answering(mut self, used: Option<&Self>) -> Self {
        self.answers = used.map_or(0, |used| used.answers).saturating_add(1);
        self
    }

    /// The header value, to be marked sensitive and sent to the registry's own origin only.
    pub fn header(&self) -> &str {
        self.value.expose()
    }

    /// Which token this is, if it is one of the token endpoint.
    pub(crate) fn serial(&self) -> Option<u64> {
        match self.made_of {
            MadeOf::Credential => None,
            MadeOf::Token { serial, .. } => Some(serial),
        }
    }

    /// How many 401 answers in a row led here; none, once the token has had the time to end.
    pub(crate) fn answers(&self) -> u8 {
        match self.made_of {
            MadeOf::Token { end, .. } if end <= Instant::now() => 0,
            _ => self.answers,
        }
    }
}

impl fmt::Debug for Authorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Authorization(..)")
    }
}
