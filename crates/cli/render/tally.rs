//! The tally of a copy: how much there is, how much is done.
use std::collections::{HashMap, HashSet};

use content::Descriptor;
use reference::Digest;

/// Counts bytes and blobs of one image. A blob counts once, however many destinations it goes to.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Distinct blobs.
    pub(crate) blobs: usize,
    /// Bytes of all distinct blobs.
    pub(crate) bytes: u64,
    /// Bytes of blobs that are done, and of those on their way.
    pub(crate) done_bytes: u64,
    done: HashSet<Digest>,
    moved: HashMap<Digest, u64>,
}

impl Tally {
    /// A tally of so much.
    pub(crate) fn new(blobs: usize, bytes: u64) -> Self {
        Self { blobs, bytes, ..Self::default() }
    }

    /// How many blobs are done.
    pub(crate) fn done_blobs(&self) -> usize {
        self.done.len()
    }

    /// Some bytes of a blob have come. Bytes that came before, because a transfer was repeated, do not count again.
    pub(crate) fn moved(&mut self, blob: &Descriptor, bytes: u64) {
        if self.done.contains(&blob.digest) {
            return;
        }
        let moved = self.moved.entry(blob.digest.clone()).or_default();
        let now = moved.saturating_add(bytes).min(blob.size);
        self.done_bytes = self.done_bytes.saturating_add(now.saturating_sub(*moved));
        *moved = now;
    }

    /// A blob is where it belongs.
    pub(crate) fn finished(&mut self, blob: &Descriptor) {
        if self.done.insert(blob.digest.clone()) {
            let moved = self.moved.remove(&blob.digest).unwrap_or_default();
            self.done_bytes = self.done_bytes.saturating_add(blob.size.saturating_sub(moved));
        }
    }
}

#[cfg(test)]
mod tests {
    use content::{Hasher, MediaType};
    use reference::Algorithm;

    use super::*;

    fn blob(name: &str, size: u64) -> Descriptor {
        Descriptor::new(MediaType::new("x/y"), Hasher::digest(Algorithm::Sha256, name.as_bytes()), size)
    }

    #[test]
    fn a_blob_counts_once_whatever_happens_to_it() {
        let (a, b) = (blob("a", 10), blob("b", 5));
        let mut tally = Tally::new(2, 15);
        tally.moved(&a, 8);
        tally.moved(&a, 8);
        assert_eq!(tally.done_bytes, 10);
        for _ in 0..2 {
            tally.finished(&a);
            tally.finished(&b);
            tally.moved(&b, 3);
        }
        assert_eq!((tally.done_blobs(), tally.done_bytes), (2, 15));
    }
}
