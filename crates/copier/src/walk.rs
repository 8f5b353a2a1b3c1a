//! The walk: from manifests down to all that they name, level by level, within the limits.
use std::collections::HashSet;

use content::{Descriptor, FaultKind, MAX_MANIFEST_BYTES, Manifest, Role, Shape, Source, Version};
use futures::{StreamExt, TryStreamExt, stream};
use pace::{Lanes, travel};
use reference::Digest;

use crate::{CopyError, Foreign, Job, Limits, MAX_DEPTH, MAX_MANIFESTS_BYTES, Refusal, plan::too_deep};

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
pub(crate) struct Walk<'a> {
    source: &'a dyn Source,
    lanes: &'a Lanes,
    limits: &'a Limits,
    foreign: Foreign,
    /// Whether manifests count for the limit on their number: what follows an image does not.
    counts: bool,
    /// Whether images are only noted, and not read: wherever they are to be, they are.
    sketches: bool,
    /// Those that were.
    pub(crate) noted: Vec<Digest>,
    /// Entries below the root that count as manifests.
    entries: HashSet<Digest>,
    /// The bytes of those that will be read.
    bytes: u64,
    held: HashSet<Digest>,
    /// Manifests below those that were looked at.
    pub(crate) manifests: Vec<Manifest>,
    pub(crate) blobs: Vec<Descriptor>,
    skipped: Vec<Descriptor>,
    left: HashSet<Digest>,
}

impl<'a> Walk<'a> {
    pub(crate) fn new(job: &'a Job, lanes: &'a Lanes) -> Self {
        Self {
            source: &*job.source,
            lanes,
            limits: &job.limits,
            foreign: job.foreign,
            counts: true,
            sketches: false,
            noted: Vec::new(),
            entries: HashSet::new(),
            bytes: 0,
            held: HashSet::new(),
            manifests: Vec::new(),
            blobs: Vec::new(),
            skipped: Vec::new(),
            left: HashSet::new(),
        }
    }

    /// Notes which manifests `manifest` leads to; of those, only indexes are read.
    pub(crate) async fn sketch(&mut self, manifest: &Manifest) -> Result<(), CopyError> {
        self.sketches = true;
        let sketched = self.descend(manifest).await;
        self.sketches = false;
        sketched
    }

    /// Reads all that `manifest` leads to, level by level.
    pub(crate) async fn descend(&mut self, manifest: &Manifest) -> Result<(), CopyError> {
        let mut level = self.look(manifest)?;
        for _ in 0..MAX_DEPTH {
            let read = |entry| travel(self.lanes, self.lanes, fetch(self.source, entry));
            let fetched = stream::iter(level.iter()).map(read).buffered(self.lanes.cap());
            let fetched: Vec<Option<Manifest>> = fetched.try_collect().await?;
            let mut next = Vec::new();
            for (entry, manifest) in level.into_iter().zip(fetched) {
                match manifest {
                    Some(manifest) => {
                        next.extend(self.look(&manifest)?);
                        self.manifests.push(manifest);
                    }
                    None => self.blob(&entry),
                }
            }
            level = next;
        }
        if level.is_empty() { Ok(()) } else { Err(too_deep()) }
    }

    /// From now on manifests may be as many as they are; their bytes still count.
    pub(crate) fn count_no_more(&mut self) {
        self.counts = false;
    }

    /// Whether it is a manifest that the walk has met below another.
    pub(crate) fn has_met(&self, digest: &Digest) -> bool {
        self.entries.contains(digest)
    }

    /// Notes that a manifest of so many bytes is kept.
    pub(crate) fn weigh(&mut self, bytes: u64) -> Result<(), CopyError> {
        self.bytes = self.bytes.saturating_add(bytes);
        if self.bytes > MAX_MANIFESTS_BYTES {
            let (found, limit) = (self.bytes, MAX_MANIFESTS_BYTES);
            return Err(CopyError::Refused(Refusal::TooManyBytes { found, limit }));
        }
        Ok(())
    }

    /// Foreign layers that stay where they are. What one manifest calls foreign, another may call its own: then it is
    /// copied.
    pub(crate) fn skipped(&self) -> Vec<Descriptor> {
        self.skipped.iter().filter(|layer| !self.held.contains(&layer.digest)).cloned().collect()
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
                Role::Manifest if self.sketches && self.entries.insert(entry.digest.clone()) => {
                    self.noted.push(entry.digest.clone());
                }
                _ if self.entries.insert(entry.digest.clone()) => {
                    // More than a manifest may have is refused, or taken for a blob, before it is read.
                    self.bytes = self.bytes.saturating_add(entry.size.min(MAX_MANIFEST_BYTES));
                    unseen.push(entry.clone());
                }
                _ => {}
            }
        }
        let found = self.entries.len();
        match self.limits.manifests.filter(|limit| self.counts && found > *limit) {
            Some(limit) => Err(CopyError::Refused(Refusal::TooManyManifests { found, limit })),
            None => self.weigh(0).map(|()| unseen),
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
