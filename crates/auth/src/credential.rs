//! Credentials: what the user has, and the places that know it.
use std::fmt;

use futures::future::BoxFuture;
use reference::{Registry, RepositoryName};

use crate::{AuthError, Origin, Secret};

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
    /// An `OAuth2` refresh token: goes to the token endpoint by POST, never on a registry request.
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
    /// The credential for `repository` at `registry`, or for the registry as a whole; `None` means anonymous.
    fn find<'a>(
        &'a self,
        registry: &'a Registry,
        repository: Option<&'a RepositoryName>,
    ) -> BoxFuture<'a, Result<Option<Found>, AuthError>>;

    /// The credential for every repository, where there is only one and no work is needed to know it.
    fn given(&self) -> Option<&Found> {
        None
    }
}

/// A credential that was handed over: by flags, a request or the environment. `None` is anonymous.
#[derive(Debug, Clone, Default)]
pub struct Given(pub Option<Found>);

impl CredentialSource for Given {
    fn find<'a>(
        &'a self,
        _registry: &'a Registry,
        _repository: Option<&'a RepositoryName>,
    ) -> BoxFuture<'a, Result<Option<Found>, AuthError>> {
        Box::pin(std::future::ready(Ok(self.0.clone())))
    }

    fn given(&self) -> Option<&Found> {
        self.0.as_ref()
    }
}

impl Credential {
    /// What a user name and a password mean at `registry`; `acr` says that the user named it an Azure Container
    /// Registry.
    ///
    /// Neither is anonymous. A user name needs a password, and holds no colon: Basic authentication ends it there
    /// (RFC 7617, 2). A password alone is an Entra access token, which only
    /// an Azure Container Registry takes.
    pub fn from_login(
        username: Option<String>,
        password: Option<Secret>,
        registry: &Registry,
        acr: bool,
    ) -> Result<Option<Self>, AuthError> {
        match (username, password) {
            (None, None) => Ok(None),
            (Some(username), Some(_)) if username.contains(':') => {
                Err(AuthError::ColonInUsername { registry: registry.to_string() })
            }
            (Some(username), Some(password)) => Ok(Some(Self::Basic { username, password })),
            (Some(_), None) => Err(AuthError::PasswordMissing { registry: registry.to_string() }),
            (None, Some(token)) if is_acr(registry, acr) => Ok(Some(Self::EntraToken(token))),
            (None, Some(_)) => Err(AuthError::NotAcr { registry: registry.to_string() }),
        }
    }

    /// The user name and the password, where there are any.
    pub(crate) fn login(&self) -> Option<(&str, &Secret)> {
        match self {
            Self::Basic { username, password } | Self::IdentityTokenWithLogin { username, password, .. } => {
                Some((username, password))
            }
            Self::IdentityToken(_) | Self::RegistryToken(_) | Self::EntraToken(_) => None,
        }
    }

    /// The refresh token, where there is one.
    pub(crate) fn identity_token(&self) -> Option<&Secret> {
        match self {
            Self::IdentityToken(token) | Self::IdentityTokenWithLogin { token, .. } => Some(token),
            Self::Basic { .. } | Self::RegistryToken(_) | Self::EntraToken(_) => None,
        }
    }
}

/// Whether `registry` takes an Entra token over a connection to `origin`; `acr` says that the user said so.
pub(crate) fn may_exchange(registry: &Registry, origin: &Origin, acr: bool) -> Result<(), AuthError> {
    if !is_acr(registry, acr) {
        return Err(AuthError::NotAcr { registry: registry.to_string() });
    }
    if !origin.https && !origin.is_loopback() {
        return Err(AuthError::EntraInClear { registry: registry.to_string() });
    }
    Ok(())
}

fn is_acr(registry: &Registry, acr: bool) -> bool {
    let host = registry.host();
    let named = |suffix: &&str| host.len() > suffix.len() && host.ends_with(*suffix);
    acr || ACR_SUFFIXES.iter().any(named)
}

const ACR_SUFFIXES: [&str; 3] = [".azurecr.io", ".azurecr.cn", ".azurecr.us"];

#[cfg(test)]
mod tests {
    use super::*;

    fn login(
        username: Option<&str>,
        password: Option<&str>,
        host: &str,
        acr: bool,
    ) -> Result<Option<Credential>, AuthError> {
        let password = password.map(Secret::new);
        Credential::from_login(username.map(str::to_owned), password, &host.parse().unwrap(), acr)
    }

    #[test]
    fn a_user_name_needs_a_password() {
        assert_eq!(login(None, None, "r.example", false).unwrap(), None);
        let missing = login(Some("u"), None, "r.example", false).unwrap_err();
        assert_eq!(missing.kind(), crate::AuthErrorKind::Usage);
        let basic = login(Some("u"), Some("p"), "r.example", false).unwrap();
        assert!(matches!(basic, Some(Credential::Basic { .. })));
    }

    #[test]
    fn a_user_name_holds_no_colon() {
        for username in ["u:v", ":", "u:"] {
            let refused = login(Some(username), Some("p"), "r.example", false).unwrap_err();
            assert!(matches!(refused, AuthError::ColonInUsername { .. }), "{username}");
            assert_eq!(refused.kind(), crate::AuthErrorKind::Usage);
            assert!(refused.hint().is_some());
        }
        assert!(login(Some("u"), Some("p:q"), "r.example", false).unwrap().is_some());
    }

    #[test]
    fn a_password_alone_is_for_azure_only() {
        for host in ["r.azurecr.io", "r.azurecr.cn", "r.azurecr.us", "R.azurecr.IO"] {
            assert!(
                matches!(login(None, Some("t"), host, false).unwrap(), Some(Credential::EntraToken(_))),
                "{host}"
            );
        }
        for host in ["r.example", "azurecr.io", "r.azurecr.io.evil.org", "evilazurecr.io", "r.azurecr.de"] {
            let refused = login(None, Some("t"), host, false).unwrap_err();
            assert!(matches!(refused, AuthError::NotAcr { .. }), "{host}");
        }
        assert!(login(None, Some("t"), "127.0.0.1:5000", true).unwrap().is_some());
    }

    #[test]
    fn an_entra_token_does_not_cross_a_network_in_the_clear() {
        let origin = |https, host: &str| Origin { https, host: host.to_owned(), port: 5000 };
        let registry: Registry = "r.azurecr.io".parse().unwrap();
        assert!(may_exchange(&registry, &origin(true, "r.azurecr.io"), false).is_ok());
        assert!(may_exchange(&registry, &origin(false, "127.0.0.1"), true).is_ok());
        let clear = may_exchange(&registry, &origin(false, "r.azurecr.io"), true).unwrap_err();
        assert!(matches!(clear, AuthError::EntraInClear { .. }));
    }
}
