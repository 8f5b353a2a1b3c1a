//! The blobs of a layout: found by digest, shown only when whole and durable.
use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use content::{Descriptor, Fault, FaultKind, Hasher, Step};
use futures::{StreamExt, stream::BoxStream};
use reference::Digest;
use tokio::task::JoinError;

use crate::{Ingest, disk, lock, reading};

/// Blobs below a directory. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {
    root: Arc<Path>,
    shown: Arc<str>,
}

impl Store {
    pub(crate) fn new(root: &Path, shown: &str) -> Self {
        Self { root: root.into(), shown: shown.into() }
    }

    pub(crate) fn scratch(&self) -> PathBuf {
        lock::scratch(&self.root)
    }

    /// The size of a blob; `None` when it is not there.
    pub fn size(&self, digest: &Digest) -> Result<Option<u64>, Fault> {
        let directory = self.directory(digest);
        let looked = self
            .is_there(&directory)
            .and_then(|there| if there { disk::plain_size(&directory.join(digest.hex())) } else { Ok(None) });
        looked.map_err(|error| {
            self.trouble(Step::ReadBlob, &format!("cannot look at the blob: {error}"), error).about(digest)
        })
    }

    /// A whole blob, as long as it has at most `limit` bytes; not checked against its digest.
    pub async fn read(&self, digest: &Digest, limit: u64) -> Result<Bytes, Fault> {
        self.size(digest)?.ok_or_else(|| self.absent(digest))?;
        let path = self.directory(digest).join(digest.hex());
        let read = tokio::task::spawn_blocking(move || disk::read_small(&path, limit));
        let bytes = self.finish(read, Step::ReadBlob, &format!("cannot read {digest}")).await?;
        Ok(bytes.into())
    }

    /// The size of a blob, and its bytes from `start` on, in chunks of at most 256 KiB; not checked against its
    /// digest.
    pub async fn open(&self, digest: &Digest, start: u64, end: u64) -> Result<Opened, Fault> {
        self.size(digest)?.ok_or_else(|| self.absent(digest))?;
        let path = self.directory(digest).join(digest.hex());
        let opened = tokio::task::spawn_blocking(move || reading::open_at(&path, start));
        let (file, size) = self.finish(opened, Step::ReadBlob, &format!("cannot read {digest}")).await?;
        Ok(Opened { file, size, length: end.min(size).saturating_sub(start) })
    }

    /// Whether a stored blob has the bytes that its digest says.
    pub(crate) async fn is_true(&self, blob: &Descriptor) -> Result<bool, Fault> {
        let mut chunks = self.open(&blob.digest, 0, blob.size).await?.into_chunks();
        let mut hasher = Hasher::new(blob.digest.algorithm());
        while let Some(chunk) = chunks.next().await {
            hasher.update(&chunk?);
        }
        Ok(hasher.finish() == blob.digest)
    }

    /// Begins to write a blob.
    pub async fn ingest(&self) -> Result<Ingest, Fault> {
        Ingest::begin(self.clone()).await
    }

    /// Stores `bytes`, which have `digest`, unless they are there. Meant for small content: what is there is read
    /// and replaced when it differs.
    pub async fn put(&self, digest: &Digest, bytes: Bytes) -> Result<(), Fault> {
        if self.size(digest)? == Some(bytes.len() as u64)
            && self.read(digest, bytes.len() as u64).await? == bytes
        {
            return Ok(());
        }
        let mut ingest = self.ingest().await?;
        ingest.write(bytes).await?;
        ingest.keep(digest).await
    }

    /// Where a blob goes to; its directory is there afterwards.
    pub(crate) fn prepare(&self, digest: &Digest, step: Step) -> Result<PathBuf, Fault> {
        let directory = self.directory(digest);
        let made =
            disk::make_directory(&self.root.join("blobs")).and_then(|()| disk::make_directory(&directory));
        made.map_err(|error| {
            self.trouble(step, &format!("cannot make {}: {error}", directory.display()), error)
        })?;
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
            Ok(Err(error)) => Err(self.trouble(step, &format!("{what}: {error}"), error)),
            Err(stopped) => Err(self.stopped(step, stopped)),
        }
    }

    pub(crate) fn stopped(&self, step: Step, stopped: JoinError) -> Fault {
        Fault::new(FaultKind::Local, step, "the work on disk was stopped").at(&self.shown).because(stopped)
    }

    /// A failure of the disk, in our words.
    pub(crate) fn trouble(&self, step: Step, what: &str, error: io::Error) -> Fault {
        let full = matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
        let fault = Fault::new(FaultKind::Local, step, what).at(&self.shown).because(error);
        if full {
            fault.hint("free some space on that disk, then run this again: what is whole is kept")
        } else {
            fault
        }
    }
}

/// A blob opened for reading.
#[derive(Debug)]
pub struct Opened {
    file: File,
    size: u64,
    length: u64,
}

impl Opened {
    /// The size of the whole blob.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The bytes that were asked for.
    pub fn into_chunks(self) -> BoxStream<'static, Result<Bytes, Fault>> {
        reading::chunks(self.file, self.length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_said_to_be_full() {
        let store = Store::new(Path::new("/data"), "oci:images");
        let full = io::Error::from(io::ErrorKind::StorageFull);
        let fault = store.trouble(Step::SendBlob, &format!("cannot write a blob: {full}"), full);
        assert_eq!(fault.kind(), FaultKind::Local);
        assert!(fault.to_string().starts_with("oci:images: send blob: cannot write a blob: "));
        assert!(fault.hint_text().is_some_and(|hint| hint.contains("free some space")));
    }
}
