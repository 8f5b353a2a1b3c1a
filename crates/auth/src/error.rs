//! Errors: why there is no authorization. Names hosts, scopes and where a credential came from; never its value.
use thiserror::Error;

use crate::Refusal;

/// What kind of failure an [`AuthError`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AuthErrorKind {
    /// Credentials are missing, wrong or insufficient, or a helper failed.
    Authentication,
    /// A server named a URL that we do not go to.
    Address,
    /// The token endpoint could not be reached, or says "later".
    Unreachable,
    /// A server broke the protocol.
    Protocol,
    /// The user asked for something that makes no sense: a usage error.
    Usage,
    /// A credential file cannot be read.
    Local,
}

/// Why there is no authorization.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum AuthError {
    /// A 401 without a challenge that we know how to answer.
    #[error("{registry} asked for credentials without a challenge that can be answered{}", list(.offered))]
    NoUsableChallenge {
        /// The registry.
        registry: String,
        /// The schemes that it offered.
        offered: Vec<String>,
    },
    /// A user name without a password.
    #[error("a user name for {registry} without a password")]
    PasswordMissing {
        /// The registry.
        registry: String,
        /// The user name.
        username: String,
    },
    /// A password without a user name, at a registry that is not an Azure Container Registry.
    #[error(
        "a password without a user name is an Entra access token, and {registry} is not an Azure Container Registry"
    )]
    NotAcr {
        /// The registry.
        registry: String,
    },
    /// The URL of a token endpoint is refused.
    #[error("{registry} names a token endpoint that we do not go to: {refusal}")]
    RealmRefused {
        /// The registry.
        registry: String,
        /// What was refused, and why.
        refusal: Refusal,
    },
    /// The token endpoint's answer makes no sense.
    #[error("the token endpoint {realm} gave {what}")]
    TokenMalformed {
        /// The host of the token endpoint.
        realm: String,
        /// What is wrong with it.
        what: String,
    },
    /// No answer from the token endpoint.
    #[error("the token endpoint {realm} cannot be reached: {what}")]
    Unreachable {
        /// The host of the token endpoint.
        realm: String,
        /// What happened.
        what: String,
    },
}

impl AuthError {
    /// What kind of failure this is.
    pub fn kind(&self) -> AuthErrorKind {
        match self {
            Self::NoUsableChallenge { .. } => AuthErrorKind::Authentication,
            Self::PasswordMissing { .. } | Self::NotAcr { .. } => AuthErrorKind::Usage,
            Self::RealmRefused { .. } => AuthErrorKind::Address,
            Self::TokenMalformed { .. } => AuthErrorKind::Protocol,
            Self::Unreachable { .. } => AuthErrorKind::Unreachable,
        }
    }

    /// What to do next, when there is something to say.
    pub fn hint(&self) -> Option<String> {
        None
    }

    /// Whether the same request may succeed later.
    pub fn is_momentary(&self) -> bool {
        self.kind() == AuthErrorKind::Unreachable
    }

    /// Whether a `GET /v2/` may bring the challenge that the 401 lacked.
    pub fn wants_ping(&self) -> bool {
        matches!(self, Self::NoUsableChallenge { .. })
    }
}

fn list(offered: &[String]) -> String {
    if offered.is_empty() { String::new() } else { format!(" (offered: {})", offered.join(", ")) }
}
