//! What a copy carries, and the two sides it is carried between.
//!
//! Reading order: [`Descriptor`] and [`Manifest`] say what there is; [`Verified`] is a blob's bytes on trial;
//! [`Source`], [`Target`] and [`Upload`] are the two sides, and [`Catalog`] is what a side can list; [`Journal`] is
//! what a run leaves to the next; [`Fault`] says what went wrong and where.
//! Knows no HTTP and no file system.
mod catalog;
mod descriptor;
mod entries;
mod fault;
mod hasher;
mod journal;
mod json;
mod lent;
mod manifest;
mod mark;
mod media_type;
mod over;
mod place;
mod platform;
mod sides;
mod verified;

pub use catalog::{Catalog, Untagged};
pub use descriptor::Descriptor;
pub use fault::{Fault, FaultKind, Step};
pub use hasher::Hasher;
pub use journal::{Claim, Journal, Page, Unfinished};
pub use lent::{Lent, Returned};
pub use manifest::{MAX_MANIFEST_BYTES, Manifest, Shape};
pub use mark::{Mark, Marks};
pub use media_type::{MediaType, Role};
pub use over::{OverSource, OverTarget};
pub use place::Place;
pub use platform::Platform;
pub use sides::{At, Begun, Incoming, Mode, Source, Target, Upload, Version};
pub use verified::{Verified, Witness};
