//! Shelves: what was seen already of a place, so that it is looked at once, however many images have it in common.
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use content::{Descriptor, Fault, Place};
use reference::{Digest, RepositoryName};
use tokio::sync::OnceCell;

use crate::walk::Walked;

/// What came of looking for one blob.
pub(crate) type Look = Arc<OnceCell<Result<(), Fault>>>;
/// What came of walking one graph.
pub(crate) type Walk = Arc<OnceCell<Arc<Walked>>>;

/// Which store of blobs: a registry and one of its repositories, or a layout.
type Key = (String, Option<RepositoryName>);

/// All shelves.
#[derive(Debug, Default)]
pub(crate) struct Shelves(Mutex<HashMap<Key, Arc<Shelf>>>);

/// One store of blobs: a repository of a registry, or a layout.
#[derive(Debug, Default)]
pub(crate) struct Shelf {
    /// By digest, and by the size that somebody expects.
    blobs: Mutex<HashMap<(Digest, u64), Look>>,
    graphs: Mutex<HashMap<Digest, Walk>>,
}

impl Shelves {
    /// The shelf of a place.
    pub(crate) fn at(&self, place: &Place) -> Arc<Shelf> {
        let repository = place.repository().filter(|_| !place.is_local()).cloned();
        let key = (place.origin().to_owned(), repository);
        Arc::clone(lock(&self.0).entry(key).or_default())
    }
}

impl Shelf {
    pub(crate) fn blob(&self, blob: &Descriptor) -> Look {
        Arc::clone(lock(&self.blobs).entry((blob.digest.clone(), blob.size)).or_default())
    }

    pub(crate) fn graph(&self, root: &Digest) -> Walk {
        Arc::clone(lock(&self.graphs).entry(root.clone()).or_default())
    }
}

/// A holder that panicked leaves a map that is still whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
