//! Chunks on their way into a file: gathered, and written by a thread while the next ones come.
use std::{fs::File, io, sync::Arc};

use bytes::Bytes;
use tokio::task::{JoinHandle, spawn_blocking};

use crate::disk;

/// How many bytes are gathered before a thread is asked to write them.
const BATCH: usize = 1024 * 1024;

/// A run of bytes that goes to one place in a file.
#[derive(Debug)]
pub(crate) struct Flow<F> {
    file: Arc<F>,
    /// Where the batch goes that is being gathered.
    at: u64,
    taken: u64,
    batch: Vec<Bytes>,
    batched: usize,
    /// One batch is written while the next is gathered.
    flight: Option<JoinHandle<io::Result<()>>>,
}

impl<F: AsRef<File> + Send + Sync + 'static> Flow<F> {
    /// Bytes that go to `at` and behind.
    pub(crate) fn new(file: Arc<F>, at: u64) -> Self {
        Self { file, at, taken: 0, batch: Vec::new(), batched: 0, flight: None }
    }

    /// How many bytes have been taken.
    pub(crate) fn taken(&self) -> u64 {
        self.taken
    }

    pub(crate) fn file(&self) -> &Arc<F> {
        &self.file
    }

    /// Whether a thread may still be writing.
    pub(crate) fn is_in_flight(&self) -> bool {
        self.flight.is_some()
    }

    /// Takes the next bytes.
    pub(crate) async fn write(&mut self, chunk: Bytes) -> io::Result<()> {
        self.taken = self.taken.saturating_add(chunk.len() as u64);
        self.batched = self.batched.saturating_add(chunk.len());
        self.batch.push(chunk);
        if self.batched < BATCH {
            return Ok(());
        }
        self.land().await?;
        self.launch();
        Ok(())
    }

    /// Waits until all that was taken is written, durable or not.
    pub(crate) async fn finish(&mut self) -> io::Result<()> {
        self.land().await?;
        self.launch();
        self.land().await
    }

    /// Waits for the batch that is being written. Whoever stops waiting can wait again: nothing is written out of
    /// order when a request is dropped half-way.
    async fn land(&mut self) -> io::Result<()> {
        let Some(flight) = &mut self.flight else { return Ok(()) };
        let landed = flight.await;
        self.flight = None;
        landed.unwrap_or_else(|stopped| Err(io::Error::other(stopped)))
    }

    fn launch(&mut self) {
        let batch = std::mem::take(&mut self.batch);
        let (file, mut at) = (Arc::clone(&self.file), self.at);
        self.at = at.saturating_add(self.batched as u64);
        self.batched = 0;
        self.flight = Some(spawn_blocking(move || {
            for chunk in batch {
                disk::write_at((*file).as_ref(), &chunk, at)?;
                at = at.saturating_add(chunk.len() as u64);
            }
            Ok(())
        }));
    }
}
