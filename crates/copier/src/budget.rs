//! Budgets: how often a transfer may be interrupted before it is given up.

/// Interruptions without progress after which a transfer is given up.
const ATTEMPTS: u32 = 5;
/// So many bytes of progress earn a full budget again.
const PROGRESS: u64 = 1024 * 1024;

/// How often a transfer may still be interrupted.
pub(crate) struct Budget {
    backoff: pace::Backoff,
    moved: u64,
}

impl Budget {
    pub(crate) fn new() -> Self {
        Self { backoff: pace::Backoff::new(ATTEMPTS), moved: 0 }
    }

    /// Waits before another try; `false` when there is none left.
    pub(crate) async fn spend(&mut self) -> bool {
        self.backoff.wait().await
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
