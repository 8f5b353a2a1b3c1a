//! A small OCI registry over image layouts: the distribution API as a service.
//!
//! Blobs are stored once and seen per repository: in those whose manifests lead to them, and in those they were
//! pushed or mounted to. Tags of a repository are entries of `index.json` named `repository:tag`. Nothing is ever
//! removed from `blobs/`: deleting hides.
//!
//! Reading order: [`Server`] takes a request, `routes` says what it asks for, and the rooms named after the nouns of
//! the API answer. `links` knows what a repository shows.
mod access;
mod asking;
mod blobs;
mod body;
mod catalog;
mod condition;
mod connection;
mod error;
mod facts;
#[cfg(fuzzing)]
pub mod fuzzing;
mod gate;
mod homes;
mod htpasswd;
mod links;
mod load;
mod manifests;
mod names;
mod paging;
mod patient;
mod query;
mod range;
mod referrers;
mod rooms;
mod routes;
mod server;
mod sessions;
mod survey;
mod table;
mod tags;
mod timely;
mod tls;
mod uploads;
mod view;

pub use body::Body;
pub use htpasswd::{Htpasswd, HtpasswdError};
pub use server::{Options, Server};
pub use survey::{Oddity, Piece, Survey};
pub use tls::{Tls, TlsError};
