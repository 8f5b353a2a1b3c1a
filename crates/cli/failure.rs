//! Failures: everything that ends a run without success.
use std::{fmt, io, path::Path};

use auth::{AuthError, AuthErrorKind};
use content::{Fault, FaultKind, Step};
use copier::{CopyError, Report, Side};

use crate::usage::Usage;

/// Why a run did not succeed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// What was asked for makes no sense.
    Usage(Usage),
    /// The copy did not happen.
    Copy(CopyError),
    /// Something that belongs to neither side.
    Neither(Fault),
    /// A local file, or stdin, cannot be read.
    File {
        /// Which, or what it was to hold.
        path: String,
        /// Why.
        why: io::Error,
    },
    /// The copy failed at some destinations, or all; the report says where.
    Partly(Box<Report>),
    /// A signal came.
    Interrupted(Signal),
}

/// The signals that end a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signal {
    /// SIGINT: Ctrl-C.
    Interrupt,
    /// SIGTERM.
    Terminate,
}

impl Failure {
    /// A local file that cannot be read.
    pub(crate) fn file(path: &Path, why: io::Error) -> Self {
        Self::File { path: path.display().to_string(), why }
    }

    /// A side that failed.
    pub(crate) fn at(side: Side, fault: Fault) -> Self {
        Self::Copy(CopyError::Failed { side, fault })
    }

    /// Credentials that were not found because looking for them failed.
    pub(crate) fn login(side: Side, place: impl fmt::Display, why: &AuthError) -> Self {
        let kind = match why.kind() {
            AuthErrorKind::Usage => return Self::Usage(Usage::new(why.to_string())),
            AuthErrorKind::Address => FaultKind::Address,
            AuthErrorKind::Unreachable => FaultKind::Unreachable,
            AuthErrorKind::Protocol => FaultKind::Protocol,
            AuthErrorKind::Local => FaultKind::Local,
            _ => FaultKind::Authentication,
        };
        let mut fault = Fault::new(kind, Step::Authenticate, why.to_string()).at(place);
        if let Some(hint) = why.hint() {
            fault = fault.hint(hint);
        }
        Self::at(side, fault)
    }
}

impl From<Usage> for Failure {
    fn from(usage: Usage) -> Self {
        Self::Usage(usage)
    }
}

impl From<CopyError> for Failure {
    fn from(error: CopyError) -> Self {
        Self::Copy(error)
    }
}
