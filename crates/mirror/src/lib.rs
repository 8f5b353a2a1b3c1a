//! Many images at once: a configuration, what it selects, where that goes, and what came of it.
//!
//! ```text
//! Config::read -> select -> Item -> Runner -> receipt
//! ```
//!
//! A [`Config`] was checked as far as that can be done without asking anybody. [`select`] asks registries for their
//! tags, through a [`World`] that knows how to reach them, and makes [`Item`]s: one image each, and where it is to be.
//! Knows no HTTP.
#![cfg_attr(
    test,
    allow(
        clippy::arithmetic_side_effects,
        clippy::indexing_slicing,
        clippy::unwrap_used,
        clippy::panic,
        reason = "a test fails by panicking"
    )
)]
pub mod config;
mod home;
mod item;
pub mod lock;
mod name;
mod notes;
mod pattern;
mod prune;
pub mod receipt;
mod run;
mod select;
mod shard;
mod version;
mod world;

pub use config::{Config, ConfigError};
pub use home::Home;
pub use item::Item;
pub use name::{Name, Site};
pub use notes::{HEADER, Keep, Notes, shorter};
pub use pattern::Pattern;
pub use prune::{Prune, Pruning, Spared, Why};
pub use run::{Outcome, Prospect, Rules, Runner, tally};
pub use select::{Selection, Unselected, select};
pub use shard::{NoShard, Shard};
pub use world::World;
