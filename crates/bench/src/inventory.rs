//! Inventories: what images are made of, so that it can be counted, looked for and removed.
use std::collections::HashSet;

use content::{Descriptor, Fault, FaultKind, Role, Shape, Source, Step, Version};
use reference::Digest;

/// The most manifests of one image: a limit against an image without end, far beyond real ones.
const MOST: usize = 10_000;

/// Everything that some images are made of, each thing once.
#[derive(Debug, Clone, Default)]
pub(crate) struct Inventory {
    /// The images, by their manifests or indexes.
    pub(crate) roots: Vec<Digest>,
    /// All manifests, the roots included; each comes after those that name it.
    pub(crate) manifests: Vec<Descriptor>,
    /// All blobs.
    pub(crate) blobs: Vec<Descriptor>,
    seen: HashSet<Digest>,
}

impl Inventory {
    /// Reads what the image is made of. Foreign layers stay where they are, and are not counted.
    pub(crate) async fn read(source: &dyn Source, version: &Version) -> Result<Self, Fault> {
        let mut inventory = Self::default();
        let root = source.resolve(version).await?;
        inventory.roots.push(root.digest.clone());
        inventory.add_manifest(&root);
        let mut next = 0;
        while let Some(manifest) = inventory.manifests.get(next).cloned() {
            let version = Version::Digest(manifest.digest.clone());
            let described = (next > 0).then_some(&manifest);
            let read = source.manifest(&version, described).await?;
            inventory.look(read.shape());
            next = next.saturating_add(1);
            if next > MOST {
                let what = format!("the image has more than {MOST} manifests");
                return Err(Fault::new(FaultKind::Refused, Step::ReadManifest, what).at(source.place()));
            }
        }
        Ok(inventory)
    }

    fn look(&mut self, shape: &Shape) {
        match shape {
            Shape::Opaque => {}
            Shape::Image { config, layers } => {
                config.iter().chain(layers).for_each(|blob| self.add_blob(blob));
            }
            Shape::Index { entries } => {
                for entry in entries {
                    match entry.media_type.role() {
                        Role::Layer | Role::ForeignLayer | Role::Config => self.add_blob(entry),
                        _ => self.add_manifest(entry),
                    }
                }
            }
        }
    }

    /// Adds a manifest, unless it is there.
    pub(crate) fn add_manifest(&mut self, manifest: &Descriptor) {
        if self.seen.insert(manifest.digest.clone()) {
            self.manifests.push(manifest.clone());
        }
    }

    /// Adds a blob, unless it is there or stays where it is.
    pub(crate) fn add_blob(&mut self, blob: &Descriptor) {
        let stays = blob.media_type.role() == Role::ForeignLayer;
        if !stays && self.seen.insert(blob.digest.clone()) {
            self.blobs.push(blob.clone());
        }
    }

    /// The bytes of all blobs.
    pub(crate) fn bytes(&self) -> u64 {
        self.blobs.iter().fold(0, |sum, blob| sum.saturating_add(blob.size))
    }
}
