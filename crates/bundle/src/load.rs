//! Loads: what a bundle is to hold, gathered from all images, in one order whatever came first.
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
};

use content::{Manifest, Shape};
use copier::{CopyError, Destination, Engine, Foreign, Job, Silent};
use futures::{StreamExt, stream};
use pace::Traffic;
use reference::{Digest, RefName, RepositoryName, Tag};

use crate::{
    Inventory,
    gather::{Found, Gathering},
    plan::{Base, Image, Witness},
};

/// How many images are looked at at a time; how many requests that makes is for the lanes to say.
const AT_ONCE: usize = 16;

/// One image that a bundle is to bring.
pub struct Wanted {
    /// Its source's repository or layout, as it can be opened again.
    pub origin: String,
    /// Where it is to be.
    pub repository: RepositoryName,
    /// Under this tag, or by digest alone.
    pub tag: Option<Tag>,
    /// How it is read; its destinations are not looked at.
    pub job: Job,
}

impl fmt::Debug for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wanted")
            .field("repository", &self.repository)
            .field("job", &self.job)
            .finish_non_exhaustive()
    }
}

/// An image that cannot be read.
#[derive(Debug)]
pub struct Unread {
    /// Its source.
    pub origin: String,
    /// Where it was to be.
    pub repository: RepositoryName,
    /// Its tag there.
    pub tag: Option<Tag>,
    /// Why.
    pub error: CopyError,
}

/// What a bundle is to hold.
#[derive(Debug, Default)]
pub struct Load {
    /// Whether foreign layers are taken along.
    pub(crate) foreign: bool,
    pub(crate) base: Base,
    pub(crate) sources: Vec<String>,
    pub(crate) images: Vec<Image>,
    /// Each after all that it names; with the position of its source, and whether that has it.
    pub(crate) manifests: Vec<(Manifest, usize, bool)>,
    /// Blobs that are not in the base: digest, size, and the position of the source.
    pub(crate) blobs: Vec<(Digest, u64, usize)>,
    /// What could not be read.
    pub unread: Vec<Unread>,
}

impl Load {
    /// Looks at all images, and finds out what of them is not in `have`. One that cannot be read does not keep the
    /// others.
    pub async fn gather(wanted: Vec<Wanted>, have: Vec<Inventory>, traffic: &Traffic) -> Self {
        let have = Arc::new(have);
        let foreign = wanted.iter().any(|image| image.job.foreign == Foreign::Include);
        let looks = stream::iter(wanted).map(|image| look(image, &have, traffic));
        let looked: Vec<_> = looks.buffered(AT_ONCE).collect().await;
        let mut collector = Collector::new(&have);
        let mut unread = Vec::new();
        for image in looked {
            match image {
                Ok((origin, repository, found)) => collector.take(&origin, &repository, found),
                Err(why) => unread.push(why),
            }
        }
        Self { foreign, unread, ..collector.finish() }
    }

    /// Whether there is nothing to bring.
    pub fn is_empty(&self) -> bool {
        self.images.is_empty()
    }
}

async fn look(
    wanted: Wanted,
    have: &Arc<Vec<Inventory>>,
    traffic: &Traffic,
) -> Result<(String, RepositoryName, Found), Unread> {
    let Wanted { origin, repository, tag, mut job } = wanted;
    let gathering = Gathering::new(Arc::clone(&job.source), &repository, Arc::clone(have));
    job.source = Arc::clone(&gathering.source);
    job.destinations = vec![Destination {
        target: Arc::clone(&gathering.target),
        names: tag.iter().cloned().map(RefName::from).collect(),
        expect: None,
    }];
    // An engine of its own: what one image has found must not keep another from finding it too.
    let report = Engine::new(Arc::new(Silent), traffic.clone()).run(&job).await;
    let outcome =
        report.and_then(|report| report.outcomes.into_iter().try_for_each(|it| it.result.map(drop)));
    match outcome {
        Ok(()) => Ok((origin, repository, gathering.found())),
        Err(error) => Err(Unread { origin, repository, tag, error }),
    }
}

/// Puts together what was found, each thing once.
struct Collector<'a> {
    have: &'a [Inventory],
    load: Load,
    seen: BTreeSet<Digest>,
    named: BTreeSet<Image>,
    needs: BTreeMap<Digest, (u64, BTreeSet<RepositoryName>)>,
}

impl<'a> Collector<'a> {
    fn new(have: &'a [Inventory]) -> Self {
        let (seen, named, needs) = (BTreeSet::new(), BTreeSet::new(), BTreeMap::new());
        Self { have, load: Load::default(), seen, named, needs }
    }

    fn take(&mut self, origin: &str, repository: &RepositoryName, found: Found) {
        if found.roots.is_empty() {
            return;
        }
        let known = self.load.sources.iter().position(|source| source == origin);
        let source = known.unwrap_or_else(|| {
            self.load.sources.push(origin.to_owned());
            self.load.sources.len().saturating_sub(1)
        });
        let manifests = in_order(&found.manifests);
        for blob in blobs_of(&manifests, &found.blobs) {
            self.blob(blob, repository, source);
        }
        for manifest in manifests {
            if self.seen.insert(manifest.digest().clone()) {
                let is_served = found.served.contains(manifest.digest());
                self.load.manifests.push((manifest.clone(), source, is_served));
            }
        }
        for (name, digest) in found.roots {
            // A name that is no tag was none at the destination either.
            let tag = name.and_then(|name| name.as_str().parse().ok());
            let image = Image { repository: repository.clone(), tag, digest };
            if self.named.insert(image.clone()) {
                self.load.images.push(image);
            }
        }
    }

    /// A blob of an image in `repository`: it is in the base, or comes along.
    fn blob(&mut self, (digest, size): (Digest, u64), repository: &RepositoryName, source: usize) {
        let have = self.have.iter().filter(|inventory| inventory.blobs.contains_key(&digest));
        let have: Vec<&Inventory> = have.collect();
        if !have.is_empty() {
            let held = have.iter().filter_map(|inventory| inventory.holders(&digest)).flatten().cloned();
            let held: Vec<RepositoryName> = held.collect();
            let (_, places) = self.needs.entry(digest.clone()).or_insert((size, BTreeSet::new()));
            places.extend(held);
            places.insert(repository.clone());
        } else if self.seen.insert(digest.clone()) {
            self.load.blobs.push((digest, size, source));
        }
    }

    fn finish(mut self) -> Load {
        let witness = |inventory: &Inventory| Witness {
            id: inventory.id.clone(),
            made: inventory.made.clone(),
            of: inventory.of.clone(),
        };
        self.load.base = Base::new(self.have.iter().map(witness).collect(), &self.needs);
        self.load
    }
}

/// Manifests, each after all that it names; otherwise by digest.
fn in_order(manifests: &BTreeMap<Digest, Manifest>) -> Vec<&Manifest> {
    let (mut order, mut seen) = (Vec::new(), BTreeSet::new());
    // Not by recursion: how deep they are nested is what others wrote.
    let mut stack: Vec<(&Manifest, bool)> = manifests.values().rev().map(|it| (it, false)).collect();
    while let Some((manifest, is_last)) = stack.pop() {
        if is_last {
            order.push(manifest);
        } else if seen.insert(manifest.digest()) {
            stack.push((manifest, true));
            let parts = parts(manifest).filter_map(|part| manifests.get(part));
            stack.extend(parts.map(|part| (part, false)));
        }
    }
    order
}

fn parts(manifest: &Manifest) -> impl Iterator<Item = &Digest> {
    let entries = match manifest.shape() {
        Shape::Index { entries } => entries.as_slice(),
        Shape::Image { .. } | Shape::Opaque => &[],
    };
    entries.iter().map(|entry| &entry.digest)
}

/// The blobs among `known` in the order in which manifests name them; then what none of them names.
fn blobs_of(manifests: &[&Manifest], known: &BTreeMap<Digest, u64>) -> Vec<(Digest, u64)> {
    let named = manifests.iter().flat_map(|manifest| match manifest.shape() {
        Shape::Image { config, layers } => config.iter().chain(layers).map(|it| &it.digest).collect(),
        Shape::Index { .. } | Shape::Opaque => parts(manifest).collect::<Vec<_>>(),
    });
    let mut seen = BTreeSet::new();
    let all = named.chain(known.keys()).filter(|digest| seen.insert(*digest));
    all.filter_map(|digest| Some((digest.clone(), *known.get(digest)?))).collect()
}
