//! Subjects: which manifests of a layout are about which.
//!
//! Nothing in a layout says so but the manifests themselves, so all of them are read, once for each state of
//! `index.json`.
use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
};

use content::{Descriptor, Fault, FaultKind, MAX_MANIFEST_BYTES, Manifest, Role, Shape};
use reference::Digest;

use crate::{Index, Store};

/// How deep indexes may be nested.
const MAX_DEPTH: usize = 16;
/// How many manifests are read; a hostile layout ends here.
const MAX_MANIFESTS: usize = 1_000_000;

/// The referrers in one state of a layout.
#[derive(Debug)]
struct Subjects {
    index: Arc<Index>,
    referrers: HashMap<Digest, Vec<Descriptor>>,
}

/// The last state that was looked through.
#[derive(Debug, Default)]
pub(crate) struct Memory(Mutex<Option<Arc<Subjects>>>);

impl Memory {
    /// The manifests about `subject` in the layout that `index` is the table of.
    pub(crate) async fn referrers(
        &self,
        index: Arc<Index>,
        store: &Store,
        subject: &Digest,
    ) -> Result<Vec<Descriptor>, Fault> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let subjects = if let Some(known) = known.filter(|known| Arc::ptr_eq(&known.index, &index)) {
            known
        } else {
            let fresh = Arc::new(Subjects::read(index, store).await?);
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&fresh));
            fresh
        };
        Ok(subjects.referrers.get(subject).cloned().unwrap_or_default())
    }
}

impl Subjects {
    async fn read(index: Arc<Index>, store: &Store) -> Result<Self, Fault> {
        let mut level: Vec<Descriptor> = index.entries().map(|entry| entry.descriptor.clone()).collect();
        let mut seen = HashSet::new();
        let mut referrers: HashMap<Digest, Vec<Descriptor>> = HashMap::new();
        for _ in 0..MAX_DEPTH {
            let mut next = Vec::new();
            for part in level.into_iter().filter(may_be_manifest) {
                if seen.len() >= MAX_MANIFESTS || !seen.insert(part.digest.clone()) {
                    continue;
                }
                let Some(manifest) = read(store, &part).await? else { continue };
                if let Some(subject) = manifest.subject() {
                    let about = referrers.entry(subject.digest.clone()).or_default();
                    about.push(manifest.descriptor().clone());
                }
                if let Shape::Index { entries } = manifest.shape() {
                    next.extend(entries.iter().cloned());
                }
            }
            level = next;
        }
        Ok(Self { index, referrers })
    }
}

fn may_be_manifest(part: &Descriptor) -> bool {
    let blob = matches!(part.media_type.role(), Role::Layer | Role::ForeignLayer | Role::Config);
    !blob && part.size <= MAX_MANIFEST_BYTES
}

/// A manifest of the layout; `None` where there is nothing to be read: a layout need not hold all that it names, and
/// what is of an unknown type need be no manifest.
pub(crate) async fn read(store: &Store, part: &Descriptor) -> Result<Option<Manifest>, Fault> {
    let bytes = match store.read(&part.digest, MAX_MANIFEST_BYTES).await {
        Ok(bytes) => bytes,
        Err(fault) if fault.kind() == FaultKind::Absent => return Ok(None),
        Err(fault) => return Err(fault),
    };
    match Manifest::read(bytes, None, Some(&part.digest), None) {
        Ok(manifest) => Ok(Some(manifest)),
        Err(fault) if fault.kind() == FaultKind::Refused => Ok(None),
        Err(_) if matches!(part.media_type.role(), Role::Unknown) => Ok(None),
        Err(fault) => Err(fault.about(&part.digest)),
    }
}
