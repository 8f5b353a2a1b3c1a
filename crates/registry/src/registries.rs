//! Registries: the process-wide front door. One HTTP client, one TLS configuration, one standing per registry, one
//! set of tokens per registry and credential.
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use auth::{CredentialSource, Negotiator};
use content::Fault;
use pace::Level;
use reference::{Registry, RepositoryName};

use crate::{
    Farewells, Options, Repository, client::Client, endpoint::Tokens, facts::Facts, http_client::Http,
    standing::Standing, tls,
};

/// Every registry that this process talks to.
#[derive(Debug)]
pub struct Registries {
    options: Arc<Options>,
    http: Arc<Http>,
    known: Mutex<Vec<Known>>,
    farewells: Farewells,
}

/// A registry with a credential source. Few: a list is searched faster than a map is explained.
#[derive(Debug)]
struct Known {
    credentials: Arc<dyn CredentialSource>,
    client: Arc<Client>,
}

impl Registries {
    /// Nothing is connected yet; certificates that `options` names are read.
    pub fn new(options: Options) -> Result<Self, Fault> {
        let mut roots = Vec::new();
        for file in &options.ca_files {
            roots.extend(tls::read_pem(file)?);
        }
        let options = Arc::new(options);
        let http = Arc::new(Http::new(Arc::clone(&options), roots));
        Ok(Self { options, http, known: Mutex::default(), farewells: Farewells::default() })
    }

    /// The same, with farewells that the caller can wait for.
    #[must_use]
    pub fn with_farewells(self, farewells: Farewells) -> Self {
        Self { farewells, ..self }
    }

    /// Gives one registry lanes of its own, in the traffic of the options.
    pub fn set_lanes(&self, registry: &Registry, level: Level) {
        self.options.traffic.set(&self.options.origin(registry).to_string(), level);
    }

    /// A repository as `credentials` see it. Repositories of one registry share what was learnt, and those with one
    /// credential source share their tokens.
    pub fn repository(
        &self,
        registry: &Registry,
        repository: RepositoryName,
        credentials: Arc<dyn CredentialSource>,
    ) -> Repository {
        Repository::new(self.client(registry, credentials), repository)
    }

    /// Every repository that `registry` lists, sorted, as `credentials` see it. Not all registries do that, and few do
    /// it for everybody.
    ///
    /// # Errors
    /// Whatever keeps the registry from answering the question.
    pub async fn repositories(
        &self,
        registry: &Registry,
        credentials: Arc<dyn CredentialSource>,
    ) -> Result<Vec<RepositoryName>, Fault> {
        self.client(registry, credentials).list_repositories().await
    }

    fn client(&self, registry: &Registry, credentials: Arc<dyn CredentialSource>) -> Arc<Client> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let mut standing = None;
        for one in known.iter().filter(|one| one.client.registry == *registry) {
            if Arc::ptr_eq(&one.credentials, &credentials) {
                return Arc::clone(&one.client);
            }
            standing = Some(Arc::clone(&one.client.standing));
        }
        let origin = self.options.origin(registry);
        let lanes = || self.options.traffic.at(&origin.to_string());
        let standing = standing.unwrap_or_else(|| Arc::new(Standing::new(Facts::of(registry), lanes())));
        let endpoint = Arc::new(Tokens { http: Arc::clone(&self.http), options: Arc::clone(&self.options) });
        let acr = self.options.acr.contains(registry);
        let negotiator =
            Negotiator::new(registry.clone(), origin.clone(), Arc::clone(&credentials), endpoint, acr);
        let client = Arc::new(Client {
            http: Arc::clone(&self.http),
            options: Arc::clone(&self.options),
            registry: registry.clone(),
            origin,
            door: OnceLock::new(),
            negotiator,
            standing,
            farewells: self.farewells.clone(),
        });
        known.push(Known { credentials, client: Arc::clone(&client) });
        client
    }
}

#[cfg(test)]
mod tests {
    use auth::{Given, Origin};
    use content::{Descriptor, MediaType, Source, Target, Version};
    use reference::Digest;

    use super::*;

    /// What grows a request's future is moved through every layer above it. The largest has 4.5 KiB; an async block
    /// around what it was given would double that.
    const LARGEST: usize = 6 * 1024;

    #[test]
    fn a_request_that_waits_takes_little_memory() {
        let registries = Registries::new(Options::default()).unwrap();
        let (registry, name) = ("registry.example".parse().unwrap(), "app".parse().unwrap());
        let repository = registries.repository(&registry, name, Arc::new(Given(None)));
        let digest = Digest::sha256([7; 32]);
        let version = Version::Digest(digest.clone());
        let blob = Descriptor::new(MediaType::new("application/octet-stream"), digest, 1);
        let futures = [
            size_of_val(&*repository.resolve(&version)),
            size_of_val(&*repository.manifest(&version, None)),
            size_of_val(&*repository.open(&blob, 0..1)),
            size_of_val(&*repository.begin(&blob, None)),
        ];
        assert!(futures.iter().all(|size| *size <= LARGEST), "{futures:?}");
    }

    #[test]
    fn an_origin_is_spelt_as_urls_spell_it() {
        let registries = Registries::new(Options::default()).unwrap();
        for name in
            ["[::ffff:127.0.0.1]:5000", "[0:0::1]", "docker.io", "REGISTRY.example:443", "127.0.0.1:80"]
        {
            let client = registries.client(&name.parse().unwrap(), Arc::new(Given(None)));
            let url = client.url("/v2/").unwrap();
            assert_eq!(Origin::of(&url).as_ref(), Some(&client.origin), "{name}");
        }
    }
}
