//! Patterns: which tags are meant.
use std::fmt;

use globset::{GlobBuilder, GlobMatcher};
use regex::Regex;
use semver::VersionReq;

use crate::version;

/// What a tag has to be, or to look like.
#[derive(Debug, Clone)]
pub enum Pattern {
    /// This one; nobody has to be asked whether there is such a tag.
    Literal(String),
    /// `3.*`, `{alpine,debian}-*`.
    Glob(GlobMatcher),
    /// A regular expression that matches some part of it.
    Regex(Regex),
    /// A range of versions; `v1.2` is read as `1.2.0`.
    Semver(VersionReq),
}

impl Pattern {
    /// A literal, or a glob where it has characters that no tag has.
    ///
    /// # Errors
    /// What is wrong with it, in one clause.
    pub fn plain(text: &str) -> Result<Self, String> {
        if text.contains(['*', '?', '[', '{']) {
            return glob(text).map(Self::Glob);
        }
        Ok(Self::Literal(text.to_owned()))
    }

    /// A regular expression.
    ///
    /// # Errors
    /// What is wrong with it, in one clause.
    pub fn regex(text: &str) -> Result<Self, String> {
        let last = |why: &regex::Error| why.to_string().lines().last().unwrap_or_default().to_owned();
        let read =
            Regex::new(text).map_err(|why| format!("`{text}` is no regular expression: {}", last(&why)));
        read.map(Self::Regex)
    }

    /// A range of versions, as Cargo writes it.
    ///
    /// # Errors
    /// What is wrong with it, in one clause.
    pub fn semver(text: &str) -> Result<Self, String> {
        let read = VersionReq::parse(text).map_err(|why| format!("`{text}` is no range of versions: {why}"));
        read.map(Self::Semver)
    }

    /// Whether the tag is meant.
    pub fn matches(&self, tag: &str) -> bool {
        match self {
            Self::Literal(text) => text == tag,
            Self::Glob(glob) => glob.is_match(tag),
            Self::Regex(regex) => regex.is_match(tag),
            Self::Semver(range) => version::read(tag).is_some_and(|version| range.matches(&version)),
        }
    }

    /// The tag, where it is only one.
    pub fn literal(&self) -> Option<&str> {
        match self {
            Self::Literal(text) => Some(text),
            _ => None,
        }
    }
}

/// A glob. `*` stays within one part of a repository's name, `**` does not; a tag is one part.
pub(crate) fn glob(text: &str) -> Result<GlobMatcher, String> {
    let built = GlobBuilder::new(text).literal_separator(true).build();
    built.map(|glob| glob.compile_matcher()).map_err(|why| format!("`{text}` is no glob: {}", why.kind()))
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Literal(text) => f.write_str(text),
            Self::Glob(glob) => f.write_str(glob.glob().glob()),
            Self::Regex(regex) => write!(f, "regex {regex}"),
            Self::Semver(range) => write!(f, "semver {range}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_means_what_it_looks_like() {
        for (pattern, yes, no) in [
            (Pattern::plain("3.22"), "3.22", "3.220"),
            (Pattern::plain("3.2*"), "3.22", "3.1"),
            (Pattern::plain("{a,b}-?"), "a-1", "c-1"),
            (Pattern::regex("^v[0-9.]+$"), "v1.2", "v1.2-rc1"),
            (Pattern::semver(">=3.18, <4"), "v3.18", "4.0.0"),
            (Pattern::semver("^1.2"), "1.9.3", "1.9.3-rc1"),
        ] {
            let pattern = pattern.unwrap();
            assert!(pattern.matches(yes), "{pattern} {yes}");
            assert!(!pattern.matches(no), "{pattern} {no}");
        }
    }

    #[test]
    fn a_star_stays_within_one_part_of_a_repository() {
        assert!(!glob("team/*").unwrap().is_match("team/a/b"));
        assert!(glob("team/**").unwrap().is_match("team/a/b"));
    }

    #[test]
    fn what_is_wrong_with_a_pattern_is_said_in_one_line() {
        for why in [Pattern::plain("[a"), Pattern::regex("(v"), Pattern::semver("3.x.y.z")] {
            let why = why.unwrap_err();
            assert!(why.contains("is no ") && !why.contains('\n'), "{why}");
        }
    }
}
