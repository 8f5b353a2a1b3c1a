//! The OCI distribution API as a source and a target of copies.
//!
//! Reading order: [`Options`] and [`Registries`] are the way in; a [`Repository`] is a [`content::Source`], a
//! [`content::Target`] and a [`content::Catalog`]; `client` authorises and repeats; `http_client` is the one file that
//! knows the HTTP library.
//! Never holds a blob in memory, never judges bytes, never decides what is copied.
mod begin;
mod blobs;
mod body;
mod catalog;
mod client;
mod content_range;
mod endpoint;
mod facts;
mod fallback;
mod farewell;
mod fault;
mod feed;
mod follow;
mod foreign;
#[cfg(fuzzing)]
pub mod fuzzing;
mod http_client;
#[cfg(feature = "oci-client")]
pub mod interop;
mod ladder;
mod later;
mod lists;
mod location;
mod manifests;
mod meter;
mod mounting;
mod names;
mod opening;
mod options;
mod paging;
mod publish;
mod referrers;
mod refusal;
mod registries;
mod removing;
mod repository;
mod rung;
mod said;
mod sending;
mod standing;
mod tagged;
mod text;
mod tls;
mod upload;
mod veil;
mod via;
mod wire;

pub use farewell::Farewells;
pub use meter::{Exchange, Meter};
pub use options::{Options, Timeouts};
pub use registries::Registries;
pub use removing::Removal;
pub use repository::Repository;
