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
    /// Whether others have what is moved here, too: an image of the user's. They may write and tag it at any time.
    known: bool,
    written: Mutex<Written>,
}

/// What may be there because we wrote it.
#[derive(Debug, Default)]
struct Written {
    manifests: BTreeMap<Digest, Descriptor>,
    blobs: BTreeMap<Digest, Descriptor>,
    /// Why something stays.
    why: Option<String>,
}

/// What is removed, each by a request of its own.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Manifest,
    Blob,
}

impl Site {
    /// A repository in which nothing is ours yet.
    pub(crate) fn new(repository: Repository, known: bool) -> Self {
        let shown = Target::place(&repository).to_string();
        Self { repository, shown, known, written: Mutex::default() }
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
        manifests.buffer_unordered(WIDTH).try_collect::<()>().await?;
        self.must_lack_tags().await
    }

    /// Fails when somebody may have tagged what is ours to remove: a manifest goes with its tags.
    async fn must_lack_tags(&self) -> Result<(), Fault> {
        if !self.known || !self.repository.has_tags().await? {
            return Ok(());
        }
        let what = "the repository has tags, which would be removed with what they point to";
        Err(Fault::new(FaultKind::Conflict, Step::CheckTag, what)
            .at(&self.shown)
            .hint("name a repository that nobody else writes to"))
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
        let own = |list: &[Descriptor]| {
            list.iter().map(|one| (one.digest.clone(), one.clone())).collect::<Vec<_>>()
        };
        let mut written = self.written();
        written.manifests.extend(own(&inventory.manifests));
        written.blobs.extend(own(&inventory.blobs));
    }

    /// None of this is ours to remove, after all: somebody else writes it, too.
    pub(crate) fn disown(&self, inventory: &Inventory) {
        let mut written = self.written();
        inventory.manifests.iter().for_each(|one| drop(written.manifests.remove(&one.digest)));
        inventory.blobs.iter().for_each(|one| drop(written.blobs.remove(&one.digest)));
    }

    /// Removes all that is ours, as far as the registry allows: manifests first, which need the blobs.
    ///
    /// # Errors
    /// Somebody has tagged something meanwhile, or may have: then all of it stays.
    pub(crate) async fn clean(&self) -> Result<(), Fault> {
        let all = |of: &BTreeMap<_, Descriptor>| of.values().cloned().collect::<Vec<_>>();
        let (manifests, blobs) = {
            let written = self.written();
            (all(&written.manifests), all(&written.blobs))
        };
        if manifests.is_empty() && blobs.is_empty() {
            return Ok(());
        }
        if let Err(fault) = self.must_lack_tags().await {
            self.written().why = Some(fault.what().to_owned());
            return Err(fault);
        }
        self.remove(Kind::Manifest, &manifests).await;
        self.remove(Kind::Blob, &blobs).await;
        Ok(())
    }

    /// Removes one after another, some at a time; the first failure is everyone's.
    async fn remove(&self, kind: Kind, list: &[Descriptor]) {
        let over = &AtomicBool::new(false);
        let removing = stream::iter(list).map(|one| async move {
            // Questions that are under way are waited for: their answers are counted.
            let asked = !over.load(Ordering::Relaxed);
            (&one.digest, if asked { Some(self.remove_one(kind, one).await) } else { None })
        });
        let mut removing = removing.buffer_unordered(WIDTH);
        while let Some((digest, removed)) = removing.next().await {
            let why = match removed {
                None => continue,
                Some(Ok(Removal::Done | Removal::Absent)) => {
                    let mut written = self.written();
                    written.manifests.remove(digest);
                    written.blobs.remove(digest);
                    continue;
                }
                Some(Ok(Removal::Refused(why))) => why,
                // A registry that does not answer, after all repeats, will not do so for the next one either.
                Some(Err(fault)) => fault.to_string(),
            };
            self.written().why = Some(why);
            over.store(true, Ordering::Relaxed);
        }
    }

    /// Removes one thing. A registry that knows no such request says 404, too: what is there then, it keeps.
    async fn remove_one(&self, kind: Kind, one: &Descriptor) -> Result<Removal, Fault> {
        let answer = match kind {
            Kind::Manifest => self.repository.remove_manifest(&one.digest).await?,
            Kind::Blob => self.repository.remove_blob(&one.digest).await?,
        };
        if answer != Removal::Absent {
            return Ok(answer);
        }
        let there = match kind {
            Kind::Manifest => self.repository.find(&Version::Digest(one.digest.clone())).await?.is_some(),
            Kind::Blob => self.repository.holds(one).await?,
        };
        let kept = || Removal::Refused("404 Not Found, though it is there".to_owned());
        Ok(if there { kept() } else { Removal::Absent })
    }

    /// What is ours and still there, in words.
    pub(crate) fn left(&self) -> Option<String> {
        let written = self.written();
        if written.manifests.is_empty() && written.blobs.is_empty() {
            return None;
        }
        let bytes = written.blobs.values().fold(0_u64, |sum, blob| sum.saturating_add(blob.size));
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
