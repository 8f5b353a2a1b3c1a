//! Locations: what `copy` takes on either side, a registry reference, a layout or an archive.
use std::{path::PathBuf, str::FromStr};

use crate::{
    Digest, ParseError, ParseErrorKind, RefName, Reference, Registry, Tag,
    error::{Flaw, is_digest},
};

/// A place to copy from or to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// `[docker://|oci://]HOST[:PORT]/REPO[:TAG][@DIGEST]`.
    Registry(Reference),
    /// `oci:DIR[:REF]`, `ocidir://DIR[:TAG][@DIGEST]` or `oci-archive:FILE[:REF]`.
    Layout(LayoutLocation),
}

/// An OCI layout, a directory or an archive, and, maybe, one entry of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayoutLocation {
    /// Whether it is a directory or an archive.
    pub form: LayoutForm,
    /// The directory, or the archive's file.
    pub dir: PathBuf,
    /// Which entry; `None` means the only one there is.
    pub name: Option<LayoutName>,
}

/// What a layout is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LayoutForm {
    /// A directory.
    Directory,
    /// A tar file.
    Archive,
}

impl LayoutForm {
    /// What stands before the path: `oci:` or `oci-archive:`.
    pub fn scheme(self) -> &'static str {
        match self {
            Self::Directory => "oci:",
            Self::Archive => "oci-archive:",
        }
    }
}

/// How an entry of a layout is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LayoutName {
    /// By its ref name, to the letter.
    RefName(RefName),
    /// By digest.
    Digest(Digest),
    /// By tag, which has to be at this digest.
    Pinned(RefName, Digest),
}

impl Location {
    fn parse(text: &str) -> Result<Self, Flaw> {
        if let Some(rest) = text.strip_prefix("docker://") {
            return familiar(rest).map(Self::Registry).map_err(|flaw| flaw.within(9));
        }
        if let Some(rest) = text.strip_prefix("oci://") {
            return helm(rest).map(Self::Registry).map_err(|flaw| flaw.within(6));
        }
        if let Some(rest) = text.strip_prefix("ocidir://") {
            return LayoutLocation::regclient(rest).map(Self::Layout).map_err(|flaw| flaw.within(9));
        }
        for form in [LayoutForm::Directory, LayoutForm::Archive] {
            if let Some(rest) = text.strip_prefix(form.scheme()) {
                let read = LayoutLocation::skopeo(form, rest).map(Self::Layout);
                return read.map_err(|flaw| flaw.within(form.scheme().len()));
            }
        }
        if let Some(kind) = foreign(text) {
            return Err(Flaw::new(0, kind));
        }
        familiar(text).map(Self::Registry)
    }
}

/// A reference, or one of Docker's short names. What can only be meant as a host is not taken for an image of Docker
/// Hub: no official image has a dot in its name.
fn familiar(text: &str) -> Result<Reference, Flaw> {
    let name = text.split([':', '@']).next().unwrap_or_default();
    let is_host = !text.contains('/') && (name.contains('.') || name == "localhost");
    if is_host && !text.starts_with('.') {
        return Err(Flaw::new(text.len(), ParseErrorKind::NoRepository));
    }
    Reference::parse_familiar(text)
}

/// Helm's spelling of a reference: the host is never left out.
fn helm(text: &str) -> Result<Reference, Flaw> {
    match text.split_once('/') {
        Some((first, _)) if Registry::looks_like(first) && !first.starts_with('.') => Reference::parse(text),
        _ => Err(Flaw::new(0, ParseErrorKind::OciUrl)),
    }
}

/// Spellings that mean something to other tools, or to a shell, and nothing here.
fn foreign(text: &str) -> Option<ParseErrorKind> {
    const ARCHIVES: [&str; 2] = ["docker-archive:", "ocifile:"];
    const TRANSPORTS: [&str; 7] =
        ["dir:", "docker-daemon:", "containers-storage:", "sif:", "tarball:", "ostree:", "docker:"];
    let begins = |list: &[&str]| list.iter().any(|prefix| text.starts_with(prefix));
    if text.starts_with("oci-layout:") {
        Some(ParseErrorKind::OciLayout)
    } else if begins(&ARCHIVES) {
        Some(ParseErrorKind::Archive)
    } else if begins(&TRANSPORTS) {
        Some(ParseErrorKind::Transport)
    } else if begins(&["/", "./", "../", "~"]) || text == "." || text == ".." {
        Some(ParseErrorKind::Path)
    } else {
        None
    }
}

impl LayoutLocation {
    /// `PATH[:REF]` as skopeo reads it: the path ends at the first colon, what follows is one name.
    fn skopeo(form: LayoutForm, text: &str) -> Result<Self, Flaw> {
        if let Some((dir, digest)) =
            text.split_once('@').filter(|(dir, rest)| !dir.contains(':') && is_digest(rest))
        {
            let digest = Digest::parse(digest).map_err(|flaw| flaw.behind(dir))?;
            return Self::new(form, dir, Some(LayoutName::Digest(digest)));
        }
        let Some((dir, name)) = text.split_once(':') else { return Self::new(form, text, None) };
        let name = match name.strip_prefix('@') {
            Some(number) if !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()) => {
                return Err(Flaw::new(0, ParseErrorKind::EntryNumber).behind(dir));
            }
            Some(digest) => {
                LayoutName::Digest(Digest::parse(digest).map_err(|flaw| flaw.within(1).behind(dir))?)
            }
            None if name.is_empty() => return Err(Flaw::new(0, ParseErrorKind::EmptyRefName).behind(dir)),
            None => LayoutName::RefName(RefName::new(name)),
        };
        Self::new(form, dir, Some(name))
    }

    /// `DIR[:TAG][@DIGEST]` as regclient reads it: the tag follows the last colon.
    fn regclient(text: &str) -> Result<Self, Flaw> {
        let (rest, digest) = match text.rsplit_once('@').filter(|(_, digest)| is_digest(digest)) {
            Some((rest, digest)) => (rest, Some(Digest::parse(digest).map_err(|flaw| flaw.behind(rest))?)),
            None => (text, None),
        };
        let (dir, tag) = match rest.rsplit_once(':').filter(|(_, tag)| !tag.contains('/')) {
            Some((dir, tag)) => (dir, Some(Tag::parse(tag).map_err(|flaw| flaw.behind(dir))?)),
            None => (rest, None),
        };
        let name = match (tag.map(RefName::from), digest) {
            (Some(tag), Some(digest)) => Some(LayoutName::Pinned(tag, digest)),
            (Some(tag), None) => Some(LayoutName::RefName(tag)),
            (None, digest) => digest.map(LayoutName::Digest),
        };
        Self::new(LayoutForm::Directory, dir, name)
    }

    fn new(form: LayoutForm, dir: &str, name: Option<LayoutName>) -> Result<Self, Flaw> {
        match (dir, form) {
            ("", LayoutForm::Directory) => Err(Flaw::new(0, ParseErrorKind::EmptyDirectory)),
            ("", LayoutForm::Archive) => Err(Flaw::new(0, ParseErrorKind::EmptyFile)),
            _ => Ok(Self { form, dir: dir.into(), name }),
        }
    }
}

impl FromStr for Location {
    type Err = ParseError;

    /// Reads a location; Docker's short names (`alpine`) are Docker Hub.
    fn from_str(text: &str) -> Result<Self, ParseError> {
        Self::parse(text).map_err(|flaw| flaw.of(text))
    }
}
