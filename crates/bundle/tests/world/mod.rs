//! A world of layouts: images, bundles made of them, and what becomes of those.
#![allow(dead_code, reason = "each test file uses its part")]
use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use bundle::{
    Applied, BundleError, Clobber, Created, Inventory, Ledger, Load, Look, Origins, Packer, Plan, Set, Tools,
    Wanted, draft, store, survey,
};
use content::{Descriptor, FaultKind, Source, Version};
use copier::{CopyError, Engine, Existing, Foreign, Job, Limits, Platforms, Referrers, Silent, Ties};
use layout::Layout;
use pace::Traffic;
use reference::{Algorithm, Digest, RefName};
use testkit::{Content, images::Entry};

pub(crate) fn kind(error: &BundleError) -> FaultKind {
    match error {
        BundleError::Copy(CopyError::Failed { fault, .. }) => fault.kind(),
        other => panic!("{other}"),
    }
}

/// Images that share a base layer.
#[derive(Clone)]
pub(crate) struct Images {
    content: Content,
    entries: Vec<(Descriptor, String)>,
    base: Descriptor,
}

/// `number` images of two layers of `size` bytes, one of which they share.
pub(crate) fn images(number: u64, size: usize) -> Images {
    let mut content = Content::new();
    let base = content.layer(1000, size);
    let mut images = Images { content, entries: Vec::new(), base };
    (0..number).for_each(|seed| images.add(seed, size, &format!("app{seed}:v1")));
    images
}

impl Images {
    pub(crate) fn add(&mut self, seed: u64, size: usize, name: &str) {
        let layer = self.content.layer(seed, size);
        let root = self.content.image(seed, &[self.base.clone(), layer]);
        self.entries.push((root, name.to_owned()));
    }

    /// An image with layers that are named by SHA-512, each of another size.
    pub(crate) fn add_of_sha512(&mut self, layers: u8, size: usize, name: &str) {
        let layer = |number: u8| vec![number; size + usize::from(number)];
        let layers = (0..layers)
            .map(|number| self.content.add_as(Algorithm::Sha512, testkit::images::OCI_LAYER, layer(number)));
        let layers: Vec<Descriptor> = layers.collect();
        let root = self.content.image(u64::MAX, &layers);
        self.entries.push((root, name.to_owned()));
    }
}

pub(crate) struct World {
    dir: Arc<tempfile::TempDir>,
    images: Images,
    source: PathBuf,
}

struct Sources;

impl Origins for Sources {
    fn open(&self, name: &str) -> Result<Arc<dyn Source>, BundleError> {
        let layout = Layout::open(Path::new(name)).map_err(BundleError::source)?;
        Ok(Arc::new(layout.repository(None)))
    }
}

impl World {
    pub(crate) fn new(images: &Images) -> Self {
        Self::within(Arc::new(tempfile::tempdir().unwrap()), images)
    }

    fn within(dir: Arc<tempfile::TempDir>, images: &Images) -> Self {
        let number = fs::read_dir(dir.path()).unwrap().count();
        let source = dir.path().join(format!("source-{number}"));
        let entries: Vec<Entry> =
            images.entries.iter().map(|(root, name)| Entry::named(root, name)).collect();
        images.content.write_layout(&source, &entries).unwrap();
        Self { dir, images: images.clone(), source }
    }

    /// The same world with other images at its source.
    pub(crate) fn again(&self, images: &Images) -> Self {
        Self::within(Arc::clone(&self.dir), images)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn wanted(&self) -> Vec<Wanted> {
        let layout = Layout::open(&self.source).unwrap();
        let one = |(_, name): &(Descriptor, String)| {
            let (repository, tag) = name.split_once(':').unwrap();
            Wanted {
                origin: self.source.display().to_string(),
                repository: repository.parse().unwrap(),
                tag: Some(tag.parse().unwrap()),
                job: Job {
                    source: Arc::new(layout.repository(None)),
                    version: Version::Name(RefName::new(name.as_str())),
                    destinations: Vec::new(),
                    existing: Existing::Move,
                    limits: Limits::none(),
                    foreign: Foreign::Skip,
                    platforms: Platforms::default(),
                    referrers: Referrers::Leave,
                    ties: Ties::Apart,
                },
            }
        };
        self.images.entries.iter().map(one).collect()
    }

    pub(crate) async fn create(
        &self,
        output: &str,
        size: Option<u64>,
        have: &[Inventory],
    ) -> Result<Plan, BundleError> {
        self.made(output, size, have).await?;
        let first = if size.is_some() { output.replace(".tar", ".1.tar") } else { output.to_owned() };
        Ok(Plan::clone(bundle::Volume::open(&self.path(&first)).unwrap().plan()))
    }

    pub(crate) async fn made(
        &self,
        output: &str,
        size: Option<u64>,
        have: &[Inventory],
    ) -> Result<Created, BundleError> {
        let traffic = Traffic::default();
        let load = Load::gather(self.wanted(), have.to_vec(), &traffic).await;
        assert!(load.unread.is_empty(), "{:?}", load.unread);
        let plan = Arc::new(draft(&load, size)?);
        let ledger = Ledger::new(&self.path(output));
        let engine = Engine::new(Arc::new(Silent), traffic.clone());
        let manifests = load.manifests();
        let tools = Tools { origins: &Sources, engine: &engine, traffic: &traffic, manifests: &manifests };
        let made = Packer::new(&ledger, &plan, Vec::new(), tools).pack().await?;
        for volume in &made.volumes {
            assert_eq!(fs::metadata(&volume.path).unwrap().len(), volume.bytes);
            assert!(size.is_none_or(|size| volume.bytes <= size), "{volume:?}");
            bundle::Volume::open(&volume.path).unwrap().check().await.unwrap();
        }
        Ok(made)
    }

    /// Makes a volume again, without what was read when the bundle was planned.
    pub(crate) async fn again_volume(&self, output: &str, volume: u32) -> Result<Created, BundleError> {
        let traffic = Traffic::default();
        let ledger = Ledger::new(&self.path(output));
        let (plan, ranges) = ledger.known().await?;
        let plan = Arc::new(plan);
        let engine = Engine::new(Arc::new(Silent), traffic.clone());
        let manifests = std::collections::BTreeMap::new();
        let tools = Tools { origins: &Sources, engine: &engine, traffic: &traffic, manifests: &manifests };
        Packer::new(&ledger, &plan, ranges, tools).again(volume).await
    }

    pub(crate) async fn apply(&self, volumes: &[String], dir: &str) -> Result<Applied, BundleError> {
        let paths: Vec<PathBuf> = volumes.iter().map(|name| self.path(name)).collect();
        store(&Set::open(&paths)?, &self.path(dir), Clobber::Move).await
    }

    pub(crate) async fn inventory(&self, dir: &str) -> Inventory {
        let layout = Layout::open(&self.path(dir)).unwrap();
        let names = self.names(dir);
        let look = |name: &String| {
            let (repository, tag) = name.split_once(':').unwrap();
            Look {
                name: Some(repository.parse().unwrap()),
                source: Arc::new(layout.repository(None)),
                roots: vec![(Some(RefName::new(tag)), Version::Name(RefName::new(name.as_str())))],
                is_sure: true,
            }
        };
        let looks = names.iter().map(look).collect();
        survey((dir.to_owned(), "now".to_owned()), looks, &Traffic::default()).await.unwrap()
    }

    /// The names in a layout.
    pub(crate) fn names(&self, dir: &str) -> Vec<String> {
        let Ok(bytes) = fs::read(self.path(dir).join("index.json")) else { return Vec::new() };
        let index: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        let entries = index["manifests"].as_array().unwrap().iter();
        let mut names: Vec<String> = entries
            .map(|entry| entry["annotations"][testkit::images::REF_NAME].as_str().unwrap().to_owned())
            .collect();
        names.sort();
        names
    }

    /// Whether the layout holds all images, byte for byte.
    pub(crate) fn check(&self, dir: &str) {
        for digest in self.images.content.digests() {
            let path = testkit::images::blob_path(&self.path(dir), digest);
            assert_eq!(fs::read(path).unwrap(), &self.images.content.get(digest).unwrap()[..], "{digest}");
        }
        let names = self.names(dir);
        assert!(self.images.entries.iter().all(|(_, name)| names.contains(name)));
    }

    /// Changes the bytes of a blob at the source.
    pub(crate) fn damage(&self, digest: &Digest, change: impl FnOnce(&mut Vec<u8>)) {
        let path = testkit::images::blob_path(&self.source, digest);
        let mut bytes = fs::read(&path).unwrap();
        change(&mut bytes);
        fs::write(&path, bytes).unwrap();
    }

    /// Whether anything waits in a layout.
    pub(crate) fn leftovers(&self, dir: &str) -> bool {
        let Ok(listing) = fs::read_dir(self.path(dir).join(".transship")) else { return false };
        listing.flatten().any(|entry| entry.file_name() != "lock")
    }
}
