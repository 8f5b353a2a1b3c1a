//! The journal in files: how far large blobs have come, for a run after one that was killed.
//!
//! One file a blob and target, `0600` in a directory of our own: where an upload is, is a secret. A file is a hint and
//! nothing depends on it: it is not synced, what is torn is skipped, and what is wrong costs one restart.
#[cfg(fuzzing)]
pub mod fuzzing;
mod journal;
mod line;
mod page;

pub use journal::FileJournal;
