//! Cases: what is said of an image at a destination, and what helps where it is not so.
use std::{fmt, sync::Arc};

use content::{Source, Version};
use copier::{Platforms, Referrers};
use reference::Digest;

/// One image at one destination.
#[derive(Clone)]
pub struct Case {
    /// The destination, as users read it.
    pub name: String,
    /// Where it is.
    pub place: Arc<dyn Source>,
    /// Which manifest of that place.
    pub version: Version,
    /// What its root is to be.
    pub expected: Expected,
    /// Whether what is about it is looked at too; not when only roots are compared.
    pub referrers: Referrers,
    /// What to do where it is not so.
    pub remedies: Remedies,
}

/// What the root of an image is said to be.
#[derive(Clone)]
pub enum Expected {
    /// Nothing is said: whatever it is, it is to be whole.
    Whole,
    /// This digest.
    Digest {
        /// The digest.
        digest: Digest,
        /// Who says so: `the receipt mirror.jsonl`.
        said_by: String,
    },
    /// What a source has now.
    Source {
        /// Where that is read.
        source: Arc<dyn Source>,
        /// Which manifest of the source.
        version: Version,
        /// Of which platforms a copy would have been made.
        platforms: Platforms,
        /// The source, as users read it.
        name: String,
    },
}

/// What to do about an image that is not as it should be, each a command or a clause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remedies {
    /// Where the root is missing, or another one.
    pub copy: String,
    /// Where the root is right, and something below it is missing.
    pub repair: String,
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Case")
            .field("name", &self.name)
            .field("version", &self.version)
            .field("expected", &self.expected)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole => f.write_str("Whole"),
            Self::Digest { digest, said_by } => write!(f, "{digest}, by {said_by}"),
            Self::Source { name, .. } => f.write_str(name),
        }
    }
}
