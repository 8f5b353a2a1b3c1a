//! Interoperability: the real binary against registries and clients of other makes, and with a real image. `.ci/run`
//! installs them; here their absence is a failure.
#![allow(
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]
mod auth;
mod clients;
mod copy;
mod crashes;
mod debian;
mod layouts;
mod memory;
mod registries;
mod tls;

use testkit::Program;

/// The binary, with a home of its own.
fn transship() -> Program {
    Program::new(env!("CARGO_BIN_EXE_transship"))
}
