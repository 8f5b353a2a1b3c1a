//! A small OCI registry over an image layout: the distribution API as a service.
//!
//! Blobs are stored once and seen per repository: in those whose manifests lead to them, and in those they were
//! pushed or mounted to. Tags of a repository are entries of `index.json` named `repository:tag`. Nothing is ever
//! removed from `blobs/`: deleting hides.
//!
//! Reading order: [`Server`] takes a request, `routes` says what it asks for, and the rooms named after the nouns of
//! the API answer. `links` knows what a repository shows.
mod blobs;
mod body;
mod error;
mod facts;
#[cfg(fuzzing)]
pub mod fuzzing;
mod links;
mod manifests;
mod names;
mod query;
mod range;
mod referrers;
mod rooms;
mod routes;
mod server;
mod sessions;
mod tags;
mod timely;
mod uploads;
mod view;

pub use body::Body;
pub use server::{Options, Server};
