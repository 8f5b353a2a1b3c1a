//! Roots: what a job is about, known as far as it has to be before the targets are looked at.
use std::sync::Arc;

use content::{Descriptor, Manifest, Source, Version};
use pace::{Lanes, travel};

use crate::{CopyError, Job, Narrowed, Platforms};

/// The root of an image that is copied.
pub(crate) struct Root {
    /// What it is at the destinations.
    pub(crate) descriptor: Descriptor,
    /// How it was made anew, if it was.
    pub(crate) narrowed: Option<Narrowed>,
    /// Itself, where it had to be read to know what it is.
    manifest: Option<Manifest>,
}

impl Root {
    /// Asks for the root at the least cost. Whoever chooses platforms has to read it: what it will be depends on them.
    pub(crate) async fn find(job: &Job, lanes: &Lanes) -> Result<Self, CopyError> {
        Self::of(&job.source, &job.version, &job.platforms, lanes).await
    }

    async fn of(
        source: &Arc<dyn Source>,
        version: &Version,
        platforms: &Platforms,
        lanes: &Lanes,
    ) -> Result<Self, CopyError> {
        if *platforms == Platforms::All {
            let descriptor = travel(lanes, lanes, source.resolve(version)).await;
            let descriptor = descriptor.map_err(CopyError::source)?;
            return Ok(Self { descriptor, narrowed: None, manifest: None });
        }
        let manifest = travel(lanes, lanes, source.manifest(version, None)).await;
        let chosen = platforms.choose(source, manifest.map_err(CopyError::source)?);
        let (manifest, narrowed) = travel(lanes, lanes, chosen).await?;
        Ok(Self { descriptor: manifest.descriptor().clone(), narrowed, manifest: Some(manifest) })
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
        Ok(Root::of(source, version, self, lanes).await?.descriptor)
    }
}
