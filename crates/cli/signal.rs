//! Signals: the first one drops the work, and whatever was written stays and is complete; the second one ends the
//! wait for what is still said to registries then.
use std::future::pending;

#[cfg(unix)]
use tokio::signal::unix::{self, SignalKind};

use crate::failure::Signal;

/// SIGINT and SIGTERM, from when it is made.
#[cfg(unix)]
pub(crate) struct Signals(Option<(unix::Signal, unix::Signal)>);

#[cfg(unix)]
impl Signals {
    /// Begins to listen.
    pub(crate) fn listen() -> Self {
        let both = [SignalKind::interrupt(), SignalKind::terminate()].map(unix::signal);
        let [Ok(interrupt), Ok(terminate)] = both else {
            // Where signals cannot be caught, they end the process by themselves.
            return Self(None);
        };
        Self(Some((interrupt, terminate)))
    }

    /// Waits for the next one.
    pub(crate) async fn next(&mut self) -> Signal {
        let Some((interrupt, terminate)) = &mut self.0 else { return pending().await };
        tokio::select! {
            Some(()) = interrupt.recv() => Signal::Interrupt,
            Some(()) = terminate.recv() => Signal::Terminate,
            else => pending().await,
        }
    }
}

/// Ctrl-C.
#[cfg(not(unix))]
pub(crate) struct Signals;

#[cfg(not(unix))]
impl Signals {
    /// Begins to listen, as far as that is possible before the first wait.
    pub(crate) fn listen() -> Self {
        Self
    }

    /// Waits for the next one.
    pub(crate) async fn next(&mut self) -> Signal {
        match tokio::signal::ctrl_c().await {
            Ok(()) => Signal::Interrupt,
            Err(_) => pending().await,
        }
    }
}
