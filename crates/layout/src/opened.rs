//! A blob opened for reading: a file, or a part of one.
use std::{
    fs::File,
    io::{self, Read as _},
    path::PathBuf,
    sync::Arc,
};

use bytes::Bytes;
use content::Fault;
use futures::stream::BoxStream;

use crate::{
    archive::{Extent, From},
    disk, reading,
};

/// Where a blob is.
#[derive(Debug)]
pub(crate) enum Found {
    /// A file of its own.
    File(PathBuf),
    /// A part of a file.
    Within(Arc<File>, Extent),
}

impl Found {
    pub(crate) fn open(self) -> io::Result<Opened> {
        Ok(match self {
            Self::File(path) => {
                let file = disk::open_plain(&path)?;
                let size = file.metadata()?.len();
                Opened { file: Arc::new(file), size, at: 0, end: size }
            }
            Self::Within(file, extent) => Opened::within(file, extent),
        })
    }
}

/// A blob opened for reading.
#[derive(Debug)]
pub struct Opened {
    file: Arc<File>,
    size: u64,
    /// Where in the file what was asked for begins and ends.
    at: u64,
    end: u64,
}

impl Opened {
    /// A part of a file.
    pub(crate) fn within(file: Arc<File>, Extent { at, size }: Extent) -> Self {
        Self { file, size, at, end: at.saturating_add(size) }
    }

    /// Only the bytes from `start` to `end` of the blob.
    pub(crate) fn narrow(self, start: u64, end: u64) -> Self {
        let from = |offset: u64| self.at.saturating_add(offset).min(self.end);
        Self { at: from(start), end: from(end), ..self }
    }

    /// The size of the whole blob.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The bytes that were asked for.
    pub fn into_chunks(self) -> BoxStream<'static, Result<Bytes, Fault>> {
        self.into_chunks_of(|| reading::CHUNK)
    }

    /// The same, in chunks of at most as many bytes as `size` says when one is read: for who sends to many at once.
    pub fn into_chunks_of(
        self,
        size: impl Fn() -> u64 + Send + 'static,
    ) -> BoxStream<'static, Result<Bytes, Fault>> {
        reading::chunks(self.file, self.at, self.end, size)
    }

    /// The bytes that were asked for, at once, as long as they are at most `limit`. Waits for the disk.
    pub fn read(self, limit: u64) -> io::Result<Bytes> {
        let length = self.end.saturating_sub(self.at);
        if length > limit {
            return Err(disk::too_large(limit));
        }
        let mut bytes = Vec::new();
        From { paper: &*self.file, at: self.at }.take(length).read_to_end(&mut bytes)?;
        Ok(bytes.into())
    }
}
