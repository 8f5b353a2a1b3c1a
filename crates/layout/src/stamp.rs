//! What tells from outside that a file was changed or replaced.
use std::{fs::Metadata, time::SystemTime};

/// What changes when a file is replaced or written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    modified: Option<SystemTime>,
    size: u64,
    node: (u64, u64),
}

impl Stamp {
    pub(crate) fn of(metadata: &Metadata) -> Self {
        #[cfg(unix)]
        let node = {
            use std::os::unix::fs::MetadataExt as _;
            (metadata.dev(), metadata.ino())
        };
        #[cfg(not(unix))]
        let node = (0, 0);
        Self { modified: metadata.modified().ok(), size: metadata.len(), node }
    }

    /// Whether both are of one file, changed or not; where that cannot be told, they are taken to be.
    pub(crate) fn is_of_same_file(&self, other: &Self) -> bool {
        self.node == other.node
    }
}
