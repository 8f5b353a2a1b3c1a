//! The negotiator: this room's front door, one per registry and credential source.
use std::{fmt, sync::Arc};

use reference::Registry;

use crate::{AuthError, Authorization, CredentialSource, Endpoint, Origin, Scopes};

/// Answers the challenges of one registry and remembers what it learnt.
pub struct Negotiator {
    registry: Registry,
    origin: Origin,
    credentials: Arc<dyn CredentialSource>,
    endpoint: Arc<dyn Endpoint>,
    acr: bool,
}

impl Negotiator {
    /// A negotiator for `registry`, whose API is at `origin`; `acr` says that the user named it an Azure Container
    /// Registry, whatever its host is called.
    pub fn new(
        registry: Registry,
        origin: Origin,
        credentials: Arc<dyn CredentialSource>,
        endpoint: Arc<dyn Endpoint>,
        acr: bool,
    ) -> Self {
        Self { registry, origin, credentials, endpoint, acr }
    }

    /// The authorization for the next request: from what has been learnt. `None` until a challenge was answered.
    pub async fn authorization(&self, scopes: &Scopes) -> Result<Option<Authorization>, AuthError> {
        let _ = (scopes, &self.credentials, &self.endpoint, self.acr);
        Ok(None)
    }

    /// Answers a 401: `challenges` are the raw values of its `WWW-Authenticate` headers, `used` is the authorization
    /// of the request that got it.
    pub async fn answer(
        &self,
        scopes: &Scopes,
        challenges: &[String],
        used: Option<&Authorization>,
    ) -> Result<Authorization, AuthError> {
        let _ = (scopes, challenges, used, &self.origin);
        Err(AuthError::NoUsableChallenge { registry: self.registry.to_string(), offered: Vec::new() })
    }
}

impl fmt::Debug for Negotiator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Negotiator").field("registry", &self.registry).finish_non_exhaustive()
    }
}
