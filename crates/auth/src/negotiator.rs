//! The negotiator: this room's front door, one per registry and credential source.
//!
//! Learns a registry's challenge from its first 401 and answers it ahead of time from then on. Touches every other
//! room of this crate; sends nothing itself.
use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use reference::Registry;

use crate::{
    AuthError, Authorization, Challenge, Credential, CredentialSource, Endpoint, Found, Origin, Scope,
    Scopes,
    cache::{Cache, Wanted},
    credential::may_exchange,
    demand::{Demand, choose},
};

/// Answers the challenges of one registry and remembers what it learnt.
///
/// Its tokens are kept per realm, service, scope set and credential; the registry's origin and the credential source
/// are its own, so two sides with different credentials on one host have two negotiators and share nothing.
pub struct Negotiator {
    registry: Registry,
    origin: Origin,
    credentials: Arc<dyn CredentialSource>,
    acr: bool,
    cache: Cache,
    learnt: Mutex<Learnt>,
}

/// What the registry has taught us.
#[derive(Default)]
struct Learnt {
    demand: Option<Demand>,
    /// Scope sets that turned out to be too small, and what was demanded instead.
    wider: HashMap<Scopes, Scopes>,
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
        let cache = Cache::new(registry.to_string(), origin.clone(), endpoint);
        Self { registry, origin, credentials, acr, cache, learnt: Mutex::default() }
    }

    /// The authorization for the next request, from what has been learnt: a token (fetched or renewed as needed) or
    /// Basic. `None` until a 401 was answered, and where nothing is known that could be sent.
    ///
    /// Ask again for every attempt; a kept authorization grows old.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing; a token that it was fetching is fetched by the next task that waits.
    pub async fn authorization(&self, scopes: &Scopes) -> Result<Option<Authorization>, AuthError> {
        if let Some(found) = self.credentials.given() {
            self.check(found)?;
        }
        let (demand, scopes) = {
            let learnt = self.learnt();
            let Some(demand) = learnt.demand.clone() else { return Ok(None) };
            (demand, learnt.wider.get(scopes).unwrap_or(scopes).clone())
        };
        let found = self.find(&scopes).await?;
        if !demand.suits(found.as_ref()) {
            // Another repository, another credential: let the registry say what it wants.
            return Ok(None);
        }
        self.satisfy(&demand, &scopes, found.as_ref(), None).await.map(Some)
    }

    /// Answers a 401: `challenges` are the raw values of its `WWW-Authenticate` headers, `used` is the authorization
    /// of the request that got it.
    ///
    /// Where the 401 has no challenge at all, the error [wants a ping](AuthError::wants_ping): call this again with
    /// the challenges that `GET /v2/` brings. A token that was itself the answer to a 401 is not renewed again, so a
    /// caller that repeats its request with what this returns cannot go in circles.
    ///
    /// # Cancel safety
    /// As [`Self::authorization`].
    pub async fn answer(
        &self,
        scopes: &Scopes,
        challenges: &[String],
        used: Option<&Authorization>,
    ) -> Result<Authorization, AuthError> {
        let found = self.find(scopes).await?;
        let offered = Challenge::read_all(challenges);
        let demand = choose(&offered, found.as_ref(), &self.registry, &self.origin)?;
        let demanded = demanded(&offered, scopes);
        let (scopes, wider) = self.widen(scopes, &demanded);
        if let Some(used) = used {
            self.judge(used, &demand, found.as_ref(), Asked { scopes: &scopes, wider })?;
        }
        self.learnt().demand = Some(demand.clone());
        let stale = used.and_then(Authorization::serial);
        let authorization = self.satisfy(&demand, &scopes, found.as_ref(), stale).await?;
        Ok(authorization.answering(used))
    }

    async fn find(&self, scopes: &Scopes) -> Result<Option<Found>, AuthError> {
        let found = self.credentials.find(&self.registry, scopes.repository()).await?;
        if let Some(found) = &found {
            self.check(found)?;
        }
        Ok(found)
    }

    /// An Entra token goes to Azure only, and not in the clear.
    fn check(&self, found: &Found) -> Result<(), AuthError> {
        match found.credential {
            Credential::EntraToken(_) => may_exchange(&self.registry, &self.origin, self.acr),
            _ => Ok(()),
        }
    }

    /// The scopes to ask for, what was demanded in front, and whether they grew.
    fn widen(&self, scopes: &Scopes, demanded: &[Scope]) -> (Scopes, bool) {
        let mut learnt = self.learnt();
        let known = learnt.wider.get(scopes).unwrap_or(scopes).clone();
        if demanded.is_empty() {
            return (known, false);
        }
        let wider = known.demanding(demanded);
        if learnt.wider.len() >= MAX_WIDER {
            learnt.wider.clear();
        }
        learnt.wider.insert(scopes.clone(), wider.clone());
        let grew = wider.key() != known.key();
        (wider, grew)
    }

    /// Whether an answer that has itself been refused is worth another one.
    fn judge(
        &self,
        used: &Authorization,
        demand: &Demand,
        found: Option<&Found>,
        asked: Asked<'_>,
    ) -> Result<(), AuthError> {
        let Demand::Bearer(bearer) = demand else { return self.judge_credential(used, found) };
        if used.serial().is_none() && bearer.realm.is_none() {
            return self.judge_credential(used, found);
        }
        let another = if asked.wider { used.answers() < MAX_ANSWERS } else { used.answers() == 0 };
        if another {
            return Ok(());
        }
        let (registry, scopes) = (self.registry.to_string(), asked.scopes.to_string());
        match bearer.presented(found) {
            Some(Found { from, .. }) => {
                let (from, text) = (from.clone(), bearer.error.clone());
                Err(AuthError::Denied { registry, scopes, from, text })
            }
            None => Err(AuthError::CredentialsMissing { registry, scopes, withheld: bearer.withheld(found) }),
        }
    }

    /// A credential that went out as it is and came back refused.
    fn judge_credential(&self, used: &Authorization, found: Option<&Found>) -> Result<(), AuthError> {
        match found {
            Some(Found { from, .. }) if used.serial().is_none() => Err(AuthError::CredentialsRejected {
                registry: self.registry.to_string(),
                by: self.registry.to_string(),
                from: from.clone(),
                status: 401,
                text: String::new(),
            }),
            _ => Ok(()),
        }
    }

    async fn satisfy(
        &self,
        demand: &Demand,
        scopes: &Scopes,
        found: Option<&Found>,
        stale: Option<u64>,
    ) -> Result<Authorization, AuthError> {
        match (demand, found.map(|found| &found.credential)) {
            (_, Some(Credential::RegistryToken(token))) => Ok(Authorization::registry_token(token)),
            (Demand::Bearer(bearer), _) => {
                let wanted = Wanted { bearer, scopes, found: bearer.presented(found), all: found };
                self.cache.authorization(&wanted, stale).await
            }
            (Demand::Basic, Some(credential)) => match credential.login() {
                Some((username, password)) => Ok(Authorization::basic(username, password)),
                None => Err(self.missing(scopes)),
            },
            (Demand::Basic, None) => Err(self.missing(scopes)),
        }
    }

    fn missing(&self, scopes: &Scopes) -> AuthError {
        let (registry, scopes) = (self.registry.to_string(), scopes.to_string());
        AuthError::CredentialsMissing { registry, scopes, withheld: None }
    }

    fn learnt(&self) -> MutexGuard<'_, Learnt> {
        // Nothing panics while it is held.
        self.learnt.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What was asked for, and whether the registry has just demanded more.
#[derive(Clone, Copy)]
struct Asked<'a> {
    scopes: &'a Scopes,
    wider: bool,
}

/// The scopes that the challenges demand, bounded.
fn demanded(offered: &[Challenge], scopes: &Scopes) -> Vec<Scope> {
    let texts = offered.iter().filter(|challenge| challenge.scheme() == "bearer");
    let texts = texts.filter_map(|challenge| challenge.parameter("scope"));
    let read = texts.flat_map(str::split_ascii_whitespace).filter_map(Scope::parse);
    // GHCR answers `GET /v2/` with an example instead of a demand.
    let example = |scope: &Scope| {
        let asked = scopes.repository().is_some_and(|repository| repository.as_str() == "user/image");
        scope.to_string() == "repository:user/image:pull" && !asked
    };
    read.filter(|scope| !example(scope)).take(MAX_DEMANDED).collect()
}

impl fmt::Debug for Negotiator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Negotiator").field("registry", &self.registry).finish_non_exhaustive()
    }
}

/// A token, its renewal, and once more where the registry then demands another scope.
const MAX_ANSWERS: u8 = 2;
const MAX_DEMANDED: usize = 8;
const MAX_WIDER: usize = 1024;
