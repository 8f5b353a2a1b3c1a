//! References: `registry/repository[:tag][@digest]`.
use std::{fmt, str::FromStr};

use crate::{
    Digest, ParseError, ParseErrorKind, Registry, RepositoryName, Tag,
    error::{Flaw, is_digest},
};

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
    pub fn familiar(text: &str) -> Result<Self, ParseError> {
        Self::parse_familiar(text).map_err(|flaw| flaw.of(text))
    }

    pub(crate) fn parse_familiar(text: &str) -> Result<Self, Flaw> {
        let parts = Parts::cut(text)?;
        match parts.registry {
            Some(registry) => parts.below(Registry::parse(registry)?, registry.len().saturating_add(1)),
            None if is_image_id(text) => Err(Flaw::new(0, ParseErrorKind::ImageId)),
            None => parts.below(Registry::docker_hub(), 0),
        }
    }

    pub(crate) fn parse(text: &str) -> Result<Self, Flaw> {
        let parts = Parts::cut(text)?;
        let registry = parts.registry.ok_or(Flaw::new(0, ParseErrorKind::NoRegistry))?;
        parts.below(Registry::parse(registry)?, registry.len().saturating_add(1))
    }
}

impl FromStr for Reference {
    type Err = ParseError;

    /// Reads a full reference; a name without a registry host is refused.
    fn from_str(text: &str) -> Result<Self, ParseError> {
        Self::parse(text).map_err(|flaw| flaw.of(text))
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

/// A reference cut at its separators, nothing checked yet.
#[derive(Clone, Copy)]
struct Parts<'a> {
    registry: Option<&'a str>,
    repository: &'a str,
    tag: Option<&'a str>,
    digest: Option<&'a str>,
}

impl<'a> Parts<'a> {
    fn cut(text: &'a str) -> Result<Self, Flaw> {
        if text.is_empty() {
            return Err(Flaw::new(0, ParseErrorKind::Empty));
        }
        if has_scheme(text) {
            return Err(Flaw::new(0, ParseErrorKind::Scheme));
        }
        let (name, digest) = split_once_or_all(text, '@');
        if digest.is_some_and(|after| is_login(name, after)) {
            return Err(Flaw::new(0, ParseErrorKind::UserInfo));
        }
        let (registry, rest) = match name.split_once('/') {
            Some((first, rest)) if Registry::looks_like(first) => (Some(first), rest),
            // `[::1]:5000` can only be a host; `host:5000` may be a repository and its tag.
            None if name.starts_with('[') => return Err(Flaw::new(name.len(), ParseErrorKind::NoRepository)),
            _ => (None, name),
        };
        if registry.is_some() && rest.is_empty() {
            return Err(Flaw::new(name.len(), ParseErrorKind::NoRepository));
        }
        let (repository, tag) = split_once_or_all(rest, ':');
        Ok(Self { registry, repository, tag, digest })
    }

    /// Checks everything below the registry; `start` is where the repository begins.
    fn below(self, registry: Registry, start: usize) -> Result<Reference, Flaw> {
        let mut repository = RepositoryName::parse(self.repository).map_err(|flaw| flaw.within(start))?;
        if registry.is_docker_hub() {
            repository = repository.in_library().map_err(|flaw| flaw.within(start))?;
        }
        let behind = |flaw: Flaw| flaw.behind(self.repository).within(start);
        let tag = self.tag.map(|tag| Tag::parse(tag).map_err(behind)).transpose()?;
        let behind = |flaw: Flaw| behind(self.tag.map_or(flaw, |tag| flaw.behind(tag)));
        let digest = self.digest.map(|text| Digest::parse(text).map_err(behind)).transpose()?;
        Ok(Reference { registry, repository, tag, digest })
    }
}

fn split_once_or_all(text: &str, separator: char) -> (&str, Option<&str>) {
    text.split_once(separator).map_or((text, None), |(before, after)| (before, Some(after)))
}

/// Whether an `@` stands behind a user name and not before a digest: it has a path after it, or, in
/// `user:password@host`, a host.
fn is_login(before: &str, after: &str) -> bool {
    let port = |text: &str| (1..=5).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_port = after.rsplit_once(':').is_some_and(|(_, text)| port(text));
    let is_host = !is_digest(after) && (after == "localhost" || after.contains('.') || is_port);
    after.contains('/') || (is_host && before.contains(':') && !before.contains('/'))
}

/// Whether a URL was written where a name belongs.
pub(crate) fn has_scheme(text: &str) -> bool {
    let scheme = text.split("://").next().filter(|scheme| scheme.len() < text.len());
    scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https"))
}

fn is_image_id(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}
