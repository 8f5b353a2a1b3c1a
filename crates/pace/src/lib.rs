//! When to send, and how long to wait: lanes, gates, back-off, idle timers; and memory that is shared.
//!
//! Knows time and turn, nothing of what is sent: no HTTP, no content, no names.
#![cfg_attr(test, allow(clippy::arithmetic_side_effects, reason = "a test fails by panicking"))]
mod activity;
mod backoff;
mod gate;
mod idle;
mod journey;
mod lanes;
mod level;
mod pair;
mod retry_after;
mod stock;
mod traffic;

pub use activity::{Activity, Patience, watch};
pub use backoff::Backoff;
pub use gate::Gate;
pub use idle::{Idle, Stalled, Steady};
pub use journey::{give_way, keep_way, travel};
pub use lanes::{Lane, Lanes, Round};
pub use level::Level;
pub use pair::{Pair, pair};
pub use retry_after::{RetryAfter, retry_after};
pub use stock::{Share, Stock};
pub use traffic::Traffic;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks for a moment; a holder that panicked leaves a value that is still whole, as none is changed in two steps.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
