//! The blobs of a layout: found by digest, shown only when whole and durable.
use std::{
    collections::BTreeSet,
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use content::{Descriptor, Fault, FaultKind, Hasher, Step};
use futures::StreamExt;
use reference::Digest;
use tokio::task::JoinError;

use crate::{Ingest, Opened, archive::Shelf, disk, lock, opened::Found, trouble};

/// Blobs below a directory, or in an archive. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {
    root: Arc<Path>,
    /// The archive that the root is, if it is one.
    shelf: Option<Arc<Shelf>>,
    shown: Arc<str>,
    /// Directories of blobs that were made durable in this run.
    durable: Arc<Mutex<BTreeSet<PathBuf>>>,
}

impl Store {
    pub(crate) fn new(root: &Path, shown: &str) -> Self {
        Self { root: root.into(), shelf: None, shown: shown.into(), durable: Arc::default() }
    }

    /// The blobs of an archive.
    pub(crate) fn on(shelf: Shelf) -> Self {
        let store = Self::new(shelf.path(), shelf.shown());
        Self { shelf: Some(Arc::new(shelf)), ..store }
    }

    pub(crate) fn shelf(&self) -> Option<&Shelf> {
        self.shelf.as_deref()
    }

    /// An archive is written to by its own writer, whole: what comes without a size cannot go there.
    pub(crate) fn refuse_unless_writable(&self, step: Step) -> Result<(), Fault> {
        if self.shelf.is_none() {
            return Ok(());
        }
        Err(Fault::new(FaultKind::Refused, step, "an archive can only be read here")
            .at(&self.shown)
            .hint("unpack it, and name the directory: oci:DIR"))
    }

    pub(crate) fn scratch(&self) -> PathBuf {
        lock::scratch(&self.root)
    }

    /// The size of a blob; `None` when it is not there.
    pub fn size(&self, digest: &Digest) -> Result<Option<u64>, Fault> {
        if let Some(shelf) = &self.shelf {
            return Ok(shelf.volume().blob(digest).map(|extent| extent.size));
        }
        let directory = self.directory(digest);
        let looked = self
            .is_there(&directory)
            .and_then(|there| if there { disk::plain_size(&directory.join(digest.hex())) } else { Ok(None) });
        looked.map_err(|error| self.trouble(Step::ReadBlob, "cannot look at the blob", error).about(digest))
    }

    /// A whole blob, as long as it has at most `limit` bytes; not checked against its digest.
    pub async fn read(&self, digest: &Digest, limit: u64) -> Result<Bytes, Fault> {
        let blob = self.find(digest)?;
        let read = tokio::task::spawn_blocking(move || blob.open()?.read(limit));
        self.finish(read, Step::ReadBlob, &format!("cannot read {digest}")).await
    }

    /// The size of a blob, and its bytes from `start` on, in chunks of at most 256 KiB; not checked against its
    /// digest.
    pub async fn open(&self, digest: &Digest, start: u64, end: u64) -> Result<Opened, Fault> {
        let blob = self.find(digest)?;
        let opened = tokio::task::spawn_blocking(move || blob.open());
        let opened = self.finish(opened, Step::ReadBlob, &format!("cannot read {digest}")).await?;
        Ok(opened.narrow(start, end))
    }

    /// A member of an archive that is ours and no part of the layout: its path begins with `transship-`. Its bytes are
    /// those from `start` on. `None` where there is none, as in every directory.
    pub fn ours(&self, path: &str, start: u64) -> Option<Opened> {
        let volume = self.shelf.as_ref()?.volume();
        let extent = volume.ours(path)?;
        Some(Opened::within(Arc::clone(&volume.file), extent).narrow(start, u64::MAX))
    }

    /// Where a blob is.
    fn find(&self, digest: &Digest) -> Result<Found, Fault> {
        if let Some(shelf) = &self.shelf {
            let volume = shelf.volume();
            let extent = volume.blob(digest).ok_or_else(|| self.absent(digest))?;
            return Ok(Found::Within(Arc::clone(&volume.file), extent));
        }
        self.size(digest)?.ok_or_else(|| self.absent(digest))?;
        Ok(Found::File(self.directory(digest).join(digest.hex())))
    }

    /// Whether the blob is there with the bytes that its digest says; durably, if so.
    pub async fn has(&self, blob: &Descriptor) -> Result<bool, Fault> {
        if self.size(&blob.digest)? != Some(blob.size) || !self.is_true(blob).await? {
            return Ok(false);
        }
        self.settle(&blob.digest).await.map(|()| true)
    }

    async fn is_true(&self, blob: &Descriptor) -> Result<bool, Fault> {
        let mut chunks = self.open(&blob.digest, 0, blob.size).await?.into_chunks();
        let mut hasher = Hasher::new(blob.digest.algorithm());
        while let Some(chunk) = chunks.next().await {
            hasher.update(&chunk?);
        }
        Ok(hasher.finish() == blob.digest)
    }

    /// Makes a blob durable that is there already: its writer may be another program, or have died just before it
    /// did so itself.
    async fn settle(&self, digest: &Digest) -> Result<(), Fault> {
        if self.shelf.is_some() {
            // Whoever writes to an archive makes all of it durable.
            return Ok(());
        }
        let (store, wanted) = (self.clone(), digest.clone());
        let settled = tokio::task::spawn_blocking(move || {
            let path = store.prepare(&wanted)?;
            disk::sync_file(&path)?;
            path.parent().map_or(Ok(()), disk::sync_directory)
        });
        self.finish(settled, Step::SendBlob, &format!("cannot make {digest} durable")).await
    }

    /// Begins to write a blob.
    pub async fn ingest(&self) -> Result<Ingest, Fault> {
        self.refuse_unless_writable(Step::BeginUpload)?;
        Ingest::begin(self.clone()).await
    }

    /// Stores `bytes`, which have `digest`, unless they are there. Meant for small content: what is there is read
    /// and replaced when it differs.
    pub async fn put(&self, digest: &Digest, bytes: Bytes) -> Result<(), Fault> {
        if self.size(digest)? == Some(bytes.len() as u64)
            && self.read(digest, bytes.len() as u64).await? == bytes
        {
            return self.settle(digest).await;
        }
        let mut ingest = self.ingest().await?;
        ingest.write(bytes).await?;
        ingest.keep(digest).await
    }

    /// Where a blob goes to; its directory is there afterwards, durably.
    pub(crate) fn prepare(&self, digest: &Digest) -> io::Result<PathBuf> {
        let (blobs, directory) = (self.root.join("blobs"), self.directory(digest));
        let [above, itself] = [disk::make_directory(&blobs)?, disk::make_directory(&directory)?];
        let mut durable = self.durable.lock().unwrap_or_else(PoisonError::into_inner);
        // Not only what we made: whoever did, may have died before it was durable.
        if above || itself || !durable.contains(&directory) {
            disk::sync_directory(&self.root)?;
            disk::sync_directory(&blobs)?;
            durable.insert(directory.clone());
        }
        Ok(directory.join(digest.hex()))
    }

    /// Only a checked digest makes a path.
    fn directory(&self, digest: &Digest) -> PathBuf {
        self.root.join("blobs").join(digest.algorithm().as_str())
    }

    fn is_there(&self, directory: &Path) -> io::Result<bool> {
        Ok(disk::is_directory(&self.root.join("blobs"))? && disk::is_directory(directory)?)
    }

    fn absent(&self, digest: &Digest) -> Fault {
        Fault::new(FaultKind::Absent, Step::ReadBlob, "the layout has no such blob")
            .at(&self.shown)
            .about(digest)
    }

    /// Waits for work on another thread.
    pub(crate) async fn finish<T>(
        &self,
        work: impl Future<Output = Result<io::Result<T>, JoinError>>,
        step: Step,
        what: &str,
    ) -> Result<T, Fault> {
        match work.await {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(error)) => Err(self.trouble(step, what, error)),
            Err(stopped) => Err(self.stopped(step, stopped)),
        }
    }

    pub(crate) fn stopped(&self, step: Step, stopped: JoinError) -> Fault {
        trouble::stopped(&self.shown, step, stopped)
    }

    /// A failure of the disk, in our words.
    pub(crate) fn trouble(&self, step: Step, what: &str, error: io::Error) -> Fault {
        trouble::fault(&self.shown, step, what, error)
    }
}
