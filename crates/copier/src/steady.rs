//! Steady reading: a blob's bytes as one stream, however often the connection breaks.
use std::{
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use bytes::{Buf, Bytes};
use content::{Descriptor, Fault, FaultKind, Incoming, Source, Step};
use futures::{
    StreamExt,
    stream::{self, BoxStream},
};

use crate::budget::{Budget, READS};

/// How many bytes one reading of a blob may throw away in all, where a server ignores the range it was asked for.
const DISCARD_CAP: u64 = 256 * 1024 * 1024;

/// What all requests of one reading share: how many bytes they may still throw away, and whether they had to.
#[derive(Debug, Clone)]
pub(crate) struct Patience(Arc<Left>);

#[derive(Debug)]
struct Left {
    bytes: AtomicU64,
    is_whole: AtomicBool,
}

impl Patience {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Left { bytes: AtomicU64::new(DISCARD_CAP), is_whole: AtomicBool::new(false) }))
    }

    /// Whether the source has sent the whole blob where a part of it was asked for.
    pub(crate) fn knows_whole(&self) -> bool {
        self.0.is_whole.load(Ordering::Relaxed)
    }

    /// The source has sent the whole blob where a part of it was asked for.
    pub(crate) fn note_whole(&self) {
        self.0.is_whole.store(true, Ordering::Relaxed);
    }

    /// Whether so many bytes may be thrown away.
    fn spend(&self, bytes: u64) -> bool {
        let less = |left: u64| left.checked_sub(bytes);
        self.0.bytes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok()
    }
}

/// The bytes of a span of `blob`. A break is resumed where it happened, as often as the budget allows. What a source
/// refuses is told at once, before anything is sent anywhere.
pub(crate) async fn steady(
    source: Arc<dyn Source>,
    blob: Descriptor,
    span: Range<u64>,
    patience: Patience,
) -> Result<BoxStream<'static, Result<Bytes, Fault>>, Fault> {
    let mut reader = Reader::new(source, blob, span, patience);
    while let Err(fault) = reader.open().await {
        reader.bear(fault).await?;
    }
    Ok(reader.into_stream())
}

/// All bytes of a blob as one stream, for whoever wants to see them and not to copy them. A break is resumed where it
/// happened, as often as in a copy.
///
/// # Errors
/// What the source refuses; what breaks later stands in the stream.
pub async fn read(
    source: Arc<dyn Source>,
    blob: Descriptor,
) -> Result<BoxStream<'static, Result<Bytes, Fault>>, Fault> {
    let span = 0..blob.size;
    steady(source, blob, span, Patience::new()).await
}

/// As [`steady`], but asked for with the first byte, and because others read what lies before: bytes that its first
/// answer sends of that are not the fault of a break, and not counted.
pub(crate) fn steady_later(
    source: Arc<dyn Source>,
    blob: Descriptor,
    span: Range<u64>,
    patience: Patience,
) -> BoxStream<'static, Result<Bytes, Fault>> {
    let mut reader = Reader::new(source, blob, span, patience);
    reader.is_forgiven = true;
    reader.into_stream()
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
    patience: Patience,
    /// Whether the next answer may begin anywhere.
    is_forgiven: bool,
    budget: Budget,
    ended: bool,
}

impl Reader {
    fn new(source: Arc<dyn Source>, blob: Descriptor, span: Range<u64>, patience: Patience) -> Self {
        Self {
            source,
            end: span.end.min(blob.size),
            blob,
            at: span.start,
            feed: None,
            discard: 0,
            patience,
            is_forgiven: false,
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
        if gap > 0 {
            self.patience.note_whole();
        }
        if !std::mem::take(&mut self.is_forgiven) && !self.patience.spend(gap) {
            let what = format!("the server serves no ranges, and broke off at byte {} again", self.at);
            return Err(fault(FaultKind::Unreachable, what));
        }
        self.discard = gap;
        self.feed = Some(incoming.bytes);
        Ok(())
    }
}
