//! Proofs of images at registries that misbehave, and in layouts that were damaged.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]
mod blobs;
mod deep;
mod layouts;
mod manifests;
mod roots;
mod world;
