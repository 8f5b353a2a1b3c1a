//! OCI image layouts as a source and a target.
//!
//! A layout is a directory: `oci-layout`, `index.json` and `blobs/<algorithm>/<hex>`; or an archive, one tar file of
//! these, which is read where it lies. Reading order: [`Store`] keeps blobs and never shows a half-written one;
//! [`Index`] is the table of entries; [`Layout`] holds both and the lock that writers share; [`LayoutRepository`] is
//! the layout as a `Source`, a `Target` and a `Catalog`; [`ArchiveWriter`] writes archives, new ones and more into old
//! ones.
//!
//! What is ours and no other tool's: the directory `.transship` (the lock, and blobs still being written; in an archive
//! files without meaning), and the annotation [`REPOSITORY`] on entries without a ref name. Readers must ignore what
//! they do not know.
mod archive;
mod catalog;
mod claim;
mod disk;
mod entry;
mod flow;
#[cfg(fuzzing)]
pub mod fuzzing;
mod ground;
mod images;
mod index;
mod ingest;
mod intake;
mod layout;
mod lock;
mod marker;
mod naming;
mod opened;
mod outside;
mod reading;
mod repository;
mod stamp;
mod store;
mod subjects;
mod trouble;
mod upload;

pub use archive::{Archive, ArchiveRepository, ArchiveWriter, MAX_MEMBERS, Member};
pub use claim::Claim;
pub use disk::future_path;
pub use entry::{Entry, REF_NAME, REPOSITORY};
pub use ground::refuse_taken;
pub use index::{Index, MAX_INDEX};
pub use ingest::Ingest;
pub use layout::Layout;
pub use opened::Opened;
pub use outside::{Draft, is_same_file, replace_file, write_file};
pub use repository::LayoutRepository;
pub use store::Store;
