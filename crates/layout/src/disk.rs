//! The few things that are done to the disk: reading without following links, replacing whole, making durable.
use std::{
    ffi::OsStr,
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, ErrorKind, Read, Write},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
    time::{SystemTime, UNIX_EPOCH},
};

use crate::stamp::Stamp;

/// Opens a regular file for reading. Links are not followed, and nothing that is not a plain file is opened: a FIFO
/// would hang, a device may do anything.
pub(crate) fn open_plain(path: &Path) -> io::Result<File> {
    refuse_unless_plain(&fs::symlink_metadata(path)?)?;
    open_unlinked(path, OpenOptions::new().read(true))
}

/// Opens a regular file, or makes it where `options` say so, without following a link.
pub(crate) fn open_unlinked(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        // A check of the path may be out of date by now; these flags are not.
        options.custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK);
    }
    let file = options.open(path)?;
    refuse_unless_plain(&file.metadata()?)?;
    Ok(file)
}

fn refuse_unless_plain(metadata: &fs::Metadata) -> io::Result<()> {
    if metadata.is_file() {
        return Ok(());
    }
    let what = if metadata.is_symlink() { "a symbolic link" } else { "not a regular file" };
    Err(io::Error::new(ErrorKind::InvalidInput, format!("it is {what}")))
}

/// The size of a regular file; `None` when nothing is there.
pub(crate) fn plain_size(path: &Path) -> io::Result<Option<u64>> {
    match fs::symlink_metadata(path) {
        Ok(metadata) => refuse_unless_plain(&metadata).map(|()| Some(metadata.len())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether `path` is a directory, and not a link to one; `false` when nothing is there.
pub(crate) fn is_directory(path: &Path) -> io::Result<bool> {
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => Ok(true),
        Ok(metadata) if metadata.is_symlink() => {
            Err(io::Error::new(ErrorKind::InvalidInput, "it is a symbolic link"))
        }
        Ok(_) => Err(io::Error::new(ErrorKind::NotADirectory, "it is not a directory")),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Makes sure of a directory; links are refused. `true` when it was not there: its name is not durable yet.
pub(crate) fn make_directory(path: &Path) -> io::Result<bool> {
    if is_directory(path)? {
        return Ok(false);
    }
    match fs::create_dir(path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        _ => Ok(true),
    }
}

/// Makes a directory of the user's own naming, and those above it, durably.
pub(crate) fn make_all_directories(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let path = std::path::absolute(path)?;
    let missing: Vec<&Path> = path.ancestors().take_while(|above| !above.exists()).collect();
    fs::create_dir_all(&path)?;
    missing.iter().filter_map(|made| made.parent()).try_for_each(sync_above)
}

/// The path that a file or directory has, or will have once it is made: its nearest ancestor that exists, without
/// links, and the rest.
///
/// # Errors
/// When the directory that relative paths are relative to cannot be told.
pub fn future_path(path: &Path) -> io::Result<PathBuf> {
    let absolute = std::path::absolute(path)?;
    for ancestor in absolute.ancestors() {
        if let Ok(root) = ancestor.canonicalize() {
            let rest = absolute.strip_prefix(ancestor).unwrap_or(Path::new(""));
            return Ok(if rest.as_os_str().is_empty() { root } else { root.join(rest) });
        }
    }
    Ok(absolute)
}

/// Makes the names durable in a directory above the root. One that may be written but not read, as a drop box,
/// cannot be asked to.
pub(crate) fn sync_above(path: &Path) -> io::Result<()> {
    match sync_directory(path) {
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Ok(()),
        synced => synced,
    }
}

/// Reads a small file; more than `limit` bytes are an error.
pub(crate) fn read_small(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open_plain(path)?.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(too_large(limit));
    }
    Ok(bytes)
}

/// The error of something small that is not.
pub(crate) fn too_large(limit: u64) -> io::Error {
    io::Error::new(ErrorKind::FileTooLarge, format!("it has more than {limit} bytes"))
}

/// Replaces `path` by `bytes` whole: readers see the old file or the new one, also after a power failure. `scratch`
/// is a directory on the same file system. Returns what the new file looks like from outside.
pub(crate) fn replace(path: &Path, bytes: &[u8], scratch: &Path) -> io::Result<fs::Metadata> {
    let (temp, mut file) = create_temp(scratch, TEMP_PREFIX.as_ref())?;
    let mut write = || {
        file.write_all(bytes)?;
        file.sync_all()?;
        let metadata = file.metadata()?;
        fs::rename(&temp, path)?;
        Ok(metadata)
    };
    let written = write();
    match written {
        // The first error is the one to tell.
        Err(_) => drop(fs::remove_file(&temp)),
        Ok(_) => path.parent().map_or(Ok(()), sync_directory)?,
    }
    written
}

/// Writes all bytes at an offset, whatever place the file is at.
pub(crate) fn write_at(file: &File, bytes: &[u8], at: u64) -> io::Result<()> {
    #[cfg(unix)]
    return std::os::unix::fs::FileExt::write_all_at(file, bytes, at);
    #[cfg(windows)]
    {
        let (mut bytes, mut at) = (bytes, at);
        while !bytes.is_empty() {
            let written = std::os::windows::fs::FileExt::seek_write(file, bytes, at)?;
            bytes = bytes.get(written..).filter(|_| written > 0).ok_or(ErrorKind::WriteZero)?;
            at = at.saturating_add(written as u64);
        }
        Ok(())
    }
}

/// A new file of a name that nobody else uses and that begins with `prefix`, locked for as long as its writer lives.
pub(crate) fn create_temp(scratch: &Path, prefix: &OsStr) -> io::Result<(PathBuf, File)> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    loop {
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let mut name = prefix.to_owned();
        name.push(format!("{}-{since:x}-{count:x}", std::process::id()));
        let path = scratch.join(name);
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(file) if claim(&file)? => return Ok((path, file)),
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
}

/// Locks a file that has just been made. `false` when a sweeper was there before: it holds the file for one that a
/// dead writer left, and removes it. From here on it is ours: a sweeper removes only what it has locked.
fn claim(file: &File) -> io::Result<bool> {
    match file.try_lock() {
        Ok(()) => has_a_name(file),
        Err(TryLockError::WouldBlock) => Ok(false),
        // Where locks are not supported, age alone tells the sweeper who is alive.
        Err(TryLockError::Error(_)) => Ok(true),
    }
}

fn has_a_name(file: &File) -> io::Result<bool> {
    #[cfg(unix)]
    return Ok(std::os::unix::fs::MetadataExt::nlink(&file.metadata()?) > 0);
    #[cfg(not(unix))]
    return file.metadata().map(|_| true);
}

/// Whether a path leads to this very file.
pub(crate) fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    let (held, found) = (Stamp::of(&file.metadata()?), fs::symlink_metadata(path));
    match found {
        Ok(found) => Ok(held.is_of_same_file(&Stamp::of(&found))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// How the names of files begin that are still being written.
pub(crate) const TEMP_PREFIX: &str = "ingest-";

/// Makes the names in a directory durable, as far as the file system can be asked to.
pub(crate) fn sync_directory(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    match File::open(path)?.sync_all() {
        // Some network file systems do not know the request: their server decides.
        Err(error) if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) => {}
        synced => synced?,
    }
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

/// Makes the bytes of a file durable that somebody else has written.
pub(crate) fn sync_file(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    open_plain(path)?.sync_all()?;
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_writer_whose_new_file_a_sweeper_took_makes_another() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("new");
        let file = File::create_new(&path).unwrap();
        let sweeper = OpenOptions::new().write(true).open(&path).unwrap();
        sweeper.lock().unwrap();
        assert!(!claim(&file).unwrap(), "a sweeper has it");
        fs::remove_file(&path).unwrap();
        drop(sweeper);
        assert!(!claim(&file).unwrap(), "a sweeper had it");
        let (path, file) = create_temp(dir.path(), TEMP_PREFIX.as_ref()).unwrap();
        assert!(path.exists() && claim(&file).unwrap());
    }

    #[test]
    fn a_path_to_come_is_the_one_that_it_will_be() {
        let parent = tempfile::tempdir().unwrap();
        let dir = parent.path().join("a/b");
        let before = future_path(&dir).unwrap();
        fs::create_dir_all(&dir).unwrap();
        assert_eq!(before, dir.canonicalize().unwrap());
    }

    #[test]
    fn nothing_is_opened_through_a_link_or_to_a_pipe() {
        let dir = tempfile::tempdir().unwrap();
        let [elsewhere, link] = ["elsewhere", "link"].map(|name| dir.path().join(name));
        std::os::unix::fs::symlink(&elsewhere, &link).unwrap();
        let made = open_unlinked(&link, OpenOptions::new().write(true).create(true));
        assert_eq!(made.unwrap_err().raw_os_error(), Some(libc::ELOOP));
        assert!(!elsewhere.exists());
        fs::write(&elsewhere, b"secret").unwrap();
        open_plain(&link).unwrap_err();
        make_directory(&link).unwrap_err();
        make_directory(&elsewhere).unwrap_err();
        open_plain(dir.path()).unwrap_err();
    }
}
