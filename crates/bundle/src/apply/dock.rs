//! The dock: a repository of the destination while a bundle is brought there.
//!
//! Tags wait until all is there: none is written before every blob and manifest of the whole bundle is. A blob that
//! the base holds in another repository is mounted from there, though no copy of this run has brought it.
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use content::{At, Begun, Descriptor, Fault, Manifest, Mode, OverTarget, Target};
use futures::future::BoxFuture;
use reference::{Digest, RefName, RepositoryName};

/// A tag that is still to be written.
pub(crate) struct Waiting {
    pub(crate) manifest: Manifest,
    pub(crate) name: RefName,
    pub(crate) mode: Mode,
}

/// One repository.
pub(crate) struct Dock {
    pub(crate) target: Arc<dyn Target>,
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
        &*self.target
    }

    fn begin<'a>(
        &'a self,
        blob: &'a Descriptor,
        mount: Option<&'a RepositoryName>,
    ) -> BoxFuture<'a, Result<Begun, Fault>> {
        self.target.begin(blob, mount.or_else(|| self.base.get(&blob.digest)))
    }

    fn publish<'a>(
        &'a self,
        manifest: &'a Manifest,
        at: At<'a>,
        mode: Mode,
    ) -> BoxFuture<'a, Result<(), Fault>> {
        let At::Name(name) = at else { return self.target.publish(manifest, at, mode) };
        Box::pin(async move {
            let waiting = Waiting { manifest: manifest.clone(), name: name.clone(), mode };
            self.waiting.lock().unwrap_or_else(PoisonError::into_inner).push(waiting);
            Ok(())
        })
    }
}
