//! A blob on its way into the store: a temporary file that becomes a blob whole, or not at all.
use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::PathBuf,
    sync::Arc,
};

use bytes::Bytes;
use content::{Fault, Hasher, Step};
use reference::{Algorithm, Digest};
use tokio::task::{JoinHandle, spawn_blocking};

use crate::{Store, disk};

/// How many bytes are gathered before a thread is asked to write them.
const BATCH: usize = 1024 * 1024;
/// How many bytes are read back at once.
const READ_BACK: usize = 256 * 1024;

/// A blob being written. Dropping it removes what was written.
#[derive(Debug)]
pub struct Ingest {
    store: Store,
    temp: Temp,
    written: u64,
    batch: Vec<Bytes>,
    batched: usize,
    /// One batch is written while the next is gathered.
    flight: Option<JoinHandle<io::Result<()>>>,
}

#[derive(Debug)]
struct Temp {
    path: PathBuf,
    file: Arc<File>,
    kept: bool,
}

impl Drop for Temp {
    fn drop(&mut self) {
        if !self.kept {
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
            let (path, file) = disk::create_temp(&scratch)?;
            // It removes itself, too, when nobody waits for it any more.
            Ok(Temp { path, file: Arc::new(file), kept: false })
        });
        let temp = store.finish(created, Step::BeginUpload, "cannot begin to write a blob").await?;
        Ok(Self { store, temp, written: 0, batch: Vec::new(), batched: 0, flight: None })
    }

    /// How many bytes have been taken.
    pub fn taken(&self) -> u64 {
        self.written
    }

    /// Takes the next bytes. After a fault the bytes are in doubt: drop this and begin again.
    pub async fn write(&mut self, chunk: Bytes) -> Result<(), Fault> {
        self.written = self.written.saturating_add(chunk.len() as u64);
        self.batched = self.batched.saturating_add(chunk.len());
        self.batch.push(chunk);
        if self.batched < BATCH {
            return Ok(());
        }
        self.land().await?;
        self.launch();
        Ok(())
    }

    /// The digest of what has been taken, read back from the disk: for content whose algorithm was not known while
    /// it came.
    pub async fn read_back(&mut self, algorithm: Algorithm) -> Result<Digest, Fault> {
        self.land().await?;
        self.launch();
        self.land().await?;
        let path = self.temp.path.clone();
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
        self.land().await?;
        self.launch();
        self.land().await?;
        let (file, temp) = (Arc::clone(&self.temp.file), self.temp.path.clone());
        let (store, wanted) = (self.store.clone(), digest.clone());
        let renamed = spawn_blocking(move || {
            file.sync_all()?;
            let target = store.prepare(&wanted)?;
            fs::rename(&temp, &target)?;
            target.parent().map_or(Ok(()), disk::sync_directory)
        });
        self.store.finish(renamed, Step::SendBlob, &format!("cannot store {digest}")).await?;
        self.temp.kept = true;
        Ok(())
    }

    /// Waits for the batch that is being written. Whoever stops waiting can wait again: nothing is written out of
    /// order when a request is dropped half-way.
    async fn land(&mut self) -> Result<(), Fault> {
        let Some(flight) = &mut self.flight else { return Ok(()) };
        let landed = self.store.finish(flight, Step::SendBlob, "cannot write a blob").await;
        self.flight = None;
        landed
    }

    fn launch(&mut self) {
        let batch = std::mem::take(&mut self.batch);
        self.batched = 0;
        let file = Arc::clone(&self.temp.file);
        self.flight = Some(spawn_blocking(move || {
            let mut file: &File = &file;
            batch.iter().try_for_each(|chunk| file.write_all(chunk))
        }));
    }
}
