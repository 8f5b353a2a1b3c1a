//! The token cache: one flight per realm, service, scope set and credential.
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use crate::{
    AuthError, Authorization, Credential, Endpoint, Found, Origin, Scopes, Secret,
    demand::Bearer,
    exchange::Exchange,
    flight::{self, Flight, Lasting},
    token::Token,
};

/// The tokens of one registry.
pub(crate) struct Cache {
    registry: String,
    origin: Origin,
    endpoint: Arc<dyn Endpoint>,
    flights: Mutex<HashMap<Key, Arc<Flight<Token>>>>,
    /// Azure's refresh tokens, by the Entra token they were given for.
    refresh: Mutex<HashMap<Secret, Arc<Flight<Refresh>>>>,
}

/// What a token depends on, beside the registry's origin.
#[derive(PartialEq, Eq, Hash)]
struct Key {
    realm: String,
    service: String,
    scopes: String,
    credential: Option<Credential>,
}

/// A token that is wanted.
pub(crate) struct Wanted<'a> {
    pub(crate) bearer: &'a Bearer,
    pub(crate) scopes: &'a Scopes,
    /// The credential that may be shown.
    pub(crate) found: Option<&'a Found>,
    /// The credential that was found, shown or not.
    pub(crate) all: Option<&'a Found>,
}

/// Azure's refresh token. It lives for some three hours, which it does not say: used until it is refused.
#[derive(Clone)]
struct Refresh {
    value: Secret,
    end: Instant,
}

impl Lasting for Refresh {
    fn renew(&self) -> Instant {
        self.end
    }

    fn end(&self) -> Instant {
        self.end
    }
}

impl Cache {
    pub(crate) fn new(registry: String, origin: Origin, endpoint: Arc<dyn Endpoint>) -> Self {
        Self { registry, origin, endpoint, flights: Mutex::default(), refresh: Mutex::default() }
    }

    /// A token as an authorization; one newer than `stale`.
    pub(crate) async fn authorization(
        &self,
        wanted: &Wanted<'_>,
        stale: Option<u64>,
    ) -> Result<Authorization, AuthError> {
        let (token, serial) = self.flight(wanted).get(stale, || self.fetch(wanted)).await?;
        Ok(Authorization::bearer(&token, serial))
    }

    fn flight(&self, wanted: &Wanted<'_>) -> Arc<Flight<Token>> {
        let key = Key {
            realm: wanted.bearer.realm.as_ref().map(|realm| realm.url.to_string()).unwrap_or_default(),
            service: wanted.bearer.service.clone(),
            scopes: wanted.scopes.key(),
            credential: wanted.found.map(|found| found.credential.clone()),
        };
        let mut flights = lock(&self.flights);
        if flights.len() >= MAX_FLIGHTS && !flights.contains_key(&key) {
            flights.retain(|_, flight| Arc::strong_count(flight) > 1 || !flight.is_over());
        }
        Arc::clone(flights.entry(key).or_default())
    }

    async fn fetch(&self, wanted: &Wanted<'_>) -> Result<Token, AuthError> {
        let exchange = Exchange {
            endpoint: &*self.endpoint,
            registry: self.registry.clone(),
            origin: &self.origin,
            service: &wanted.bearer.service,
            scopes: wanted.scopes,
            from: wanted.found.map(|found| found.from.as_str()),
            withheld: wanted.bearer.withheld(wanted.all),
        };
        let credential = wanted.found.map(|found| &found.credential);
        if let Some(Credential::EntraToken(entra)) = credential {
            return self.dance(&exchange, entra).await;
        }
        let Some(realm) = &wanted.bearer.realm else {
            return Err(AuthError::NoUsableChallenge {
                registry: self.registry.clone(),
                offered: Vec::new(),
            });
        };
        tracing::debug!(registry = %self.registry, realm = %realm.origin, scopes = %wanted.scopes,
            from = exchange.from, "asking for a token");
        let login = credential.and_then(Credential::login);
        match credential.and_then(Credential::identity_token) {
            Some(token) => exchange.refresh(realm, token, login).await,
            None => exchange.get(realm, login).await,
        }
    }

    /// Azure: Entra token, refresh token, access token. A refresh token that has ended is exchanged once more.
    async fn dance(&self, exchange: &Exchange<'_>, entra: &Secret) -> Result<Token, AuthError> {
        let flight = Arc::clone(lock(&self.refresh).entry(entra.clone()).or_default());
        let before = flight.serial();
        tracing::debug!(registry = %self.registry, scopes = %exchange.scopes, "exchanging an Entra token");
        let (refresh, serial) = flight.get(None, || Self::exchange(exchange, entra)).await?;
        match exchange.acr_access(&refresh.value).await {
            Err(AuthError::CredentialsRejected { .. }) if serial == before => {
                let (refresh, _) = flight.get(Some(serial), || Self::exchange(exchange, entra)).await?;
                exchange.acr_access(&refresh.value).await
            }
            settled => settled,
        }
    }

    async fn exchange(exchange: &Exchange<'_>, entra: &Secret) -> Result<Refresh, AuthError> {
        let value = exchange.acr_refresh(entra).await?;
        Ok(Refresh { value, end: flight::after(REFRESH_LIFE) })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing panics while it is held.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

const MAX_FLIGHTS: usize = 1024;
const REFRESH_LIFE: Duration = Duration::from_secs(24 * 3600);
