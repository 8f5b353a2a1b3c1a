//! What is asked on a connection: whether anything is, and for how long nothing was.
use std::time::Duration;

use http::Version;
use tokio::{sync::watch, time::timeout};

/// The requests of one connection. Clones are one.
#[derive(Debug, Clone)]
pub(crate) struct Asking(watch::Sender<Now>);

#[derive(Debug, Clone, Copy, Default)]
struct Now {
    under_way: usize,
    is_http2: bool,
}

/// A request whose answer somebody still takes.
#[derive(Debug)]
pub(crate) struct UnderWay(Asking);

impl Asking {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(Now::default()))
    }

    /// A request has come.
    pub(crate) fn begins(&self, version: Version) -> UnderWay {
        self.0.send_modify(|now| {
            now.under_way = now.under_way.saturating_add(1);
            now.is_http2 = version == Version::HTTP_2;
        });
        UnderWay(self.clone())
    }

    /// Waits until nothing was asked for so long. The HTTP stack does so itself between requests of HTTP/1.1; before
    /// the first one it does not know the version, and of HTTP/2 it only asks whether the client lives.
    pub(crate) async fn silence(&self, long: Duration) {
        let mut now = self.0.subscribe();
        loop {
            // Whoever asks is here, so the channel is open.
            if now.wait_for(|now| now.under_way == 0).await.is_err()
                || timeout(long, now.changed()).await.is_err()
            {
                return;
            }
            if !now.borrow().is_http2 {
                std::future::pending::<()>().await;
            }
        }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.0.send_modify(|now| now.under_way = now.under_way.saturating_sub(1));
    }
}
