//! An archive that is read: its file, kept open, and the table of what is where in it.
use std::{
    fs::{self, File},
    io::{self, Read as _},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use content::{Fault, FaultKind, Step};
use reference::Digest;

use super::{header::Extent, paper::From, scan::scan, table::Table};
use crate::{Index, disk, index::MAX_INDEX, marker, stamp::Stamp, trouble};

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
            trouble::in_archive(&self.shown, Step::OpenLayout, "cannot open the archive", error)
        })?;
        let stamp = Stamp::of(&metadata);
        if stamp == known.stamp {
            return Ok(known);
        }
        let newer = Arc::new(Volume::open(&self.path, &self.shown)?);
        *self.now.lock().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&newer);
        Ok(newer)
    }
}

impl Volume {
    fn open(path: &Path, shown: &str) -> Result<Self, Fault> {
        let trouble = |error| trouble::in_archive(shown, Step::OpenLayout, "cannot open the archive", error);
        let file = disk::open_plain(path).map_err(trouble)?;
        let metadata = file.metadata().map_err(trouble)?;
        Self::read(Arc::new(file), metadata.len(), Stamp::of(&metadata), shown)
    }

    pub(crate) fn read(file: Arc<File>, length: u64, stamp: Stamp, shown: &str) -> Result<Self, Fault> {
        let table = scan(&*file, length, shown)?;
        let (marker_at, index_at) = table.essentials().map_err(|fault| fault.at(shown))?;
        let small = |extent, limit, name: &str| {
            read_small(&file, extent, limit).map_err(|error| {
                trouble::in_archive(shown, Step::OpenLayout, &format!("cannot read {name}"), error)
            })
        };
        if !marker::is_version_1(&small(marker_at, marker::MAX, "oci-layout")?) {
            return Err(Fault::new(FaultKind::Untrue, Step::OpenLayout, marker::NOT_VERSION_1).at(shown));
        }
        let index = small(index_at, MAX_INDEX, "index.json")?;
        let index = Index::parse(&index).map_err(|fault| fault.at(shown))?;
        Ok(Self { file, table, index: Arc::new(index), stamp })
    }

    /// What tells its file from others.
    pub(crate) fn stamp(&self) -> Stamp {
        self.stamp
    }

    /// Where a member of our own is.
    pub(crate) fn ours(&self, path: &str) -> Option<Extent> {
        self.table.ours.get(path).copied()
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
