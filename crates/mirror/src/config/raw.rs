//! The configuration as it is written: texts, and where each stands.
//!
//! `docs/mirror.schema.json` says the same to editors; a test holds the two together.
use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{EnumAccess, Error as _, SeqAccess, VariantAccess, Visitor},
};
use serde_saphyr::{Location, MessageFormatter, Spanned, UserMessageFormatter, options};

use super::{Flaw, Spot};

/// The whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawConfig {
    pub(crate) version: Spanned<u64>,
    pub(crate) to: Option<Spanned<String>>,
    pub(crate) immutable: Option<RawImmutable>,
    pub(crate) platforms: Option<Vec<Spanned<String>>>,
    pub(crate) referrers: Option<bool>,
    pub(crate) images: Spanned<Vec<Spanned<RawEntry>>>,
}

/// One entry of `images`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawEntry {
    pub(crate) from: Spanned<String>,
    pub(crate) repositories: Option<Spanned<Vec<Spanned<String>>>>,
    pub(crate) tags: Option<Spanned<Vec<Spanned<RawPattern>>>>,
    pub(crate) exclude: Option<Vec<Spanned<RawPattern>>>,
    pub(crate) newest: Option<Spanned<u64>>,
    pub(crate) since: Option<Spanned<String>>,
    pub(crate) immutable: Option<RawImmutable>,
    pub(crate) platforms: Option<Vec<Spanned<String>>>,
    pub(crate) referrers: Option<bool>,
    pub(crate) to: Option<Spanned<String>>,
}

/// A tag, or what tags look like.
#[derive(Debug)]
pub(crate) enum RawPattern {
    /// A literal, or a glob.
    Plain(String),
    /// `{regex: "^v"}`.
    Regex(String),
    /// `{semver: ">=3.18, <4"}`.
    Semver(String),
}

/// `true`, or a list of patterns.
#[derive(Debug)]
pub(crate) enum RawImmutable {
    All(bool),
    These(Vec<Spanned<RawPattern>>),
}

/// The keys of a pattern that is no plain text.
pub(crate) const PATTERN_KEYS: [&str; 2] = ["regex", "semver"];

impl RawConfig {
    /// Reads YAML; JSON is YAML too.
    pub(crate) fn read(text: &str) -> Result<Self, Flaw> {
        let options = options! { with_snippet: false };
        serde_saphyr::from_str_with_options(text, options).map_err(|why| {
            let why = why.without_snippet();
            let spot = why.location().map(Spot::from).unwrap_or_default();
            Flaw::new(spot, what(why), remedy(why))
        })
    }
}

/// What does not fit, in one clause.
fn what(why: &serde_saphyr::Error) -> String {
    if let serde_saphyr::Error::SerdeUnknownField { field, .. } = why {
        return format!("unknown field `{field}`");
    }
    let said = UserMessageFormatter.format_message(why);
    said.lines().next().unwrap_or_default().trim().to_owned()
}

/// What to write instead of YAML that does not fit.
fn remedy(why: &serde_saphyr::Error) -> String {
    match why {
        serde_saphyr::Error::SerdeUnknownField { expected, .. } => {
            format!("the fields here are {}", expected.join(", "))
        }
        serde_saphyr::Error::SerdeMissingField { field, .. } => format!("add `{field}:`"),
        serde_saphyr::Error::DuplicateMappingKey { .. } => "write it once".to_owned(),
        _ => "`transship mirror --schema` prints what a configuration may hold".to_owned(),
    }
}

impl From<Location> for Spot {
    fn from(location: Location) -> Self {
        Self { line: location.line(), column: location.column() }
    }
}

/// Read as an enum, and not as whatever the YAML looks like: `3.20` is a tag, and no number.
impl<'de> Deserialize<'de> for RawPattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_enum("pattern", &PATTERN_KEYS, PatternVisitor)
    }
}

const PATTERN: &str = "a tag, a glob, {regex: ...} or {semver: ...}";

struct PatternVisitor;

impl<'de> Visitor<'de> for PatternVisitor {
    type Value = RawPattern;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(PATTERN)
    }

    fn visit_enum<A: EnumAccess<'de>>(self, access: A) -> Result<RawPattern, A::Error> {
        let (name, rest) = access.variant::<String>()?;
        match name.as_str() {
            "regex" => rest.newtype_variant().map(RawPattern::Regex),
            "semver" => rest.newtype_variant().map(RawPattern::Semver),
            _ => match rest.unit_variant() {
                Ok(()) => Ok(RawPattern::Plain(name)),
                Err(_) => Err(A::Error::custom(format!("`{name}` is no kind of pattern: {PATTERN}"))),
            },
        }
    }
}

impl<'de> Deserialize<'de> for RawImmutable {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ImmutableVisitor)
    }
}

struct ImmutableVisitor;

impl<'de> Visitor<'de> for ImmutableVisitor {
    type Value = RawImmutable;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("true, false, or a list of tags and patterns")
    }

    fn visit_bool<E>(self, all: bool) -> Result<RawImmutable, E> {
        Ok(RawImmutable::All(all))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<RawImmutable, A::Error> {
        let mut these = Vec::new();
        while let Some(next) = list.next_element()? {
            these.push(next);
        }
        Ok(RawImmutable::These(these))
    }
}
