//! The registry client against servers that say, byte by byte, what they are told to.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
mod integrity;
mod manifests;
mod publishing;
mod script;
mod uploads;
