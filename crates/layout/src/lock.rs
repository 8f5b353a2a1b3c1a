//! The lock that writers of one layout share, and the sweeping up after writers that died.
use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, ErrorKind},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use tokio::{
    task::{JoinError, spawn_blocking},
    time::Instant,
};

use crate::disk::{TEMP_PREFIX, is_directory, make_directory, open_unlinked, plain_size};

/// Our own directory in a layout.
const OURS: &str = ".transship";
/// How long who waits for a lock pauses after the first attempt, and in the end.
const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LAST_PAUSE: Duration = Duration::from_millis(640);
/// Where an open file does not tell whether it was removed, one younger than this may belong to a writer that has not
/// locked it yet: it does so at once.
const YOUNG: Duration = if cfg!(unix) { Duration::ZERO } else { Duration::from_secs(2) };
/// Where locks do not work, a file that nobody has written to for this long belongs to nobody.
const OLD: Duration = Duration::from_secs(24 * 60 * 60);

/// The directory for the lock and for temporary files.
pub(crate) fn scratch(root: &Path) -> PathBuf {
    root.join(OURS)
}

/// The exclusive right to change `index.json`, among all processes that ask for it; given back on drop.
#[derive(Debug)]
pub(crate) struct Lock(#[expect(dead_code, reason = "held for its lock, which closing gives back")] File);

impl Lock {
    /// Takes the lock if it is free; `None` when somebody else has it.
    pub(crate) fn try_take(root: &Path) -> io::Result<Option<Self>> {
        let scratch = scratch(root);
        make_directory(&scratch)?;
        let path = scratch.join("lock");
        plain_size(&path)?;
        let file = open_unlinked(&path, OpenOptions::new().write(true).create(true).truncate(false))?;
        Ok(try_lock(&file)?.then_some(Self(file)))
    }
}

/// What `ask` has to give, once it gives something; `None` after a patience in which it gave nothing. It is asked again
/// and again, so that the wait has an end and costs no thread.
pub(crate) async fn patiently<T: Send + 'static>(
    ask: impl Fn() -> io::Result<Option<T>> + Clone + Send + 'static,
    patience: Duration,
    shown: &str,
) -> Result<io::Result<Option<T>>, JoinError> {
    let (begun, mut pause) = (Instant::now(), FIRST_PAUSE);
    loop {
        let asked = spawn_blocking(ask.clone()).await?;
        if !matches!(asked, Ok(None)) || begun.elapsed() >= patience {
            return Ok(asked);
        }
        tokio::time::sleep(pause).await;
        if pause < LAST_PAUSE && pause.saturating_mul(2) >= LAST_PAUSE {
            tracing::warn!(
                place = shown,
                "waiting for another process that writes there: let it finish, or end it"
            );
        }
        pause = pause.saturating_mul(2).min(LAST_PAUSE);
    }
}

/// Locks a file for as long as it is open; `false` when somebody else has it locked.
pub(crate) fn try_lock(file: &File) -> io::Result<bool> {
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) if !has_no_locks(&error) => Err(error),
        _ => Ok(true),
    }
}

/// Whether the file system has no locks: then replacing whole files still works, and only lost updates are possible.
/// NFS without its lock daemon says "no locks available".
fn has_no_locks(error: &io::Error) -> bool {
    #[cfg(unix)]
    let none_available = error.raw_os_error() == Some(libc::ENOLCK);
    #[cfg(not(unix))]
    let none_available = false;
    none_available || error.kind() == ErrorKind::Unsupported
}

/// Removes temporary files whose writers are gone: the lock of a process that died is free at once. Best effort: a
/// layout on a read-only disk has nothing to sweep.
pub(crate) fn sweep(root: &Path) {
    let scratch = scratch(root);
    if !is_directory(&scratch).unwrap_or(false) {
        return;
    }
    let Ok(listing) = fs::read_dir(&scratch) else { return };
    for entry in listing.flatten() {
        let ours = entry.file_name().to_str().is_some_and(|name| name.starts_with(TEMP_PREFIX));
        if ours && entry.file_type().is_ok_and(|kind| kind.is_file()) {
            remove_abandoned(&entry.path());
        }
    }
}

/// Removes a file while it holds its lock: a writer that has made it and not locked it yet, finds out (see
/// [`crate::disk::create_temp`]).
pub(crate) fn remove_abandoned(path: &Path) {
    let Ok(file) = open_unlinked(path, OpenOptions::new().write(true)) else { return };
    let Ok(modified) = file.metadata().and_then(|metadata| metadata.modified()) else { return };
    let age = SystemTime::now().duration_since(modified).unwrap_or_default();
    let abandoned = match file.try_lock() {
        Ok(()) => age >= YOUNG,
        Err(TryLockError::WouldBlock) => false,
        Err(TryLockError::Error(_)) => age > OLD,
    };
    if abandoned {
        tracing::debug!(file = %path.display(), "removing what a dead writer left");
        drop(fs::remove_file(path));
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_file_system_without_locks_is_written_without_one() {
        for number in [libc::ENOLCK, libc::ENOSYS, libc::EOPNOTSUPP] {
            assert!(has_no_locks(&io::Error::from_raw_os_error(number)), "{number}");
        }
        assert!(!has_no_locks(&io::Error::from_raw_os_error(libc::EIO)));
    }
}
