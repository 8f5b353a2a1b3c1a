//! `transship verify`, run as a user would: what it finds, what it says, and how it ends.
#![allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a promise that is broken stops the test"
)]
mod images;

use testkit::{Program, Run};

/// Runs `transship` among the repository's own files, in an empty home.
fn transship(words: &[&str]) -> Run {
    Program::new(env!("CARGO_BIN_EXE_transship")).at(env!("CARGO_MANIFEST_DIR")).run(words)
}
