//! Failures: everything that ends a run without success.
use std::{fmt, io, path::Path};

use auth::{AuthError, AuthErrorKind};
use bench::Results;
use content::{Fault, FaultKind, Step};
use copier::{CopyError, Outcome, Side, Ties};
use queue::QueueError;

use crate::{
    render::{Done, Mirrored, Planned, Proven, Told},
    usage::Usage,
};

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
    /// The page of a benchmark cannot be written.
    Page {
        /// Where.
        path: String,
        /// Why.
        why: io::Error,
        /// What would be on it, if it was measured already.
        measured: Option<Box<Results>>,
    },
    /// A receipt, a lock file or the like cannot be written.
    Paper {
        /// Which.
        path: String,
        /// Why.
        why: io::Error,
    },
    /// Some images of a mirror failed, or all.
    Mirrored(Box<Mirrored>),
    /// Some images of a mirror would fail, or all.
    Planned(Box<Planned>),
    /// A queue does not serve.
    Queue(QueueError),
    /// The copy failed at some destinations, or all.
    Partly(Box<Partly>),
    /// A bundle was made, and images are not in it that were to be.
    Bundled(Box<Told>),
    /// Images are not as they should be.
    Unproven(Box<Proven>),
    /// A signal came.
    Interrupted(Signal),
}

/// What was done and what was not.
#[derive(Debug)]
pub(crate) struct Partly {
    /// What there is to tell; its report says which destinations failed.
    pub(crate) done: Done,
    /// Whether one failure was everyone's.
    pub(crate) ties: Ties,
}

/// The signals that end a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signal {
    /// SIGINT: Ctrl-C.
    Interrupt,
    /// SIGTERM.
    Terminate,
    /// SIGHUP: the terminal is gone.
    Hangup,
}

impl Partly {
    /// The one error that the run is about; none where destinations stand for themselves.
    pub(crate) fn error(&self) -> Option<&CopyError> {
        match (self.ties, self.done.report.outcomes.as_slice()) {
            (Ties::Apart, [only]) => only.result.as_ref().err(),
            (Ties::Apart, _) => None,
            (Ties::Together, _) => self.errors().next(),
        }
    }

    /// Every destination's error.
    pub(crate) fn errors(&self) -> impl Iterator<Item = &CopyError> {
        self.done.report.outcomes.iter().filter_map(|outcome| outcome.result.as_ref().err())
    }

    /// Whether the manifest is at this destination. Where one failure is everyone's, blobs may have arrived for
    /// nothing.
    pub(crate) fn is_published(&self, outcome: &Outcome) -> bool {
        let Ok(delivered) = &outcome.result else { return false };
        let late = |error: &CopyError| matches!(error.step(), Step::Publish | Step::CheckTag);
        self.ties == Ties::Apart
            || delivered.already_there
            || !outcome.written.is_empty()
            || (outcome.names.is_empty() && self.errors().any(late))
    }
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

impl From<QueueError> for Failure {
    fn from(error: QueueError) -> Self {
        Self::Queue(error)
    }
}

impl From<CopyError> for Failure {
    fn from(error: CopyError) -> Self {
        Self::Copy(error)
    }
}
