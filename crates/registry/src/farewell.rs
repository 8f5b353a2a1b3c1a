//! Farewells: what is still to be said to a registry when nobody waits for the work any more.
//!
//! What is said stands elsewhere; here is who waits for it, and how long.
use std::{sync::Arc, time::Duration};

use futures::FutureExt;
use tokio::{runtime::Handle, sync::watch, time::timeout};

/// The farewells that are under way; clones share them.
#[derive(Debug, Clone, Default)]
pub struct Farewells(Arc<watch::Sender<usize>>);

impl Farewells {
    /// Waits until all is said, or for `limit`; whether all is said.
    pub async fn said(&self, limit: Duration) -> bool {
        let mut under_way = self.0.subscribe();
        let said = timeout(limit, under_way.wait_for(|number| *number == 0)).await;
        said.is_ok()
    }

    /// Says something that nobody waits for; where no runtime is left, it stays unsaid.
    pub(crate) fn say(&self, words: impl Future<Output = ()> + Send + 'static) {
        let Ok(runtime) = Handle::try_current() else { return };
        self.0.send_modify(|number| *number = number.saturating_add(1));
        let saying = Saying(self.clone());
        runtime.spawn(words.map(|()| drop(saying)));
    }
}

/// One farewell, until it is said or its runtime ends.
struct Saying(Farewells);

impl Drop for Saying {
    fn drop(&mut self) {
        self.0.0.send_modify(|number| *number = number.saturating_sub(1));
    }
}
