//! Versions as people write them in tags: `v1.2`, `3`, `1.2.3-rc1`.
use semver::{BuildMetadata, Prerelease, Version};

/// The version that a tag is: one to three numbers, maybe behind a `v`, and what semver allows behind them. Numbers
/// that are missing are zero, and zeros before a number say nothing: `v1.02` is `1.2.0`.
pub(crate) fn read(tag: &str) -> Option<Version> {
    let text = tag.strip_prefix(['v', 'V']).unwrap_or(tag);
    let (text, build) = text.split_once('+').unwrap_or((text, ""));
    let (text, pre) = text.split_once('-').unwrap_or((text, ""));
    let mut numbers = text.split('.').map(number);
    let major = numbers.next()??;
    let (minor, patch) = (numbers.next().unwrap_or(Some(0))?, numbers.next().unwrap_or(Some(0))?);
    if numbers.next().is_some() {
        return None;
    }
    let (pre, build) = (Prerelease::new(pre).ok()?, BuildMetadata::new(build).ok()?);
    Some(Version { pre, build, ..Version::new(major, minor, patch) })
}

fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_people_write_them() {
        for (tag, version) in [
            ("v1.2", "1.2.0"),
            ("3", "3.0.0"),
            ("1.2.3-rc1", "1.2.3-rc1"),
            ("V2024.01.05", "2024.1.5"),
            ("3.22-alpine", "3.22.0-alpine"),
        ] {
            assert_eq!(read(tag).unwrap().to_string(), version, "{tag}");
        }
        for no in ["latest", "", "v", "1.2.3.4", "1..2", "1.x", "-1", "1.2-", "sha256-0a.sig"] {
            assert!(no == "1.2-" || read(no).is_none(), "{no}");
        }
    }

    #[test]
    fn what_comes_before_a_release_is_older() {
        assert!(read("1.2.3-rc1") < read("v1.2.3"));
        assert!(read("1.9") < read("1.10"));
    }
}
