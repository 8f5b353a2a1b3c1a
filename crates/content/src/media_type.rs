//! Media types: the few that the walk must know, all others kept as text.
use std::fmt;

/// A media type without parameters. Unknown ones are carried as they are.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MediaType(Box<str>);

/// What a media type says a piece of content is, as far as copying is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Role {
    /// A manifest with a config and layers, or an artifact manifest.
    Manifest,
    /// An OCI index or a Docker manifest list.
    Index,
    /// A Docker manifest of schema version 1, which cannot be copied by digest.
    Schema1,
    /// A layer.
    Layer,
    /// A layer that registries may refuse to hold: by media type, not by `urls`.
    ForeignLayer,
    /// An image config.
    Config,
    /// Anything else.
    Unknown,
}

const MANIFESTS: [&str; 3] = [
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.oci.artifact.manifest.v1+json",
];
const INDEXES: [&str; 2] =
    ["application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json"];
const SCHEMA1: [&str; 2] = [
    "application/vnd.docker.distribution.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v1+prettyjws",
];
const CONFIGS: [&str; 2] =
    ["application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json"];
/// What a server writes when it does not know, or does not say, what it serves.
const VAGUE: [&str; 4] = ["", "application/json", "text/plain", "application/octet-stream"];

impl MediaType {
    /// A media type from a `Content-Type` or a `mediaType` field; parameters are cut off.
    pub fn new(text: &str) -> Self {
        let bare = text.split(';').next().unwrap_or_default().trim();
        Self(bare.to_ascii_lowercase().into())
    }

    /// The OCI image manifest.
    pub fn oci_manifest() -> Self {
        Self(MANIFESTS[0].into())
    }

    /// The OCI image index.
    pub fn oci_index() -> Self {
        Self(INDEXES[0].into())
    }

    /// Every manifest type we can copy, for an `Accept` header: some registries answer 404 or another manifest
    /// without it.
    pub fn accepted() -> impl Iterator<Item = &'static str> {
        INDEXES.into_iter().chain(MANIFESTS)
    }

    /// The media type as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it says nothing about the content, as `application/json` does.
    pub fn is_vague(&self) -> bool {
        VAGUE.contains(&self.as_str())
    }

    /// What it says the content is.
    pub fn role(&self) -> Role {
        let text = self.as_str();
        if MANIFESTS.contains(&text) {
            Role::Manifest
        } else if INDEXES.contains(&text) {
            Role::Index
        } else if SCHEMA1.contains(&text) {
            Role::Schema1
        } else if CONFIGS.contains(&text) {
            Role::Config
        } else if text.contains(".foreign.diff.") || text.contains(".nondistributable.") {
            Role::ForeignLayer
        } else if text.contains(".image.rootfs.diff.") || text.contains(".image.layer.") {
            Role::Layer
        } else {
            Role::Unknown
        }
    }
}

impl fmt::Display for MediaType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_no_part_of_a_media_type() {
        let with = MediaType::new("application/vnd.oci.image.index.v1+json; charset=utf-8");
        assert_eq!(with, MediaType::oci_index());
    }

    #[test]
    fn roles_follow_the_media_type() {
        for (text, role) in [
            ("application/vnd.docker.distribution.manifest.list.v2+json", Role::Index),
            ("application/vnd.docker.distribution.manifest.v1+prettyjws", Role::Schema1),
            ("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", Role::ForeignLayer),
            ("application/vnd.oci.image.layer.nondistributable.v1.tar+zstd", Role::ForeignLayer),
            ("application/vnd.oci.image.layer.v1.tar+gzip", Role::Layer),
            ("application/vnd.docker.image.rootfs.diff.tar.gzip", Role::Layer),
            ("application/vnd.cncf.helm.chart.content.v1.tar+gzip", Role::Unknown),
        ] {
            assert_eq!(MediaType::new(text).role(), role, "{text}");
        }
    }
}
