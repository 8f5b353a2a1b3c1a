//! Tags, and the wider names that a layout allows.
use std::{fmt, str::FromStr};

use crate::{ParseError, ParseErrorKind, RepositoryName, error::Flaw};

/// The longest tag, in characters.
const MAX_TAG: usize = 128;

/// A tag: `[A-Za-z0-9_][A-Za-z0-9._-]{0,127}`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tag(Box<str>);

impl Tag {
    /// `latest`.
    pub fn latest() -> Self {
        Self("latest".into())
    }

    /// The tag as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Tag {
    pub(crate) fn parse(text: &str) -> Result<Self, Flaw> {
        let fits = |(at, c): &(usize, char)| match c {
            'A'..='Z' | 'a'..='z' | '0'..='9' | '_' => true,
            '.' | '-' => *at > 0,
            _ => false,
        };
        if text.is_empty() {
            return Err(Flaw::new(0, ParseErrorKind::EmptyTag));
        }
        if let Some((at, _)) = text.char_indices().find(|next| !fits(next)) {
            return Err(Flaw::new(at, ParseErrorKind::TagCharacter));
        }
        if text.len() > MAX_TAG {
            return Err(Flaw::new(MAX_TAG, ParseErrorKind::TagTooLong));
        }
        Ok(Self(text.into()))
    }
}

impl FromStr for Tag {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        Self::parse(text).map_err(|flaw| flaw.of(text))
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a manifest is called where it is kept: a tag at a registry, any ref name in a layout.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RefName(Box<str>);

impl RefName {
    /// A name from free text, as `org.opencontainers.image.ref.name` holds it.
    pub fn new(text: impl Into<Box<str>>) -> Self {
        Self(text.into())
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What registries would call it: `repository:tag` gives both, a tag alone no repository, and any other text
    /// nothing. A host with a port is left out, as podman writes it: no repository can be called so.
    pub fn in_parts(&self) -> Option<(Option<RepositoryName>, Tag)> {
        if let Ok(tag) = self.0.parse() {
            return Some((None, tag));
        }
        let name = match self.0.split_once('/') {
            Some((host, rest)) if host.contains(':') => rest,
            _ => &self.0,
        };
        let (repository, tag) = name.rsplit_once(':')?;
        Some((Some(repository.parse().ok()?), tag.parse().ok()?))
    }
}

impl From<Tag> for RefName {
    fn from(tag: Tag) -> Self {
        Self(tag.0)
    }
}

impl fmt::Display for RefName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
