//! What tests stand on: generated images, a loopback registry that misbehaves by rule, and a ledger of every request.
//!
//! Development only. A broken expectation in here is a failed test, so it may panic.
#![allow(clippy::expect_used, clippy::panic, reason = "a test kit fails by panicking")]

pub mod elf;
pub mod fixtures;
pub mod images;
mod noise;

pub use images::{Content, Entry};
pub use noise::noise;
