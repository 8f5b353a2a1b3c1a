//! Authorizations: the header value of one request.
use std::fmt;

use crate::Secret;

/// The value of an `Authorization` header, and enough about its origin to answer a 401 to it.
#[derive(Clone)]
pub struct Authorization {
    value: Secret,
}

impl Authorization {
    /// `Basic` with a user name and a password.
    pub(crate) fn basic(username: &str, password: &Secret) -> Self {
        use base64::{Engine, prelude::BASE64_STANDARD};
        let pair = Secret::new(format!("{username}:{}", password.expose()));
        Self { value: Secret::new(format!("Basic {}", BASE64_STANDARD.encode(pair.expose()))) }
    }

    /// The header value, to be marked sensitive and sent to the registry's own origin only.
    pub fn header(&self) -> &str {
        self.value.expose()
    }
}

impl fmt::Debug for Authorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Authorization(..)")
    }
}
