//! Destinations of an import: `repository[:tag]`, without registry and digest.
use std::{fmt, str::FromStr};

use crate::{ParseError, RepositoryName, Tag};

/// One entry of `targetTags`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Destination {
    /// The repository at the target.
    pub repository: RepositoryName,
    /// The tag; when omitted, the source's tag is used, or `latest`.
    pub tag: Option<Tag>,
}

impl FromStr for Destination {
    type Err = ParseError;
    fn from_str(_text: &str) -> Result<Self, ParseError> {
        todo!()
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.repository)?;
        match &self.tag {
            Some(tag) => write!(f, ":{tag}"),
            None => Ok(()),
        }
    }
}
