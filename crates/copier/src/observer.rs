//! Observers: who is told what a copy does while it does it.
use std::fmt;

use content::{Descriptor, Fault, Place};
use reference::{Digest, RefName};

/// Is told about a copy's progress. Called often: it must return at once.
pub trait Observer: Send + Sync {
    /// Something happened.
    fn event(&self, event: &Event<'_>);
}

/// What happened.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Event<'a> {
    /// The whole image is known; nothing has moved yet.
    Planned {
        /// The root manifest.
        root: &'a Descriptor,
        /// Manifests, the root included.
        manifests: usize,
        /// Distinct blobs.
        blobs: usize,
        /// Bytes of all distinct blobs.
        bytes: u64,
    },
    /// A blob's bytes begin to move.
    Started {
        /// The blob.
        blob: &'a Descriptor,
    },
    /// A blob goes on where an earlier run left it.
    Resumed {
        /// The blob.
        blob: &'a Descriptor,
        /// How many bytes the target holds.
        held: u64,
    },
    /// Some of a blob's bytes came from the source.
    Moved {
        /// The blob.
        blob: &'a Descriptor,
        /// How many bytes, since the last such event.
        bytes: u64,
    },
    /// A blob is where it belongs.
    Finished {
        /// The blob.
        blob: &'a Descriptor,
        /// Where that is.
        place: &'a Place,
        /// How it got there.
        how: Delivery,
    },
    /// A transfer was interrupted and goes on.
    Retrying {
        /// The blob.
        blob: &'a Descriptor,
        /// What interrupted it.
        fault: &'a Fault,
    },
    /// A manifest was written.
    Published {
        /// Where.
        place: &'a Place,
        /// Its digest.
        digest: &'a Digest,
        /// The name it was written under; `None` by digest.
        name: Option<&'a RefName>,
    },
    /// Something that users should know and that is no failure.
    Warning(&'a str),
}

/// How a blob got where it belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// It was there.
    Present,
    /// It was mounted from another repository of the same registry.
    Mounted,
    /// Its bytes were sent.
    Copied,
}

/// Tells nobody.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Observer for Silent {
    fn event(&self, _event: &Event<'_>) {}
}

impl fmt::Debug for dyn Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Observer")
    }
}
