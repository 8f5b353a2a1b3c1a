//! Interoperability: the real binary against registries and clients of other makes, and with a real image. `.ci/run`
//! installs them; here their absence is a failure.
#![allow(
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]
#![allow(clippy::print_stdout, reason = "tests of large images print their figures")]
mod archives;
mod auth;
mod bench;
mod bundles;
mod clients;
mod copy;
mod crashes;
mod cuts;
mod daemons;
mod debian;
mod full;
mod http;
mod kills;
mod large;
mod layouts;
mod memory;
mod mirror;
mod nats;
mod proxies;
mod queue;
mod registries;
mod relay;
mod scale;
mod serve;
mod shared;
mod signatures;
mod storms;
mod tls;
mod upkeep;
mod watching;

use testkit::Program;

/// The binary, with a home of its own.
fn transship() -> Program {
    Program::new(env!("CARGO_BIN_EXE_transship"))
}

/// The binary, for gigabytes: nothing is said of each piece of them.
fn transship_quiet() -> Program {
    let mut program = transship();
    program.set("RUST_LOG", "info");
    program
}
