//! The registry client against servers that say, byte by byte, what they are told to.
#![allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]
mod authorization;
mod downgrade;
mod farewells;
mod foreign;
mod http2;
mod integrity;
mod lists;
mod manifests;
mod metering;
mod patience;
mod proxies;
mod publishing;
mod redirects;
mod referrers;
mod script;
mod slow;
mod tls;
mod tokens;
mod untag;
mod uploads;
