//! What ends a command about bundles without success.
use std::{error::Error, fmt};

use content::Fault;
use copier::{CopyError, Side};

/// Why it did not happen.
#[derive(Debug, Clone)]
pub enum BundleError {
    /// What was asked for makes no sense.
    Usage {
        /// What, in one clause.
        what: String,
        /// What to do instead.
        hint: String,
    },
    /// One side failed, or a rule says no.
    Copy(CopyError),
}

impl BundleError {
    /// A request that makes no sense, and what to ask for instead.
    pub fn usage(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Usage { what: what.into(), hint: hint.into() }
    }

    /// What is read failed: a registry, a volume, an inventory.
    pub fn source(fault: Fault) -> Self {
        Self::Copy(CopyError::Failed { side: Side::Source, fault })
    }

    /// What is written failed.
    pub fn target(fault: Fault) -> Self {
        Self::Copy(CopyError::Failed { side: Side::Target, fault })
    }
}

impl From<CopyError> for BundleError {
    fn from(error: CopyError) -> Self {
        Self::Copy(error)
    }
}

impl fmt::Display for BundleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage { what, .. } => f.write_str(what),
            Self::Copy(error) => error.fmt(f),
        }
    }
}

impl Error for BundleError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Usage { .. } => None,
            Self::Copy(error) => error.source(),
        }
    }
}
