//! Errors: why there is no authorization.
//!
//! Names hosts, scopes and the place a credential came from; never its value.
use std::fmt;

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

/// A credential that was found but not sent, because the token endpoint does not belong to the registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Withheld {
    /// Where the credential was found.
    pub from: String,
    /// The token endpoint that did not get it.
    pub realm: String,
}

/// Why there is no authorization.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum AuthError {
    /// A 401 without a challenge that we know how to answer.
    #[error("{registry} asks for credentials without a challenge that can be answered{}", offers(.offered))]
    NoUsableChallenge {
        /// The registry.
        registry: String,
        /// The schemes that it offered.
        offered: Vec<String>,
    },
    /// The credential needs a Bearer challenge, and there is none.
    #[error("{registry} does not take the kind of token found in {from}{}", offers(.offered))]
    CredentialUnusable {
        /// The registry.
        registry: String,
        /// Where the credential was found.
        from: String,
        /// The schemes that it offered.
        offered: Vec<String>,
    },
    /// Anonymous is not enough.
    #[error("{registry} refuses anonymous access to {scopes}{}", Withheld::clause(.withheld.as_ref()))]
    CredentialsMissing {
        /// The registry.
        registry: String,
        /// What was asked for.
        scopes: String,
        /// A credential that was found but not sent.
        withheld: Option<Withheld>,
    },
    /// The credential is wrong, or no longer good.
    #[error("{by} refused the credentials from {from} ({status}){}", clause(.text))]
    CredentialsRejected {
        /// The registry.
        registry: String,
        /// Who refused: the registry, or the host of its token endpoint.
        by: String,
        /// Where the credential was found.
        from: String,
        /// The status of the answer.
        status: u16,
        /// What the server said; empty when nothing.
        text: String,
    },
    /// The credential is good, but not for this.
    #[error("{registry} denies {scopes} to the credentials from {from}{}", clause(.text))]
    Denied {
        /// The registry.
        registry: String,
        /// What was asked for.
        scopes: String,
        /// Where the credential was found.
        from: String,
        /// What the server said; empty when nothing.
        text: String,
    },
    /// The URL of a token endpoint is refused.
    #[error("{registry} names a token endpoint that we do not go to: {refusal}")]
    RealmRefused {
        /// The registry.
        registry: String,
        /// What was refused, and why.
        refusal: Refusal,
    },
    /// The token endpoint answered with neither a token nor a refusal.
    #[error("the token endpoint {realm} answered {status}{}", clause(.text))]
    TokenEndpoint {
        /// The host of the token endpoint.
        realm: String,
        /// The status of the answer.
        status: u16,
        /// What the server said; empty when nothing.
        text: String,
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
    /// The token endpoint wants to be asked later than anybody waits.
    #[error("the token endpoint {realm} answered {status} and asks to come back in {seconds} s")]
    NotNow {
        /// The host of the token endpoint.
        realm: String,
        /// The status of the answer.
        status: u16,
        /// When to come back.
        seconds: u64,
    },
    /// The certificate of the token endpoint is not trusted.
    #[error("the certificate of the token endpoint {realm} is not trusted: {what}")]
    Untrusted {
        /// The host of the token endpoint.
        realm: String,
        /// What is wrong with it.
        what: String,
    },
    /// The token endpoint's name stands for an address that we do not go to.
    #[error("the token endpoint {realm} is not asked: {what}")]
    AddressRefused {
        /// The host of the token endpoint.
        realm: String,
        /// Which address, and why.
        what: String,
    },
    /// A proxy on the way to the token endpoint wants credentials.
    #[error("on the way to the token endpoint {realm}: {what}")]
    Proxy {
        /// The host of the token endpoint.
        realm: String,
        /// What happened.
        what: String,
    },
    /// A user name without a password.
    #[error("a user name for {registry} without a password")]
    PasswordMissing {
        /// The registry.
        registry: String,
    },
    /// A user name that Basic authentication cannot carry.
    #[error("the user name for {registry} holds a colon")]
    ColonInUsername {
        /// The registry.
        registry: String,
    },
    /// A password without a user name, at a registry that is not an Azure Container Registry.
    #[error(
        "a password without a user name is an Entra access token, and {registry} is not an Azure Container Registry"
    )]
    NotAcr {
        /// The registry.
        registry: String,
    },
    /// An Entra access token for a registry that speaks plain HTTP over a network.
    #[error("an Entra access token is not sent to {registry} over plain HTTP")]
    EntraInClear {
        /// The registry.
        registry: String,
    },
    /// A credential file that cannot be read or understood.
    #[error("credential file {file}: {what}")]
    File {
        /// The file, or the variable that holds the same text.
        file: String,
        /// What is wrong, with the line where there is one.
        what: String,
    },
    /// A credential helper that failed.
    #[error("credential helper {name} for {server}: {what}")]
    Helper {
        /// The helper's program name.
        name: String,
        /// The server it was asked for.
        server: String,
        /// What happened.
        what: String,
    },
}

impl AuthError {
    /// What kind of failure this is.
    pub fn kind(&self) -> AuthErrorKind {
        match self {
            Self::TokenEndpoint { status, .. } if is_later(*status) => AuthErrorKind::Unreachable,
            Self::NoUsableChallenge { .. }
            | Self::CredentialUnusable { .. }
            | Self::CredentialsMissing { .. }
            | Self::CredentialsRejected { .. }
            | Self::Denied { .. }
            | Self::TokenEndpoint { .. }
            | Self::Untrusted { .. }
            | Self::Proxy { .. }
            | Self::Helper { .. } => AuthErrorKind::Authentication,
            Self::PasswordMissing { .. }
            | Self::ColonInUsername { .. }
            | Self::NotAcr { .. }
            | Self::EntraInClear { .. } => AuthErrorKind::Usage,
            Self::RealmRefused { .. } | Self::AddressRefused { .. } => AuthErrorKind::Address,
            Self::TokenMalformed { .. } => AuthErrorKind::Protocol,
            Self::Unreachable { .. } | Self::NotNow { .. } => AuthErrorKind::Unreachable,
            Self::File { .. } => AuthErrorKind::Local,
        }
    }

    /// What to do next, when there is something to say.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::CredentialsMissing { withheld: Some(withheld), registry, .. } => {
                Some(format!("{} does not belong to {registry}, so it gets no credentials", withheld.realm))
            }
            Self::CredentialsMissing { registry, .. } => {
                Some(format!("give a user name and a password, or log in with `docker login {registry}`"))
            }
            Self::CredentialsRejected { from, .. } => Some(format!(
                "correct or remove the credentials from {from}; anonymous access is not tried instead"
            )),
            Self::CredentialUnusable { .. } => Some("give a user name and a password".to_owned()),
            Self::Denied { .. } => {
                Some("check that the repository exists and what this user may do there".to_owned())
            }
            Self::RealmRefused { refusal, .. } => refusal.hint().map(str::to_owned),
            Self::NotNow { .. } => Some("wait until then".to_owned()),
            Self::Untrusted { .. } => {
                Some("if a private authority signed it, name its certificate with --ca-file".to_owned())
            }
            Self::Proxy { .. } => Some("put user name and password into the proxy's URL".to_owned()),
            Self::PasswordMissing { .. } => Some("give the password too".to_owned()),
            Self::ColonInUsername { .. } => {
                Some("give the user name and the password apart, not as `name:password`".to_owned())
            }
            Self::NotAcr { registry } => Some(format!(
                "give a user name, or say --acr {registry} if it is an Azure Container Registry"
            )),
            _ => None,
        }
    }

    /// Whether the same request may succeed a moment later.
    pub fn is_momentary(&self) -> bool {
        self.kind() == AuthErrorKind::Unreachable && !matches!(self, Self::NotNow { .. })
    }

    /// Whether a `GET /v2/` may bring the challenge that the 401 lacked.
    pub fn wants_ping(&self) -> bool {
        matches!(self, Self::NoUsableChallenge { offered, .. } if offered.is_empty())
    }
}

impl Withheld {
    fn clause(withheld: Option<&Self>) -> impl fmt::Display {
        match withheld {
            Some(Self { from, realm }) => format!("; the credentials from {from} were not sent to {realm}"),
            None => String::new(),
        }
    }
}

/// Whether a status says "later" rather than "no".
fn is_later(status: u16) -> bool {
    status == 429 || status >= 500
}

fn offers(offered: &[String]) -> String {
    if offered.is_empty() { String::new() } else { format!(" (offered: {})", offered.join(", ")) }
}

fn clause(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!(": {text}") }
}
