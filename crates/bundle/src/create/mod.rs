//! Creating: a plan becomes volumes, one after the other, each written once from its first byte to its last.
mod again;
mod flow;
mod ledger;
mod packer;
mod pantry;

use std::{path::PathBuf, sync::Arc};

use content::Source;
use reference::Digest;

pub use ledger::{Ledger, LeftOut};
pub use packer::{Packer, Tools};

use crate::BundleError;

/// Opens sources by the names that a plan has for them.
pub trait Origins: Send + Sync {
    /// The repository or layout of that name.
    ///
    /// # Errors
    /// One that cannot be opened.
    fn open(&self, name: &str) -> Result<Arc<dyn Source>, BundleError>;
}

/// A bundle that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Created {
    /// Which.
    pub set: Digest,
    /// How many images it brings.
    pub images: usize,
    /// How many blobs it holds.
    pub blobs: usize,
    /// How many blobs it leaves to its base.
    pub base: usize,
    /// Its volumes: all, or the one that was asked for.
    pub volumes: Vec<Made>,
}

/// A volume that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// Where it is.
    pub path: PathBuf,
    /// How many bytes it has.
    pub bytes: u64,
    /// Whether it was there before, whole.
    pub kept: bool,
}
