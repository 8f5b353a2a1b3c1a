//! References: `registry/repository[:tag][@digest]`.
use std::{fmt, str::FromStr};

use crate::{Digest, ParseError, Registry, RepositoryName, Tag};

/// A name of an image at a registry. Tag and digest may both be there: the digest is read, the tag is kept.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Reference {
    /// Where it is.
    pub registry: Registry,
    /// Which repository.
    pub repository: RepositoryName,
    /// The tag, when one was written.
    pub tag: Option<Tag>,
    /// The digest, when one was written.
    pub digest: Option<Digest>,
}

impl Reference {
    /// Reads Docker's short names too: `alpine` is `docker.io/library/alpine`.
    pub fn familiar(_text: &str) -> Result<Self, ParseError> {
        todo!()
    }
}

impl FromStr for Reference {
    type Err = ParseError;
    /// Reads a full reference; a name without a registry host is refused.
    fn from_str(_text: &str) -> Result<Self, ParseError> {
        todo!()
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.registry, self.repository)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}
