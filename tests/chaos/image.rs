//! Images at random: small enough to make thousands, odd enough to have every shape.
use content::Descriptor;
use fastrand::Rng;
use reference::Algorithm;
use serde_json::json;
use testkit::{
    Content,
    images::{OCI_CONFIG, OCI_EMPTY, OCI_LAYER, OCI_MANIFEST, to_json},
    noise,
};

/// The deepest nesting of indexes that is made.
const DEPTH: usize = 3;

/// Bytes that stand for a layer, or for anything else.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Blob {
    pub(crate) seed: u64,
    pub(crate) size: usize,
    pub(crate) sha512: bool,
}

/// An image, an artifact, or a tree of them. Equal blobs are one blob.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Node {
    Image {
        seed: u64,
        layers: Vec<Blob>,
    },
    Artifact {
        layers: Vec<Blob>,
        subject: bool,
    },
    Index {
        entries: Vec<Self>,
    },
    /// Something of a type that nobody knows; in an index only.
    Unknown(Blob),
}

impl Blob {
    fn random(random: &mut Rng) -> Self {
        let size = match random.u32(0..100) {
            0..8 => 0,
            8..14 => 1,
            14..35 => random.usize(2..300),
            35..75 => random.usize(300..64 * 1024),
            75..97 => random.usize(64 * 1024..300 * 1024),
            _ => random.usize(1024 * 1024..3 * 1024 * 1024),
        };
        Self { seed: random.u64(1..1000), size, sha512: random.u32(0..20) == 0 }
    }

    fn put(&self, content: &mut Content, media_type: &str) -> Descriptor {
        let algorithm = if self.sha512 { Algorithm::Sha512 } else { Algorithm::Sha256 };
        content.add_as(algorithm, media_type, noise(self.seed, self.size))
    }
}

impl Node {
    /// An image, or an index of some.
    pub(crate) fn random(random: &mut Rng) -> Self {
        let pool: Vec<Blob> = (0..random.usize(1..7)).map(|_| Blob::random(random)).collect();
        match random.u32(0..3) {
            0 => Self::leaf(random, &pool),
            _ => Self::index(random, &pool, DEPTH),
        }
    }

    fn leaf(random: &mut Rng, pool: &[Blob]) -> Self {
        let layers = (0..random.usize(0..4)).filter_map(|_| random.choice(pool).cloned()).collect();
        match random.u32(0..5) {
            0 => Self::Artifact { layers, subject: random.bool() },
            _ => Self::Image { seed: random.u64(0..5), layers },
        }
    }

    fn index(random: &mut Rng, pool: &[Blob], depth: usize) -> Self {
        let entry = |random: &mut Rng| match random.u32(0..10) {
            0 => Self::Unknown(random.choice(pool).cloned().unwrap_or(Blob {
                seed: 1,
                size: 9,
                sha512: false,
            })),
            1..4 if depth > 1 => Self::index(random, pool, depth - 1),
            _ => Self::leaf(random, pool),
        };
        Self::Index { entries: (0..random.usize(0..4)).map(|_| entry(random)).collect() }
    }

    /// Adds all of it to `content`.
    pub(crate) fn put(&self, content: &mut Content) -> Descriptor {
        let mut add = |layers: &[Blob]| -> Vec<Descriptor> {
            layers.iter().map(|layer| layer.put(content, OCI_LAYER)).collect()
        };
        match self {
            Self::Image { seed, layers } => {
                let layers = add(layers);
                let config =
                    content.document(OCI_CONFIG, &json!({"os": "linux", "author": format!("{seed}")}));
                content.manifest(&config, &layers)
            }
            Self::Artifact { layers, subject } => {
                let layers: Vec<_> = add(layers).iter().map(to_json).collect();
                let config = content.add(OCI_EMPTY, "{}");
                let mut manifest = json!({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "layers": layers,
                    "artifactType": "application/vnd.example.thing", "config": to_json(&config)});
                if *subject {
                    // What it is about is not here: that is allowed.
                    let about = Content::new().add(OCI_MANIFEST, "elsewhere");
                    manifest["subject"] = to_json(&about);
                }
                content.document(OCI_MANIFEST, &manifest)
            }
            Self::Index { entries } => {
                let entries: Vec<_> = entries.iter().map(|entry| entry.put(content)).collect();
                content.index(&entries)
            }
            Self::Unknown(blob) => blob.put(content, "application/vnd.example.unknown"),
        }
    }

    /// Images that are a little less than this one, the smallest first.
    pub(crate) fn smaller(&self) -> Vec<Self> {
        match self {
            Self::Image { seed, layers } => {
                fewer(layers).into_iter().map(|layers| Self::Image { seed: *seed, layers }).collect()
            }
            Self::Artifact { layers, subject } => {
                let plain = Self::Image { seed: 0, layers: layers.clone() };
                let fewer = fewer(layers).into_iter();
                std::iter::once(plain)
                    .chain(fewer.map(|layers| Self::Artifact { layers, subject: *subject }))
                    .collect()
            }
            Self::Index { entries } => {
                let mut found: Vec<Self> =
                    entries.iter().filter(|entry| !matches!(entry, Self::Unknown(_))).cloned().collect();
                for at in 0..entries.len() {
                    let mut rest = entries.clone();
                    let entry = rest.remove(at);
                    found.push(Self::Index { entries: rest.clone() });
                    for less in entry.smaller() {
                        let mut other = rest.clone();
                        other.insert(at, less);
                        found.push(Self::Index { entries: other });
                    }
                }
                found
            }
            Self::Unknown(blob) => fewer(std::slice::from_ref(blob))
                .into_iter()
                .filter_map(|mut one| one.pop().map(Self::Unknown))
                .collect(),
        }
    }
}

/// One blob less, or one of them smaller.
fn fewer(layers: &[Blob]) -> Vec<Vec<Blob>> {
    let mut found = Vec::new();
    for at in 0..layers.len() {
        let mut rest = layers.to_vec();
        let blob = rest.remove(at);
        found.push(rest.clone());
        let plain = Blob { sha512: false, ..blob.clone() };
        let sizes = [0, 1, 10, blob.size / 2, blob.size.saturating_sub(1)];
        let smaller =
            sizes.into_iter().filter(|size| *size < blob.size).map(|size| Blob { size, ..blob.clone() });
        for less in smaller.chain((plain != blob).then_some(plain)) {
            let mut other = rest.clone();
            other.insert(at, less);
            found.push(other);
        }
    }
    found
}
