//! Budgets: how often a transfer may be interrupted before it is given up.

use content::Fault;

/// Interruptions of a download without progress after which it is given up: with the waits between them, a source may
/// be away for some fifteen seconds.
pub(crate) const READS: u32 = 7;
/// Interruptions of an upload without progress after which it is given up; each may have cost a whole blob.
pub(crate) const SENDS: u32 = 5;
/// So many bytes of progress earn a full budget again.
const PROGRESS: u64 = 1024 * 1024;

/// How often a transfer may still be interrupted.
pub(crate) struct Budget {
    backoff: pace::Backoff,
    moved: u64,
}

impl Budget {
    pub(crate) fn new(attempts: u32) -> Self {
        Self { backoff: pace::Backoff::new(attempts), moved: 0 }
    }

    /// Waits before another try after `fault`, as long as the peer asks for and until there is a lane for it;
    /// `false` when none is left, or of no use.
    pub(crate) async fn spend(&mut self, fault: &Fault) -> bool {
        if !fault.is_momentary() {
            return false;
        }
        let Some(wait) = self.backoff.failed() else { return false };
        tokio::time::sleep(wait.max(fault.pause())).await;
        pace::give_way().await;
        true
    }

    /// Counts bytes that moved.
    pub(crate) fn progress(&mut self, bytes: u64) {
        self.moved = self.moved.saturating_add(bytes);
        if self.moved >= PROGRESS {
            self.backoff.refill();
            self.moved = 0;
        }
    }
}
