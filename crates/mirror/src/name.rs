//! Names: an image at a registry or in a layout, as text that can be read again.
use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

use content::Version;
use reference::{
    Digest, LayoutForm, LayoutLocation, LayoutName, Location, RefName, Reference, Registry, RepositoryName,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Where images are: a repository at a registry, or a layout.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Site {
    /// A repository.
    Repository {
        /// At which registry.
        registry: Registry,
        /// Which one.
        repository: RepositoryName,
    },
    /// A layout.
    Layout {
        /// What it is kept in.
        form: LayoutForm,
        /// Its directory, or its file.
        path: PathBuf,
    },
}

/// One image: where it is, and what it is called there.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name {
    /// Where it is.
    pub site: Site,
    /// Its tag, or its ref name in a layout.
    pub name: Option<RefName>,
    /// The digest that it was named by. With a tag beside it, the digest is read.
    pub digest: Option<Digest>,
}

impl Site {
    /// The same site, spelled as every other way to it is: a layout may be `images`, `./images`, or behind a link, and
    /// TLS has a port that need not be said.
    pub(crate) fn plain(&self) -> Self {
        match self {
            Self::Repository { registry, repository } if registry.port() == Some(443) => {
                let registry = registry.host().parse().unwrap_or_else(|_| registry.clone());
                Self::Repository { registry, repository: repository.clone() }
            }
            Self::Repository { .. } => self.clone(),
            Self::Layout { form, path } => Self::Layout { form: *form, path: resolved(path) },
        }
    }
}

/// A path without links. What is not there yet is no link, and is the same before and after it is made.
fn resolved(path: &Path) -> PathBuf {
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let there = whole.ancestors().find_map(|part| Some((part, part.canonicalize().ok()?)));
    let Some((part, there)) = there else { return whole };
    match whole.strip_prefix(part) {
        Ok(rest) if rest != Path::new("") => there.join(rest),
        _ => there,
    }
}

impl Name {
    /// The same name at its site as that is spelled by every way to it.
    pub(crate) fn plain(&self) -> Self {
        Self { site: self.site.plain(), ..self.clone() }
    }

    /// What is read: the digest, else the tag. `None` for a whole repository or layout.
    pub fn version(&self) -> Option<Version> {
        let by_digest = self.digest.clone().map(Version::Digest);
        by_digest.or_else(|| self.name.clone().map(Version::Name))
    }
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Repository { registry, repository } => write!(f, "{registry}/{repository}"),
            Self::Layout { form, path } => write!(f, "{}{}", form.scheme(), path.display()),
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let (Site::Layout { path, .. }, Some(name), Some(digest)) = (&self.site, &self.name, &self.digest)
        {
            return write!(f, "ocidir://{}:{name}@{digest}", path.display());
        }
        self.site.fmt(f)?;
        if let Some(name) = &self.name {
            write!(f, ":{name}")?;
        }
        match &self.digest {
            Some(digest) => write!(f, "@{digest}"),
            None => Ok(()),
        }
    }
}

impl From<Reference> for Name {
    fn from(reference: Reference) -> Self {
        let Reference { registry, repository, tag, digest } = reference;
        Self { site: Site::Repository { registry, repository }, name: tag.map(RefName::from), digest }
    }
}

impl From<LayoutLocation> for Name {
    fn from(location: LayoutLocation) -> Self {
        let (name, digest) = match location.name {
            None => (None, None),
            Some(LayoutName::RefName(name)) => (Some(name), None),
            Some(LayoutName::Digest(digest)) => (None, Some(digest)),
            Some(LayoutName::Pinned(name, digest)) => (Some(name), Some(digest)),
        };
        Self { site: Site::Layout { form: location.form, path: location.dir }, name, digest }
    }
}

impl FromStr for Name {
    type Err = reference::ParseError;

    /// Reads a location with its registry's host; Docker's short names are refused.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let schemes = ["docker://", "oci:", "ocidir:", "oci-archive:"];
        if !schemes.iter().any(|scheme| text.starts_with(scheme)) {
            return Ok(text.parse::<Reference>()?.into());
        }
        Ok(match text.parse()? {
            Location::Registry(reference) => reference.into(),
            Location::Layout(location) => location.into(),
        })
    }
}

impl Serialize for Name {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_again_as_it_was_written() {
        let digest = format!("sha256:{}", "0".repeat(64));
        for text in [
            "docker.io/library/alpine:3.22".to_owned(),
            format!("registry.example:5000/team/app:v1@{digest}"),
            format!("registry.example/app@{digest}"),
            "oci:some/dir:library/alpine:3.22".to_owned(),
            format!("oci:dir@{digest}"),
            format!("ocidir://dir:v1@{digest}"),
            "oci:dir".to_owned(),
            "oci-archive:file.tar:alpine:3".to_owned(),
        ] {
            assert_eq!(text.parse::<Name>().unwrap().to_string(), text);
        }
    }

    #[test]
    #[cfg(unix)]
    fn a_layout_is_the_same_place_before_and_after_it_is_made() {
        let dir = tempfile::tempdir().unwrap();
        let (real, link) = (dir.path().join("real"), dir.path().join("link"));
        std::fs::create_dir(&real).unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        let plain = |path: PathBuf| Site::Layout { form: LayoutForm::Directory, path }.plain();
        let before = plain(link.join("a/b"));
        std::fs::create_dir_all(real.join("a/b")).unwrap();
        assert_eq!(plain(link.join("a/b")), before);
        assert_eq!(plain(real.join("a/./b")), before);
    }

    #[test]
    fn a_short_name_is_no_name() {
        assert!("alpine".parse::<Name>().is_err());
        assert!("library/alpine:3".parse::<Name>().is_err());
    }
}
