//! Steady reading: a blob's bytes as one stream, however often the connection breaks.
use std::sync::Arc;

use bytes::{Buf, Bytes};
use content::{Descriptor, Fault, FaultKind, Incoming, Source, Step};
use futures::{
    StreamExt,
    stream::{self, BoxStream},
};

use crate::budget::Budget;

/// How many bytes of one blob may be thrown away in all, when a server ignores the range it was asked for.
const DISCARD_CAP: u64 = 256 * 1024 * 1024;

/// The bytes of `blob` from `at` to its end. A break is resumed where it happened, as often as the budget allows.
pub(crate) fn steady(
    source: Arc<dyn Source>,
    blob: Descriptor,
    at: u64,
    first: Incoming,
) -> BoxStream<'static, Result<Bytes, Fault>> {
    let reader = Reader {
        source,
        blob,
        at,
        feed: None,
        discard: 0,
        patience: DISCARD_CAP,
        budget: Budget::new(),
        ended: false,
    };
    stream::unfold((reader, Some(first)), |(mut reader, first)| async move {
        if let Some(first) = first
            && let Err(fault) = reader.accept(first)
        {
            reader.ended = true;
            return Some((Err(fault), (reader, None)));
        }
        let item = reader.next().await?;
        Some((item, (reader, None)))
    })
    .boxed()
}

struct Reader {
    source: Arc<dyn Source>,
    blob: Descriptor,
    /// The offset of the next byte to hand on.
    at: u64,
    feed: Option<BoxStream<'static, Result<Bytes, Fault>>>,
    /// Bytes still to be thrown away before `at` is reached.
    discard: u64,
    /// Bytes that may still be thrown away on later occasions.
    patience: u64,
    budget: Budget,
    ended: bool,
}

impl Reader {
    async fn next(&mut self) -> Option<Result<Bytes, Fault>> {
        if self.ended || self.at >= self.blob.size {
            return None;
        }
        loop {
            let fault = match self.step().await {
                Ok(Some(chunk)) => return Some(Ok(chunk)),
                Ok(None) => continue,
                Err(fault) => fault,
            };
            self.feed = None;
            if !fault.is_momentary() || !self.budget.spend().await {
                self.ended = true;
                return Some(Err(fault));
            }
            tracing::debug!(digest = %self.blob.digest, at = self.at, %fault, "resuming a blob");
        }
    }

    /// The next chunk; `None` when there was nothing to hand on yet.
    async fn step(&mut self) -> Result<Option<Bytes>, Fault> {
        let Some(feed) = &mut self.feed else {
            let incoming = self.source.open(&self.blob, self.at..self.blob.size).await?;
            self.accept(incoming)?;
            return Ok(None);
        };
        let Some(mut chunk) = feed.next().await.transpose()? else {
            let what = format!("the body ended at byte {} of {}", self.at, self.blob.size);
            let fault = Fault::new(FaultKind::Untrue, Step::ReadBlob, what).at(self.source.place());
            return Err(fault.about(&self.blob.digest).momentary());
        };
        let known = usize::try_from(self.discard).unwrap_or(usize::MAX).min(chunk.len());
        chunk.advance(known);
        self.discard = self.discard.saturating_sub(known as u64);
        if chunk.is_empty() {
            return Ok(None);
        }
        self.at = self.at.saturating_add(chunk.len() as u64);
        self.budget.progress(chunk.len() as u64);
        Ok(Some(chunk))
    }

    fn accept(&mut self, incoming: Incoming) -> Result<(), Fault> {
        let fault = |kind, what: String| {
            Fault::new(kind, Step::ReadBlob, what).at(self.source.place()).about(&self.blob.digest)
        };
        let Some(gap) = self.at.checked_sub(incoming.at) else {
            let what = format!("asked for bytes from {}, the answer begins at {}", self.at, incoming.at);
            return Err(fault(FaultKind::Protocol, what));
        };
        let Some(patience) = self.patience.checked_sub(gap) else {
            let what = format!("the server serves no ranges, and broke off at byte {} again", self.at);
            return Err(fault(FaultKind::Unreachable, what));
        };
        self.patience = patience;
        self.discard = gap;
        self.feed = Some(incoming.bytes);
        Ok(())
    }
}
