//! Images made in memory: blobs and manifests by digest, written as an OCI layout.
//!
//! Builds on no layout code of the house, so that it can witness against it.
use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use bytes::Bytes;
use content::{Descriptor, Hasher, MediaType};
use reference::{Algorithm, Digest};
use serde_json::{Value, json};

use crate::noise;

/// The OCI image index.
pub const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// The OCI image manifest.
pub const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// The OCI image config.
pub const OCI_CONFIG: &str = "application/vnd.oci.image.config.v1+json";
/// An OCI layer, compressed by gzip.
pub const OCI_LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
/// The empty descriptor's media type.
pub const OCI_EMPTY: &str = "application/vnd.oci.empty.v1+json";
/// Docker's manifest list.
pub const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
/// Docker's image manifest, schema 2.
pub const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
/// Docker's image config.
pub const DOCKER_CONFIG: &str = "application/vnd.docker.container.image.v1+json";
/// Docker's layer, compressed by gzip.
pub const DOCKER_LAYER: &str = "application/vnd.docker.image.rootfs.diff.tar.gzip";
/// Docker's layer that registries need not hold.
pub const DOCKER_FOREIGN: &str = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip";

/// The annotation of an `index.json` entry that names it.
pub const REF_NAME: &str = "org.opencontainers.image.ref.name";

/// Pieces of content by digest: blobs and manifests alike, as a layout holds them.
#[derive(Debug, Clone, Default)]
pub struct Content {
    pieces: BTreeMap<Digest, Bytes>,
}

impl Content {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds bytes as they are.
    pub fn add(&mut self, media_type: &str, bytes: impl Into<Bytes>) -> Descriptor {
        self.add_as(Algorithm::Sha256, media_type, bytes)
    }

    /// Adds bytes under a digest of `algorithm`.
    pub fn add_as(&mut self, algorithm: Algorithm, media_type: &str, bytes: impl Into<Bytes>) -> Descriptor {
        let bytes = bytes.into();
        let digest = Hasher::digest(algorithm, &bytes);
        let size = bytes.len() as u64;
        self.pieces.insert(digest.clone(), bytes);
        Descriptor::new(MediaType::new(media_type), digest, size)
    }

    /// Adds a document.
    pub fn document(&mut self, media_type: &str, value: &Value) -> Descriptor {
        self.add(media_type, value.to_string())
    }

    /// Adds a layer of noise: no tar archive, but content that every copy must carry all the same.
    pub fn layer(&mut self, seed: u64, size: usize) -> Descriptor {
        self.add(OCI_LAYER, noise(seed, size))
    }

    /// Adds an image of these layers, whose config differs with `seed`.
    pub fn image(&mut self, seed: u64, layers: &[Descriptor]) -> Descriptor {
        let config = json!({"architecture": "amd64", "os": "linux", "author": format!("image {seed}"),
            "rootfs": {"type": "layers", "diff_ids": []}});
        let config = self.document(OCI_CONFIG, &config);
        self.manifest(&config, layers)
    }

    /// Adds an OCI image manifest.
    pub fn manifest(&mut self, config: &Descriptor, layers: &[Descriptor]) -> Descriptor {
        let layers: Vec<Value> = layers.iter().map(to_json).collect();
        self.document(
            OCI_MANIFEST,
            &json!({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": to_json(config), "layers": layers}),
        )
    }

    /// Adds an OCI index.
    pub fn index(&mut self, entries: &[Descriptor]) -> Descriptor {
        self.list(OCI_INDEX, entries)
    }

    /// Adds an index or a manifest list.
    pub fn list(&mut self, media_type: &str, entries: &[Descriptor]) -> Descriptor {
        let manifests: Vec<Value> = entries.iter().map(to_json).collect();
        self.document(
            media_type,
            &json!({"schemaVersion": 2, "mediaType": media_type, "manifests": manifests}),
        )
    }

    /// An index of `images` images, each of `layers` layers of its own of `size` bytes.
    pub fn fleet(images: u64, layers: u64, size: usize) -> (Self, Descriptor) {
        let mut content = Self::new();
        let mut entries = Vec::new();
        for image in 0..images {
            let layers: Vec<Descriptor> =
                (0..layers).map(|layer| content.layer(image * 1000 + layer, size)).collect();
            entries.push(content.image(image, &layers));
        }
        let root = content.index(&entries);
        (content, root)
    }

    /// The bytes of a piece, when it is here.
    pub fn get(&self, digest: &Digest) -> Option<&Bytes> {
        self.pieces.get(digest)
    }

    /// Every digest there is, manifests included.
    pub fn digests(&self) -> impl Iterator<Item = &Digest> {
        self.pieces.keys()
    }

    /// Forgets a piece: a layout may lack blobs.
    pub fn forget(&mut self, digest: &Digest) {
        self.pieces.remove(digest);
    }

    /// Writes everything into the layout at `dir`, which is made when there is none, and adds `entries` to its
    /// `index.json`.
    ///
    /// # Errors
    /// What the file system says.
    pub fn write_layout(&self, dir: &Path, entries: &[Entry]) -> io::Result<()> {
        for (digest, bytes) in &self.pieces {
            let path = blob_path(dir, digest);
            fs::create_dir_all(path.parent().unwrap_or(dir))?;
            fs::write(path, bytes)?;
        }
        fs::create_dir_all(dir)?;
        fs::write(dir.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#)?;
        let path = dir.join("index.json");
        let mut manifests = match fs::read(&path) {
            Ok(bytes) => entries_of(&bytes),
            Err(why) if why.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(why) => return Err(why),
        };
        manifests.extend(entries.iter().map(Entry::to_json));
        let index = json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": manifests});
        fs::write(path, index.to_string())
    }
}

/// An entry of `index.json`: what it points to, and its annotations there.
#[derive(Debug, Clone)]
pub struct Entry {
    /// What it points to.
    pub root: Descriptor,
    /// Annotations of the entry, not of what it points to.
    pub annotations: Vec<(String, String)>,
}

impl Entry {
    /// An entry under a ref name, `repository:tag`.
    pub fn named(root: &Descriptor, name: &str) -> Self {
        Self { root: root.clone(), annotations: vec![(REF_NAME.to_owned(), name.to_owned())] }
    }

    fn to_json(&self) -> Value {
        let mut root = self.root.clone();
        root.annotations.extend(self.annotations.iter().cloned());
        to_json(&root)
    }
}

/// Where a layout keeps a piece of content.
pub fn blob_path(dir: &Path, digest: &Digest) -> PathBuf {
    dir.join("blobs").join(digest.algorithm().as_str()).join(digest.hex())
}

/// A descriptor as manifests hold it.
pub fn to_json(descriptor: &Descriptor) -> Value {
    let mut value = json!({
        "mediaType": descriptor.media_type.as_str(),
        "digest": descriptor.digest.to_string(),
        "size": descriptor.size,
    });
    if !descriptor.urls.is_empty() {
        value["urls"] = json!(descriptor.urls);
    }
    if !descriptor.annotations.is_empty() {
        value["annotations"] = json!(descriptor.annotations);
    }
    value
}

fn entries_of(index: &[u8]) -> Vec<Value> {
    let index: Value = serde_json::from_slice(index).unwrap_or_default();
    index.get("manifests").and_then(Value::as_array).cloned().unwrap_or_default()
}
