//! Limits: every number that refuses an image, with its reason and its edge.

/// Manifests that an import may hold below its root (Azure Container Registry's documented limit). 50 pass.
pub const MAX_MANIFESTS: usize = 50;

/// The largest layer that an import from a public registry may hold (Azure Container Registry's documented limit).
/// Exactly 2 GiB pass.
pub const MAX_LAYER_BYTES: u64 = 2 * 1024 * 1024 * 1024;

/// How deep indexes may nest: the root is at depth 0, and a manifest at depth 8 passes. Real images reach 2.
pub const MAX_DEPTH: usize = 8;

/// The most bytes of manifests below one root. They are in memory until they are written, and `copy` does not limit
/// their number. 50 of the largest fit.
pub const MAX_MANIFESTS_BYTES: u64 = 256 * 1024 * 1024;

/// The most referrers, and images of cosign's, that may follow one image: what one list of them may hold.
pub const MAX_FOLLOWERS: usize = 10_000;

/// What is too much for one image. The default enforces both of importImage's limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Manifests below the root, by digest, once each; `None` for any number.
    pub manifests: Option<usize>,
    /// The largest layer; `None` for any size.
    pub layer: Option<LayerLimit>,
}

/// A limit on layers, and why it binds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerLimit {
    /// `size <= bytes` passes.
    pub bytes: u64,
    /// Why it binds here, as a clause: "docker.io is a public registry".
    pub because: String,
}

impl Limits {
    /// No limits: what `copy` starts from.
    pub fn none() -> Self {
        Self { manifests: None, layer: None }
    }
}

impl Default for Limits {
    fn default() -> Self {
        let layer = LayerLimit { bytes: MAX_LAYER_BYTES, because: "it is the default".to_owned() };
        Self { manifests: Some(MAX_MANIFESTS), layer: Some(layer) }
    }
}
