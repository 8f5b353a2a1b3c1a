//! Upload sessions: what has come of blobs that are not whole yet. They end with the process.
use std::{
    collections::HashMap,
    hash::{BuildHasher as _, RandomState},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use content::{Fault, Hasher};
use http::StatusCode;
use layout::{Ingest, Store};
use reference::{Algorithm, Digest, RepositoryName};

use crate::error::Refusal;

/// How long a request waits for another one on the same session, which may be a cut connection's last.
const PATIENCE: Duration = Duration::from_secs(5);

/// The open sessions.
#[derive(Debug)]
pub(crate) struct Sessions {
    open: Mutex<HashMap<String, Arc<Session>>>,
    most: usize,
    idle: Duration,
    random: [RandomState; 2],
    opened: AtomicU64,
}

/// One upload. One request at a time owns its progress.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) id: String,
    repository: RepositoryName,
    touched: Mutex<Instant>,
    progress: tokio::sync::Mutex<Option<Progress>>,
}

/// The bytes so far and their running digest.
#[derive(Debug)]
pub(crate) struct Progress {
    ingest: Ingest,
    algorithm: Algorithm,
    hasher: Hasher,
}

impl Sessions {
    pub(crate) fn new(most: usize, idle: Duration) -> Self {
        let random = [RandomState::new(), RandomState::new()];
        Self { open: Mutex::default(), most, idle, random, opened: AtomicU64::new(0) }
    }

    pub(crate) async fn open(
        &self,
        repository: &RepositoryName,
        store: &Store,
        algorithm: Algorithm,
    ) -> Result<Arc<Session>, Refusal> {
        let progress = Progress::begin(store, algorithm).await?;
        let session = Arc::new(Session {
            id: self.fresh_id(),
            repository: repository.clone(),
            touched: Mutex::new(Instant::now()),
            progress: tokio::sync::Mutex::new(Some(progress)),
        });
        let mut open = self.lock();
        open.retain(|_, session| session.is_busy() || session.idle_for() < self.idle);
        if open.len() >= self.most {
            let status = StatusCode::TOO_MANY_REQUESTS;
            let refusal = Refusal::new(status, "TOOMANYREQUESTS", "too many uploads are open at once");
            return Err(refusal.header(http::header::RETRY_AFTER, "5"));
        }
        open.insert(session.id.clone(), Arc::clone(&session));
        Ok(session)
    }

    pub(crate) fn find(&self, repository: &RepositoryName, id: &str) -> Result<Arc<Session>, Refusal> {
        let found = self.lock().get(id).filter(|session| session.repository == *repository).cloned();
        let session = found.ok_or_else(unknown)?;
        session.touch();
        Ok(session)
    }

    pub(crate) fn close(&self, session: &Session) {
        self.lock().remove(&session.id);
    }

    /// A name that cannot be guessed: keyed hashes of a counter, with keys from the operating system.
    fn fresh_id(&self) -> String {
        let count = self.opened.fetch_add(1, Ordering::Relaxed);
        let [high, low] = self.random.each_ref().map(|random| random.hash_one(count));
        format!("{high:016x}{low:016x}")
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Arc<Session>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Session {
    /// The right to go on with this upload, once no other request has it. `None` in it: the upload failed or is done.
    pub(crate) async fn own(&self) -> Result<tokio::sync::MutexGuard<'_, Option<Progress>>, Refusal> {
        tokio::time::timeout(PATIENCE, self.progress.lock()).await.map_err(|_| {
            let message = "another request is sending to this upload";
            Refusal::new(StatusCode::CONFLICT, "BLOB_UPLOAD_INVALID", message)
        })
    }

    /// Begins the idle time anew.
    pub(crate) fn touch(&self) {
        *self.touched.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// Whether a request is at work on it.
    fn is_busy(&self) -> bool {
        self.progress.try_lock().is_err()
    }

    pub(crate) fn idle_for(&self) -> Duration {
        self.touched.lock().unwrap_or_else(PoisonError::into_inner).elapsed()
    }
}

impl Progress {
    pub(crate) async fn begin(store: &Store, algorithm: Algorithm) -> Result<Self, Fault> {
        Ok(Self { ingest: store.ingest().await?, algorithm, hasher: Hasher::new(algorithm) })
    }

    pub(crate) fn held(&self) -> u64 {
        self.ingest.taken()
    }

    pub(crate) async fn take(&mut self, chunk: Bytes) -> Result<(), Fault> {
        // Both happen before the first await inside: a request dropped here leaves hash and bytes in step.
        self.hasher.update(&chunk);
        self.ingest.write(chunk).await
    }

    /// Stores the blob if its bytes have this digest; whether they have.
    pub(crate) async fn finish(mut self, digest: &Digest) -> Result<bool, Fault> {
        let actual = if digest.algorithm() == self.algorithm {
            self.hasher.finish()
        } else {
            self.ingest.read_back(digest.algorithm()).await?
        };
        if actual != *digest {
            return Ok(false);
        }
        self.ingest.keep(digest).await?;
        Ok(true)
    }
}

/// No such session, or not in this repository.
pub(crate) fn unknown() -> Refusal {
    Refusal::unknown("BLOB_UPLOAD_UNKNOWN", "there is no such upload: it is done, cancelled or expired")
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Session {
        /// As if nobody had touched it for as long.
        pub(crate) fn grow_old(&self, age: Duration) {
            *self.touched.lock().unwrap() = Instant::now().checked_sub(age).unwrap();
        }
    }
}
