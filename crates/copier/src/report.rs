//! Reports: what a copy did, destination by destination.
use content::{Descriptor, Place};
use reference::RefName;

use crate::{CopyError, Delivery, Narrowed};

/// What a copy did.
#[derive(Debug, Clone)]
pub struct Report {
    /// The root manifest that was copied.
    pub root: Descriptor,
    /// How it was made of the source's root, where platforms were chosen and others left out.
    pub narrowed: Option<Narrowed>,
    /// What there is; `None` when an equal root was trusted and nothing below it looked at.
    pub extent: Option<Extent>,
    /// Foreign layers that were left where they are.
    pub skipped: Vec<Descriptor>,
    /// One for each destination, in the job's order.
    pub outcomes: Vec<Outcome>,
}

/// How large an image is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// Manifests, the root included.
    pub manifests: usize,
    /// Distinct blobs that are copied.
    pub blobs: usize,
    /// What is about the image: referrers, and what cosign keeps under tags; `None` where that was not asked for.
    pub referrers: Option<usize>,
}

/// What happened at one destination.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// Where.
    pub place: Place,
    /// The names it was to have; none when it was written by digest only.
    pub names: Vec<RefName>,
    /// The names that were written, also when a later one failed: they are not taken back.
    pub written: Vec<RefName>,
    /// How it ended.
    pub result: Result<Delivered, CopyError>,
}

/// What arrived.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Delivered {
    /// Everything was there before, by the digest of its root.
    pub already_there: bool,
    /// Blobs whose bytes were sent.
    pub copied: usize,
    /// Blobs mounted from another repository.
    pub mounted: usize,
    /// Blobs that were there.
    pub present: usize,
    /// Bytes of the blobs that were sent.
    pub bytes: u64,
    /// Manifests about the image that were written.
    pub referrers: usize,
}

impl Delivered {
    /// Counts one blob of `size` bytes.
    pub(crate) fn count(&mut self, how: Delivery, size: u64) {
        match how {
            Delivery::Present => self.present = self.present.saturating_add(1),
            Delivery::Mounted => self.mounted = self.mounted.saturating_add(1),
            Delivery::Copied => {
                self.copied = self.copied.saturating_add(1);
                self.bytes = self.bytes.saturating_add(size);
            }
        }
    }
}
