//! The copy engine: one image, from one source to any number of destinations.
//!
//! ```text
//! Job -> Plan -> Admitted -> Report            only an admitted plan is carried out: order is a type
//! GET blob -> Incoming -> Verified -> Upload   one function, `hallway::carry`
//! ```
//!
//! Knows no HTTP and no file system: both sides are [`content::Source`] and [`content::Target`].
#![cfg_attr(
    test,
    allow(
        clippy::arithmetic_side_effects,
        clippy::indexing_slicing,
        clippy::unwrap_used,
        reason = "a test fails by panicking"
    )
)]
mod ahead;
mod berth;
mod budget;
mod engine;
mod error;
mod execute;
mod followers;
mod hallway;
mod job;
mod lacking;
mod landed;
mod limits;
mod logbook;
mod mend;
mod observer;
mod plan;
mod platforms;
mod preflight;
mod publish;
mod ranges;
mod recall;
mod report;
mod root;
mod steady;
mod survey;
mod walk;

pub use engine::Engine;
pub use error::{Conflict, CopyError, Refusal, Side};
pub use followers::cosign_names;
pub use job::{Destination, Existing, Foreign, Job, Referrers, Ties};
pub use limits::{
    LayerLimit, Limits, MAX_DEPTH, MAX_FOLLOWERS, MAX_LAYER_BYTES, MAX_MANIFESTS, MAX_MANIFESTS_BYTES,
};
pub use observer::{Delivery, Event, Observer, Silent};
pub use platforms::{Narrowed, Platforms};
pub use ranges::Ranges;
pub use recall::Recall;
pub use report::{Delivered, Extent, Outcome, Report};
pub use steady::read;
pub use survey::Survey;
