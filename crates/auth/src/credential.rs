//! Credentials: what the user has, and the places that know it.
use std::fmt;

use futures::future::BoxFuture;
use reference::{Registry, RepositoryName};

use crate::{AuthError, Secret};

/// What a user can prove identity with.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Credential {
    /// A user name and a password, or a token that a registry takes as one.
    Basic {
        /// The user name; never contains a colon.
        username: String,
        /// The password.
        password: Secret,
    },
    /// An OAuth2 refresh token: goes to the token endpoint by POST, never on a registry request.
    IdentityToken(Secret),
    /// A refresh token beside a user name and a password, which serve where the token endpoint takes no POST.
    IdentityTokenWithLogin {
        /// The refresh token, tried first.
        token: Secret,
        /// The user name of the fallback.
        username: String,
        /// The password of the fallback.
        password: Secret,
    },
    /// A registry token: sent as `Bearer` unchanged, never exchanged.
    RegistryToken(Secret),
    /// A Microsoft Entra access token: goes to an Azure Container Registry's own `/oauth2/exchange`, nowhere else.
    EntraToken(Secret),
}

/// A credential and the name of the place it came from, for messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The credential.
    pub credential: Credential,
    /// `~/.docker/config.json`, `--username`, a helper's name.
    pub from: String,
}

/// A place that may know a credential for a repository.
pub trait CredentialSource: Send + Sync + fmt::Debug {
    /// The credential for `repository` at `registry`; `None` means anonymous.
    fn find<'a>(
        &'a self,
        registry: &'a Registry,
        repository: &'a RepositoryName,
    ) -> BoxFuture<'a, Result<Option<Found>, AuthError>>;
}

/// A credential that was handed over: by flags, a request or the environment. `None` is anonymous.
#[derive(Debug, Clone, Default)]
pub struct Given(pub Option<Found>);

impl CredentialSource for Given {
    fn find<'a>(
        &'a self,
        _registry: &'a Registry,
        _repository: &'a RepositoryName,
    ) -> BoxFuture<'a, Result<Option<Found>, AuthError>> {
        Box::pin(std::future::ready(Ok(self.0.clone())))
    }
}

impl Credential {
    /// What a user name and a password mean at `registry`; `acr` says that the user named it an Azure Container
    /// Registry.
    ///
    /// Neither is anonymous. A user name needs a password. A password alone is an Entra access token, which only
    /// an Azure Container Registry takes.
    pub fn from_login(
        username: Option<String>,
        password: Option<Secret>,
        registry: &Registry,
        acr: bool,
    ) -> Result<Option<Self>, AuthError> {
        match (username, password) {
            (None, None) => Ok(None),
            (Some(username), Some(password)) => Ok(Some(Self::Basic { username, password })),
            (Some(username), None) => {
                Err(AuthError::PasswordMissing { registry: registry.to_string(), username })
            }
            (None, Some(token)) if acr || is_acr_host(registry.host()) => Ok(Some(Self::EntraToken(token))),
            (None, Some(_)) => Err(AuthError::NotAcr { registry: registry.to_string() }),
        }
    }
}

/// Whether a host belongs to Azure Container Registry by its name.
pub(crate) fn is_acr_host(host: &str) -> bool {
    [".azurecr.io", ".azurecr.cn", ".azurecr.us"]
        .iter()
        .any(|suffix| host.len() > suffix.len() && host.ends_with(suffix))
}
