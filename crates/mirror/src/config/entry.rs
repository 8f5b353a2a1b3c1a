//! One entry of a configuration.
use std::path::PathBuf;

use content::Platform;
use globset::GlobMatcher;
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use reference::{LayoutForm, Registry, Tag};
use serde_saphyr::Spanned;

use super::{
    Defaults, Facts, Flaw, Spot, Template,
    raw::{RawEntry, RawImmutable, RawPattern},
};
use crate::{Name, Pattern, Site, pattern::glob};

/// One entry of `images`.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Where it stands.
    pub spot: Spot,
    /// Where images come from.
    pub from: Origin,
    /// Which tags are meant; none where `from` names one image, or is a layout of which all is meant.
    pub tags: Vec<Pattern>,
    /// Which are not, whatever `tags` says.
    pub exclude: Vec<Pattern>,
    /// How many of those that patterns found, the newest first.
    pub newest: Option<usize>,
    /// When those that patterns found must have been made, or later.
    pub since: Option<Timestamp>,
    /// Tags that never move.
    pub immutable: Vec<Pattern>,
    /// Which platforms, where not all; an index that has others too is made anew of these.
    pub platforms: Vec<String>,
    /// Whether what is about an image goes along: referrers, and what cosign keeps under tags.
    pub referrers: bool,
    /// Where they go.
    pub to: Template,
}

/// What `from` names.
#[derive(Debug, Clone)]
pub enum Origin {
    /// One image, by tag or digest.
    Image(Name),
    /// A repository.
    Repository(Site),
    /// The repositories of a registry that match.
    Registry {
        /// Which registry.
        registry: Registry,
        /// Globs; one must match.
        repositories: Vec<GlobMatcher>,
    },
    /// The entries of a layout whose repositories match, or all.
    Layout {
        /// What it is kept in.
        form: LayoutForm,
        /// Its directory, or its file.
        path: PathBuf,
        /// Globs; without any, all entries.
        repositories: Vec<GlobMatcher>,
    },
}

impl Entry {
    pub(super) fn read(raw: &Spanned<RawEntry>, defaults: &Defaults<'_>) -> Result<Self, Flaw> {
        let spot = Spot::from(raw.referenced);
        let raw = &raw.value;
        let from = origin(raw)?;
        let tags = match (&raw.tags, &from) {
            (Some(tags), Origin::Image(_)) => {
                let remedy = "leave `tags` out, or the tag or digest of `from`";
                return Err(Flaw::new(tags.referenced.into(), "`from` names one image already", remedy));
            }
            (Some(tags), _) if tags.value.is_empty() => {
                return Err(Flaw::new(tags.referenced.into(), "no tag is named", SOME_TAGS));
            }
            (Some(tags), _) => patterns(&tags.value, !matches!(from, Origin::Layout { .. }))?,
            (None, Origin::Image(_) | Origin::Layout { .. }) => Vec::new(),
            (None, _) => return Err(Flaw::new(raw.from.referenced.into(), "no tag is named", SOME_TAGS)),
        };
        let to = raw.to.as_ref().or(defaults.to);
        let to =
            to.ok_or_else(|| Flaw::new(spot, "no destination is named", "add `to:` here, or for all"))?;
        let template = Template::read(&to.value);
        let template = template.map_err(|what| Flaw::new(to.referenced.into(), what, A_DESTINATION))?;
        let entry = Self {
            spot,
            from,
            tags,
            exclude: patterns(raw.exclude.as_deref().unwrap_or_default(), false)?,
            newest: raw.newest.as_ref().map(newest).transpose()?,
            since: raw.since.as_ref().map(since).transpose()?,
            immutable: immutable(raw.immutable.as_ref().or(defaults.immutable))?,
            platforms: platforms(raw.platforms.as_deref().or(defaults.platforms).unwrap_or_default())?,
            referrers: raw.referrers.unwrap_or(defaults.referrers),
            to: template,
        };
        entry.try_destination(to.referenced.into())?;
        Ok(entry)
    }

    /// What the destination makes of an image as the entry names it, so that a name which cannot be is found now.
    fn try_destination(&self, to: Spot) -> Result<(), Flaw> {
        let example: Result<reference::RepositoryName, _> = "team/app".parse();
        let tried = match &self.from {
            Origin::Image(name) => crate::item::destination(&self.to, name),
            Origin::Repository(Site::Repository { repository, registry }) => {
                let facts = Facts {
                    registry: Some(registry),
                    repository: Some(repository),
                    tag: Some("latest"),
                    digest: None,
                };
                self.to.fill(facts)
            }
            Origin::Registry { registry, .. } => {
                let repository = example.as_ref().ok();
                let facts = Facts { registry: Some(registry), repository, tag: Some("latest"), digest: None };
                self.to.fill(facts)
            }
            Origin::Layout { .. } | Origin::Repository(Site::Layout { .. }) => return Ok(()),
        };
        tried.map(drop).map_err(|what| Flaw::new(to, what, A_DESTINATION))
    }

    /// Whether a tag never moves.
    pub fn is_immutable(&self, tag: &str) -> bool {
        self.immutable.iter().any(|pattern| pattern.matches(tag))
    }
}

const SOME_TAGS: &str = "add `tags:`, such as `[latest, \"v1.*\"]`, or `[\"*\"]` for all of them";
const A_DESTINATION: &str =
    "a destination is HOST/PREFIX, oci:DIR, or a whole name such as HOST/{repository}:{tag}";

fn origin(raw: &RawEntry) -> Result<Origin, Flaw> {
    let (text, spot) = (raw.from.value.as_str(), Spot::from(raw.from.referenced));
    let repositories = match &raw.repositories {
        Some(globs) if globs.value.is_empty() => {
            let remedy = "name some, such as `[\"team/**\"]`, or `[\"**\"]` for all of them";
            return Err(Flaw::new(globs.referenced.into(), "no repository is named", remedy));
        }
        Some(globs) => Some(self::globs(&globs.value)?),
        None => None,
    };
    let one_already = |spot: Spot| {
        let remedy = "leave `repositories` out, or name only the registry, or the layout, in `from`";
        Err(Flaw::new(spot, "`from` names a repository already", remedy))
    };
    if let (Some(repositories), Ok(registry)) = (&repositories, text.parse::<Registry>()) {
        return Ok(Origin::Registry { registry, repositories: repositories.clone() });
    }
    let name = match text.parse::<Name>() {
        Ok(name) => name,
        Err(_) if text.parse::<Registry>().is_ok() && !text.contains('/') => {
            let remedy = "add `repositories:`, such as `[\"team/**\"]`, or a repository to `from`";
            return Err(Flaw::new(spot, "this names a whole registry", remedy));
        }
        Err(why) => return Err(Flaw::new(spot, why.to_string(), why.hint().unwrap_or(A_SOURCE))),
    };
    match (name.site.clone(), repositories, name.name.is_some() || name.digest.is_some()) {
        (_, None, true) => Ok(Origin::Image(name)),
        (Site::Layout { form, path }, repositories, false) => {
            Ok(Origin::Layout { form, path, repositories: repositories.unwrap_or_default() })
        }
        (site @ Site::Repository { .. }, None, false) => Ok(Origin::Repository(site)),
        (_, Some(_), _) => {
            one_already(raw.repositories.as_ref().map_or(spot, |globs| globs.referenced.into()))
        }
    }
}

const A_SOURCE: &str =
    "a source is HOST/REPOSITORY[:TAG][@DIGEST], a HOST with `repositories`, or oci:DIR[:REF]";

fn globs(texts: &[Spanned<String>]) -> Result<Vec<GlobMatcher>, Flaw> {
    let read = |text: &Spanned<String>| {
        glob(&text.value).map_err(|what| {
            let remedy = "`*` stands for a part of a name, `**` for any number of parts";
            Flaw::new(text.referenced.into(), what, remedy)
        })
    };
    texts.iter().map(read).collect()
}

/// Patterns; where they are `tags` of a registry, literals have to be such.
fn patterns(raw: &[Spanned<RawPattern>], are_tags: bool) -> Result<Vec<Pattern>, Flaw> {
    let read = |raw: &Spanned<RawPattern>| {
        let spot = Spot::from(raw.referenced);
        let pattern = match &raw.value {
            RawPattern::Plain(text) => Pattern::plain(text)
                .map_err(|what| (what, "`*` and `?` stand for others, `{a,b}` for either")),
            RawPattern::Regex(text) => Pattern::regex(text).map_err(|what| (what, "\"^v[0-9.]+$\" is one")),
            RawPattern::Semver(text) => Pattern::semver(text).map_err(|what| (what, "\">=3.18, <4\" is one")),
        };
        let pattern = pattern.map_err(|(what, remedy)| Flaw::new(spot, what, remedy))?;
        if let Some(Err(why)) = pattern.literal().filter(|_| are_tags).map(str::parse::<Tag>) {
            let remedy = why.hint().unwrap_or("a tag has letters, digits, `_`, `.` and `-`");
            return Err(Flaw::new(spot, format!("`{pattern}` is no tag: {why}"), remedy));
        }
        Ok(pattern)
    };
    raw.iter().map(read).collect()
}

fn immutable(raw: Option<&RawImmutable>) -> Result<Vec<Pattern>, Flaw> {
    match raw {
        None | Some(RawImmutable::All(false)) => Ok(Vec::new()),
        Some(RawImmutable::All(true)) => Ok(Pattern::plain("**").into_iter().collect()),
        Some(RawImmutable::These(these)) => patterns(these, false),
    }
}

/// Platforms, as they are written.
fn platforms(raw: &[Spanned<String>]) -> Result<Vec<String>, Flaw> {
    let read = |raw: &Spanned<String>| match raw.value.parse::<Platform>() {
        Ok(platform) => Ok(platform.to_string()),
        Err(why) => {
            let what = format!("`{}` is no platform: {why}", raw.value);
            Err(Flaw::new(raw.referenced.into(), what, "write OS/ARCH or OS/ARCH/VARIANT, as linux/amd64"))
        }
    };
    raw.iter().map(read).collect()
}

fn newest(raw: &Spanned<u64>) -> Result<usize, Flaw> {
    let number = usize::try_from(raw.value).unwrap_or(usize::MAX);
    if number == 0 {
        let remedy = "1 or more; without `newest` all of them are meant";
        return Err(Flaw::new(raw.referenced.into(), "the newest 0 are none", remedy));
    }
    Ok(number)
}

/// A day, from its beginning in UTC, or an instant.
fn since(raw: &Spanned<String>) -> Result<Timestamp, Flaw> {
    let text = raw.value.as_str();
    let day = |date: Date| date.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp());
    let read = text.parse::<Timestamp>().ok().or_else(|| day(text.parse::<Date>().ok()?));
    read.ok_or_else(|| {
        let remedy = "write a day, 2026-01-01, or an instant, 2026-01-01T12:00:00Z";
        Flaw::new(raw.referenced.into(), format!("`{text}` is no date"), remedy)
    })
}
