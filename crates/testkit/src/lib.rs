//! What tests stand on: generated images, loopback registries that misbehave, and ledgers of every request.
//!
//! Three things play a registry. `Registry` is the house's own server with rules in front, for tests that ask what is
//! kept on its disk. `Fake` lies byte by byte and obeys a paused clock, for breaks, faults and time. The `Script` of
//! `registry`'s own tests says one answer after another, for one exchange.
//!
//! Development only. A broken expectation in here is a failed test, so it may panic.
#![allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a test kit fails by panicking"
)]

mod archive;
mod body;
pub mod canary;
pub mod elf;
mod fake;
pub mod fixtures;
mod gate;
mod image;
pub mod images;
mod ledger;
mod loopback;
mod noise;
mod pattern;
mod process;
mod program;
mod registry;
mod rules;
mod running;
mod spoil;
mod tls;
mod token_server;
mod tokens;

pub use archive::{Archive, Archived};
pub use canary::CANARY;
pub use fake::{End, Fake, FakeSetup, Mishap, Misrange};
pub use image::Image;
pub use images::{Content, Entry};
pub use ledger::{Ledger, Request};
pub use noise::noise;
pub use process::{Process, free_port, run};
pub use program::{Program, Run};
pub use registry::{Registry, Setup};
pub use rules::{Byte, Rule};
pub use running::{Running, ignores_hangups, until};
pub use tls::{Authority, Offer};
pub use token_server::TokenServer;
pub use tokens::{ISSUER, Need, SERVICE, Tokens, Verdict};
