//! Registry authentication: challenges in, authorization out.
//!
//! Reading order: [`Challenge`] is what a registry asks for; [`Scopes`] what we ask for; [`Credential`] what the
//! user has, [`Stores`] where it was found; [`admit`] decides where anything may be sent; [`Negotiator`] is the
//! front door that puts them together. Knows no HTTP client: it asks through [`Endpoint`].
#![cfg_attr(test, allow(clippy::arithmetic_side_effects, reason = "a test fails by panicking"))]
mod address;
mod admission;
mod authorization;
mod cache;
mod challenge;
mod credential;
mod demand;
mod domain;
mod endpoint;
mod error;
mod exchange;
mod flight;
#[cfg(fuzzing)]
pub mod fuzzing;
mod negotiator;
mod origin;
mod scope;
mod secret;
mod store;
mod text;
mod token;

pub use admission::{Admission, Context, Purpose, Refusal, RefusalReason, admit, admit_address};
pub use authorization::Authorization;
pub use challenge::Challenge;
pub use credential::{Credential, CredentialSource, Found, Given};
pub use endpoint::{Endpoint, TokenRequest, TokenResponse};
pub use error::{AuthError, AuthErrorKind, Withheld};
pub use negotiator::Negotiator;
pub use origin::Origin;
pub use scope::{Scope, Scopes};
pub use secret::Secret;
pub use store::{Environment, Stores};
