//! One fault at a time: the library between two registries that misbehave byte by byte, on a clock that only waiting
//! moves. Judged by the requests that they saw and the bytes that they hold.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]
mod downloads;
mod landed;
mod lanes;
mod many;
mod mounts;
mod names;
mod parts;
mod ranges;
mod repair;
mod tokens;
mod trips;
mod uploads;
mod waits;
mod world;
