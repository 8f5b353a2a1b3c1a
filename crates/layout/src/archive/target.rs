//! An archive as a target of copies.
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use content::{At, Begun, Descriptor, Fault, Manifest, Mode, Place, Step, Target, Version};
use futures::future::BoxFuture;
use reference::RepositoryName;
use tokio::sync::OnceCell;

use super::session::Session;
use crate::{Entry, Index, Layout, disk, naming, stamp::Stamp, trouble, upload::LayoutUpload};

/// An archive that is copied to, there or still to come. Cheap to clone; clones write to it together.
///
/// It is opened for writing, and locked, when there is something to write, and not before.
#[derive(Debug, Clone)]
pub struct Archive(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    path: PathBuf,
    root: PathBuf,
    shown: String,
    /// The archive as it was found, and which file that was: what was said of it is true of no other.
    reading: OnceCell<(Layout, Option<Stamp>)>,
    writing: OnceCell<Arc<Session>>,
}

/// An archive, seen as one repository. Ref names are taken to the letter; blobs are common to all repositories.
///
/// Each name that is published is a commit: the archive holds it from then on, whatever happens to the next.
#[derive(Debug, Clone)]
pub struct ArchiveRepository {
    archive: Archive,
    place: Place,
}

impl Archive {
    /// The archive at `path`. Nothing is opened yet.
    ///
    /// # Errors
    /// [`content::FaultKind::Local`] when the directory that it is to be in cannot be looked at.
    pub fn at(path: &Path) -> Result<Self, Fault> {
        let shown = format!("oci-archive:{}", path.display());
        let root = disk::future_path(path).map_err(|error| {
            trouble::in_archive(&shown, Step::OpenLayout, "cannot look at the archive", error)
        })?;
        let (reading, writing) = (OnceCell::new(), OnceCell::new());
        Ok(Self(Arc::new(Shared { path: path.to_owned(), root, shown, reading, writing })))
    }

    /// Its path without links, there or still to come.
    pub fn root(&self) -> &Path {
        &self.0.root
    }

    /// The archive as one side of a copy. `repository` names what is written by digest alone.
    pub fn repository(&self, repository: Option<RepositoryName>) -> ArchiveRepository {
        let origin = format!("oci-archive:{}", self.0.root.display());
        let place = Place::new(origin, self.0.shown.clone(), repository);
        ArchiveRepository { archive: self.clone(), place }
    }

    /// The archive as it was before anything was written; `None` when there is none.
    async fn before(&self) -> Result<Option<&Layout>, Fault> {
        let shared = &self.0;
        if shared.reading.get().is_none() && !shared.path.exists() {
            return Ok(None);
        }
        let open = || async {
            let path = shared.path.clone();
            let layout = tokio::task::spawn_blocking(move || Layout::open_archive(&path))
                .await
                .unwrap_or_else(|stopped| Err(trouble::stopped(&shared.shown, Step::OpenLayout, stopped)))?;
            let stamp = layout.store().shelf().map(|shelf| shelf.volume().stamp());
            Ok((layout, stamp))
        };
        shared.reading.get_or_try_init(open).await.map(|(layout, _)| Some(layout))
    }

    async fn session(&self) -> Result<&Arc<Session>, Fault> {
        let shared = &self.0;
        let seen = shared.reading.get().and_then(|(_, stamp)| *stamp);
        let begin =
            || async { Ok(Arc::new(Session::begin(shared.path.clone(), &shared.shown, seen).await?)) };
        shared.writing.get_or_try_init(begin).await
    }

    /// The entries as they are now.
    async fn index(&self) -> Result<Arc<Index>, Fault> {
        if let Some(session) = self.0.writing.get() {
            return Ok(session.index());
        }
        match self.before().await? {
            Some(layout) => layout.index().await,
            None => Ok(Arc::default()),
        }
    }

    async fn has(&self, blob: &Descriptor) -> Result<bool, Fault> {
        if let Some(session) = self.0.writing.get() {
            return session.has(blob).await;
        }
        match self.before().await? {
            Some(layout) => layout.store().has(blob).await,
            None => Ok(false),
        }
    }
}

impl ArchiveRepository {
    async fn begin_blob(&self, blob: &Descriptor) -> Result<Begun, Fault> {
        // What is there is checked, not trusted: a disk may have lost bytes. Damage is replaced.
        if self.archive.has(blob).await? {
            return Ok(Begun::Present);
        }
        let session = Arc::clone(self.archive.session().await?);
        Ok(Begun::Upload(Box::new(LayoutUpload::begin(session.into(), blob.clone()).await?)))
    }

    async fn publish_manifest(&self, manifest: &Manifest, at: At<'_>, mode: Mode) -> Result<(), Fault> {
        let descriptor = manifest.descriptor();
        let mut index = Index::clone(&*self.archive.index().await?);
        let before = index.to_bytes();
        self.change(&mut index, descriptor, at, mode)?;
        if before == index.to_bytes() && self.archive.has(descriptor).await? && !self.archive.is_written() {
            return Ok(());
        }
        let session = self.archive.session().await?;
        session.put(manifest).await?;
        if at == At::Part {
            return Ok(());
        }
        session.name(|index| self.change(index, descriptor, at, mode)).await
    }

    fn change(
        &self,
        index: &mut Index,
        descriptor: &Descriptor,
        at: At<'_>,
        mode: Mode,
    ) -> Result<(), Fault> {
        match at {
            At::Part => Ok(()),
            At::Digest => {
                index.add(&Entry::untagged(descriptor, self.place.repository()));
                Ok(())
            }
            At::Name(name) => {
                naming::set_name(index, descriptor, name, mode).map_err(|fault| fault.at(&self.place))
            }
        }
    }
}

impl Archive {
    fn is_written(&self) -> bool {
        self.0.writing.get().is_some()
    }
}

impl Target for ArchiveRepository {
    fn place(&self) -> &Place {
        &self.place
    }

    fn find<'a>(&'a self, version: &'a Version) -> BoxFuture<'a, Result<Option<Descriptor>, Fault>> {
        Box::pin(async { naming::look_up(&*self.archive.index().await?, version, &self.place) })
    }

    fn begin<'a>(
        &'a self,
        blob: &'a Descriptor,
        _mount: Option<&'a RepositoryName>,
    ) -> BoxFuture<'a, Result<Begun, Fault>> {
        Box::pin(self.begin_blob(blob))
    }

    fn publish<'a>(
        &'a self,
        manifest: &'a Manifest,
        at: At<'a>,
        mode: Mode,
    ) -> BoxFuture<'a, Result<(), Fault>> {
        Box::pin(self.publish_manifest(manifest, at, mode))
    }
}
