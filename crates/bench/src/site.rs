//! Sites: the repositories that a benchmark writes to, and what it owes them afterwards.
use std::{
    collections::BTreeMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use content::{Descriptor, Fault, FaultKind, Step, Target, Version};
use futures::{StreamExt, TryStreamExt, stream};
use reference::Digest;
use registry::{Removal, Repository};

use crate::{inventory::Inventory, words};

/// How many questions are asked at a time.
const WIDTH: usize = 8;

/// A repository that the user named, and what of it is ours.
#[derive(Debug)]
pub(crate) struct Site {
    repository: Repository,
    /// `HOST/REPO`.
    shown: String,
    written: Mutex<Written>,
}

/// What may be there because we wrote it, with its size.
#[derive(Debug, Default)]
struct Written {
    manifests: BTreeMap<Digest, u64>,
    blobs: BTreeMap<Digest, u64>,
    /// Why something stays.
    why: Option<String>,
}

impl Site {
    /// A repository in which nothing is ours yet.
    pub(crate) fn new(repository: Repository) -> Self {
        let shown = Target::place(&repository).to_string();
        Self { repository, shown, written: Mutex::default() }
    }

    /// Fails when the repository holds anything of this: it would not move, and is not ours to remove.
    pub(crate) async fn must_lack(&self, inventory: &Inventory) -> Result<(), Fault> {
        let blobs = stream::iter(&inventory.blobs).map(|blob| async move {
            if self.repository.holds(blob).await? { Err(self.taken(&blob.digest)) } else { Ok(()) }
        });
        blobs.buffer_unordered(WIDTH).try_collect::<()>().await?;
        let manifests = stream::iter(&inventory.manifests).map(|manifest| async move {
            let version = Version::Digest(manifest.digest.clone());
            match self.repository.find(&version).await? {
                Some(_) => Err(self.taken(&manifest.digest)),
                None => Ok(()),
            }
        });
        manifests.buffer_unordered(WIDTH).try_collect().await
    }

    fn taken(&self, digest: &Digest) -> Fault {
        Fault::new(FaultKind::Conflict, Step::CheckTag, "the repository holds this already")
            .at(&self.shown)
            .about(digest)
            .hint("name a repository that is empty, or make other content with --seed")
    }

    /// Whether the repository lets us remove what we write: asked with content that is not there yet.
    pub(crate) async fn removes(&self, inventory: &Inventory) -> Result<bool, Fault> {
        let (Some(manifest), Some(blob)) = (inventory.manifests.first(), inventory.blobs.first()) else {
            return Ok(true);
        };
        for answer in [
            self.repository.remove_manifest(&manifest.digest).await?,
            self.repository.remove_blob(&blob.digest).await?,
        ] {
            if let Removal::Refused(why) = answer {
                self.written().why = Some(why);
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// From now on all this may be there, and is ours.
    pub(crate) fn take(&self, inventory: &Inventory) {
        let sizes =
            |list: &[Descriptor]| list.iter().map(|one| (one.digest.clone(), one.size)).collect::<Vec<_>>();
        let mut written = self.written();
        written.manifests.extend(sizes(&inventory.manifests));
        written.blobs.extend(sizes(&inventory.blobs));
    }

    /// Removes all that is ours, as far as the registry allows: manifests first, which need the blobs.
    pub(crate) async fn clean(&self) {
        let manifests: Vec<Digest> = self.written().manifests.keys().cloned().collect();
        self.remove(&manifests, |digest| self.repository.remove_manifest(digest)).await;
        let blobs: Vec<Digest> = self.written().blobs.keys().cloned().collect();
        self.remove(&blobs, |digest| self.repository.remove_blob(digest)).await;
    }

    /// Removes one after another, some at a time; the first failure is everyone's.
    async fn remove<'a, F>(&'a self, digests: &'a [Digest], remove: impl Fn(&'a Digest) -> F + Send + Sync)
    where
        F: Future<Output = Result<Removal, Fault>> + Send,
    {
        let over = &AtomicBool::new(false);
        let remove = &remove;
        let removing = stream::iter(digests).map(|digest| async move {
            // Questions that are under way are waited for: their answers are counted.
            let removed = if over.load(Ordering::Relaxed) { None } else { Some(remove(digest).await) };
            (digest, removed)
        });
        let mut removing = removing.buffer_unordered(WIDTH);
        while let Some((digest, removed)) = removing.next().await {
            match removed {
                None => {}
                Some(Ok(Removal::Done | Removal::Absent)) => {
                    let mut written = self.written();
                    written.manifests.remove(digest);
                    written.blobs.remove(digest);
                }
                Some(Ok(Removal::Refused(why))) => {
                    self.written().why = Some(why);
                    over.store(true, Ordering::Relaxed);
                }
                // A registry that does not answer, after all repeats, will not do so for the next one either.
                Some(Err(fault)) => {
                    self.written().why = Some(fault.to_string());
                    over.store(true, Ordering::Relaxed);
                }
            }
        }
    }

    /// What is ours and still there, in words.
    pub(crate) fn left(&self) -> Option<String> {
        let written = self.written();
        if written.manifests.is_empty() && written.blobs.is_empty() {
            return None;
        }
        let bytes = written.blobs.values().fold(0_u64, |sum, size| sum.saturating_add(*size));
        let manifests = words::count(written.manifests.len(), "manifest");
        let blobs = words::count(written.blobs.len(), "blob");
        let why = written.why.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
        Some(format!("{}: {manifests} and {blobs}, {}{why}", self.shown, words::bytes(bytes)))
    }

    /// `HOST/REPO`.
    pub(crate) fn shown(&self) -> &str {
        &self.shown
    }

    fn written(&self) -> MutexGuard<'_, Written> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
