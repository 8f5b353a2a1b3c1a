//! Signals: the work is dropped, whatever was written stays and is complete.
use std::future::pending;

use crate::failure::Signal;

/// Waits for SIGINT or SIGTERM.
#[cfg(unix)]
pub(crate) async fn caught() -> Signal {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut interrupt), Ok(mut terminate)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        // Where signals cannot be caught, they end the process by themselves.
        return pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => Signal::Interrupt,
        _ = terminate.recv() => Signal::Terminate,
    }
}

/// Waits for Ctrl-C.
#[cfg(not(unix))]
pub(crate) async fn caught() -> Signal {
    match tokio::signal::ctrl_c().await {
        Ok(()) => Signal::Interrupt,
        Err(_) => pending().await,
    }
}
