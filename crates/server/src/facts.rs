//! What is known of a manifest without reading it again.
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
};

use content::{Descriptor, MAX_MANIFEST_BYTES, Manifest, MediaType, Role, Shape};
use layout::Store;
use reference::Digest;
use serde_json::{Value, json};

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
        Shape::Image { config, layers } => config
            .iter()
            .chain(layers)
            .map(|blob| Part { descriptor: blob.clone(), manifest: false, blob: true })
            .collect(),
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
    Part { descriptor: descriptor.clone(), manifest, blob }
}

/// Facts by digest: content never changes, so neither do they.
#[derive(Debug, Default)]
pub(crate) struct FactBook(Mutex<HashMap<Digest, Arc<Facts>>>);

impl FactBook {
    pub(crate) fn note(&self, facts: Facts) {
        self.lock().insert(facts.digest.clone(), Arc::new(facts));
    }

    /// The facts of a manifest in the store; `None` when it is missing, damaged or no manifest.
    pub(crate) async fn look_up(&self, store: &Store, digest: &Digest) -> Option<Arc<Facts>> {
        if let Some(facts) = self.lock().get(digest) {
            return Some(Arc::clone(facts));
        }
        let bytes = store.read(digest, MAX_MANIFEST_BYTES).await.ok()?;
        let facts = Facts::of(&Manifest::read(bytes, None, Some(digest), None).ok()?);
        self.note(facts);
        self.lock().get(digest).map(Arc::clone)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Digest, Arc<Facts>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
