//! A layout in one tar file: an OCI archive.
//!
//! Reading order: [`header`] is one block of 512 bytes, [`scan`] the one pass over all headers, [`table`] what it
//! finds; [`Shelf`] keeps a file open with its table, and blobs are read from it where they lie.
mod header;
mod kind;
mod paper;
mod pax;
mod scan;
mod shelf;
mod table;

pub(crate) use header::Extent;
pub(crate) use paper::From;
pub(crate) use shelf::Shelf;
#[cfg(fuzzing)]
pub(crate) use {scan::scan, table::Table};
