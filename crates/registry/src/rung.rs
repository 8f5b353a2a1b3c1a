//! Rungs: the ways to upload a blob, cheapest first.

/// A way to upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rung {
    /// One PUT with all bytes.
    Put,
    /// One PATCH with all bytes, then an empty PUT.
    Patch,
    /// Several PATCH requests of bounded size, then an empty PUT.
    Chunks,
}
