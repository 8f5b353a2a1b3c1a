//! Claims: the right to what a path stands for, among all processes that ask for it.
use std::{
    fs::{self, File, OpenOptions},
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use content::{Fault, FaultKind, Step};

use crate::{
    disk::{self, open_unlinked, plain_size},
    lock::{patiently, try_lock},
    trouble,
};

/// A file that is locked for as long as this lives, and removed then. What a process leaves that was killed is free.
#[derive(Debug)]
pub struct Claim {
    path: PathBuf,
    #[expect(dead_code, reason = "held for its lock, which closing gives back")]
    file: File,
}

impl Claim {
    /// Waits until nobody else has it, however long that takes. Directories above the file are made.
    ///
    /// # Errors
    /// [`FaultKind::Local`] when the disk fails, or something else than a file is in the way.
    pub async fn take(path: &Path) -> Result<Self, Fault> {
        let (shown, path) = (path.display().to_string(), path.to_owned());
        match patiently(move || Self::try_take(&path), Duration::MAX, &shown).await {
            Ok(Ok(Some(claim))) => Ok(claim),
            Ok(Ok(None)) => Err(Fault::new(FaultKind::Local, Step::OpenLayout, "it is taken").at(shown)),
            Ok(Err(error)) => Err(trouble::fault(&shown, Step::OpenLayout, "cannot lock it", error)),
            Err(stopped) => Err(trouble::stopped(&shown, Step::OpenLayout, stopped)),
        }
    }

    fn try_take(path: &Path) -> io::Result<Option<Self>> {
        path.parent().map_or(Ok(()), disk::make_all_directories)?;
        loop {
            plain_size(path)?;
            let file = open_unlinked(path, OpenOptions::new().write(true).create(true).truncate(false))?;
            if !try_lock(&file)? {
                return Ok(None);
            }
            // Whoever had it before has removed the file.
            if disk::is_at(&file, path)? {
                return Ok(Some(Self { path: path.to_owned(), file }));
            }
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        // Before it is unlocked: afterwards it may be another's. If this fails, the next who takes it removes it.
        drop(fs::remove_file(&self.path));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_at_a_time_has_a_claim_and_nothing_is_left_of_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a/claim");
        let first = Claim::take(&path).await.unwrap();
        assert!(Claim::try_take(&path).unwrap().is_none());
        let second = tokio::spawn({
            let path = path.clone();
            async move { Claim::take(&path).await }
        });
        tokio::task::yield_now().await;
        assert!(!second.is_finished());
        drop(first);
        let second = second.await.unwrap().unwrap();
        assert!(path.exists() && Claim::try_take(&path).unwrap().is_none());
        drop(second);
        assert!(!path.exists());
        // As a process leaves it that was killed.
        fs::write(&path, b"").unwrap();
        drop(Claim::take(&path).await.unwrap());
        assert!(!path.exists());
    }
}
