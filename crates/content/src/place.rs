//! Places: where content is kept, precisely enough to know when two sides are one.
use std::fmt;

use reference::RepositoryName;

/// A repository at a registry, or a layout directory.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Place {
    origin: String,
    shown: String,
    repository: Option<RepositoryName>,
}

impl Place {
    /// `origin` is equal for two places exactly when they share one blob store and one API: `https://host:port`
    /// for a registry, `oci:` and the canonical path for a layout. `shown` is what users read in messages.
    pub fn new(
        origin: impl Into<String>,
        shown: impl Into<String>,
        repository: Option<RepositoryName>,
    ) -> Self {
        Self { origin: origin.into(), shown: shown.into(), repository }
    }

    /// The registry or layout, without the repository.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The repository, where the place has one.
    pub fn repository(&self) -> Option<&RepositoryName> {
        self.repository.as_ref()
    }

    /// Whether it is on this machine's disk, where all repositories have their blobs in common.
    pub fn is_local(&self) -> bool {
        !self.origin.contains("://")
    }

    /// Whether both places are one registry or one layout, so that blobs can be mounted between them.
    pub fn shares_origin(&self, other: &Self) -> bool {
        self.origin == other.origin
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}
