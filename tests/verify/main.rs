//! `transship verify`, run as a user would: what it finds, what it says, and how it ends.
#![allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::string_slice,
    reason = "a promise that is broken stops the test"
)]
mod images;
mod kills;
mod kills_of_layouts;
mod mirrors;
mod referrers;

use testkit::{Program, Run};

/// `transship` among the repository's own files, in an empty home.
fn program() -> Program {
    Program::new(env!("CARGO_BIN_EXE_transship")).at(env!("CARGO_MANIFEST_DIR"))
}

/// Runs it with these words.
fn transship(words: &[&str]) -> Run {
    program().run(words)
}
