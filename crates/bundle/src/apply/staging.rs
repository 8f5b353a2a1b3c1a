//! Staging: where the volumes of a bundle wait for each other and for a registry.
use std::{
    fs,
    path::{Path, PathBuf},
};

use layout::Claim;
use reference::Digest;

use super::store::{Intake, take_in};
use crate::{
    BundleError, Set,
    disk::{blocking, gone},
};

/// A directory in which volumes of one bundle wait, while no other process brings any there, or takes them away.
#[derive(Debug)]
pub struct Staging {
    dir: PathBuf,
    _claim: Claim,
}

impl Staging {
    /// The directory of the bundle `set` below `staging`, once nobody else is at work with it.
    ///
    /// # Errors
    /// A disk that fails.
    pub async fn open(staging: &Path, set: &Digest) -> Result<Self, BundleError> {
        let dir = staging.join(name(set));
        Ok(Self { _claim: claim(&dir).await?, dir })
    }

    /// Brings volumes there.
    ///
    /// # Errors
    /// Volumes that are damaged, and a disk that fails.
    pub async fn store(&self, set: &Set) -> Result<Intake, BundleError> {
        Ok(take_in(set, &self.dir).await?.0)
    }

    /// Removes what waited there, now that it is where it was to go.
    ///
    /// # Errors
    /// A disk that fails.
    pub async fn clear(self) -> Result<(), BundleError> {
        let dir = self.dir.clone();
        blocking(move || gone(&dir, fs::remove_dir_all(&dir))).await.map_err(BundleError::target)
    }
}

/// The name of the directory in which something of a bundle waits.
pub(super) fn name(set: &Digest) -> String {
    format!("bundle-{}", set.hex().get(..32).unwrap_or_default())
}

/// The right to such a directory. It is no file within, which would go with it.
pub(super) async fn claim(dir: &Path) -> Result<Claim, BundleError> {
    Claim::take(&dir.with_extension("lock")).await.map_err(BundleError::target)
}
