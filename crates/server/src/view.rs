//! What the manifests of one repository lead to.
use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use content::{Descriptor, MediaType};
use layout::{Index, Store};
use reference::{Digest, RepositoryName};

use crate::{
    facts::{FactBook, Facts, Part},
    names::belonging,
};

/// How deep indexes may be nested.
const MAX_DEPTH: usize = 16;
/// How many pieces of content one repository shows; a hostile layout ends here.
const MAX_PARTS: usize = 1_000_000;

/// The content of a repository, as of one state of `index.json`.
#[derive(Debug)]
pub(crate) struct View {
    /// The state; a newer one makes this view old.
    pub(crate) index: Arc<Index>,
    shown: HashMap<Digest, Shown>,
    referrers: HashMap<Digest, Vec<Arc<Facts>>>,
}

/// How a piece of content is shown.
#[derive(Debug, Clone)]
struct Shown {
    /// The media type to serve it under as a manifest.
    manifest: Option<Descriptor>,
    blob: bool,
}

impl View {
    pub(crate) async fn build(
        index: Arc<Index>,
        repository: &RepositoryName,
        fallback: Option<&RepositoryName>,
        (store, book): (&Store, &FactBook),
    ) -> Self {
        let roots = index.entries().filter(|entry| {
            belonging(entry, fallback).is_some_and(|belonging| belonging.repository == *repository)
        });
        let mut queue: VecDeque<(Part, usize)> = roots
            .map(|entry| (Part { descriptor: entry.descriptor.clone(), manifest: true, blob: false }, 0))
            .collect();
        let mut view = Self { index: Arc::clone(&index), shown: HashMap::new(), referrers: HashMap::new() };
        while let Some((part, depth)) = queue.pop_front() {
            if !view.show(&part) || !part.manifest || depth >= MAX_DEPTH || view.shown.len() >= MAX_PARTS {
                continue;
            }
            let Some(facts) = book.look_up(store, &part.descriptor.digest).await else { continue };
            view.learn(&facts);
            queue.extend(facts.parts.iter().map(|part| (part.clone(), depth.saturating_add(1))));
        }
        view
    }

    /// Whether anything new is shown by it.
    fn show(&mut self, part: &Part) -> bool {
        let digest = part.descriptor.digest.clone();
        let shown = self.shown.entry(digest).or_insert(Shown { manifest: None, blob: false });
        shown.blob |= part.blob;
        if part.manifest && shown.manifest.is_none() {
            shown.manifest = Some(part.descriptor.clone());
            return true;
        }
        false
    }

    fn learn(&mut self, facts: &Arc<Facts>) {
        if let Some(subject) = &facts.subject {
            self.referrers.entry(subject.clone()).or_default().push(Arc::clone(facts));
        }
        // An entry that does not say what it is: the manifest does.
        let shown = self.shown.get_mut(&facts.digest).and_then(|shown| shown.manifest.as_mut());
        if let Some(descriptor) = shown.filter(|descriptor| descriptor.media_type.is_vague()) {
            descriptor.media_type = MediaType::new(facts.media_type.as_str());
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.shown.is_empty()
    }

    pub(crate) fn manifest(&self, digest: &Digest) -> Option<&Descriptor> {
        self.shown.get(digest).and_then(|shown| shown.manifest.as_ref())
    }

    pub(crate) fn has_blob(&self, digest: &Digest) -> bool {
        self.shown.get(digest).is_some_and(|shown| shown.blob)
    }

    pub(crate) fn referrers(&self, subject: &Digest) -> &[Arc<Facts>] {
        self.referrers.get(subject).map_or(&[], Vec::as_slice)
    }
}
