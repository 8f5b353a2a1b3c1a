//! Large images: a GiB of noise in one layer or in several, made once and kept in the target directory; how a registry
//! comes to hold one without moving it; and a witness that reads one back.
use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use content::{Descriptor, Hasher, MediaType};
use reference::{Algorithm, Digest};
use serde_json::Value;
use testkit::{
    Content, Entry,
    images::{OCI_LAYER, blob_path},
    noise,
};

use crate::http::ask;

pub(crate) const MIB: u64 = 1024 * 1024;

/// The size of a large image. `INTEROP_MIB` makes it smaller, for whoever is in a hurry.
pub(crate) fn size() -> u64 {
    std::env::var("INTEROP_MIB").map_or(1024, |mib| mib.parse().unwrap()) * MIB
}

/// An image in a layout, under the name `large:v1`.
#[derive(Debug)]
pub(crate) struct Image {
    dir: PathBuf,
    pub(crate) root: Digest,
    /// All manifests, the root among them.
    manifests: Vec<Digest>,
    /// All configs and layers.
    pub(crate) blobs: Vec<Digest>,
}

/// One image, of one layer.
pub(crate) fn one_layer() -> &'static Image {
    static IMAGE: OnceLock<Image> = OnceLock::new();
    IMAGE.get_or_init(|| Image::made("one", |dir, content| image(dir, content, 0, 1, size())))
}

/// Two images of four layers each, in an index.
pub(crate) fn eight_layers() -> &'static Image {
    static IMAGE: OnceLock<Image> = OnceLock::new();
    IMAGE.get_or_init(|| {
        Image::made("eight", |dir, content| {
            let images = [1, 2].map(|seed| image(dir, content, 10 * seed, 4, size() / 8));
            content.index(&images)
        })
    })
}

fn image(dir: &Path, content: &mut Content, seed: u64, layers: u64, size: u64) -> Descriptor {
    let layers: Vec<_> = (0..layers).map(|layer| write_layer(dir, seed + layer, size)).collect();
    content.image(seed, &layers)
}

/// A layer of whole MiB that are alike but for their number: quick to make, and nothing in it is there twice.
fn write_layer(dir: &Path, seed: u64, size: u64) -> Descriptor {
    let mut piece = noise(seed, usize::try_from(MIB).unwrap()).to_vec();
    let mut hasher = Hasher::new(Algorithm::Sha256);
    let aside = dir.join("layer");
    let mut file = fs::File::create(&aside).unwrap();
    for number in 0..size / MIB {
        piece[..8].copy_from_slice(&number.to_le_bytes());
        hasher.update(&piece);
        file.write_all(&piece).unwrap();
    }
    let layer = Descriptor::new(MediaType::new(OCI_LAYER), hasher.finish(), size);
    fs::create_dir_all(dir.join("blobs/sha256")).unwrap();
    fs::rename(aside, blob_path(dir, &layer.digest)).unwrap();
    layer
}

impl Image {
    fn made(name: &str, make: impl FnOnce(&Path, &mut Content) -> Descriptor) -> Self {
        let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("large-{name}-{}", size() / MIB));
        if !kept.exists() {
            let work = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
            let (dir, mut content) = (work.path().join("layout"), Content::new());
            fs::create_dir(&dir).unwrap();
            let root = make(&dir, &mut content);
            content.write_layout(&dir, &[Entry::named(&root, "large:v1")]).unwrap();
            fs::rename(dir, &kept).unwrap();
        }
        let index: Value = serde_json::from_slice(&fs::read(kept.join("index.json")).unwrap()).unwrap();
        let root = digests(&index["manifests"]).remove(0);
        let mut new = Self { dir: kept, root: root.clone(), manifests: Vec::new(), blobs: Vec::new() };
        new.walk(root);
        new
    }

    fn walk(&mut self, manifest: Digest) {
        let (children, blobs) = parts(&fs::read(blob_path(&self.dir, &manifest)).unwrap());
        self.manifests.push(manifest);
        self.blobs.extend(blobs);
        for child in children {
            self.walk(child);
        }
    }

    /// Its first layer.
    pub(crate) fn layer(&self) -> &Digest {
        &self.blobs[0]
    }

    /// Puts it into the storage of a registry of the distribution kind, as `large:v1`, by links to the layout's files.
    pub(crate) fn plant(&self, storage: &Path) {
        let registry = storage.join("docker/registry/v2");
        let link = |path: PathBuf, digest: &Digest| {
            fs::create_dir_all(registry.join(&path)).unwrap();
            fs::write(registry.join(path).join("link"), digest.to_string()).unwrap();
        };
        let large = Path::new("repositories/large");
        let below = |dir: &str, digest: &Digest| large.join(dir).join("sha256").join(digest.hex());
        for digest in self.manifests.iter().chain(&self.blobs) {
            let dir = registry.join("blobs/sha256").join(&digest.hex()[..2]).join(digest.hex());
            fs::create_dir_all(&dir).unwrap();
            let (from, to) = (blob_path(&self.dir, digest), dir.join("data"));
            fs::hard_link(&from, &to).or_else(|_| fs::copy(&from, &to).map(drop)).unwrap();
        }
        for blob in &self.blobs {
            link(below("_layers", blob), blob);
        }
        for manifest in &self.manifests {
            link(below("_manifests/revisions", manifest), manifest);
        }
        link(below("_manifests/tags/v1/index", &self.root), &self.root);
        link(large.join("_manifests/tags/v1/current"), &self.root);
    }
}

/// The manifests and the blobs that a manifest names.
fn parts(manifest: &[u8]) -> (Vec<Digest>, Vec<Digest>) {
    let manifest: Value = serde_json::from_slice(manifest).unwrap();
    let mut blobs = digests(&manifest["layers"]);
    blobs.extend(manifest["config"]["digest"].as_str().map(|digest| digest.parse().unwrap()));
    (digests(&manifest["manifests"]), blobs)
}

fn digests(entries: &Value) -> Vec<Digest> {
    let entries = entries.as_array().into_iter().flatten();
    entries.map(|entry| entry["digest"].as_str().unwrap().parse().unwrap()).collect()
}

/// The root that a tag points to, after every piece below it was read back and hashed; `None` where there is no tag.
pub(crate) fn read_back(host: &str, repository: &str, tag: &str) -> Option<Digest> {
    let root = ask("GET", host, &format!("/v2/{repository}/manifests/{tag}"), "");
    if root.status == 404 {
        return None;
    }
    assert_eq!(root.status, 200, "{tag}");
    let mut manifests = vec![root.body];
    while let Some(manifest) = manifests.pop() {
        let (children, blobs) = parts(&manifest);
        let paths =
            children.iter().map(|child| (child, "manifests")).chain(blobs.iter().map(|b| (b, "blobs")));
        for (digest, kind) in paths {
            let part = ask("GET", host, &format!("/v2/{repository}/{kind}/{digest}"), "");
            assert_eq!((part.status, &part.digest), (200, digest), "below {repository}:{tag}");
            if kind == "manifests" {
                manifests.push(part.body);
            }
        }
    }
    Some(root.digest)
}
