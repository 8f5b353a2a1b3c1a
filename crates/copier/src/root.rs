//! Roots: what a job is about, known as far as it has to be before the targets are looked at.
use std::sync::Arc;

use content::{Descriptor, Manifest, Source, Version};
use pace::{Lanes, travel};
use reference::Digest;

use crate::{CopyError, Job, Narrowed, Platforms, Recall};

/// The root of an image that is copied.
pub(crate) struct Root {
    /// What it is at the destinations.
    pub(crate) descriptor: Descriptor,
    /// How it was made anew, if it was; not known of one that was recalled.
    pub(crate) narrowed: Option<Narrowed>,
    /// Itself, where it had to be read to know what it is.
    manifest: Option<Manifest>,
    /// Whether an earlier run is all that says so.
    pub(crate) recalled: bool,
}

impl Root {
    /// Asks for the root at the least cost. Whoever chooses platforms has to read it, or to recall what became of it:
    /// what it will be depends on them.
    pub(crate) async fn find(
        job: &Job,
        recall: Option<&dyn Recall>,
        lanes: &Lanes,
    ) -> Result<Self, CopyError> {
        Self::of(&job.source, &job.version, &job.platforms, recall, lanes).await
    }

    async fn of(
        source: &Arc<dyn Source>,
        version: &Version,
        platforms: &Platforms,
        recall: Option<&dyn Recall>,
        lanes: &Lanes,
    ) -> Result<Self, CopyError> {
        let known = |descriptor, recalled| Self { descriptor, narrowed: None, manifest: None, recalled };
        if *platforms == Platforms::All {
            let descriptor = travel(lanes, lanes, source.resolve(version)).await;
            return Ok(known(descriptor.map_err(CopyError::source)?, false));
        }
        let Some(recall) = recall else { return Self::chosen(source, version, platforms, lanes).await };
        let from = travel(lanes, lanes, source.resolve(version)).await.map_err(CopyError::source)?.digest;
        if let Some(made) = recall.made_of(&from, platforms) {
            return Ok(known(made, true));
        }
        let root = Self::chosen(source, &Version::Digest(from), platforms, lanes).await?;
        recall.made(root.from(), platforms, &root.descriptor);
        Ok(root)
    }

    /// What it has at the source.
    pub(crate) fn from(&self) -> &Digest {
        self.narrowed.as_ref().map_or(&self.descriptor.digest, |narrowed| &narrowed.from)
    }

    /// Reads the root, and chooses.
    async fn chosen(
        source: &Arc<dyn Source>,
        version: &Version,
        platforms: &Platforms,
        lanes: &Lanes,
    ) -> Result<Self, CopyError> {
        let manifest = travel(lanes, lanes, source.manifest(version, None)).await;
        let chosen = platforms.choose(source, manifest.map_err(CopyError::source)?);
        let (manifest, narrowed) = travel(lanes, lanes, chosen).await?;
        let descriptor = manifest.descriptor().clone();
        Ok(Self { descriptor, narrowed, manifest: Some(manifest), recalled: false })
    }

    /// The manifest.
    pub(crate) async fn read(self, job: &Job, lanes: &Lanes) -> Result<Manifest, CopyError> {
        if let Some(manifest) = self.manifest {
            return Ok(manifest);
        }
        let version = Version::Digest(self.descriptor.digest);
        travel(lanes, lanes, job.source.manifest(&version, None)).await.map_err(CopyError::source)
    }
}

impl Platforms {
    /// What a copy of these platforms of `version` would have as its root, found out at the least cost.
    ///
    /// # Errors
    /// Whatever the source answers, and platforms that it has not.
    pub async fn root(
        &self,
        source: &Arc<dyn Source>,
        version: &Version,
        lanes: &Lanes,
    ) -> Result<Descriptor, CopyError> {
        Ok(Root::of(source, version, self, None, lanes).await?.descriptor)
    }
}
