//! Plans: the whole image, and what follows it, known before a byte of it moves.
//!
//! Limits are judged from descriptors, before what they describe is fetched: 51 entries in the root refuse without a
//! second request.
use std::collections::{HashMap, HashSet};

use content::{Descriptor, Manifest, Shape};
use pace::Lanes;
use reference::Digest;

use crate::{
    CopyError, Job, MAX_DEPTH, Narrowed, Referrers, Refusal,
    followers::{Follower, Search},
    root::Root,
    walk::Walk,
};

/// Everything that has to be at a target before the root may be published.
pub(crate) struct Plan {
    /// The root manifest.
    pub(crate) root: Manifest,
    /// How it was made anew, if it was.
    pub(crate) narrowed: Option<Narrowed>,
    /// Manifests below the root. Those of one rank need only those of earlier ranks.
    pub(crate) ranks: Vec<Vec<Manifest>>,
    /// How many manifests below the root were not read, since the image is wherever it is to be.
    noted: usize,
    /// Distinct blobs, in the order in which they were met: the image's, then those of its followers.
    pub(crate) blobs: Vec<Descriptor>,
    /// How many of them are the image's.
    pub(crate) own: usize,
    /// What is about the image, in the order in which it was met.
    pub(crate) followers: Vec<Follower>,
    /// Manifests below followers, in ranks.
    pub(crate) below: Vec<Vec<Manifest>>,
    /// Foreign layers that stay where they are.
    pub(crate) skipped: Vec<Descriptor>,
}

impl Plan {
    /// Reads the root and all that it leads to, and what follows it where that is asked for, in the `lanes` of the
    /// source. Where the image is all `there`, only what follows it matters, and no more is read than leads to that.
    pub(crate) async fn resolve(
        job: &Job,
        root: Root,
        there: bool,
        lanes: &Lanes,
    ) -> Result<Self, CopyError> {
        let narrowed = root.narrowed.clone();
        let root = root.read(job, lanes).await?;
        let mut walk = Walk::new(job, lanes);
        if there {
            walk.sketch(&root).await?;
        } else {
            walk.descend(&root).await?;
        }
        let (manifests, own) = (std::mem::take(&mut walk.manifests), walk.blobs.len());
        let unread = std::mem::take(&mut walk.noted);
        let noted = unread.len();
        let followers = match job.referrers {
            Referrers::Leave => Vec::new(),
            Referrers::Follow => {
                // What is about an index is not about another that was made of it.
                let own = narrowed.is_none().then_some(root.digest());
                let read = manifests.iter().map(Manifest::digest);
                let image = read.chain(own).cloned().chain(unread).collect();
                Search::new(job, lanes, &mut walk).all(image).await?
            }
        };
        let (skipped, below) = (walk.skipped(), ranks(walk.manifests)?);
        Ok(Self {
            root,
            narrowed,
            ranks: ranks(manifests)?,
            noted,
            blobs: walk.blobs,
            own,
            followers,
            below,
            skipped,
        })
    }

    /// How many manifests there are, the root included.
    pub(crate) fn manifests(&self) -> usize {
        self.ranks.iter().map(Vec::len).sum::<usize>().saturating_add(self.noted).saturating_add(1)
    }

    /// The manifest below the root, or below a follower, that has this digest.
    pub(crate) fn part(&self, digest: &Digest) -> Option<&Manifest> {
        self.ranks.iter().chain(&self.below).flatten().find(|part| part.digest() == digest)
    }

    /// The digests of all that `manifest` leads to, itself left out.
    pub(crate) fn leads_to<'a>(&'a self, manifest: &'a Manifest) -> HashSet<&'a Digest> {
        let (mut found, mut waiting) = (HashSet::new(), vec![manifest]);
        while let Some(next) = waiting.pop() {
            let parts: Vec<&Descriptor> = match next.shape() {
                Shape::Image { config, layers } => config.iter().chain(layers).collect(),
                Shape::Index { entries } => entries.iter().collect(),
                Shape::Opaque => Vec::new(),
            };
            let new = parts.into_iter().map(|part| &part.digest).filter(|digest| found.insert(*digest));
            waiting.extend(new.collect::<Vec<_>>().into_iter().filter_map(|digest| self.part(digest)));
        }
        found
    }

    /// The bytes of all distinct blobs.
    pub(crate) fn bytes(&self) -> u64 {
        self.blobs.iter().fold(0, |sum, blob| sum.saturating_add(blob.size))
    }
}

/// Sorts manifests so that each comes after all that it names. More ranks than levels allowed mean that the image is
/// too deep along some path, if not along the shortest.
fn ranks(manifests: Vec<Manifest>) -> Result<Vec<Vec<Manifest>>, CopyError> {
    let mut waiting: HashMap<Digest, Manifest> =
        manifests.into_iter().map(|manifest| (manifest.digest().clone(), manifest)).collect();
    let mut ranks = Vec::new();
    while !waiting.is_empty() {
        if ranks.len() == MAX_DEPTH {
            return Err(too_deep());
        }
        let ready = |manifest: &Manifest| match manifest.shape() {
            Shape::Index { entries } => entries.iter().all(|entry| !waiting.contains_key(&entry.digest)),
            Shape::Image { .. } | Shape::Opaque => true,
        };
        let digests: Vec<Digest> = waiting
            .values()
            .filter(|manifest| ready(manifest))
            .map(|manifest| manifest.digest().clone())
            .collect();
        ranks.push(digests.iter().filter_map(|digest| waiting.remove(digest)).collect());
    }
    Ok(ranks)
}

pub(crate) fn too_deep() -> CopyError {
    CopyError::Refused(Refusal::TooDeep { limit: MAX_DEPTH })
}
