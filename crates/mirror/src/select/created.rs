//! When an image was made: what its manifest, or its config, says.
use std::sync::Arc;

use content::{Descriptor, Fault, FaultKind, Hasher, Manifest, Shape, Source, Step, Version};
use futures::StreamExt;
use jiff::Timestamp;
use serde::Deserialize;

use crate::{Notes, World, notes::Dated};

/// The annotation that says it, of a manifest or an index.
const CREATED: &str = "org.opencontainers.image.created";
/// How deep indexes are looked into: whoever nests them deeper does not say when anything was made.
const MAX_DEPTH: u32 = 8;
/// The largest config that is read for it.
const MAX_CONFIG: u64 = 4 << 20;

/// The field of a config that says it.
#[derive(Deserialize)]
struct Config {
    created: Option<String>,
}

/// The world, and what earlier runs have noted of it.
pub(super) struct Known<'a> {
    pub(super) world: &'a dyn World,
    pub(super) notes: Option<&'a Notes>,
}

impl Known<'_> {
    /// When the image was made. Of one digest that never changes: where notes are kept, only the digest is asked for,
    /// which is no pull.
    pub(super) async fn created(
        &self,
        source: &Arc<dyn Source>,
        version: Version,
    ) -> Result<Option<Timestamp>, Fault> {
        let Some(notes) = self.notes else { return created(source, &version).await };
        let digest = source.resolve(&version).await?.digest;
        if let Some(Dated(known)) = notes.created(&digest) {
            return Ok(known);
        }
        let made = created(source, &Version::Digest(digest.clone())).await?;
        notes.note_created(&digest, made);
        Ok(made)
    }
}

/// When the image was made; of many platforms, the first. `None` where it does not say.
async fn created(source: &Arc<dyn Source>, version: &Version) -> Result<Option<Timestamp>, Fault> {
    let mut manifest = source.manifest(version, None).await?;
    for _ in 0..MAX_DEPTH {
        if let Some(said) = manifest.annotations().get(CREATED).and_then(|text| text.parse().ok()) {
            return Ok(Some(said));
        }
        match manifest.shape() {
            Shape::Index { entries } => {
                let Some(first) = entries.first().cloned() else { return Ok(None) };
                manifest = source.manifest(&Version::Digest(first.digest.clone()), Some(&first)).await?;
            }
            Shape::Image { config: Some(config), .. } => return of_config(source, &manifest, config).await,
            Shape::Image { config: None, .. } | Shape::Opaque => return Ok(None),
        }
    }
    Ok(None)
}

async fn of_config(
    source: &Arc<dyn Source>,
    manifest: &Manifest,
    config: &Descriptor,
) -> Result<Option<Timestamp>, Fault> {
    if config.size > MAX_CONFIG {
        return Ok(None);
    }
    let mut chunks = copier::read(Arc::clone(source), config.clone()).await?;
    let mut bytes = Vec::new();
    while let Some(chunk) = chunks.next().await {
        bytes.extend_from_slice(&chunk?);
        if bytes.len() as u64 > config.size {
            break;
        }
    }
    if Hasher::digest(config.digest.algorithm(), &bytes) != config.digest {
        let what = format!("the config of {} has another digest", manifest.digest());
        let fault = Fault::new(FaultKind::Untrue, Step::ReadBlob, what);
        return Err(fault.at(source.place()).about(&config.digest));
    }
    let said: Option<Config> = serde_json::from_slice(&bytes).ok();
    Ok(said.and_then(|config| config.created?.parse().ok()))
}
