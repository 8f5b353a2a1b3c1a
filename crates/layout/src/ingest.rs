//! A blob on its way into the store: a temporary file that becomes a blob whole, or not at all.
use std::{
    fs::{self, File},
    io::{self, Read},
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use bytes::Bytes;
use content::{Fault, Hasher, Step};
use reference::{Algorithm, Digest};
use tokio::task::spawn_blocking;

use crate::{Store, disk, flow::Flow};

/// How many bytes are read back at once.
const READ_BACK: usize = 256 * 1024;

/// A blob being written. Dropping it removes what was written.
#[derive(Debug)]
pub struct Ingest {
    store: Store,
    flow: Flow<Temp>,
}

/// The file; removed when the last who writes to it has let go, unless it has become a blob.
#[derive(Debug)]
struct Temp {
    path: PathBuf,
    file: File,
    kept: AtomicBool,
}

impl AsRef<File> for Temp {
    fn as_ref(&self) -> &File {
        &self.file
    }
}

impl Drop for Temp {
    fn drop(&mut self) {
        if !*self.kept.get_mut() {
            // If this fails the next writer sweeps it up.
            drop(fs::remove_file(&self.path));
        }
    }
}

impl Ingest {
    pub(crate) async fn begin(store: Store) -> Result<Self, Fault> {
        let scratch = store.scratch();
        let created = spawn_blocking(move || {
            disk::make_directory(&scratch)?;
            let (path, file) = disk::create_temp(&scratch, disk::TEMP_PREFIX.as_ref())?;
            // It removes itself, too, when nobody waits for it any more.
            Ok(Temp { path, file, kept: AtomicBool::new(false) })
        });
        let temp = store.finish(created, Step::BeginUpload, "cannot begin to write a blob").await?;
        Ok(Self { store, flow: Flow::new(Arc::new(temp), 0) })
    }

    /// How many bytes have been taken.
    pub fn taken(&self) -> u64 {
        self.flow.taken()
    }

    /// Takes the next bytes. After a fault the bytes are in doubt: drop this and begin again.
    pub async fn write(&mut self, chunk: Bytes) -> Result<(), Fault> {
        self.flow.write(chunk).await.map_err(|error| self.cannot_write(error))
    }

    /// The digest of what has been taken, read back from the disk: for content whose algorithm was not known while
    /// it came.
    pub async fn read_back(&mut self, algorithm: Algorithm) -> Result<Digest, Fault> {
        self.flow.finish().await.map_err(|error| self.cannot_write(error))?;
        let path = self.flow.file().path.clone();
        let hashed = spawn_blocking(move || {
            let mut file = disk::open_plain(&path)?;
            let mut hasher = Hasher::new(algorithm);
            let mut buffer = vec![0; READ_BACK];
            loop {
                match file.read(&mut buffer)? {
                    0 => return Ok(hasher.finish()),
                    read => hasher.update(buffer.get(..read).unwrap_or_default()),
                }
            }
        });
        self.store.finish(hashed, Step::SendBlob, "cannot read a blob back").await
    }

    /// Makes the bytes a blob, durably. That they have the digest is the caller's promise: they came through
    /// [`content::Verified`], or the caller's own [`content::Hasher`].
    pub async fn keep(mut self, digest: &Digest) -> Result<(), Fault> {
        self.flow.finish().await.map_err(|error| self.cannot_write(error))?;
        let temp = Arc::clone(self.flow.file());
        let (store, wanted) = (self.store.clone(), digest.clone());
        let renamed = spawn_blocking(move || {
            temp.file.sync_all()?;
            let target = store.prepare(&wanted)?;
            fs::rename(&temp.path, &target)?;
            temp.kept.store(true, Ordering::Relaxed);
            target.parent().map_or(Ok(()), disk::sync_directory)
        });
        self.store.finish(renamed, Step::SendBlob, &format!("cannot store {digest}")).await
    }

    fn cannot_write(&self, error: io::Error) -> Fault {
        self.store.trouble(Step::SendBlob, "cannot write a blob", error)
    }
}
