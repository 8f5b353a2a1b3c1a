//! An archive that is read: its file, kept open, and the table of what is where in it.
use std::{
    fs::{self, File},
    io::{self, Read as _},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use content::{Fault, FaultKind, Step};
use reference::Digest;

use super::{
    header::{self, Extent},
    paper::From,
    scan::scan,
    table::Table,
};
use crate::{Index, disk, index::MAX_INDEX, marker, stamp::Stamp, trouble};

/// How often an archive is read that grows meanwhile.
const ATTEMPTS: u32 = 16;

/// An archive as it is now.
#[derive(Debug)]
pub(crate) struct Shelf {
    path: PathBuf,
    shown: String,
    now: Mutex<Arc<Volume>>,
}

/// An archive as it was at one moment. What was written to it since lies behind all that this knows.
#[derive(Debug)]
pub(crate) struct Volume {
    pub(crate) file: Arc<File>,
    pub(crate) table: Table,
    pub(crate) index: Arc<Index>,
    stamp: Stamp,
}

impl Shelf {
    /// Opens the archive at `path`, which is no link.
    pub(crate) fn open(path: &Path, shown: &str) -> Result<Self, Fault> {
        let volume = Volume::open(path, shown)?;
        Ok(Self { path: path.into(), shown: shown.into(), now: Mutex::new(Arc::new(volume)) })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn shown(&self) -> &str {
        &self.shown
    }

    /// The archive as it was when it was looked at last.
    pub(crate) fn volume(&self) -> Arc<Volume> {
        Arc::clone(&self.now.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The archive as it is now: somebody may have added to it, or put another in its place.
    pub(crate) fn refresh(&self) -> Result<Arc<Volume>, Fault> {
        let known = self.volume();
        let metadata = fs::symlink_metadata(&self.path).map_err(|error| {
            trouble::fault(&self.shown, Step::OpenLayout, "cannot open the archive", error)
        })?;
        let trouble = |error| trouble::fault(&self.shown, Step::OpenLayout, "cannot read the archive", error);
        // What was added may not show in the stamp: a clock may tick every few milliseconds only.
        if Stamp::of(&metadata) == known.stamp && !known.goes_on().map_err(trouble)? {
            return Ok(known);
        }
        let newer = Arc::new(Volume::open(&self.path, &self.shown)?);
        *self.now.lock().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&newer);
        Ok(newer)
    }
}

impl Volume {
    fn open(path: &Path, shown: &str) -> Result<Self, Fault> {
        let trouble = |error| trouble::fault(shown, Step::OpenLayout, "cannot open the archive", error);
        let file = Arc::new(disk::open_plain(path).map_err(trouble)?);
        let mut attempts = 1;
        loop {
            let metadata = file.metadata().map_err(trouble)?;
            let length = metadata.len();
            let read = Self::read(Arc::clone(&file), length, Stamp::of(&metadata), shown);
            let has_grown = || file.metadata().is_ok_and(|metadata| metadata.len() > length);
            // Somebody has added to it since its length was asked for: what is behind that looks cut off.
            if read.is_ok() || attempts == ATTEMPTS || !has_grown() {
                return read;
            }
            attempts = attempts.saturating_add(1);
        }
    }

    pub(crate) fn read(file: Arc<File>, length: u64, stamp: Stamp, shown: &str) -> Result<Self, Fault> {
        let table = scan(&*file, length, shown)?;
        let (marker_at, index_at) = table.essentials().map_err(|fault| fault.at(shown))?;
        let small = |extent, limit, name: &str| {
            read_small(&file, extent, limit).map_err(|error| {
                trouble::fault(shown, Step::OpenLayout, &format!("cannot read {name}"), error)
            })
        };
        if !marker::is_version_1(&small(marker_at, marker::MAX, "oci-layout")?) {
            return Err(Fault::new(FaultKind::Untrue, Step::OpenLayout, marker::NOT_VERSION_1).at(shown));
        }
        let index = small(index_at, MAX_INDEX, "index.json")?;
        let index = Index::parse(&index).map_err(|fault| fault.at(shown))?;
        Ok(Self { file, table, index: Arc::new(index), stamp })
    }

    /// Whether something other than the end is where the end was.
    fn goes_on(&self) -> io::Result<bool> {
        let mut block = [0; 512];
        From { paper: &*self.file, at: self.table.end }.read_exact(&mut block)?;
        Ok(!header::is_blank(&block))
    }

    /// Where a blob is.
    pub(crate) fn blob(&self, digest: &Digest) -> Option<Extent> {
        self.table.blobs.get(digest).copied()
    }
}

fn read_small(file: &File, extent: Extent, limit: u64) -> io::Result<Vec<u8>> {
    let size = usize::try_from(extent.size).ok().filter(|_| extent.size <= limit);
    let mut bytes = vec![0; size.ok_or_else(|| disk::too_large(limit))?];
    From { paper: file, at: extent.at }.read_exact(&mut bytes)?;
    Ok(bytes)
}
