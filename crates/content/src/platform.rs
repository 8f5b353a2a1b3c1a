//! Platforms: what an image runs on (image-spec, "Image Index", `platform`).
use std::{fmt, str::FromStr};

use serde_json::Value;

/// An operating system, an architecture and, for some, its variant: `linux/amd64`, `linux/arm/v7`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Platform {
    /// The operating system, as Go calls it.
    pub os: String,
    /// The architecture, as Go calls it.
    pub architecture: String,
    /// The variant of the architecture.
    pub variant: Option<String>,
}

/// The most characters of one part.
const MAX_PART: usize = 64;

impl Platform {
    /// Reads a `platform`, or an image config, which has the same fields. `None` where there are none, and for
    /// `unknown/unknown`, by which builders call what is no image.
    pub fn from_json(value: &Value) -> Option<Self> {
        let text = |key: &str| value.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
        let (os, architecture) = (text("os")?, text("architecture")?);
        if (os, architecture) == ("unknown", "unknown") {
            return None;
        }
        let variant = text("variant").map(str::to_owned);
        Some(Self { os: os.to_owned(), architecture: architecture.to_owned(), variant })
    }

    /// Reads an image config; `None` where it does not say.
    pub fn of_config(config: &[u8]) -> Option<Self> {
        Self::from_json(&serde_json::from_slice(config).ok()?)
    }

    /// Whether whoever chose this platform means an image for `other`: a variant that is not named is any, and the
    /// first variant of 64-bit ARM often goes without saying.
    pub fn takes(&self, other: &Self) -> bool {
        let variant = match (self.variant.as_deref(), other.variant.as_deref()) {
            (None, _) => true,
            (Some("v8"), None) => other.architecture == "arm64",
            (chosen, given) => chosen == given,
        };
        variant && self.os == other.os && self.architecture == other.architecture
    }
}

impl FromStr for Platform {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let fits = |part: &str| {
            let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
            !part.is_empty() && part.len() <= MAX_PART && part.chars().all(known)
        };
        let parts: Vec<String> = text.split('/').map(str::to_ascii_lowercase).collect();
        let wrong = || {
            format!(
                "`{}` is no platform: write OS/ARCH, or OS/ARCH/VARIANT, as in linux/amd64",
                text.escape_debug()
            )
        };
        if !parts.iter().all(|part| fits(part)) {
            return Err(wrong());
        }
        let (os, architecture, variant) = match parts.as_slice() {
            [os, architecture] => (os, architecture, None),
            [os, architecture, variant] => (os, architecture, Some(variant.clone())),
            _ => return Err(wrong()),
        };
        // As `uname` says it.
        let architecture = match architecture.as_str() {
            "x86_64" => "amd64",
            "aarch64" => "arm64",
            other => other,
        };
        Ok(Self { os: os.clone(), architecture: architecture.to_owned(), variant })
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        self.variant.as_ref().map_or(Ok(()), |variant| write!(f, "/{variant}"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn platform(text: &str) -> Platform {
        text.parse().unwrap()
    }

    #[test]
    fn a_platform_is_written_with_slashes() {
        for (text, shown) in [
            ("linux/amd64", "linux/amd64"),
            ("Linux/x86_64", "linux/amd64"),
            ("linux/aarch64", "linux/arm64"),
            ("linux/arm/v7", "linux/arm/v7"),
        ] {
            assert_eq!(platform(text).to_string(), shown);
        }
        for text in ["", "linux", "linux/", "/amd64", "linux/arm/v7/x", "linux/am d64", "linux,amd64"] {
            assert!(text.parse::<Platform>().unwrap_err().contains("OS/ARCH"), "{text}");
        }
    }

    #[test]
    fn a_choice_takes_what_it_names_and_any_variant_where_it_names_none() {
        for (chosen, given, takes) in [
            ("linux/arm", "linux/arm/v7", true),
            ("linux/arm/v6", "linux/arm/v7", false),
            ("linux/arm/v7", "linux/arm", false),
            ("linux/arm64", "linux/arm64/v8", true),
            ("linux/arm64/v8", "linux/arm64", true),
            ("linux/arm64/v9", "linux/arm64", false),
            ("linux/amd64", "windows/amd64", false),
            ("linux/amd64", "linux/arm64", false),
        ] {
            assert_eq!(platform(chosen).takes(&platform(given)), takes, "{chosen} {given}");
        }
    }

    #[test]
    fn what_is_no_image_has_no_platform() {
        assert_eq!(Platform::from_json(&json!({"os": "unknown", "architecture": "unknown"})), None);
        assert_eq!(Platform::from_json(&json!({"os": "linux"})), None);
        assert_eq!(Platform::from_json(&json!(null)), None);
        let given = json!({"os": "linux", "architecture": "arm", "variant": "v7", "os.version": "1"});
        assert_eq!(Platform::from_json(&given), Some(platform("linux/arm/v7")));
    }
}
