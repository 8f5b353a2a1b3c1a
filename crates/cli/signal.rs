//! Signals: the first one drops the work, and whatever was written stays and is complete; the second one ends the
//! wait for what is still said to registries then.
use std::future::pending;

#[cfg(unix)]
use tokio::signal::unix::{self, SignalKind};

use crate::failure::Signal;

/// SIGINT, SIGTERM and SIGHUP, from when it is made.
#[cfg(unix)]
pub(crate) struct Signals {
    both: Option<(unix::Signal, unix::Signal)>,
    hangup: Option<unix::Signal>,
}

#[cfg(unix)]
impl Signals {
    /// Begins to listen.
    pub(crate) fn listen() -> Self {
        let both = [SignalKind::interrupt(), SignalKind::terminate()].map(unix::signal);
        let [Ok(interrupt), Ok(terminate)] = both else {
            // Where signals cannot be caught, they end the process by themselves.
            return Self { both: None, hangup: None };
        };
        // `nohup` has it ignored for good reason.
        let hangup = if ends_by_hangup() { unix::signal(SignalKind::hangup()).ok() } else { None };
        Self { both: Some((interrupt, terminate)), hangup }
    }

    /// Waits for the next one.
    pub(crate) async fn next(&mut self) -> Signal {
        let Some((interrupt, terminate)) = &mut self.both else { return pending().await };
        let hangup = async {
            match &mut self.hangup {
                Some(hangup) => hangup.recv().await,
                None => pending().await,
            }
        };
        tokio::select! {
            Some(()) = hangup => Signal::Hangup,
            Some(()) = interrupt.recv() => Signal::Interrupt,
            Some(()) = terminate.recv() => Signal::Terminate,
            else => pending().await,
        }
    }
}

/// Whether a hangup is known to end this process, as it does unless somebody has it ignored.
#[cfg(unix)]
fn ends_by_hangup() -> bool {
    std::fs::read_to_string("/proc/self/status").is_ok_and(|status| !ignores_hangup(&status))
}

/// `SigIgn:` is a mask whose lowest bit is the first signal, SIGHUP. Without it nothing is known.
#[cfg(unix)]
fn ignores_hangup(status: &str) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_none_or(|mask| mask & 1 == 1)
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

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_hangup_that_is_ignored_stays_so() {
        let ignores = |mask: &str| ignores_hangup(&format!("Name:\tx\nSigIgn:\t{mask}\nSigCgt:\t0\n"));
        assert!(ignores("0000000000001001") && ignores("no mask"));
        assert!(!ignores("0000000000001000"));
    }
}
