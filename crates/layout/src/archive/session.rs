//! Adding to an archive, or making one: from the first thing that is written until nobody writes any more.
use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use content::{Descriptor, Fault, FaultKind, Manifest, Step};
use reference::Digest;
use tokio::task::spawn_blocking;

use super::{ArchiveWriter, Member};
use crate::{Index, Layout, stamp::Stamp, trouble};

/// An archive that is written to.
#[derive(Debug)]
pub(crate) struct Session {
    writer: ArchiveWriter,
    /// What was there before; none for a new archive.
    before: Option<Layout>,
    /// Held from the reading of the index until it is written.
    naming: tokio::sync::Mutex<()>,
    /// Held while a manifest is written: two that ask for one at once are not to write it twice.
    putting: tokio::sync::Mutex<()>,
    index: Mutex<Arc<Index>>,
    /// The blobs that were written.
    written: Mutex<HashMap<Digest, u64>>,
}

impl Session {
    /// Opens the archive to write to it: the one that was `seen`, if any was. It may wait for the disk: call it where
    /// blocking is allowed.
    fn open(path: &std::path::Path, seen: Option<Stamp>) -> Result<Self, Fault> {
        let (writer, index) = ArchiveWriter::open(path)?;
        if let Some(seen) = seen {
            writer.is_still(&seen)?;
        }
        let before = if writer.is_new() { None } else { Some(Layout::open(path)?) };
        Ok(Self {
            writer,
            before,
            naming: tokio::sync::Mutex::default(),
            putting: tokio::sync::Mutex::default(),
            index: Mutex::new(index),
            written: Mutex::default(),
        })
    }

    /// The same, on a thread of its own.
    pub(crate) async fn begin(path: PathBuf, shown: &str, seen: Option<Stamp>) -> Result<Self, Fault> {
        spawn_blocking(move || Self::open(&path, seen))
            .await
            .unwrap_or_else(|stopped| Err(trouble::stopped(shown, Step::OpenLayout, stopped)))
    }

    /// The entries, as of the last commit.
    pub(crate) fn index(&self) -> Arc<Index> {
        Arc::clone(&self.index.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether the blob was written, or is there with the bytes that its digest says.
    pub(crate) async fn has(&self, blob: &Descriptor) -> Result<bool, Fault> {
        let written = self.written.lock().unwrap_or_else(PoisonError::into_inner).get(&blob.digest).copied();
        match (written, &self.before) {
            (Some(size), _) => Ok(size == blob.size),
            (None, Some(before)) => before.store().has(blob).await,
            (None, None) => Ok(false),
        }
    }

    /// Begins to write a blob.
    pub(crate) fn member(&self, blob: &Descriptor) -> Result<Member, Fault> {
        let size =
            self.before.as_ref().map(|before| before.store().size(&blob.digest)).transpose()?.flatten();
        if let Some(size) = size.filter(|size| *size != blob.size) {
            // With a second one of another size nobody could say which counts.
            let what = format!("the archive holds this blob with {size} bytes, and it has {}", blob.size);
            return Err(Fault::new(FaultKind::Untrue, Step::BeginUpload, what)
                .at(self.writer.shown())
                .about(&blob.digest)
                .hint("copy to a new archive"));
        }
        let digest = &blob.digest;
        self.writer.member(&format!("blobs/{}/{}", digest.algorithm().as_str(), digest.hex()), blob.size)
    }

    /// Ends a blob, whose bytes have this digest.
    pub(crate) async fn keep(&self, member: Member, digest: &Digest) -> Result<(), Fault> {
        let size = member.taken();
        member.keep().await?;
        self.written.lock().unwrap_or_else(PoisonError::into_inner).insert(digest.clone(), size);
        Ok(())
    }

    /// Writes a manifest, unless it is there.
    pub(crate) async fn put(&self, manifest: &Manifest) -> Result<(), Fault> {
        let _one_at_a_time = self.putting.lock().await;
        if self.has(manifest.descriptor()).await? {
            return Ok(());
        }
        let mut member = self.member(manifest.descriptor())?;
        member.write(manifest.bytes().clone()).await?;
        self.keep(member, manifest.digest()).await
    }

    /// Changes the index, and commits it with all that was written before.
    pub(crate) async fn name(
        &self,
        change: impl FnOnce(&mut Index) -> Result<(), Fault> + Send,
    ) -> Result<(), Fault> {
        let _one_at_a_time = self.naming.lock().await;
        let before = self.index();
        let mut index = Index::clone(&before);
        change(&mut index)?;
        let bytes = index.to_bytes();
        // Nothing but blobs: then what is there already leads to them.
        if self.writer.is_new() || bytes != before.to_bytes() {
            self.writer.put("index.json", Bytes::from(bytes)).await?;
        }
        self.writer.commit().await?;
        *self.index.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(index);
        Ok(())
    }
}
