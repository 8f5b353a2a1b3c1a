//! The journal: the directory of all pages.
use std::{
    fs::{self, File, OpenOptions},
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use content::{Descriptor, Hasher, Journal, Page, Place};
use reference::Algorithm;

use crate::page::{FilePage, is_at};

/// How old a page may be that is still gone on with. Registries forget uploads, distribution after a week by default
/// (`storage.maintenance.uploadpurging.age`).
const OLD: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// A journal in a directory.
#[derive(Debug)]
pub struct FileJournal {
    path: PathBuf,
}

impl FileJournal {
    /// A journal in `path`, which is made with the first page and is for its owner alone. Pages that nobody will go
    /// on with any more are removed.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        sweep(&path);
        Self { path }
    }

    /// Where a user's journal is: below `$XDG_STATE_HOME`, else below `~/.local/state` (XDG Base Directory
    /// Specification). `None` where neither is known.
    pub fn of_user() -> Option<Self> {
        let variable = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let state = variable("XDG_STATE_HOME").or_else(|| Some(variable("HOME")?.join(".local/state")));
        Some(Self::new(state?.join("transship/uploads")))
    }

    fn open(&self, place: &Place, blob: &Descriptor) -> io::Result<Option<FilePage>> {
        let repository = place.repository().map(ToString::to_string).unwrap_or_default();
        let subject = format!("{}/{repository} {}", place.origin(), blob.digest);
        // Places have names that are no file names.
        let name = Hasher::digest(Algorithm::Sha256, subject.as_bytes());
        make_private(&self.path)?;
        let path = self.path.join(name.hex());
        let file = open_private(&path)?;
        if file.try_lock().is_err() || !is_at(&file, &path) {
            return Ok(None);
        }
        Ok(Some(FilePage::new(path, file, subject, blob.digest.algorithm())))
    }
}

impl Journal for FileJournal {
    fn page(&self, place: &Place, blob: &Descriptor) -> Option<Arc<dyn Page>> {
        match self.open(place, blob) {
            Ok(page) => Some(Arc::new(page?)),
            Err(why) => {
                tracing::debug!(folder = %self.path.display(), %why, "no journal is kept");
                None
            }
        }
    }
}

fn make_private(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// A plain file that nobody else can read. A link is not followed: whoever could set one may not choose what is
/// written over.
fn open_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK);
    }
    let file = options.open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
    }
    #[cfg(unix)]
    if std::os::unix::fs::MetadataExt::mode(&metadata) & 0o077 != 0 {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, "others can read or write it"));
    }
    Ok(file)
}

/// Removes pages that are old. Best effort.
fn sweep(path: &Path) {
    let Ok(listing) = fs::read_dir(path) else { return };
    for entry in listing.flatten() {
        let modified = entry.metadata().and_then(|metadata| metadata.modified());
        let age = modified.map(|then| SystemTime::now().duration_since(then).unwrap_or_default());
        if age.is_ok_and(|age| age > OLD) && entry.file_type().is_ok_and(|kind| kind.is_file()) {
            drop(fs::remove_file(entry.path()));
        }
    }
}
