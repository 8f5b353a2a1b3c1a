//! Copy errors: who failed, or what was refused.
use std::{error::Error, fmt};

use content::{Fault, FaultKind, Place, Step};
use reference::{Digest, RefName};

/// Why a copy did not happen.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum CopyError {
    /// One side failed.
    Failed {
        /// Which.
        side: Side,
        /// How.
        fault: Fault,
    },
    /// A limit says no.
    Refused(Refusal),
    /// Target tags exist, all of them listed; nothing was written.
    TagsExist(Vec<Conflict>),
}

/// The two sides of a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// Where it is read.
    Source,
    /// Where it is written.
    Target,
}

/// Which limit an image exceeds.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// More manifests below the root than are allowed.
    TooManyManifests {
        /// At least so many were found before the walk stopped.
        found: usize,
        /// So many are allowed.
        limit: usize,
    },
    /// A layer is larger than allowed.
    LayerTooLarge {
        /// The layer.
        digest: Digest,
        /// Its size in bytes.
        size: u64,
        /// So many bytes are allowed.
        limit: u64,
        /// Why the limit binds.
        because: String,
    },
    /// The manifests below the root have too many bytes.
    TooManyBytes {
        /// How many there are, as far as was counted.
        found: u64,
        /// How many are allowed.
        limit: u64,
    },
    /// More referrers, and images of cosign's, than are followed.
    TooManyFollowers {
        /// At least so many were found before the search stopped.
        found: usize,
        /// So many are allowed.
        limit: usize,
    },
    /// Referrers of referrers lead too far from the image.
    FollowedTooFar {
        /// So far is allowed.
        limit: usize,
    },
    /// Indexes are nested too deep.
    TooDeep {
        /// So deep is allowed.
        limit: usize,
    },
}

/// A target tag that exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// Where.
    pub place: Place,
    /// The tag or ref name.
    pub name: RefName,
    /// What it points to now.
    pub digest: Digest,
    /// Whether that is the source's digest.
    pub same: bool,
}

impl CopyError {
    /// The kind of failure, which decides the exit code.
    pub fn kind(&self) -> FaultKind {
        match self {
            Self::Failed { fault, .. } => fault.kind(),
            Self::Refused(_) => FaultKind::Refused,
            Self::TagsExist(_) => FaultKind::Conflict,
        }
    }

    /// Which side failed, or holds what is refused.
    pub fn side(&self) -> Side {
        match self {
            Self::Failed { side, .. } => *side,
            Self::Refused(_) => Side::Source,
            Self::TagsExist(_) => Side::Target,
        }
    }

    /// Which step failed.
    pub fn step(&self) -> Step {
        match self {
            Self::Failed { fault, .. } => fault.step(),
            Self::Refused(_) => Step::ReadManifest,
            Self::TagsExist(_) => Step::CheckTag,
        }
    }

    /// What to do next, when there is something to say.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Failed { fault, .. } => fault.hint_text().map(str::to_owned),
            Self::Refused(Refusal::TooManyManifests { .. }) => Some(
                "--max-manifests sets another limit, or none; `transship copy` has none by itself".to_owned(),
            ),
            Self::Refused(Refusal::LayerTooLarge { .. }) => {
                Some("--max-layer-size sets another limit, or none".to_owned())
            }
            Self::Refused(Refusal::TooManyFollowers { .. } | Refusal::FollowedTooFar { .. }) => {
                Some("without --referrers, the image is copied alone".to_owned())
            }
            Self::Refused(Refusal::TooDeep { .. } | Refusal::TooManyBytes { .. }) => None,
            Self::TagsExist(conflicts) if conflicts.iter().all(|conflict| conflict.same) => {
                Some("they are at the source's digest already: --allow-same counts that as done".to_owned())
            }
            Self::TagsExist(_) => {
                Some("import --force moves existing tags, as does copy without --no-clobber".to_owned())
            }
        }
    }

    pub(crate) fn source(fault: Fault) -> Self {
        Self::Failed { side: Side::Source, fault }
    }

    pub(crate) fn target(fault: Fault) -> Self {
        Self::Failed { side: Side::Target, fault }
    }
}

impl Side {
    /// The side as it stands in messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Target => "target",
        }
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooManyManifests { found, limit } => {
                write!(f, "the image has at least {found} manifests below its root, {limit} are allowed")
            }
            Self::LayerTooLarge { digest, size, limit, because } => {
                write!(f, "layer {digest} has {size} bytes, {limit} are allowed: {because}")
            }
            Self::TooManyBytes { found, limit } => {
                write!(f, "the manifests of the image have {found} bytes, {limit} are allowed")
            }
            Self::TooManyFollowers { found, limit } => {
                write!(f, "the image has at least {found} referrers, {limit} are followed")
            }
            Self::FollowedTooFar { limit } => {
                write!(f, "the image has referrers of referrers, more than {limit} in a row")
            }
            Self::TooDeep { limit } => {
                write!(f, "the image nests indexes more than {limit} deep")
            }
        }
    }
}

impl fmt::Display for CopyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed { side, fault } => write!(f, "{side} {fault}"),
            Self::Refused(refusal) => refusal.fmt(f),
            Self::TagsExist(conflicts) => {
                f.write_str("the target holds already: ")?;
                for (index, conflict) in conflicts.iter().enumerate() {
                    let comma = if index == 0 { "" } else { ", " };
                    let same = if conflict.same { " (the source's digest)" } else { "" };
                    write!(f, "{comma}{} {} at {}{same}", conflict.place, conflict.name, conflict.digest)?;
                }
                Ok(())
            }
        }
    }
}

impl Error for CopyError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Failed { fault, .. } => fault.source(),
            Self::Refused(_) | Self::TagsExist(_) => None,
        }
    }
}
