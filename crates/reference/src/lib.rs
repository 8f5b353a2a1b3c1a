//! Names of images: registry, repository, tag and digest.
//!
//! Pure: no input or output, no async, no panics.
mod destination;
mod digest;
mod error;
mod kind;
mod location;
mod reference;
mod registry;
mod repository;
mod tag;

pub use destination::Destination;
pub use digest::{Algorithm, Digest};
pub use error::ParseError;
pub use kind::ParseErrorKind;
pub use location::{LayoutForm, LayoutLocation, LayoutName, Location};
pub use reference::Reference;
pub use registry::Registry;
pub use repository::RepositoryName;
pub use tag::{RefName, Tag};
