//! The few things that are done to the disk: reading without following links, replacing whole, making durable.
use std::{
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind, Read, Write},
    path::Path,
    sync::atomic::{AtomicU64, Ordering},
    time::{SystemTime, UNIX_EPOCH},
};

/// Opens a regular file for reading. Links are not followed, and nothing that is not a plain file is opened: a FIFO
/// would hang, a device may do anything.
pub(crate) fn open_plain(path: &Path) -> io::Result<File> {
    refuse_unless_plain(&fs::symlink_metadata(path)?)?;
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        // The check above may be out of date by now; these flags are not.
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

/// Makes sure of a directory, durably; links are refused.
pub(crate) fn make_directory(path: &Path) -> io::Result<()> {
    if is_directory(path)? {
        return Ok(());
    }
    match fs::create_dir(path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    path.parent().map_or(Ok(()), sync_directory)
}

/// Reads a small file; more than `limit` bytes are an error.
pub(crate) fn read_small(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open_plain(path)?.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(io::Error::new(ErrorKind::FileTooLarge, format!("it has more than {limit} bytes")));
    }
    Ok(bytes)
}

/// Replaces `path` by `bytes` whole: readers see the old file or the new one, also after a power failure. `scratch`
/// is a directory on the same file system. Returns what the new file looks like from outside.
pub(crate) fn replace(path: &Path, bytes: &[u8], scratch: &Path) -> io::Result<fs::Metadata> {
    let (temp, mut file) = create_temp(scratch)?;
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

/// A new file of a name that nobody else uses, locked for as long as its writer lives.
pub(crate) fn create_temp(scratch: &Path) -> io::Result<(std::path::PathBuf, File)> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    loop {
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = scratch.join(format!("{TEMP_PREFIX}{}-{since:x}-{count:x}", std::process::id()));
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(file) => {
                // Where locks are not supported, age alone tells the sweeper who is alive.
                drop(file.try_lock());
                return Ok((path, file));
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
}

/// How the names of files begin that are still being written.
pub(crate) const TEMP_PREFIX: &str = "ingest-";

/// Makes the names in a directory durable.
pub(crate) fn sync_directory(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    File::open(path)?.sync_all()?;
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}
