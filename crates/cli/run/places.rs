//! Places: names become sources and targets.
use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use auth::{CredentialSource, Found, Given, Stores};
use content::{Fault, Source, Target};
use copier::Side;
use layout::{Archive, Layout};
use pace::{Level, Traffic};
use reference::{LayoutForm, LayoutLocation, Registry, RepositoryName};
use registry::{Farewells, Meter, Options, Registries, Repository};

use super::unborn::Unborn;
use crate::{
    args::{Access, Reach},
    credential::{Door, Words},
    failure::Failure,
    usage::Usage,
};

/// What turns names into places: the registries, and where credentials are stored.
#[derive(Debug)]
pub(crate) struct Places {
    registries: Registries,
    options: Options,
    stores: Arc<dyn CredentialSource>,
    /// The archives that are written to. One writes to a file, whatever it is called.
    archives: Mutex<Vec<Archive>>,
}

/// The credentials of a side: given for one registry, or looked up for any.
#[derive(Debug, Clone)]
pub(crate) struct Keys {
    /// Who is asked for credentials.
    pub(crate) source: Arc<dyn CredentialSource>,
    /// Whether they were given, by whatever level before the stores.
    pub(crate) given: bool,
}

impl Places {
    /// Places as `reach` says; `azure` are registries that were named in a way that only Azure has.
    pub(crate) fn new(
        reach: &Reach,
        azure: impl IntoIterator<Item = Registry>,
        farewells: &Farewells,
    ) -> Result<Self, Failure> {
        Self::reaching(reach, azure, farewells, |_| ())
    }

    /// The same, and `meter` is told of every request.
    pub(crate) fn metered(
        reach: &Reach,
        farewells: &Farewells,
        meter: Arc<dyn Meter>,
    ) -> Result<Self, Failure> {
        Self::reaching(reach, [], farewells, |options| options.meter = Some(meter))
    }

    fn reaching(
        reach: &Reach,
        azure: impl IntoIterator<Item = Registry>,
        farewells: &Farewells,
        tune: impl FnOnce(&mut Options),
    ) -> Result<Self, Failure> {
        let places = Self::tuned(&reach.access, azure, farewells, |options| {
            options.traffic = reach.traffic();
            tune(options);
        })?;
        for (registry, jobs) in jobs_at(reach)? {
            places.registries.set_lanes(registry, Level::exactly(*jobs));
        }
        Ok(places)
    }

    /// The same, with options that no flag of every command sets.
    pub(crate) fn tuned(
        access: &Access,
        azure: impl IntoIterator<Item = Registry>,
        farewells: &Farewells,
        tune: impl FnOnce(&mut Options),
    ) -> Result<Self, Failure> {
        let mut options = Options::default();
        options.plain_http = registries("--plain-http", &access.plain_http)?;
        options.tls = registries("--tls", &access.tls)?;
        options.acr = registries("--acr", &access.acr)?;
        options.acr.extend(azure);
        options.ca_files.clone_from(&access.ca_file);
        options.http2 = access.http2;
        tune(&mut options);
        if let Some(both) = options.plain_http.iter().find(|registry| options.tls.contains(registry)) {
            return Err(Usage::new(format!("{both} is named by --plain-http and by --tls")).into());
        }
        let registries = Registries::new(options.clone()).map_err(Failure::Neither)?;
        let registries = registries.with_farewells(farewells.clone());
        let stores = Arc::new(Stores::from_environment());
        Ok(Self { registries, options, stores, archives: Mutex::default() })
    }

    /// The credentials that words are at a registry; without words, the stores are asked.
    pub(crate) fn keys(&self, words: Option<Words>, registry: &Registry) -> Result<Keys, Usage> {
        let Some(words) = words else { return Ok(self.stored()) };
        let acr = self.options.acr.contains(registry);
        let found = words.found(Door { registry, acr, tls: self.options.speaks_tls(registry) })?;
        Ok(Keys { given: found.is_some(), source: Arc::new(Given(found)) })
    }

    /// Whether a registry is spoken to over TLS.
    pub(crate) fn speaks_tls(&self, registry: &Registry) -> bool {
        self.options.speaks_tls(registry)
    }

    /// What is stored, for whichever registry.
    pub(crate) fn stored(&self) -> Keys {
        Keys { source: Arc::clone(&self.stores), given: false }
    }

    /// The lanes of all registries.
    pub(crate) fn traffic(&self) -> Traffic {
        self.options.traffic.clone()
    }

    /// An archive that is written, there or still to come.
    pub(crate) fn archive_target(
        &self,
        file: &Path,
        repository: Option<RepositoryName>,
    ) -> Result<Arc<dyn Target>, Failure> {
        let archive = Archive::at(file).map_err(|fault| Failure::at(Side::Target, fault))?;
        let mut known = self.archives.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(same) = known.iter().find(|known| known.root() == archive.root()) {
            return Ok(Arc::new(same.repository(repository)));
        }
        known.push(archive.clone());
        Ok(Arc::new(archive.repository(repository)))
    }

    /// A repository of a registry, as source or target.
    pub(crate) fn repository(
        &self,
        registry: &Registry,
        repository: &RepositoryName,
        keys: &Keys,
    ) -> Repository {
        self.registries.repository(registry, repository.clone(), Arc::clone(&keys.source))
    }
}

impl Places {
    /// Every repository of a registry, with what is stored for it.
    pub(crate) async fn repositories(&self, registry: &Registry) -> Result<Vec<RepositoryName>, Fault> {
        self.repositories_with(registry, &self.stored()).await
    }

    /// Every repository of a registry.
    pub(crate) async fn repositories_with(
        &self,
        registry: &Registry,
        keys: &Keys,
    ) -> Result<Vec<RepositoryName>, Fault> {
        self.registries.repositories(registry, Arc::clone(&keys.source)).await
    }
}

impl Keys {
    /// The credential for a repository, looked up before any request.
    pub(crate) async fn find(
        &self,
        side: Side,
        registry: &Registry,
        repository: &RepositoryName,
    ) -> Result<Option<Found>, Failure> {
        let found = self.source.find(registry, Some(repository)).await;
        found.map_err(|why| Failure::login(side, registry, &why))
    }
}

/// The lanes of single registries, each named once.
fn jobs_at(reach: &Reach) -> Result<&[(Registry, usize)], Usage> {
    let mut seen = Vec::new();
    for (registry, jobs) in &reach.jobs_at {
        if seen.iter().any(|(other, number)| *other == registry && *number != jobs) {
            return Err(Usage::new(format!(
                "{registry} is named twice by --jobs-at, with different numbers"
            )));
        }
        seen.push((registry, jobs));
    }
    Ok(&reach.jobs_at)
}

/// Hosts of a list; empty ones are what an empty environment variable holds.
pub(super) fn registries(flag: &str, texts: &[String]) -> Result<Vec<Registry>, Usage> {
    let texts = texts.iter().filter(|text| !text.is_empty());
    texts.map(|text| text.parse().map_err(|why| Usage::parse(flag, &why))).collect()
}

/// A layout that is read.
pub(crate) fn open_layout(location: &LayoutLocation) -> Result<Layout, Failure> {
    let opened = match location.form {
        LayoutForm::Directory => Layout::open(&location.dir),
        LayoutForm::Archive => Layout::open_archive(&location.dir),
    };
    opened.map_err(|fault| Failure::at(Side::Source, fault))
}

/// The whole layout as a source.
pub(crate) fn layout_source(layout: &Layout, repository: Option<RepositoryName>) -> Arc<dyn Source> {
    Arc::new(layout.repository(repository))
}

/// A layout that is written; one that does not exist yet, or not as a whole, is made when there is something to write.
pub(crate) fn layout_target(
    dir: &Path,
    repository: Option<RepositoryName>,
) -> Result<Arc<dyn Target>, Failure> {
    if !["oci-layout", "index.json"].iter().all(|name| dir.join(name).exists()) {
        return Ok(Arc::new(Unborn::new(dir, repository)?));
    }
    let layout = Layout::create_or_open(dir).map_err(|fault| Failure::at(Side::Target, fault))?;
    Ok(Arc::new(layout.repository(repository)))
}
