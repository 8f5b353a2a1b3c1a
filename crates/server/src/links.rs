//! Links: which repository shows which content.
//!
//! What is on disk is found through `index.json`; what was pushed, mounted or deleted since this process started is
//! remembered here.
use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use content::{Descriptor, Fault, Manifest};
use layout::{Entry, Index, Layout};
use reference::{Digest, RepositoryName, Tag};

use crate::{
    error::Refusal,
    facts::{FactBook, Facts},
    homes::{Home, Homes},
    names::{belonging, ref_name},
    table::Table,
    view::View,
};

/// The links of all repositories.
#[derive(Debug)]
pub(crate) struct Links {
    homes: Homes,
    book: FactBook,
    table: Mutex<Option<Arc<Table>>>,
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
    pub(crate) fn new(homes: Homes) -> Self {
        Self { homes, book: FactBook::default(), table: Mutex::default(), memory: Mutex::default() }
    }

    /// Where content is read.
    pub(crate) fn homes(&self) -> &Homes {
        &self.homes
    }

    /// The one layout that is written to.
    pub(crate) fn layout(&self) -> Result<&Layout, Refusal> {
        Ok(&self.home()?.layout)
    }

    fn home(&self) -> Result<&Home, Refusal> {
        self.homes.only().ok_or_else(Refusal::read_only)
    }

    /// Repositories and tags as they are now.
    pub(crate) async fn table(&self) -> Result<Arc<Table>, Fault> {
        let indexes = self.homes.indexes().await?;
        let known = self.table.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(table) = known.filter(|table| table.is_of(&indexes)) {
            return Ok(table);
        }
        let table = Arc::new(Table::of(&self.homes, indexes));
        *self.table.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&table));
        Ok(table)
    }

    /// The manifest that a tag names.
    pub(crate) async fn by_tag(
        &self,
        repository: &RepositoryName,
        tag: &Tag,
    ) -> Result<Option<Descriptor>, Refusal> {
        let table = self.table().await?;
        let Some(named) = table.rows(repository).and_then(|rows| rows.tags.get(tag)) else { return Ok(None) };
        let digest = &named.descriptor.digest;
        if let Some(other) = &named.rival {
            let status = http::StatusCode::CONFLICT;
            let what = format!("the tag names {digest} and {other}");
            return Err(Refusal::new(status, "MANIFEST_INVALID", what));
        }
        let view = self.view(repository, &table);
        view.pulled(&named.descriptor);
        if !named.descriptor.media_type.is_vague() {
            return Ok(Some(named.descriptor.clone()));
        }
        // The view knows the media type of entries that do not say it.
        let known = view.manifest(digest, (&self.homes, &self.book)).await;
        Ok(Some(known.unwrap_or_else(|| named.descriptor.clone())))
    }

    /// The manifest with this digest, if the repository shows it.
    pub(crate) async fn by_digest(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
    ) -> Result<Option<Descriptor>, Refusal> {
        if self.with(repository, |memory| memory.hidden.contains(digest)) {
            return Ok(None);
        }
        let table = self.table().await?;
        let view = self.view(repository, &table);
        let mut roots = table.rows(repository).into_iter().flat_map(|rows| &rows.roots);
        if let Some(root) = roots.find(|root| root.digest == *digest) {
            view.pulled(root);
        }
        Ok(view.manifest(digest, (&self.homes, &self.book)).await)
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
        if let Some(known) = known {
            return Ok(known);
        }
        let view = self.view(repository, &self.table().await?);
        Ok(view.has_blob(digest, (&self.homes, &self.book)).await)
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
        let home = self.home()?;
        self.book.note(Facts::of(manifest));
        let (owner, fallback) = (repository.clone(), home.fallback.clone());
        let descriptor = manifest.descriptor().clone();
        let entered = home.layout.update(move |index| {
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
        let home = self.home()?;
        let (owner, fallback, tag) = (repository.clone(), home.fallback.clone(), tag.clone());
        let deleted =
            home.layout.update(move |index| Ok(drop_tag(index, (&owner, fallback.as_ref()), &tag, None)));
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
        let home = self.home()?;
        let (owner, fallback, unwanted) = (repository.clone(), home.fallback.clone(), digest.clone());
        let deleted = home.layout.update(move |index| {
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

    /// All repositories, in lexical order. Those that only got blobs so far are none yet.
    pub(crate) async fn repositories(&self) -> Result<Vec<RepositoryName>, Refusal> {
        Ok(self.table().await?.repositories().map(|(name, _)| name.clone()).collect())
    }

    /// The tags, in lexical order; `None` when the repository is not known.
    pub(crate) async fn tags(&self, repository: &RepositoryName) -> Result<Option<Vec<Tag>>, Refusal> {
        let table = self.table().await?;
        let rows = table.rows(repository);
        let known = rows.is_some() || self.with(repository, |memory| !memory.blobs.is_empty());
        Ok(known.then(|| rows.into_iter().flat_map(|rows| rows.tags.keys().cloned()).collect()))
    }

    /// The manifests of the repository whose subject this is.
    pub(crate) async fn referrers(
        &self,
        repository: &RepositoryName,
        subject: &Digest,
    ) -> Result<Vec<Arc<Facts>>, Refusal> {
        let view = self.view(repository, &self.table().await?);
        let mut seen = view.referrers(subject, (&self.homes, &self.book)).await;
        self.with(repository, |memory| seen.retain(|facts| !memory.hidden.contains(&facts.digest)));
        Ok(seen)
    }

    fn view(&self, repository: &RepositoryName, table: &Arc<Table>) -> Arc<View> {
        let known = self.with(repository, |memory| memory.view.clone());
        if let Some(view) = known.filter(|view| Arc::ptr_eq(&view.table, table)) {
            return view;
        }
        let rows = table.rows(repository);
        let roots = rows.map_or(&[][..], |rows| rows.roots.as_slice());
        let view = Arc::new(View::new(Arc::clone(table), roots));
        // Asking for names that do not exist must not fill the memory.
        if rows.is_some() {
            self.with(repository, |memory| memory.view = Some(Arc::clone(&view)));
        }
        view
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
    belonging(entry, fallback)
        .is_some_and(|found| found.repository == *owner && found.tag.as_ref() == Some(tag))
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
