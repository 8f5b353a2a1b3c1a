//! Surveys: what a registry, or a layout, holds, by walking from its tags.
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
};

use content::{Descriptor, Fault, FaultKind, MAX_MANIFEST_BYTES, Manifest, Role, Shape, Source, Version};
use futures::{StreamExt, TryStreamExt, stream};
use pace::{Traffic, travel};
use reference::{Digest, RefName, RepositoryName};

use crate::{Inventory, Shelf};

/// How many requests are made at a time, at most; how many there are is for the lanes to say.
const AT_ONCE: usize = 32;

/// One repository to be looked at.
pub struct Look {
    /// Its name; none for what a layout holds under names without one.
    pub name: Option<RepositoryName>,
    /// Where it is read.
    pub source: Arc<dyn Source>,
    /// What to begin with: tags, and what they are called at the source; or digests.
    pub roots: Vec<(Option<RefName>, Version)>,
    /// Whether to make sure of every blob: that costs a request each, or no more than a look at a local disk.
    pub is_sure: bool,
}

impl fmt::Debug for Look {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Look")
            .field("name", &self.name)
            .field("roots", &self.roots.len())
            .finish_non_exhaustive()
    }
}

/// What a manifest names.
#[derive(Debug, Clone, Default)]
struct Parts {
    manifests: Vec<Descriptor>,
    blobs: Vec<Descriptor>,
}

/// Makes the inventory `of` a place, `made` at some time.
///
/// # Errors
/// A place that does not answer. What goes away meanwhile is left out, and so are parts that are not there.
pub async fn survey(
    (of, made): (String, String),
    looks: Vec<Look>,
    traffic: &Traffic,
) -> Result<Inventory, Fault> {
    let mut surveyor =
        Surveyor { traffic, known: BTreeMap::new(), manifests: BTreeMap::new(), blobs: BTreeMap::new() };
    let mut shelves = Vec::new();
    for (number, look) in looks.into_iter().enumerate() {
        shelves.push(surveyor.look(&look, number).await?);
    }
    Ok(Inventory::new((of, made), shelves, surveyor.manifests, surveyor.blobs))
}

struct Surveyor<'a> {
    traffic: &'a Traffic,
    /// Manifests that were read, wherever: the same digest names the same.
    known: BTreeMap<Digest, Parts>,
    manifests: BTreeMap<Digest, Vec<usize>>,
    blobs: BTreeMap<Digest, Vec<usize>>,
}

impl Surveyor<'_> {
    async fn look(&mut self, look: &Look, number: usize) -> Result<Shelf, Fault> {
        let resolves = stream::iter(&look.roots).map(async |(name, version)| {
            let lanes = self.traffic.at(look.source.place().origin());
            let resolved = travel(&lanes, &lanes, look.source.resolve(version)).await;
            Ok::<_, Fault>(present(resolved)?.map(|root| (name.clone(), root)))
        });
        let roots: Vec<_> = resolves.buffered(AT_ONCE).try_collect().await?;
        let roots: Vec<(Option<RefName>, Descriptor)> = roots.into_iter().flatten().collect();
        let mut level: Vec<Descriptor> = roots.iter().map(|(_, root)| bare(root)).collect();
        let mut seen = BTreeSet::new();
        while !level.is_empty() {
            level.retain(|manifest| seen.insert(manifest.digest.clone()));
            level = self.step(look, number, &level).await?;
        }
        // A registry is taken at its word, and so is its root by whoever copies there.
        if look.is_sure {
            self.forget_broken(&seen, number);
        }
        let kept = roots.into_iter().filter(|(_, root)| holds(&self.manifests, &root.digest, number));
        let tags = kept.filter_map(|(name, root)| Some((name?, root.digest))).collect();
        Ok(Shelf { name: look.name.clone(), tags })
    }

    /// Reads the manifests of one level, notes their blobs, and gives those that they lead to.
    async fn step(
        &mut self,
        look: &Look,
        number: usize,
        level: &[Descriptor],
    ) -> Result<Vec<Descriptor>, Fault> {
        let reads = stream::iter(level).map(async |entry| {
            let known = self.known.get(&entry.digest).cloned();
            read(look, entry, known, self.traffic).await.map(|read| (entry, read))
        });
        let read: Vec<_> = reads.buffered(AT_ONCE).try_collect().await?;
        let mut next = Vec::new();
        for (entry, read) in read {
            match read {
                Read::Manifest(parts, referrers) => {
                    self.note(look, number, &parts.blobs).await?;
                    next.extend(parts.manifests.iter().map(bare));
                    next.extend(referrers);
                    self.manifests.entry(entry.digest.clone()).or_default().push(number);
                    self.known.insert(entry.digest.clone(), parts);
                }
                Read::Blob => self.note(look, number, std::slice::from_ref(entry)).await?,
                Read::Nothing => {}
            }
        }
        Ok(next)
    }

    async fn note(&mut self, look: &Look, number: usize, blobs: &[Descriptor]) -> Result<(), Fault> {
        let lanes = self.traffic.at(look.source.place().origin());
        for blob in blobs {
            if holds(&self.blobs, &blob.digest, number) {
                continue;
            }
            // Copies leave foreign layers where they are: that a manifest names one says nothing.
            let is_asked = look.is_sure || is_foreign(blob);
            if is_asked && travel(&lanes, &lanes, look.source.held(blob)).await? != Some(blob.size) {
                continue;
            }
            self.blobs.entry(blob.digest.clone()).or_default().push(number);
        }
        Ok(())
    }

    /// Forgets that a repository holds those of `seen` of which it has lost a part: they come again, with that.
    fn forget_broken(&mut self, seen: &BTreeSet<Digest>, number: usize) {
        let kept = seen.iter().filter(|digest| holds(&self.manifests, digest, number));
        let broken: Vec<&Digest> = kept.filter(|digest| !self.is_whole(digest, number)).collect();
        for digest in broken {
            let Some(kept) = self.manifests.get_mut(digest) else { continue };
            kept.retain(|other| *other != number);
            if kept.is_empty() {
                self.manifests.remove(digest);
            }
        }
    }

    /// Whether a repository holds all that a root leads to, but for foreign layers.
    fn is_whole(&self, root: &Digest, number: usize) -> bool {
        let (mut stack, mut seen) = (vec![root], BTreeSet::new());
        while let Some(digest) = stack.pop() {
            // An entry of unknown type may be a blob.
            if !seen.insert(digest) || holds(&self.blobs, digest, number) {
                continue;
            }
            let parts = self.known.get(digest).filter(|_| holds(&self.manifests, digest, number));
            let Some(Parts { manifests, blobs }) = parts else { return false };
            if !blobs.iter().all(|blob| is_foreign(blob) || holds(&self.blobs, &blob.digest, number)) {
                return false;
            }
            stack.extend(manifests.iter().map(|entry| &entry.digest));
        }
        true
    }
}

fn is_foreign(blob: &Descriptor) -> bool {
    blob.media_type.role() == Role::ForeignLayer
}

fn holds(all: &BTreeMap<Digest, Vec<usize>>, digest: &Digest, number: usize) -> bool {
    all.get(digest).is_some_and(|held| held.contains(&number))
}

/// What an entry turned out to be.
enum Read {
    Manifest(Parts, Vec<Descriptor>),
    Blob,
    Nothing,
}

async fn read(
    look: &Look,
    entry: &Descriptor,
    known: Option<Parts>,
    traffic: &Traffic,
) -> Result<Read, Fault> {
    let lanes = traffic.at(look.source.place().origin());
    let parts = if let Some(parts) = known {
        parts
    } else {
        let version = Version::Digest(entry.digest.clone());
        let unknown = entry.media_type.role() == Role::Unknown && !entry.media_type.is_vague();
        if unknown && entry.size > MAX_MANIFEST_BYTES {
            return Ok(Read::Blob);
        }
        match travel(&lanes, &lanes, look.source.manifest(&version, None)).await {
            Ok(manifest) => parts(&manifest),
            Err(fault) if unknown && matches!(fault.kind(), FaultKind::Absent | FaultKind::Untrue) => {
                return Ok(Read::Blob);
            }
            Err(fault) if fault.kind() == FaultKind::Absent => return Ok(Read::Nothing),
            Err(fault) => return Err(fault),
        }
    };
    let referrers = travel(&lanes, &lanes, look.source.referrers(&entry.digest)).await?;
    Ok(Read::Manifest(parts, referrers))
}

fn parts(manifest: &Manifest) -> Parts {
    match manifest.shape() {
        Shape::Opaque => Parts::default(),
        Shape::Image { config, layers } => {
            Parts { manifests: Vec::new(), blobs: config.iter().chain(layers).cloned().collect() }
        }
        Shape::Index { entries } => {
            let is_blob = |entry: &&Descriptor| {
                matches!(entry.media_type.role(), Role::Layer | Role::ForeignLayer | Role::Config)
            };
            let (blobs, manifests) = entries.iter().partition::<Vec<_>, _>(is_blob);
            Parts {
                manifests: manifests.into_iter().cloned().collect(),
                blobs: blobs.into_iter().cloned().collect(),
            }
        }
    }
}

/// What is no longer there is left out.
fn present<T>(asked: Result<T, Fault>) -> Result<Option<T>, Fault> {
    match asked {
        Ok(found) => Ok(Some(found)),
        Err(fault) if fault.kind() == FaultKind::Absent => Ok(None),
        Err(fault) => Err(fault),
    }
}

/// A descriptor without what it does not need here: there may be many.
fn bare(descriptor: &Descriptor) -> Descriptor {
    Descriptor::new(descriptor.media_type.clone(), descriptor.digest.clone(), descriptor.size)
}
