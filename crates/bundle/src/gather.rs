//! Gathering: what an image consists of, found out by copying it to where nothing is written.
//!
//! The engine plans, refuses and orders as it does for any target; this one notes what it is told, says of every blob
//! that it is there, and so is never sent any. What an inventory has under a tag is not copied at all.
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use content::{
    At, Begun, Descriptor, Fault, Manifest, MediaType, Mode, OverSource, Place, Source, Target, Version,
};
use futures::future::BoxFuture;
use reference::{Digest, RefName, RepositoryName};

use crate::Inventory;

/// What was found of one image, and of what belongs to it.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// Its manifests, whether their source has them or they were made on the way.
    pub(crate) manifests: BTreeMap<Digest, Manifest>,
    /// What is to be found at the destination by itself, in this order; tags and digests.
    pub(crate) roots: Vec<(Option<RefName>, Digest)>,
    /// Its blobs, and their sizes.
    pub(crate) blobs: BTreeMap<Digest, u64>,
    /// Manifests that the source has.
    pub(crate) served: BTreeSet<Digest>,
}

/// Where both ends of a gathering note what they see.
type Notes = Arc<Mutex<Found>>;

fn lock(notes: &Mutex<Found>) -> MutexGuard<'_, Found> {
    notes.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A source that is watched, and a target that notes: what one copy between them finds.
pub(crate) struct Gathering {
    notes: Notes,
    pub(crate) source: Arc<dyn Source>,
    pub(crate) target: Arc<dyn Target>,
}

impl Gathering {
    /// One that reads `source`, and takes for `repository` what is in none of `have`.
    pub(crate) fn new(
        source: Arc<dyn Source>,
        repository: &RepositoryName,
        have: Arc<Vec<Inventory>>,
    ) -> Self {
        let notes = Notes::default();
        let place = Place::new("bundle:", format!("the bundle, {repository}"), Some(repository.clone()));
        Self {
            source: Arc::new(Watched { source, notes: Arc::clone(&notes) }),
            target: Arc::new(Gatherer { place, have, notes: Arc::clone(&notes) }),
            notes,
        }
    }

    /// What was found.
    pub(crate) fn found(self) -> Found {
        std::mem::take(&mut *lock(&self.notes))
    }
}

/// A source of which is noted which manifests it has.
struct Watched {
    source: Arc<dyn Source>,
    notes: Notes,
}

impl Watched {
    async fn read(&self, version: &Version, described: Option<&Descriptor>) -> Result<Manifest, Fault> {
        let manifest = self.source.manifest(version, described).await?;
        lock(&self.notes).served.insert(manifest.digest().clone());
        Ok(manifest)
    }
}

impl OverSource for Watched {
    fn below(&self) -> &dyn Source {
        &*self.source
    }

    fn manifest<'a>(
        &'a self,
        version: &'a Version,
        described: Option<&'a Descriptor>,
    ) -> BoxFuture<'a, Result<Manifest, Fault>> {
        Box::pin(self.read(version, described))
    }
}

/// A target that notes what it is told.
struct Gatherer {
    place: Place,
    have: Arc<Vec<Inventory>>,
    notes: Notes,
}

impl Gatherer {
    /// What stands at the destination, by the word of the inventories.
    fn standing(&self, version: &Version) -> Option<Descriptor> {
        let repository = self.place.repository()?;
        let digest = match version {
            Version::Name(name) => self.have.iter().find_map(|inventory| inventory.tag(repository, name))?,
            Version::Digest(digest) => {
                let kept = self.have.iter().any(|inventory| inventory.keeps(repository, digest));
                kept.then_some(digest)?
            }
        };
        Some(Descriptor::new(MediaType::new(""), digest.clone(), 0))
    }

    fn note(&self, manifest: &Manifest, at: At<'_>) {
        let mut notes = lock(&self.notes);
        let digest = manifest.digest().clone();
        match at {
            At::Part => {}
            At::Digest => notes.roots.push((None, digest.clone())),
            At::Name(name) => notes.roots.push((Some(name.clone()), digest.clone())),
        }
        notes.manifests.insert(digest, manifest.clone());
    }
}

impl Target for Gatherer {
    fn place(&self) -> &Place {
        &self.place
    }

    fn find<'a>(&'a self, version: &'a Version) -> BoxFuture<'a, Result<Option<Descriptor>, Fault>> {
        Box::pin(async { Ok(self.standing(version)) })
    }

    fn begin<'a>(
        &'a self,
        blob: &'a Descriptor,
        _mount: Option<&'a RepositoryName>,
    ) -> BoxFuture<'a, Result<Begun, Fault>> {
        Box::pin(async {
            lock(&self.notes).blobs.insert(blob.digest.clone(), blob.size);
            Ok(Begun::Present)
        })
    }

    fn publish<'a>(
        &'a self,
        manifest: &'a Manifest,
        at: At<'a>,
        _mode: Mode,
    ) -> BoxFuture<'a, Result<(), Fault>> {
        Box::pin(async move {
            self.note(manifest, at);
            Ok(())
        })
    }
}
