//! Destinations of an import: `repository[:tag]`, without registry and digest.
use std::{fmt, str::FromStr};

use crate::{ParseError, ParseErrorKind, Registry, RepositoryName, Tag, error::Flaw, reference::has_scheme};

/// One entry of `targetTags`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Destination {
    /// The repository at the target.
    pub repository: RepositoryName,
    /// The tag; when omitted, the source's tag is used, or `latest`.
    pub tag: Option<Tag>,
}

impl Destination {
    fn parse(text: &str) -> Result<Self, Flaw> {
        if text.is_empty() {
            return Err(Flaw::new(0, ParseErrorKind::Empty));
        }
        if has_scheme(text) {
            return Err(Flaw::new(0, ParseErrorKind::Scheme));
        }
        if text.split_once('/').is_some_and(|(first, _)| Registry::looks_like(first)) {
            return Err(Flaw::new(0, ParseErrorKind::DestinationRegistry));
        }
        if let Some(at) = text.find('@') {
            return Err(Flaw::new(at, ParseErrorKind::DestinationDigest));
        }
        let Some((repository, tag)) = text.split_once(':') else {
            return Ok(Self { repository: RepositoryName::parse(text)?, tag: None });
        };
        let name = RepositoryName::parse(repository)?;
        let tag = Tag::parse(tag).map_err(|flaw| flaw.behind(repository))?;
        Ok(Self { repository: name, tag: Some(tag) })
    }
}

impl FromStr for Destination {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        Self::parse(text).map_err(|flaw| flaw.of(text))
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
