//! Steady reading: a blob's bytes as one stream, however often the connection breaks.
use std::{ops::Range, sync::Arc};

use bytes::{Buf, Bytes};
use content::{Descriptor, Fault, FaultKind, Incoming, Source, Step};
use futures::{
    StreamExt,
    stream::{self, BoxStream},
};

use crate::budget::{Budget, READS};

/// How many bytes one reading of a blob may throw away in all, where a server ignores the range it was asked for.
const DISCARD_CAP: u64 = 256 * 1024 * 1024;

/// The bytes of a span of `blob`. A break is resumed where it happened, as often as the budget allows. What a source
/// refuses is told at once, before anything is sent anywhere.
pub(crate) async fn steady(
    source: Arc<dyn Source>,
    blob: Descriptor,
    span: Range<u64>,
) -> Result<BoxStream<'static, Result<Bytes, Fault>>, Fault> {
    let mut reader = Reader::new(source, blob, span);
    while let Err(fault) = reader.open().await {
        reader.bear(fault).await?;
    }
    Ok(reader.into_stream())
}

/// As [`steady`], but asked for with the first byte.
pub(crate) fn steady_later(
    source: Arc<dyn Source>,
    blob: Descriptor,
    span: Range<u64>,
) -> BoxStream<'static, Result<Bytes, Fault>> {
    Reader::new(source, blob, span).into_stream()
}

struct Reader {
    source: Arc<dyn Source>,
    blob: Descriptor,
    /// The offset of the next byte to hand on.
    at: u64,
    /// Where reading ends.
    end: u64,
    feed: Option<BoxStream<'static, Result<Bytes, Fault>>>,
    /// Bytes still to be thrown away before `at` is reached.
    discard: u64,
    /// Bytes that may still be thrown away on later occasions.
    patience: u64,
    budget: Budget,
    ended: bool,
}

impl Reader {
    fn new(source: Arc<dyn Source>, blob: Descriptor, span: Range<u64>) -> Self {
        Self {
            source,
            end: span.end.min(blob.size),
            blob,
            at: span.start,
            feed: None,
            discard: 0,
            patience: DISCARD_CAP,
            budget: Budget::new(READS),
            ended: false,
        }
    }

    fn into_stream(self) -> BoxStream<'static, Result<Bytes, Fault>> {
        let bytes = stream::unfold(self, async |mut reader| {
            let item = reader.next().await?;
            Some((item, reader))
        });
        bytes.boxed()
    }

    async fn next(&mut self) -> Option<Result<Bytes, Fault>> {
        if self.ended || self.at >= self.end {
            return None;
        }
        loop {
            let fault = match self.step().await {
                Ok(Some(chunk)) => return Some(Ok(chunk)),
                Ok(None) => continue,
                Err(fault) => fault,
            };
            if let Err(fault) = self.bear(fault).await {
                self.ended = true;
                return Some(Err(fault));
            }
        }
    }

    /// Waits until another try is due after `fault`, which comes back when there is none.
    async fn bear(&mut self, fault: Fault) -> Result<(), Fault> {
        self.feed = None;
        if !self.budget.spend(&fault).await {
            return Err(fault);
        }
        tracing::debug!(digest = %self.blob.digest, at = self.at, %fault, "resuming a blob");
        Ok(())
    }

    async fn open(&mut self) -> Result<(), Fault> {
        let incoming = self.source.open(&self.blob, self.at..self.end).await?;
        self.accept(incoming)
    }

    /// The next chunk; `None` when there was nothing to hand on yet.
    async fn step(&mut self) -> Result<Option<Bytes>, Fault> {
        let Some(feed) = &mut self.feed else {
            self.open().await?;
            return Ok(None);
        };
        let Some(mut chunk) = feed.next().await.transpose()? else {
            let what = format!("the body ended at byte {} of {}", self.at, self.end);
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
