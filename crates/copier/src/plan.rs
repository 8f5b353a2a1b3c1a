//! Plans: the whole image, known before a byte of it moves.
//!
//! Walks indexes from the root down, level by level. Limits are judged from descriptors, before what they describe
//! is fetched: 51 entries in the root refuse without a second request.
use std::collections::{HashMap, HashSet};

use content::{Descriptor, FaultKind, MAX_MANIFEST_BYTES, Manifest, Role, Shape, Source, Version};
use futures::{StreamExt, TryStreamExt, stream};
use pace::{Lanes, travel};
use reference::Digest;

use crate::{CopyError, Foreign, Job, Limits, MAX_DEPTH, MAX_MANIFESTS_BYTES, Refusal};

/// Everything that has to be at a target before the root may be published.
pub(crate) struct Plan {
    /// The root manifest.
    pub(crate) root: Manifest,
    /// Manifests below the root. Those of one rank need only those of earlier ranks.
    pub(crate) ranks: Vec<Vec<Manifest>>,
    /// Distinct blobs, in the order in which they were met.
    pub(crate) blobs: Vec<Descriptor>,
    /// Foreign layers that stay where they are.
    pub(crate) skipped: Vec<Descriptor>,
}

impl Plan {
    /// Reads the manifest with the digest `root` and all that it leads to, in the `lanes` of the source.
    pub(crate) async fn resolve(job: &Job, root: &Digest, lanes: &Lanes) -> Result<Self, CopyError> {
        let version = Version::Digest(root.clone());
        let root = travel(lanes, lanes, job.source.manifest(&version, None));
        let root = root.await.map_err(CopyError::source)?;
        let mut walk = Walk::new(job);
        let mut level = walk.look(&root)?;
        for _ in 0..MAX_DEPTH {
            let fetched =
                stream::iter(level.iter()).map(|entry| travel(lanes, lanes, fetch(&*job.source, entry)));
            let fetched: Vec<Option<Manifest>> = fetched.buffered(lanes.cap()).try_collect().await?;
            let mut next = Vec::new();
            for (entry, manifest) in level.into_iter().zip(fetched) {
                match manifest {
                    Some(manifest) => {
                        next.extend(walk.look(&manifest)?);
                        walk.manifests.push(manifest);
                    }
                    None => walk.blob(&entry),
                }
            }
            level = next;
        }
        if !level.is_empty() {
            return Err(too_deep());
        }
        let Walk { manifests, blobs, held, mut skipped, .. } = walk;
        // What one manifest calls foreign, another may call its own: then it is copied.
        skipped.retain(|layer| !held.contains(&layer.digest));
        Ok(Self { root, ranks: ranks(manifests)?, blobs, skipped })
    }

    /// How many manifests there are, the root included.
    pub(crate) fn manifests(&self) -> usize {
        self.ranks.iter().map(Vec::len).sum::<usize>().saturating_add(1)
    }

    /// The manifest below the root that has this digest.
    pub(crate) fn part(&self, digest: &Digest) -> Option<&Manifest> {
        self.ranks.iter().flatten().find(|part| part.digest() == digest)
    }

    /// The bytes of all distinct blobs.
    pub(crate) fn bytes(&self) -> u64 {
        self.blobs.iter().fold(0, |sum, blob| sum.saturating_add(blob.size))
    }
}

/// Reads one entry of an index. An entry of unknown type that is no manifest is a blob: `None`.
async fn fetch(source: &dyn Source, entry: &Descriptor) -> Result<Option<Manifest>, CopyError> {
    let unknown = entry.media_type.role() == Role::Unknown;
    if unknown && entry.size > MAX_MANIFEST_BYTES {
        return Ok(None);
    }
    match source.manifest(&Version::Digest(entry.digest.clone()), Some(entry)).await {
        Ok(manifest) => Ok(Some(manifest)),
        Err(fault) if unknown && matches!(fault.kind(), FaultKind::Absent | FaultKind::Untrue) => Ok(None),
        Err(fault) => Err(CopyError::source(fault)),
    }
}

/// What has been met so far.
struct Walk<'a> {
    limits: &'a Limits,
    foreign: Foreign,
    /// Entries below the root that count as manifests.
    entries: HashSet<Digest>,
    /// The bytes of those that will be read.
    bytes: u64,
    held: HashSet<Digest>,
    manifests: Vec<Manifest>,
    blobs: Vec<Descriptor>,
    skipped: Vec<Descriptor>,
    left: HashSet<Digest>,
}

impl<'a> Walk<'a> {
    fn new(job: &'a Job) -> Self {
        Self {
            limits: &job.limits,
            foreign: job.foreign,
            entries: HashSet::new(),
            bytes: 0,
            held: HashSet::new(),
            manifests: Vec::new(),
            blobs: Vec::new(),
            skipped: Vec::new(),
            left: HashSet::new(),
        }
    }

    /// Notes what `manifest` names, and gives the entries that must be fetched to go on.
    fn look(&mut self, manifest: &Manifest) -> Result<Vec<Descriptor>, CopyError> {
        match manifest.shape() {
            Shape::Opaque => Ok(Vec::new()),
            Shape::Image { config, layers } => {
                if let Some(config) = config {
                    self.blob(config);
                }
                layers.iter().try_for_each(|layer| self.layer(layer))?;
                Ok(Vec::new())
            }
            Shape::Index { entries } => self.index(entries),
        }
    }

    fn index(&mut self, entries: &[Descriptor]) -> Result<Vec<Descriptor>, CopyError> {
        let mut unseen = Vec::new();
        for entry in entries {
            match entry.media_type.role() {
                // A build cache lists its layers in an index.
                Role::Layer | Role::ForeignLayer => self.layer(entry)?,
                Role::Config => self.blob(entry),
                _ if self.entries.insert(entry.digest.clone()) => {
                    // More than a manifest may have is refused, or taken for a blob, before it is read.
                    self.bytes = self.bytes.saturating_add(entry.size.min(MAX_MANIFEST_BYTES));
                    unseen.push(entry.clone());
                }
                _ => {}
            }
        }
        let found = self.entries.len();
        match self.limits.manifests.filter(|limit| found > *limit) {
            Some(limit) => Err(CopyError::Refused(Refusal::TooManyManifests { found, limit })),
            None if self.bytes > MAX_MANIFESTS_BYTES => {
                let (found, limit) = (self.bytes, MAX_MANIFESTS_BYTES);
                Err(CopyError::Refused(Refusal::TooManyBytes { found, limit }))
            }
            None => Ok(unseen),
        }
    }

    fn layer(&mut self, layer: &Descriptor) -> Result<(), CopyError> {
        if layer.media_type.role() == Role::ForeignLayer && self.foreign == Foreign::Skip {
            if self.left.insert(layer.digest.clone()) {
                self.skipped.push(layer.clone());
            }
            return Ok(());
        }
        if let Some(limit) = self.limits.layer.as_ref().filter(|limit| layer.size > limit.bytes) {
            return Err(CopyError::Refused(Refusal::LayerTooLarge {
                digest: layer.digest.clone(),
                size: layer.size,
                limit: limit.bytes,
                because: limit.because.clone(),
            }));
        }
        self.blob(layer);
        Ok(())
    }

    fn blob(&mut self, blob: &Descriptor) {
        if self.held.insert(blob.digest.clone()) {
            self.blobs.push(blob.clone());
        }
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

fn too_deep() -> CopyError {
    CopyError::Refused(Refusal::TooDeep { limit: MAX_DEPTH })
}
