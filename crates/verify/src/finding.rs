//! Findings: what speaks against an image.
use std::fmt;

use content::{Fault, FaultKind, Place, Version};
use copier::CopyError;
use reference::Digest;

use crate::Remedies;

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Missing ([`FaultKind::Absent`]), wrong ([`FaultKind::Untrue`]), or why nobody could look.
    pub kind: FaultKind,
    /// What it is about.
    pub piece: Piece,
    /// Where.
    pub place: String,
    /// Its tag or digest.
    pub subject: String,
    /// The manifest that names it; none for a root.
    pub within: Option<Digest>,
    /// What should be there.
    pub expected: String,
    /// What is there.
    pub found: String,
    /// What to do.
    pub remedy: String,
}

/// A part of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Piece {
    /// The image itself, by its tag or digest.
    Root,
    /// A manifest below the root.
    Manifest,
    /// A config.
    Config,
    /// A layer.
    Layer,
    /// Any other blob.
    Blob,
    /// A manifest that is about the image, and no part of it.
    Referrer,
}

impl Piece {
    /// The piece as it stands in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Root => "image",
            Self::Manifest => "manifest",
            Self::Config => "config",
            Self::Layer => "layer",
            Self::Blob => "blob",
            Self::Referrer => "referrer",
        }
    }
}

impl fmt::Display for Piece {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A finding that images have in common: whose image it is, is not known yet.
#[derive(Debug, Clone)]
pub(crate) struct Flaw {
    pub(crate) kind: FaultKind,
    pub(crate) piece: Piece,
    pub(crate) subject: String,
    pub(crate) within: Option<Digest>,
    pub(crate) expected: String,
    pub(crate) found: String,
    pub(crate) cure: Cure,
}

/// What helps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Cure {
    /// To copy it.
    Copy,
    /// To copy it without trust in what is there.
    Repair,
    /// To take away what is there, which a registry does not replace.
    Replace,
    /// What a peer's answer itself suggests, if anything.
    Hint(Option<String>),
}

impl Flaw {
    /// The flaw that a fault stands for; absence is told in one way, whoever tells it.
    pub(crate) fn of(fault: &Fault, piece: Piece, subject: impl fmt::Display) -> Self {
        let found = match fault.kind() {
            FaultKind::Absent => "nothing".to_owned(),
            _ => fault.what().to_owned(),
        };
        let cure = match fault.kind() {
            FaultKind::Absent if matches!(piece, Piece::Root | Piece::Referrer) => Cure::Copy,
            FaultKind::Absent => Cure::Repair,
            FaultKind::Untrue => Cure::Replace,
            _ => Cure::Hint(fault.hint_text().map(str::to_owned)),
        };
        let kind = fault.kind();
        Self { kind, piece, subject: subject.to_string(), within: None, expected: String::new(), found, cure }
    }

    /// What kept us from knowing what a copy would bring.
    pub(crate) fn of_copy(error: &CopyError, version: &Version) -> Self {
        if let CopyError::Failed { fault, .. } = error {
            return Self::of(fault, Piece::Root, version);
        }
        let fault = Fault::new(error.kind(), error.step(), error.to_string());
        Self::of(&fault, Piece::Root, version)
    }

    /// Another root than the one that is expected.
    pub(crate) fn moved(subject: impl fmt::Display, root: &Digest) -> Self {
        let (kind, piece, cure) = (FaultKind::Untrue, Piece::Root, Cure::Copy);
        let (expected, found) = (String::new(), root.to_string());
        Self { kind, piece, subject: subject.to_string(), within: None, expected, found, cure }
    }

    pub(crate) fn within(mut self, manifest: Option<&Digest>) -> Self {
        self.within = manifest.cloned();
        self
    }

    pub(crate) fn expected(mut self, what: impl Into<String>) -> Self {
        self.expected = what.into();
        self
    }

    /// The finding at `place`, of an image that `remedies` help.
    pub(crate) fn at(&self, place: &Place, remedies: &Remedies) -> Finding {
        self.clone().into_finding(place.to_string(), place.is_local(), remedies)
    }

    /// The finding at a place that may not even be one.
    pub(crate) fn into_finding(self, place: String, is_local: bool, remedies: &Remedies) -> Finding {
        let remedy = self.remedy(is_local, remedies);
        let Self { kind, piece, subject, within, expected, found, .. } = self;
        Finding { kind, piece, place, subject, within, expected, found, remedy }
    }

    fn remedy(&self, is_local: bool, remedies: &Remedies) -> String {
        let Remedies { copy, repair } = remedies;
        match &self.cure {
            Cure::Copy => copy.clone(),
            // A layout replaces what is damaged; a registry that has a blob takes no other bytes for it.
            Cure::Replace if !is_local => {
                format!("have the registry delete it, from its storage too; then {repair}")
            }
            Cure::Repair | Cure::Replace => repair.clone(),
            Cure::Hint(hint) => hint.clone().unwrap_or_else(|| "run this again".to_owned()),
        }
    }
}
