//! Images made of noise: a source like any other, of which no layer is ever kept.
use std::{collections::HashMap, ops::Range};

use bytes::Bytes;
use content::{
    Descriptor, Fault, FaultKind, Hasher, Incoming, Manifest, MediaType, Place, Source, Step, Version,
};
use futures::{FutureExt, StreamExt, future::BoxFuture, stream};
use reference::{Algorithm, Digest};
use serde_json::{Value, json};

use crate::{
    inventory::Inventory,
    noise::{noise, word},
};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";
/// Bytes that are made at a time.
const CHUNK: usize = 256 * 1024;

/// What images are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recipe {
    /// How many images.
    pub images: usize,
    /// How many layers each of them has.
    pub layers: usize,
    /// Bytes of each layer.
    pub layer_bytes: u64,
    /// How many of the layers all images have in common.
    pub shared: usize,
    /// The same seed makes the same digests again.
    pub seed: u64,
}

impl Recipe {
    /// The bytes of all layers, each counted once.
    pub fn bytes(&self) -> u64 {
        let own = self.layers.saturating_sub(self.shared).saturating_mul(self.images);
        self.layer_bytes.saturating_mul(own.saturating_add(self.shared) as u64)
    }
}

/// Images that were made after a recipe.
pub(crate) struct Images {
    place: Place,
    /// The seeds of the layers.
    layers: HashMap<Digest, u64>,
    configs: HashMap<Digest, Bytes>,
    manifests: HashMap<Digest, Manifest>,
    inventory: Inventory,
}

impl Images {
    /// Makes the images; each `edition` of a recipe has other bytes. Takes as long as hashing all layers does: call it
    /// where blocking is allowed.
    pub(crate) fn make(recipe: &Recipe, edition: u64) -> Result<Self, Fault> {
        let mut images = Self {
            place: Place::new("generated:", "generated content", None),
            layers: HashMap::new(),
            configs: HashMap::new(),
            manifests: HashMap::new(),
            inventory: Inventory::default(),
        };
        let seed = word(recipe.seed, edition);
        let common = images.make_layers(word(seed, 0), recipe.shared.min(recipe.layers), recipe.layer_bytes);
        for number in 1..=recipe.images as u64 {
            let seed = word(seed, number);
            let own = recipe.layers.saturating_sub(common.len());
            let mut layers = common.clone();
            layers.extend(images.make_layers(seed, own, recipe.layer_bytes));
            images.add(seed, &layers)?;
        }
        Ok(images)
    }

    /// What there is.
    pub(crate) fn inventory(&self) -> &Inventory {
        &self.inventory
    }

    fn make_layers(&mut self, seed: u64, number: usize, size: u64) -> Vec<Descriptor> {
        let seeds = (0..number as u64).map(|layer| word(seed, layer));
        let made = seeds.map(|seed| {
            let mut hasher = Hasher::new(Algorithm::Sha256);
            pieces(0..size).for_each(|(start, length)| hasher.update(&noise(seed, start, length)));
            let digest = hasher.finish();
            self.layers.insert(digest.clone(), seed);
            Descriptor::new(MediaType::new(LAYER), digest, size)
        });
        made.collect()
    }

    /// Adds an image of these layers, whose configuration nobody else has.
    fn add(&mut self, seed: u64, layers: &[Descriptor]) -> Result<(), Fault> {
        let diffs: Vec<String> = layers.iter().map(|layer| layer.digest.to_string()).collect();
        let config = json!({
            "architecture": "amd64", "os": "linux", "author": format!("transship bench {seed:016x}"),
            "rootfs": {"type": "layers", "diff_ids": diffs},
        });
        let config = Bytes::from(config.to_string());
        let digest = Hasher::digest(Algorithm::Sha256, &config);
        let described = Descriptor::new(MediaType::new(CONFIG), digest.clone(), config.len() as u64);
        self.configs.insert(digest, config);
        let listed: Vec<Value> = layers.iter().map(as_json).collect();
        let manifest = json!({
            "schemaVersion": 2, "mediaType": MANIFEST, "config": as_json(&described), "layers": listed,
        });
        let manifest = Manifest::read(manifest.to_string().into(), Some(MANIFEST), None, None)?;
        self.inventory.roots.push(manifest.digest().clone());
        self.inventory.add_manifest(manifest.descriptor());
        [&described].into_iter().chain(layers).for_each(|blob| self.inventory.add_blob(blob));
        self.manifests.insert(manifest.digest().clone(), manifest);
        Ok(())
    }

    fn find(&self, version: &Version, step: Step) -> Result<&Manifest, Fault> {
        let found = match version {
            Version::Digest(digest) => self.manifests.get(digest),
            Version::Name(_) => None,
        };
        found.ok_or_else(|| self.absent(step, version))
    }

    fn absent(&self, step: Step, subject: &impl ToString) -> Fault {
        Fault::new(FaultKind::Absent, step, "it was never made").at(&self.place).about(subject.to_string())
    }
}

/// Where pieces of a span begin, and how long they are.
fn pieces(span: Range<u64>) -> impl Iterator<Item = (u64, usize)> + Send {
    let starts = span.clone().step_by(CHUNK);
    starts.map(move |start| {
        let rest = span.end.saturating_sub(start);
        (start, usize::try_from(rest).unwrap_or(usize::MAX).min(CHUNK))
    })
}

fn as_json(descriptor: &Descriptor) -> Value {
    json!({
        "mediaType": descriptor.media_type.to_string(),
        "digest": descriptor.digest.to_string(),
        "size": descriptor.size,
    })
}

impl Source for Images {
    fn place(&self) -> &Place {
        &self.place
    }

    fn resolve<'a>(&'a self, version: &'a Version) -> BoxFuture<'a, Result<Descriptor, Fault>> {
        async { Ok(self.find(version, Step::Resolve)?.descriptor().clone()) }.boxed()
    }

    fn manifest<'a>(
        &'a self,
        version: &'a Version,
        _described: Option<&'a Descriptor>,
    ) -> BoxFuture<'a, Result<Manifest, Fault>> {
        async { self.find(version, Step::ReadManifest).cloned() }.boxed()
    }

    fn referrers<'a>(&'a self, _subject: &'a Digest) -> BoxFuture<'a, Result<Vec<Descriptor>, Fault>> {
        async { Ok(Vec::new()) }.boxed()
    }

    fn open<'a>(&'a self, blob: &'a Descriptor, span: Range<u64>) -> BoxFuture<'a, Result<Incoming, Fault>> {
        async move {
            if let Some(config) = self.configs.get(&blob.digest) {
                let bytes = config.slice(usize::try_from(span.start).unwrap_or_default().min(config.len())..);
                return Ok(Incoming { at: span.start, bytes: stream::iter([Ok(bytes)]).boxed() });
            }
            let layer = self.layers.get(&blob.digest).copied();
            let seed = layer.ok_or_else(|| self.absent(Step::ReadBlob, &blob.digest))?;
            let made = pieces(span.start..blob.size.min(span.end))
                .map(move |(start, length)| Ok(noise(seed, start, length)));
            Ok(Incoming { at: span.start, bytes: stream::iter(made).boxed() })
        }
        .boxed()
    }
}

#[cfg(test)]
mod tests {
    use futures::TryStreamExt;

    use super::*;

    const RECIPE: Recipe = Recipe { images: 3, layers: 4, layer_bytes: 300_000, shared: 2, seed: 1 };

    #[test]
    fn the_same_seed_makes_the_same_digests_and_another_edition_others() {
        let roots = |seed, edition| {
            Images::make(&Recipe { seed, ..RECIPE }, edition).unwrap().inventory().roots.clone()
        };
        assert_eq!(roots(1, 0), roots(1, 0));
        for other in [roots(2, 0), roots(1, 1)] {
            assert!(roots(1, 0).iter().all(|root| !other.contains(root)));
        }
    }

    #[test]
    fn shared_layers_are_there_once_and_all_others_are_their_images_own() {
        let images = Images::make(&RECIPE, 0).unwrap();
        let inventory = images.inventory();
        assert_eq!((inventory.roots.len(), inventory.manifests.len()), (3, 3));
        // Two shared layers, two of each image's own, and a configuration each.
        assert_eq!(inventory.blobs.len(), 2 + 3 * 2 + 3);
        let layers = inventory.blobs.iter().filter(|blob| blob.size == 300_000);
        assert_eq!(layers.count(), 8);
    }

    #[tokio::test]
    async fn a_layer_has_the_digest_that_its_descriptor_says_and_can_be_read_from_its_middle() {
        let images = Images::make(&RECIPE, 0).unwrap();
        for blob in &images.inventory().blobs {
            let read = async |start| {
                let incoming = images.open(blob, start..blob.size).await.unwrap();
                assert_eq!(incoming.at, start);
                incoming.bytes.try_collect::<Vec<_>>().await.unwrap().concat()
            };
            let whole = read(0).await;
            assert_eq!(Hasher::digest(Algorithm::Sha256, &whole), blob.digest);
            assert_eq!(read(100).await, whole[100..]);
        }
    }

    #[tokio::test]
    async fn an_inventory_that_is_read_is_the_one_that_was_made() {
        let images = Images::make(&RECIPE, 0).unwrap();
        let root = Version::Digest(images.inventory().roots[0].clone());
        let read = Inventory::read(&images, &root).await.unwrap();
        assert_eq!((read.manifests.len(), read.blobs.len()), (1, 5));
        assert_eq!(read.bytes(), 4 * 300_000 + read.blobs[0].size);
    }
}
