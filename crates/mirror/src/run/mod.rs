//! Runs: images on their way, one by one or many at once.
mod counted;
mod outcome;
mod prospect;
mod runner;
pub mod tally;
mod trust;

pub use outcome::Outcome;
pub use prospect::Prospect;
pub use runner::{Rules, Runner};
