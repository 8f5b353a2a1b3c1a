//! The file of an archive that is written to: how it is opened, locked, named, and left behind.
use std::{
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use content::{Fault, FaultKind, Step};

use super::{
    paper::Paper as _,
    seam::{MARK, label},
    shelf::Volume,
};
use crate::{Index, disk, lock, stamp::Stamp, trouble};

/// How the file is called that a new archive is written to, beside the archive.
const SUFFIX: &str = ".transship";
/// How much is read at once of what lies behind the end.
const STRIDE: usize = 64 * 1024;

/// A file that an archive is written to, locked. Dropping it takes away what no reader can see.
#[derive(Debug)]
pub(crate) struct Sheet {
    file: File,
    shown: String,
    /// Where it is, or will be, without links.
    path: PathBuf,
    fate: Mutex<Fate>,
    #[expect(dead_code, reason = "the archive that is replaced is held for its lock")]
    replaced: Option<File>,
}

#[derive(Debug)]
enum Fate {
    /// Not there yet.
    Coming { temp: PathBuf, may_replace: bool },
    /// There: readers stop at `mark`. As long as nothing was added, the file had `length` bytes.
    There { mark: u64, length: Option<u64> },
}

/// An archive that is opened to be added to.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) sheet: Sheet,
    pub(crate) mark: u64,
    pub(crate) index: Arc<Index>,
}

impl AsRef<File> for Sheet {
    fn as_ref(&self) -> &File {
        &self.file
    }
}

impl Sheet {
    pub(crate) fn shown(&self) -> &str {
        &self.shown
    }

    /// Whether it is an archive that was there, and this very file.
    pub(crate) fn was(&self, stamp: &Stamp) -> io::Result<bool> {
        let is_there = matches!(*self.fate(), Fate::There { .. });
        Ok(is_there && Stamp::of(&self.file.metadata()?).is_of_same_file(stamp))
    }

    pub(crate) fn write(&self, bytes: &[u8], at: u64) -> io::Result<()> {
        disk::write_at(&self.file, bytes, at)
    }

    pub(crate) fn sync(&self) -> io::Result<()> {
        self.file.sync_all()
    }

    /// A new archive, whole and durable, gets its name.
    pub(crate) fn appear(&self, mark: u64) -> io::Result<()> {
        let mut fate = self.fate();
        let Fate::Coming { temp, may_replace } = &*fate else { return Ok(()) };
        if !may_replace && self.path.exists() {
            return Err(io::Error::new(ErrorKind::AlreadyExists, "another has been made meanwhile"));
        }
        fs::rename(temp, &self.path)?;
        *fate = Fate::There { mark, length: None };
        self.path.parent().map_or(Ok(()), disk::sync_above)
    }

    /// Fails where another file has taken its place, or none: who looks for the archive does not find what was written.
    pub(crate) fn is_found(&self) -> io::Result<()> {
        if disk::is_at(&self.file, &self.path)? {
            return Ok(());
        }
        Err(io::Error::new(ErrorKind::NotFound, "it was replaced or removed meanwhile"))
    }

    /// Readers stop at another mark now.
    pub(crate) fn ends_at(&self, mark: u64) {
        *self.fate() = Fate::There { mark, length: None };
    }

    fn fate(&self) -> MutexGuard<'_, Fate> {
        self.fate.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Sheet {
    fn drop(&mut self) {
        // If any of this fails, the next writer does it.
        match self.fate.get_mut().unwrap_or_else(PoisonError::into_inner) {
            Fate::Coming { temp, .. } => drop(fs::remove_file(temp)),
            Fate::There { mark, length } => {
                let end = mark.saturating_add(MARK);
                drop(self.file.set_len(end));
                if let Some(length) = length.filter(|length| *length > end) {
                    drop(self.file.set_len(length));
                }
            }
        }
    }
}

/// A new archive, in place of what is there.
pub(crate) fn create(path: &Path, shown: &str) -> Result<Sheet, Fault> {
    let local = |error| trouble::in_archive(shown, Step::OpenLayout, "cannot make the archive", error);
    let path = settle(path).map_err(local)?;
    let replaced = match disk::open_unlinked(&path, OpenOptions::new().write(true)) {
        Ok(file) => Some(file),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => return Err(local(error)),
    };
    if replaced.as_ref().is_some_and(|file| lock::try_lock(file).is_ok_and(|free| !free)) {
        return Err(taken(shown));
    }
    begin(&path, shown, replaced, true)
}

/// A new archive where none is; `None` where one is.
pub(crate) fn create_where_none_is(path: &Path, shown: &str) -> Result<Option<Sheet>, Fault> {
    let local = |error| trouble::in_archive(shown, Step::OpenLayout, "cannot make the archive", error);
    let path = settle(path).map_err(local)?;
    if path.exists() {
        return Ok(None);
    }
    let sheet = begin(&path, shown, None, false)?;
    // Whoever makes it as we do, has the lock meanwhile.
    Ok((!path.exists()).then_some(sheet))
}

fn begin(path: &Path, shown: &str, replaced: Option<File>, may_replace: bool) -> Result<Sheet, Fault> {
    let local = |error| trouble::in_archive(shown, Step::OpenLayout, "cannot make the archive", error);
    let temp = temp_of(path).map_err(local)?;
    loop {
        let file = disk::open_unlinked(
            &temp,
            OpenOptions::new().read(true).write(true).create(true).truncate(false),
        )
        .map_err(local)?;
        if !lock::try_lock(&file).map_err(local)? {
            return Err(taken(shown));
        }
        // Whoever had the lock before has given the file its name, or removed it.
        if disk::is_at(&file, &temp).map_err(local)? {
            file.set_len(0).map_err(local)?;
            let fate = Mutex::new(Fate::Coming { temp, may_replace });
            return Ok(Sheet { file, shown: shown.to_owned(), path: path.to_owned(), fate, replaced });
        }
    }
}

/// An archive that is there, to be added to.
pub(crate) fn append(path: &Path, shown: &str) -> Result<Opened, Fault> {
    let local = |error| trouble::in_archive(shown, Step::OpenLayout, "cannot open the archive", error);
    let path = path.canonicalize().map_err(|error| match error.kind() {
        ErrorKind::NotFound => {
            Fault::new(FaultKind::Absent, Step::OpenLayout, "there is no such archive").at(shown)
        }
        _ => local(error),
    })?;
    let file = loop {
        let file = disk::open_unlinked(&path, OpenOptions::new().read(true).write(true)).map_err(local)?;
        if !lock::try_lock(&file).map_err(local)? {
            return Err(taken(shown));
        }
        // Another may have been put in its place before we had the lock.
        if disk::is_at(&file, &path).map_err(local)? {
            break file;
        }
    };
    let metadata = file.metadata().map_err(local)?;
    let reader = file.try_clone().map_err(local)?;
    let volume = Volume::read(Arc::new(reader), metadata.len(), Stamp::of(&metadata), shown)?;
    let (mark, length) = (volume.table.end, metadata.len());
    let end = mark.saturating_add(MARK);
    let is_padded = check_tail(&file, end, length, shown)?;
    let fate = Fate::There { mark, length: is_padded.then_some(length) };
    let (shown, fate) = (shown.to_owned(), Mutex::new(fate));
    let sheet = Sheet { file, shown, path, fate, replaced: None };
    // The second block of the mark may be missing; what is behind it is padding, or was left by a dead writer.
    sheet.file.set_len(end).and_then(|()| sheet.write(&[0; 1024], mark)).map_err(local)?;
    sweep(&sheet.path);
    Ok(Opened { sheet, mark, index: Arc::clone(&volume.index) })
}

/// Whether zeros follow the end of an archive. What a dead writer left is no loss; anything else would be.
fn check_tail(file: &File, end: u64, length: u64, shown: &str) -> Result<bool, Fault> {
    let local = |error| trouble::in_archive(shown, Step::OpenLayout, "cannot read the archive", error);
    let mut buffer = vec![0; STRIDE];
    let mut at = end;
    while at < length {
        let read = file.read_at(&mut buffer, at).map_err(local)?;
        let read = buffer.get(..read).filter(|read| !read.is_empty()).unwrap_or_default();
        if at == end && read.starts_with(&label()) {
            return Ok(false);
        }
        if read.is_empty() {
            break;
        }
        if read.iter().any(|byte| *byte != 0) {
            let what = format!("{} bytes follow the end of the archive", length.saturating_sub(end));
            return Err(Fault::new(FaultKind::Refused, Step::OpenLayout, what)
                .at(shown)
                .hint(format!("cut them off, if nobody needs them: truncate --size={end} FILE")));
        }
        at = at.saturating_add(read.len() as u64);
    }
    Ok(length > end)
}

/// Removes the temporary file of a writer that is gone.
fn sweep(path: &Path) {
    if let Ok(temp) = temp_of(path) {
        lock::remove_abandoned(&temp);
    }
}

/// The path of an archive, there or still to come, without links; the directories above it are there afterwards.
fn settle(path: &Path) -> io::Result<PathBuf> {
    if let Ok(path) = path.canonicalize() {
        return Ok(path);
    }
    let absolute = std::path::absolute(path)?;
    let (Some(above), Some(name)) = (absolute.parent(), absolute.file_name()) else {
        return Err(ErrorKind::InvalidInput.into());
    };
    disk::make_all_directories(above)?;
    Ok(above.canonicalize()?.join(name))
}

fn temp_of(path: &Path) -> io::Result<PathBuf> {
    let name = path.file_name().ok_or(ErrorKind::InvalidInput)?;
    let mut temp = std::ffi::OsString::from(".");
    temp.push(name);
    temp.push(SUFFIX);
    Ok(path.with_file_name(temp))
}

fn taken(shown: &str) -> Fault {
    Fault::new(FaultKind::Local, Step::OpenLayout, "another process is writing to this archive")
        .at(shown)
        .hint("run this again once it has ended")
}
