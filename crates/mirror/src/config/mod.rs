//! The configuration of a mirror: what is to be where.
mod check;
mod entry;
mod error;
mod raw;
#[cfg(test)]
mod schema_tests;
mod template;
#[cfg(test)]
mod tests;

pub use entry::{Entry, Origin};
pub use error::{ConfigError, Spot};
pub use template::{Facts, Template};

pub(crate) use error::Flaw;

use raw::RawConfig;

/// A configuration that was read and makes sense, as far as that can be known without asking anybody.
#[derive(Debug, Clone)]
pub struct Config {
    /// The file, as it was named.
    pub file: String,
    /// What is to be mirrored, in the order of the file.
    pub entries: Vec<Entry>,
}

/// What entries have that say nothing of their own.
#[derive(Debug)]
struct Defaults<'a> {
    to: Option<&'a serde_saphyr::Spanned<String>>,
    immutable: Option<&'a raw::RawImmutable>,
    platforms: Option<&'a [serde_saphyr::Spanned<String>]>,
    referrers: bool,
}

/// The version of the form that a configuration has.
const VERSION: u64 = 1;

impl Config {
    /// Reads the text of `file`.
    ///
    /// # Errors
    /// What does not follow the form, patterns and templates that make no sense, two images for one destination, and
    /// mirrors that lead back to where they began: each with its line and column, and a remedy.
    pub fn read(text: &str, file: &str) -> Result<Self, ConfigError> {
        let entries = entries(text).map_err(|flaw| flaw.of(file))?;
        check::all(&entries).map_err(|flaw| flaw.of(file))?;
        Ok(Self { file: file.to_owned(), entries })
    }
}

fn entries(text: &str) -> Result<Vec<Entry>, Flaw> {
    let raw = RawConfig::read(text)?;
    if raw.version.value != VERSION {
        let what = format!("this program knows version {VERSION} of the form, not {}", raw.version.value);
        return Err(Flaw::new(raw.version.referenced.into(), what, format!("write `version: {VERSION}`")));
    }
    if raw.images.value.is_empty() {
        let remedy = "name an image: `- from: docker.io/library/alpine:3.22`";
        return Err(Flaw::new(raw.images.referenced.into(), "there is nothing to mirror", remedy));
    }
    let defaults = Defaults {
        to: raw.to.as_ref(),
        immutable: raw.immutable.as_ref(),
        platforms: raw.platforms.as_deref(),
        referrers: raw.referrers.unwrap_or_default(),
    };
    raw.images.value.iter().map(|entry| Entry::read(entry, &defaults)).collect()
}
