//! Repository names: the path below a registry.
use std::{fmt, str::FromStr};

use crate::{ParseError, ParseErrorKind, error::Flaw};

/// The longest repository name, in characters.
const MAX: usize = 255;

/// Lower-case path components joined by `/`, at most 255 characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RepositoryName(Box<str>);

impl RepositoryName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl RepositoryName {
    /// Reads the path below a registry.
    pub(crate) fn parse(text: &str) -> Result<Self, Flaw> {
        let mut start = 0;
        for component in text.split('/') {
            check(component).map_err(|flaw| flaw.within(start))?;
            start = start.saturating_add(component.len()).saturating_add(1);
        }
        if text.len() > MAX {
            return Err(Flaw::new(MAX, ParseErrorKind::RepositoryTooLong));
        }
        Ok(Self(text.into()))
    }

    /// Docker Hub's official images: a single component stands below `library/`.
    pub(crate) fn in_library(self) -> Result<Self, Flaw> {
        if self.0.contains('/') {
            return Ok(self);
        }
        let full = format!("library/{}", self.0);
        if full.len() > MAX {
            return Err(Flaw::new(self.0.len(), ParseErrorKind::RepositoryTooLong));
        }
        Ok(Self(full.into()))
    }
}

/// Letters and digits, with separators only between them: `.`, `_`, `__`, or any number of hyphens.
fn check(component: &str) -> Result<(), Flaw> {
    if component.is_empty() {
        return Err(Flaw::new(0, ParseErrorKind::EmptyComponent));
    }
    // The separators since the last letter or digit; at the beginning there must be none.
    let mut run = 0;
    for (at, character) in component.char_indices() {
        match character {
            'a'..='z' | '0'..='9' => run = at.saturating_add(1),
            '.' | '_' | '-' => {
                let separator = component.get(run..=at).unwrap_or_default();
                if run == 0 || !is_separator(separator) {
                    return Err(Flaw::new(at, ParseErrorKind::Separator));
                }
            }
            'A'..='Z' => return Err(Flaw::new(at, ParseErrorKind::UpperCase)),
            _ => return Err(Flaw::new(at, ParseErrorKind::RepositoryCharacter)),
        }
    }
    if run < component.len() {
        return Err(Flaw::new(run, ParseErrorKind::Separator));
    }
    Ok(())
}

fn is_separator(text: &str) -> bool {
    matches!(text, "." | "_" | "__") || text.bytes().all(|byte| byte == b'-')
}

impl FromStr for RepositoryName {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        Self::parse(text).map_err(|flaw| flaw.of(text))
    }
}

impl fmt::Display for RepositoryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
