//! Proves that a destination holds what it is said to hold.
//!
//! ```text
//! Case -> Verifier -> Proof            what is said of one image, and every Finding that speaks against it
//! ```
//!
//! Nothing is written anywhere. What a mirror trusts, it looks at: an equal root says nothing of what lies below it, so
//! every manifest is read, and every blob asked for, or read to its last byte. What several images of one repository
//! have in common is looked at once.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking"))]
mod case;
mod finding;
mod followers;
mod proof;
mod shelf;
mod verifier;
mod walk;

pub use case::{Case, Expected, Remedies};
pub use finding::{Finding, Piece};
pub use proof::Proof;
pub use verifier::{Depth, Seen, Verifier};
