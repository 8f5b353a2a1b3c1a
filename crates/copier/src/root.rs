//! Roots: what a job is about, known as far as it has to be before the targets are looked at.
use content::{Descriptor, Manifest, Version};
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
        let source = &job.source;
        if job.platforms == Platforms::All {
            let descriptor = travel(lanes, lanes, source.resolve(&job.version)).await;
            let descriptor = descriptor.map_err(CopyError::source)?;
            return Ok(Self { descriptor, narrowed: None, manifest: None });
        }
        let manifest = travel(lanes, lanes, source.manifest(&job.version, None)).await;
        let chosen = job.platforms.choose(source, manifest.map_err(CopyError::source)?);
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
