//! The dock: a repository of the destination while a bundle is brought there.
//!
//! Tags wait until all is there: none is written before every blob and manifest of the whole bundle is. A blob that
//! the base holds in another repository is mounted from there, though no copy of this run has brought it. And what is
//! about another manifest is there when it is listed: a run may have ended between the two.
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use content::{At, Begun, Descriptor, Fault, Manifest, Mode, OverTarget, Target, Version};
use futures::future::BoxFuture;
use reference::{Digest, RefName, RepositoryName};

use super::Sides;

/// A tag that is still to be written.
pub(crate) struct Waiting {
    pub(crate) manifest: Manifest,
    pub(crate) name: RefName,
    pub(crate) mode: Mode,
}

/// One repository.
pub(crate) struct Dock {
    pub(crate) sides: Sides,
    /// Where blobs of the base lie.
    pub(crate) base: Arc<BTreeMap<Digest, RepositoryName>>,
    pub(crate) waiting: Mutex<Vec<Waiting>>,
}

impl Dock {
    /// What waits, from now on the caller's.
    pub(crate) fn take(&self) -> Vec<Waiting> {
        std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl OverTarget for Dock {
    fn below(&self) -> &dyn Target {
        &*self.sides.target
    }

    fn find<'a>(&'a self, version: &'a Version) -> BoxFuture<'a, Result<Option<Descriptor>, Fault>> {
        Box::pin(async move {
            let found = self.below().find(version).await?;
            if found.is_none() || matches!(version, Version::Name(_)) {
                return Ok(found);
            }
            // Nothing leads to it but its digest, or the list of what is about its subject.
            let manifest = self.sides.source.manifest(version, None).await?;
            let is_found = manifest.subject().is_none() || self.below().lists(&manifest).await?;
            Ok(found.filter(|_| is_found))
        })
    }

    fn begin<'a>(
        &'a self,
        blob: &'a Descriptor,
        mount: Option<&'a RepositoryName>,
    ) -> BoxFuture<'a, Result<Begun, Fault>> {
        self.below().begin(blob, mount.or_else(|| self.base.get(&blob.digest)))
    }

    fn publish<'a>(
        &'a self,
        manifest: &'a Manifest,
        at: At<'a>,
        mode: Mode,
    ) -> BoxFuture<'a, Result<(), Fault>> {
        let At::Name(name) = at else { return self.below().publish(manifest, at, mode) };
        Box::pin(async move {
            let waiting = Waiting { manifest: manifest.clone(), name: name.clone(), mode };
            self.waiting.lock().unwrap_or_else(PoisonError::into_inner).push(waiting);
            Ok(())
        })
    }
}
