//! What the engine promises, on registries in memory.
#![allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]
mod followers;
mod images;
mod journal;
mod limits;
mod memory;
mod moving;
mod order;
mod tags;
