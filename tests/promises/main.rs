//! What the program promises, one module a promise: the real binary between registries on loopback, judged by the
//! requests that they saw and the bytes that they hold.
#![allow(
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]
mod archives;
mod auth;
mod bench;
mod bench_owes;
mod bundles;
mod canary;
mod content;
mod data;
mod files;
mod hostile;
mod integrity;
mod kill;
mod layouts;
mod leaving;
mod limits;
mod mirrors;
mod mounts;
mod names;
mod noforce;
mod platforms;
mod referrers;
mod requests;
mod resume;

use testkit::Program;

/// The binary, with a home of its own.
fn transship() -> Program {
    Program::new(env!("CARGO_BIN_EXE_transship"))
}

/// The arguments of `transship import` from one place to another.
fn import<'a>(source: &'a str, target: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let mut arguments = vec!["import", "--source", source, "--target", target];
    arguments.extend(more);
    arguments
}
