//! What a mirror that keeps running tells those who watch it: whether it lives, whether it is ready, and its figures in
//! the text format of Prometheus.
//!
//! A [`Board`] is what there is to tell; [`answer`] tells it over HTTP.
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test fails by panicking"))]
mod answer;
mod board;
mod text;

pub use answer::answer;
pub use board::{Board, End, Image, Round};
