//! What is known of a manifest without reading it again.
use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
};

use content::{Descriptor, MAX_MANIFEST_BYTES, Manifest, MediaType, Role, Shape};
use reference::Digest;
use serde_json::{Value, json};

use crate::homes::Homes;

/// A manifest's parts, and how it looks in a list of referrers.
#[derive(Debug)]
pub(crate) struct Facts {
    pub(crate) media_type: MediaType,
    pub(crate) size: u64,
    pub(crate) digest: Digest,
    pub(crate) subject: Option<Digest>,
    pub(crate) artifact_type: Option<String>,
    /// Kept only where there is a subject: only lists of referrers show them.
    annotations: BTreeMap<String, String>,
    pub(crate) parts: Vec<Part>,
}

/// A piece of content that a manifest names.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    pub(crate) descriptor: Descriptor,
    pub(crate) manifest: bool,
    pub(crate) blob: bool,
}

impl Part {
    pub(crate) fn manifest(descriptor: Descriptor) -> Self {
        Self { descriptor, manifest: true, blob: false }
    }

    /// Without what a descriptor may have to say beyond that.
    fn bare(descriptor: &Descriptor, manifest: bool, blob: bool) -> Self {
        let Descriptor { media_type, digest, size, .. } = descriptor;
        Self { descriptor: Descriptor::new(media_type.clone(), digest.clone(), *size), manifest, blob }
    }
}

impl Facts {
    pub(crate) fn of(manifest: &Manifest) -> Self {
        let descriptor = manifest.descriptor();
        let subject = manifest.subject().map(|subject| subject.digest.clone());
        Self {
            media_type: descriptor.media_type.clone(),
            size: descriptor.size,
            digest: descriptor.digest.clone(),
            artifact_type: manifest.artifact_type().map(str::to_owned),
            annotations: subject.as_ref().map(|_| manifest.annotations().clone()).unwrap_or_default(),
            subject,
            parts: parts(manifest.shape()),
        }
    }

    /// About how many bytes they take: they hold no more than the manifest does.
    fn weight(&self) -> u64 {
        self.size.saturating_add(LEAST)
    }

    /// The descriptor in a list of referrers (distribution-spec, "Listing Referrers").
    pub(crate) fn as_referrer(&self) -> Value {
        let mut value = json!({
            "mediaType": self.media_type.as_str(),
            "digest": self.digest.to_string(),
            "size": self.size,
        });
        if let Some(object) = value.as_object_mut() {
            if let Some(artifact_type) = &self.artifact_type {
                object.insert("artifactType".into(), artifact_type.as_str().into());
            }
            if !self.annotations.is_empty() {
                object.insert("annotations".into(), json!(self.annotations));
            }
        }
        value
    }
}

/// Every piece that a manifest names.
pub(crate) fn parts(shape: &Shape) -> Vec<Part> {
    match shape {
        Shape::Opaque => Vec::new(),
        Shape::Image { config, layers } => {
            config.iter().chain(layers).map(|blob| Part::bare(blob, false, true)).collect()
        }
        Shape::Index { entries } => entries.iter().map(entry).collect(),
    }
}

/// Entries of a build cache are layers; of an unknown type we cannot tell, so that it is both.
fn entry(descriptor: &Descriptor) -> Part {
    let (manifest, blob) = match descriptor.media_type.role() {
        Role::Layer | Role::ForeignLayer | Role::Config => (false, true),
        Role::Manifest | Role::Index | Role::Schema1 => (true, false),
        _ => (true, true),
    };
    Part::bare(descriptor, manifest, blob)
}

/// Facts by digest: content never changes, so neither do they. What has been known longest is forgotten when there is
/// too much of it; it can be read again.
#[derive(Debug)]
pub(crate) struct FactBook {
    shelf: Mutex<Shelf>,
    /// How much the facts may weigh together.
    most: u64,
}

#[derive(Debug, Default)]
struct Shelf {
    known: HashMap<Digest, Arc<Facts>>,
    /// The digests that are known, oldest first.
    order: VecDeque<Digest>,
    weight: u64,
}

/// The weight of all facts together.
const MOST: u64 = 16 * 1024 * 1024;
/// What the facts of an empty manifest weigh.
const LEAST: u64 = 1024;

impl Default for FactBook {
    fn default() -> Self {
        Self { shelf: Mutex::default(), most: MOST }
    }
}

impl FactBook {
    pub(crate) fn note(&self, facts: Facts) -> Arc<Facts> {
        let facts = Arc::new(facts);
        let mut held = self.shelf.lock().unwrap_or_else(PoisonError::into_inner);
        held.keep(&facts);
        while held.weight > self.most && held.forget_oldest() {}
        facts
    }

    /// The facts of a manifest; `None` when it is missing, damaged or no manifest.
    pub(crate) async fn look_up(&self, homes: &Homes, digest: &Digest) -> Option<Arc<Facts>> {
        if let Some(facts) = self.known(digest) {
            return Some(facts);
        }
        let bytes = homes.read(digest, MAX_MANIFEST_BYTES).await.ok()??;
        Some(self.note(Facts::of(&Manifest::read(bytes, None, Some(digest), None).ok()?)))
    }

    fn known(&self, digest: &Digest) -> Option<Arc<Facts>> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner).known.get(digest).map(Arc::clone)
    }
}

impl Shelf {
    fn keep(&mut self, facts: &Arc<Facts>) {
        self.weight = self.weight.saturating_add(facts.weight());
        match self.known.insert(facts.digest.clone(), Arc::clone(facts)) {
            Some(before) => self.weight = self.weight.saturating_sub(before.weight()),
            None => self.order.push_back(facts.digest.clone()),
        }
    }

    /// Whether there was one.
    fn forget_oldest(&mut self) -> bool {
        let Some(oldest) = self.order.pop_front() else { return false };
        let weight = self.known.remove(&oldest).map_or(0, |facts| facts.weight());
        self.weight = self.weight.saturating_sub(weight);
        true
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    impl FactBook {
        /// How many manifests have been read.
        pub(crate) fn len(&self) -> usize {
            self.shelf.lock().unwrap().known.len()
        }
    }

    fn facts(seed: usize) -> Facts {
        let text = format!(r#"{{"schemaVersion":2,"manifests":[],"annotations":{{"seed":"{seed}"}}}}"#);
        Facts::of(&Manifest::read(Bytes::from(text), None, None, None).unwrap())
    }

    #[test]
    fn a_book_of_facts_does_not_grow_without_bound() {
        let book = FactBook { most: 10 * facts(0).weight(), ..FactBook::default() };
        for seed in 0..5 {
            book.note(facts(seed));
            book.note(facts(0));
        }
        assert_eq!(book.shelf.lock().unwrap().known.len(), 5, "the same again weighs nothing");
        for seed in 0..1000 {
            book.note(facts(seed));
        }
        assert!(book.known(&facts(0).digest).is_none());
        assert!(book.known(&facts(999).digest).is_some());
        let shelf = book.shelf.lock().unwrap();
        assert!(
            shelf.weight <= book.most && shelf.known.len() <= 10 && shelf.order.len() == shelf.known.len()
        );
    }
}
