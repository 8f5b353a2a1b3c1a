//! Bodies of answers: small ones are read, or drained so that the connection can be used again, within a cap and a
//! limit on the whole; those of blobs have an idle limit.
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::{StreamExt, stream::BoxStream};
use pace::{Stalled, Steady};
use tokio::time::timeout;

use crate::wire::{Broken, Reply, Why};

/// The most bytes that are read and thrown away to keep a connection.
const DRAIN: usize = 64 * 1024;
/// How long that may take in all.
const DRAIN_TIME: Duration = Duration::from_secs(2);

/// Why a body was not collected.
#[derive(Debug)]
pub(crate) enum Uncollected {
    /// It has more bytes than it may have.
    TooLarge,
    /// It did not come to its end.
    Broken(Broken),
}

/// The whole body, when it has at most `cap` bytes and is there after `limit`.
pub(crate) async fn collect(reply: Reply, cap: u64, limit: Duration) -> Result<Bytes, Uncollected> {
    let mut body = reply.body;
    let whole = async {
        let mut whole = BytesMut::new();
        while let Some(chunk) = body.next().await {
            let chunk = chunk.map_err(Uncollected::Broken)?;
            if whole.len().saturating_add(chunk.len()) as u64 > cap {
                return Err(Uncollected::TooLarge);
            }
            whole.extend_from_slice(&chunk);
        }
        Ok(whole.freeze())
    };
    timeout(limit, whole).await.unwrap_or_else(|_| {
        let late = format!("the body did not end within {} s", limit.as_secs());
        Err(Uncollected::Broken(Broken::new(Why::TimedOut, late)))
    })
}

/// The first `cap` bytes of a body, as far as they come within `limit`, whatever becomes of it afterwards.
pub(crate) async fn beginning(reply: Reply, cap: usize, limit: Duration) -> Bytes {
    let mut body = reply.body;
    let mut start = BytesMut::new();
    let reading = async {
        while let Some(Ok(chunk)) = body.next().await {
            let room = cap.saturating_sub(start.len());
            start.extend_from_slice(chunk.get(..room.min(chunk.len())).unwrap_or_default());
            if start.len() >= cap {
                break;
            }
        }
    };
    // What came until then is still worth showing.
    let _ = timeout(limit, reading).await;
    start.freeze()
}

/// Reads a small body to its end: a connection with an unread body cannot be used again. One that takes its time is
/// not worth keeping.
pub(crate) async fn drain(reply: Reply) {
    if reply.length().is_some_and(|length| length > DRAIN as u64) {
        return;
    }
    beginning(reply, DRAIN, DRAIN_TIME).await;
}

/// A body with an idle limit. Time counts only while somebody waits for the next piece: a slow reader is not the
/// server's fault.
pub(crate) fn timed(
    body: BoxStream<'static, Result<Bytes, Broken>>,
    idle: Duration,
) -> BoxStream<'static, Result<Bytes, Broken>> {
    let late = |stalled: Stalled| Err(Broken::new(Why::TimedOut, stalled.to_string()));
    let weigh = |item: &Result<Bytes, Broken>| item.as_ref().map_or(0, |bytes| bytes.len() as u64);
    Steady::new(body, idle, weigh).map(move |item| item.unwrap_or_else(late)).boxed()
}
