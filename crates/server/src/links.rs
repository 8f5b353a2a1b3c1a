//! Links: which repository shows which content.
//!
//! What is on disk is found through `index.json`; what was pushed, mounted or deleted since this process started is
//! remembered here.
use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use content::{Descriptor, Manifest};
use layout::{Entry, Index, Layout};
use reference::{Digest, RepositoryName, Tag};

use crate::{
    error::Refusal,
    facts::{FactBook, Facts},
    names::{belonging, ref_name},
    view::View,
};

/// The links of all repositories.
#[derive(Debug)]
pub(crate) struct Links {
    layout: Layout,
    /// The repository of entries that name none.
    fallback: Option<RepositoryName>,
    book: FactBook,
    memory: Mutex<HashMap<RepositoryName, Memory>>,
}

/// What this process knows of a repository.
#[derive(Debug, Default)]
struct Memory {
    view: Option<Arc<View>>,
    blobs: HashSet<Digest>,
    /// Deleted here, although a manifest may still lead to it.
    hidden: HashSet<Digest>,
}

impl Links {
    pub(crate) fn new(layout: Layout, fallback: Option<RepositoryName>) -> Self {
        Self { layout, fallback, book: FactBook::default(), memory: Mutex::default() }
    }

    pub(crate) fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The manifest that a tag names.
    pub(crate) async fn by_tag(
        &self,
        repository: &RepositoryName,
        tag: &Tag,
    ) -> Result<Option<Descriptor>, Refusal> {
        let index = self.layout.index().await?;
        let mut named = index.entries().filter(|entry| self.is_tag(entry, repository, tag));
        let Some(first) = named.next() else { return Ok(None) };
        if let Some(other) = named.find(|other| other.descriptor.digest != first.descriptor.digest) {
            let (one, other) = (&first.descriptor.digest, &other.descriptor.digest);
            let status = http::StatusCode::CONFLICT;
            return Err(Refusal::new(status, "MANIFEST_INVALID", format!("the tag names {one} and {other}")));
        }
        // The view knows the media type of entries that do not say it.
        let known = self.by_digest(repository, &first.descriptor.digest).await?;
        Ok(Some(known.unwrap_or_else(|| first.descriptor.clone())))
    }

    /// The manifest with this digest, if the repository shows it.
    pub(crate) async fn by_digest(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
    ) -> Result<Option<Descriptor>, Refusal> {
        let view = self.view(repository).await?;
        if self.with(repository, |memory| memory.hidden.contains(digest)) {
            return Ok(None);
        }
        Ok(view.manifest(digest).cloned())
    }

    pub(crate) async fn has_blob(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
    ) -> Result<bool, Refusal> {
        let known = self.with(repository, |memory| {
            let hidden = memory.hidden.contains(digest);
            if hidden { Some(false) } else { memory.blobs.contains(digest).then_some(true) }
        });
        match known {
            Some(known) => Ok(known),
            None => Ok(self.view(repository).await?.has_blob(digest)),
        }
    }

    /// From now on the repository shows this blob.
    pub(crate) fn link(&self, repository: &RepositoryName, digest: &Digest) {
        self.with(repository, |memory| {
            memory.hidden.remove(digest);
            memory.blobs.insert(digest.clone());
        });
    }

    /// From now on it does not.
    pub(crate) fn unlink(&self, repository: &RepositoryName, digest: &Digest) {
        self.with(repository, |memory| {
            memory.blobs.remove(digest);
            memory.hidden.insert(digest.clone());
        });
    }

    /// Enters a stored manifest under `tags`; without any, by its digest.
    pub(crate) async fn publish(
        &self,
        repository: &RepositoryName,
        manifest: &Manifest,
        tags: Vec<Tag>,
    ) -> Result<(), Refusal> {
        self.book.note(Facts::of(manifest));
        let (owner, fallback) = (repository.clone(), self.fallback.clone());
        let descriptor = manifest.descriptor().clone();
        let entered = self.layout.update(move |index| {
            if tags.is_empty() {
                index.add(&Entry::untagged(&descriptor, Some(&owner)));
            }
            for tag in &tags {
                drop_tag(index, (&owner, fallback.as_ref()), tag, Some(&descriptor.digest));
                index.add(&Entry::named(&descriptor, &ref_name(&owner, tag)));
            }
            Ok(())
        });
        entered.await?;
        self.with(repository, |memory| memory.hidden.remove(manifest.digest()));
        Ok(())
    }

    /// Takes a tag away; whether there was one. Its manifest stays, by digest.
    pub(crate) async fn delete_tag(&self, repository: &RepositoryName, tag: &Tag) -> Result<bool, Refusal> {
        let (owner, fallback, tag) = (repository.clone(), self.fallback.clone(), tag.clone());
        let deleted =
            self.layout.update(move |index| Ok(drop_tag(index, (&owner, fallback.as_ref()), &tag, None)));
        Ok(deleted.await?)
    }

    /// Takes a manifest and all its tags away; whether there was one.
    pub(crate) async fn delete_manifest(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
    ) -> Result<bool, Refusal> {
        if self.by_digest(repository, digest).await?.is_none() {
            return Ok(false);
        }
        let (owner, fallback, unwanted) = (repository.clone(), self.fallback.clone(), digest.clone());
        let deleted = self.layout.update(move |index| {
            index.take(|entry| {
                entry.descriptor.digest == unwanted
                    && belonging(entry, fallback.as_ref()).is_some_and(|found| found.repository == owner)
            });
            Ok(())
        });
        deleted.await?;
        self.unlink(repository, digest);
        Ok(true)
    }

    /// The tags, in lexical order; `None` when the repository is not known.
    pub(crate) async fn tags(&self, repository: &RepositoryName) -> Result<Option<Vec<Tag>>, Refusal> {
        let index = self.layout.index().await?;
        let mut known = self.with(repository, |memory| !memory.blobs.is_empty());
        let mut tags = Vec::new();
        for found in index.entries().filter_map(|entry| belonging(entry, self.fallback.as_ref())) {
            if found.repository == *repository {
                known = true;
                tags.extend(found.tag);
            }
        }
        tags.sort_unstable();
        tags.dedup();
        Ok(known.then_some(tags))
    }

    /// The manifests of the repository whose subject this is.
    pub(crate) async fn referrers(
        &self,
        repository: &RepositoryName,
        subject: &Digest,
    ) -> Result<Vec<Arc<Facts>>, Refusal> {
        let view = self.view(repository).await?;
        Ok(self.with(repository, |memory| {
            let seen = view.referrers(subject).iter();
            seen.filter(|facts| !memory.hidden.contains(&facts.digest)).map(Arc::clone).collect()
        }))
    }

    async fn view(&self, repository: &RepositoryName) -> Result<Arc<View>, Refusal> {
        let index = self.layout.index().await?;
        let known = self.with(repository, |memory| memory.view.clone());
        if let Some(view) = known.filter(|view| Arc::ptr_eq(&view.index, &index)) {
            return Ok(view);
        }
        let shelves = (self.layout.store(), &self.book);
        let view = Arc::new(View::build(index, repository, self.fallback.as_ref(), shelves).await);
        // Asking for names that do not exist must not fill the memory.
        if !view.is_empty() {
            self.with(repository, |memory| memory.view = Some(Arc::clone(&view)));
        }
        Ok(view)
    }

    fn is_tag(&self, entry: &Entry, repository: &RepositoryName, tag: &Tag) -> bool {
        is_tag(entry, (repository, self.fallback.as_ref()), tag)
    }

    fn with<T>(&self, repository: &RepositoryName, look: impl FnOnce(&mut Memory) -> T) -> T {
        let mut all: MutexGuard<'_, _> = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(memory) = all.get_mut(repository) {
            return look(memory);
        }
        let mut fresh = Memory::default();
        let seen = look(&mut fresh);
        if fresh.view.is_some() || !fresh.blobs.is_empty() || !fresh.hidden.is_empty() {
            all.insert(repository.clone(), fresh);
        }
        seen
    }
}

fn is_tag(entry: &Entry, (owner, fallback): (&RepositoryName, Option<&RepositoryName>), tag: &Tag) -> bool {
    entry.name().is_some_and(|name| {
        let bare = fallback == Some(owner) && name == tag.as_str();
        let full = name.strip_prefix(owner.as_str()).and_then(|rest| rest.strip_prefix(':'));
        bare || full == Some(tag.as_str())
    })
}

/// Takes a tag away, except from the digest `kept`; what it named stays in the repository by digest. Whether there
/// was one.
fn drop_tag(
    index: &mut Index,
    owner: (&RepositoryName, Option<&RepositoryName>),
    tag: &Tag,
    kept: Option<&Digest>,
) -> bool {
    let taken = index.take(|entry| is_tag(entry, owner, tag) && Some(&entry.descriptor.digest) != kept);
    for entry in &taken {
        index.add(&Entry::untagged(&entry.descriptor, Some(owner.0)));
    }
    !taken.is_empty()
}
