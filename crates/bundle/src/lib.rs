//! Bundles: what a destination lacks, packed into volumes, and applied in any order.
#![cfg_attr(
    test,
    allow(
        clippy::arithmetic_side_effects,
        clippy::indexing_slicing,
        clippy::unwrap_used,
        reason = "a test fails by panicking"
    )
)]
mod apply;
mod chart;
mod create;
mod disk;
mod draft;
mod error;
mod fit;
#[cfg(fuzzing)]
pub mod fuzzing;
mod gather;
mod inventory;
mod load;
mod packed;
mod plan;
#[cfg(test)]
mod samples_tests;
mod set;
mod survey;
mod text;
mod volume;

pub use apply::{
    Applied, Arrived, Clobber, Harbour, Intake, Sides, Staging, Stock, look_for_all, look_for_base, push,
    store,
};
pub use create::{Created, Ledger, LeftOut, Made, Origins, Packer, Tools};
pub use draft::draft;
pub use error::BundleError;
pub use inventory::{Inventory, MAX_INVENTORY, Shelf};
pub use load::{Load, Unread, Wanted};
pub use plan::{Base, Content, Image, Plan, Witness};
pub use set::Set;
pub use survey::{Look, survey};
pub use volume::Volume;
