//! Demands: the one challenge of a 401 that we answer.
use reference::Registry;
use url::Url;

use crate::{
    Admission, AuthError, Challenge, Context, Credential, Found, Origin, Purpose, admit, error::Withheld,
    text::shown,
};

/// What a registry wants to see.
#[derive(Debug, Clone)]
pub(crate) enum Demand {
    /// A user name and a password (RFC 7617).
    Basic,
    /// A token (distribution, "Token Authentication Specification").
    Bearer(Bearer),
}

/// A Bearer challenge whose realm has been admitted.
#[derive(Debug, Clone)]
pub(crate) struct Bearer {
    /// Where tokens are to be had; `None` only for a registry token, which needs none.
    pub(crate) realm: Option<Admission>,
    pub(crate) service: String,
    /// What the registry said was wrong; empty when nothing.
    pub(crate) error: String,
}

impl Demand {
    /// Whether there is something to answer it with.
    pub(crate) fn suits(&self, found: Option<&Found>) -> bool {
        let credential = found.map(|found| &found.credential);
        match self {
            Self::Basic => credential.is_some_and(|credential| credential.login().is_some()),
            Self::Bearer(Bearer { realm, .. }) => {
                realm.is_some() || matches!(credential, Some(Credential::RegistryToken(_)))
            }
        }
    }
}

impl Bearer {
    /// The credential that may be shown to the realm.
    pub(crate) fn presented<'a>(&self, found: Option<&'a Found>) -> Option<&'a Found> {
        found.filter(|found| match &found.credential {
            // These two never go to a realm: one to the registry's API, the other to its own `/oauth2`.
            Credential::RegistryToken(_) | Credential::EntraToken(_) => true,
            _ => self.realm.as_ref().is_some_and(|realm| realm.credentials),
        })
    }

    /// The credential that may not, for messages.
    pub(crate) fn withheld(&self, found: Option<&Found>) -> Option<Withheld> {
        let (found, realm) = (found?, self.realm.as_ref()?);
        match self.presented(Some(found)) {
            Some(_) => None,
            None => Some(Withheld { from: found.from.clone(), realm: realm.origin.host.clone() }),
        }
    }
}

/// Chooses the best challenge that the credential can answer: Bearer over Basic.
pub(crate) fn choose(
    offered: &[Challenge],
    found: Option<&Found>,
    registry: &Registry,
    origin: &Origin,
) -> Result<Demand, AuthError> {
    let credential = found.map(|found| &found.credential);
    let registry_token = matches!(credential, Some(Credential::RegistryToken(_)));
    let bearer = |challenge: &&Challenge| {
        challenge.scheme() == "bearer" && (registry_token || challenge.parameter("realm").is_some())
    };
    if let Some(challenge) = offered.iter().find(bearer) {
        return read(challenge, registry_token, registry, origin).map(Demand::Bearer);
    }
    let schemes = || offered.iter().map(|challenge| shown(challenge.scheme())).take(MAX_SHOWN).collect();
    if !offered.iter().any(|challenge| challenge.scheme() == "basic") {
        return Err(AuthError::NoUsableChallenge { registry: registry.to_string(), offered: schemes() });
    }
    match found {
        Some(Found { credential, from }) if credential.login().is_none() => {
            Err(AuthError::CredentialUnusable {
                registry: registry.to_string(),
                from: from.clone(),
                offered: schemes(),
            })
        }
        _ => Ok(Demand::Basic),
    }
}

fn read(
    challenge: &Challenge,
    registry_token: bool,
    registry: &Registry,
    origin: &Origin,
) -> Result<Bearer, AuthError> {
    let text = |name| shown(challenge.parameter(name).unwrap_or_default());
    let service = challenge.parameter("service").unwrap_or_default().to_owned();
    let error = [text("error"), text("error_description")].join(" ").trim().to_owned();
    if registry_token {
        return Ok(Bearer { realm: None, service, error });
    }
    let refused = |refusal| AuthError::RealmRefused { registry: registry.to_string(), refusal };
    // A relative realm is legal; it is relative to the API.
    let base = format!("{origin}/v2/");
    let base = Url::parse(&base)
        .map_err(|_| AuthError::TokenMalformed { realm: base, what: "no URL".to_owned() })?;
    let context = Context { registry: origin, base: &base, purpose: Purpose::Realm, credentials: true };
    let realm = admit(challenge.parameter("realm").unwrap_or_default(), &context).map_err(refused)?;
    Ok(Bearer { realm: Some(realm), service, error })
}

const MAX_SHOWN: usize = 8;
