//! A layout in one tar file: an OCI archive.
//!
//! Reading order: [`header`] is one block of 512 bytes, [`scan`] the one pass over all headers, [`table`] what it
//! finds; [`Shelf`] keeps a file open with its table, and blobs are read from it where they lie. For writing:
//! [`regions`] is who may write where, [`seam`] how what was written becomes visible, [`door`] the file and its lock,
//! [`ArchiveWriter`] all of it, and [`Archive`] a target of copies.
mod door;
mod header;
mod kind;
mod member;
mod paper;
mod pax;
mod regions;
mod scan;
mod seam;
mod session;
mod shelf;
mod table;
mod target;
mod writer;

pub(crate) use header::Extent;
pub use member::Member;
pub(crate) use paper::From;
pub use scan::MAX_MEMBERS;
#[cfg(fuzzing)]
pub(crate) use scan::scan;
pub(crate) use session::Session;
pub(crate) use shelf::Shelf;
pub use target::{Archive, ArchiveRepository};
pub use writer::ArchiveWriter;
