//! The area in which ranges wait until their blob is whole: a layout of its own, in our own directory of the layout
//! that they are for. Each range is a blob there, by its own digest.
use std::{
    fs, io,
    path::{Path, PathBuf},
};

use layout::Layout;
use reference::Digest;

use super::staging::name;
use crate::{
    BundleError,
    disk::{blocking, gone, replace, trouble},
};

/// Our own directory in a layout.
const OURS: &str = ".transship";
/// The digests of ranges, as far as any volume that was here knew them.
const RANGES: &str = "ranges.json";

/// Where the ranges of one bundle wait.
#[derive(Debug)]
pub(super) struct Area {
    dir: PathBuf,
    layout: Option<Layout>,
    /// The digests of ranges, by their positions.
    pub(super) ranges: Vec<Digest>,
}

/// Where the area of a bundle is in the layout `root`.
pub(super) fn dir(root: &Path, set: &Digest) -> PathBuf {
    root.join(OURS).join(name(set))
}

impl Area {
    /// The area of a bundle in `layout`; it is made when there is something to keep.
    pub(super) async fn open(layout: &Layout, set: &Digest) -> Result<Self, BundleError> {
        let dir = dir(layout.root(), set);
        blocking(move || {
            let layout = if dir.join("oci-layout").exists() { Some(Layout::open(&dir)?) } else { None };
            let known = match fs::read(dir.join(RANGES)) {
                Ok(bytes) => bytes,
                Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
                Err(error) => return Err(trouble(&dir, error)),
            };
            // What cannot be read is written anew by the next volume.
            let known: Vec<String> = serde_json::from_slice(&known).unwrap_or_default();
            let ranges = known.iter().map_while(|digest| digest.parse().ok()).collect();
            Ok(Self { dir, layout, ranges })
        })
        .await
        .map_err(BundleError::target)
    }

    /// The layout in which ranges are kept; made where it is not there yet.
    pub(super) async fn make(&mut self) -> Result<Layout, BundleError> {
        if let Some(layout) = &self.layout {
            return Ok(layout.clone());
        }
        let dir = self.dir.clone();
        let layout = blocking(move || Layout::create_or_open(&dir)).await.map_err(BundleError::target)?;
        self.layout = Some(layout.clone());
        Ok(layout)
    }

    /// Learns the digests of ranges that a volume knows, and writes them down.
    pub(super) async fn learn(&mut self, ranges: &[Digest]) -> Result<(), BundleError> {
        if ranges.len() <= self.ranges.len() {
            return Ok(());
        }
        self.make().await?;
        self.ranges = ranges.to_vec();
        let ranges: Vec<String> = ranges.iter().map(ToString::to_string).collect();
        let bytes = serde_json::to_vec(&ranges).unwrap_or_default();
        let dir = self.dir.clone();
        blocking(move || replace(&dir.join(RANGES), &bytes)).await.map_err(BundleError::target)
    }

    /// Whether a range is there, by its size.
    pub(super) fn holds(&self, range: usize, length: u64) -> Result<bool, BundleError> {
        let (Some(layout), Some(digest)) = (&self.layout, self.ranges.get(range)) else { return Ok(false) };
        let size = layout.store().size(digest).map_err(BundleError::target)?;
        Ok(size == Some(length))
    }

    /// Forgets a range: its blob is whole, or it was of no use.
    pub(super) async fn forget(&self, range: usize) -> Result<(), BundleError> {
        let Some(digest) = self.ranges.get(range) else { return Ok(()) };
        let path = self.dir.join("blobs").join(digest.algorithm().as_str()).join(digest.hex());
        blocking(move || gone(&path, fs::remove_file(&path))).await.map_err(BundleError::target)
    }

    /// Removes the area.
    pub(super) async fn remove(self) -> Result<(), BundleError> {
        let Self { dir, .. } = self;
        blocking(move || gone(&dir, fs::remove_dir_all(&dir))).await.map_err(BundleError::target)
    }
}
