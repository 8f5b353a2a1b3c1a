//! Parallel ranges: a large blob from a source that limits each connection, read by several requests at a time.
//!
//! ```text
//! front:  the request whose bytes are handed on as they come; at first, the one for the whole blob
//! ahead:  segments behind it, each a request of its own, collected until it is their turn
//! ```
//! What is ahead takes only what is free: a lane that nobody waits for, memory that is there. The front needs neither,
//! so that a reading goes on whatever others hold. Bytes are handed on in order, and judged as those of one request.
mod course;
mod held;
mod lessons;
mod reader;
mod segment;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use content::{Descriptor, Fault, Place, Source};
use futures::{StreamExt, stream::BoxStream};
use pace::{Lanes, Stock};

use self::{lessons::Lessons, reader::Reader};
use crate::steady::{Patience, steady};

/// When a blob is read by several requests at a time, and what that may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ranges {
    /// How many requests one blob may have under way; 1 never asks for a part.
    pub most: usize,
    /// How many bytes may be held in memory, by all blobs of an engine together.
    pub memory: u64,
    /// How many bytes one request asks for, at most. Where less than four times as many are left of a blob, nothing is
    /// begun.
    pub segment: u64,
    /// How long a source must have been the slow side.
    pub patience: Duration,
    /// From so many bytes a second on, a source is not slow.
    pub slow: u64,
    /// How long it is believed what was found out about a source.
    pub keeps: Duration,
}

impl Default for Ranges {
    fn default() -> Self {
        Self {
            most: 8,
            memory: 32 << 20,
            segment: 4 << 20,
            patience: Duration::from_millis(500),
            slow: 64 << 20,
            keeps: Duration::from_secs(60),
        }
    }
}

impl Ranges {
    /// How many bytes one request asks for where there are so many to be had: memory is to do for all requests.
    fn fitting(&self) -> u64 {
        let each = self.memory.checked_div(self.most as u64).unwrap_or(self.memory);
        self.segment.min(each.max(LEAST)).max(1)
    }
}

/// Longer than any run.
const FOR_EVER: Duration = Duration::from_secs(365 * 24 * 3600);
/// The least that is worth a request, in bytes.
const LEAST: u64 = 1 << 20;

/// What all readings of an engine share.
#[derive(Debug)]
pub(crate) struct Shared {
    ranges: Ranges,
    stock: Stock,
    lessons: Lessons,
}

impl Shared {
    pub(crate) fn new(ranges: Ranges) -> Arc<Self> {
        Arc::new(Self { ranges, stock: Stock::new(ranges.memory), lessons: Lessons::default() })
    }

    /// The bytes of `blob` from `at` to its end. Further requests take free lanes of `lanes`, the source's. What the
    /// source refuses is told at once, before anything is sent anywhere.
    pub(crate) async fn read(
        self: &Arc<Self>,
        source: &Arc<dyn Source>,
        blob: &Descriptor,
        at: u64,
        lanes: Lanes,
    ) -> Result<BoxStream<'static, Result<Bytes, Fault>>, Fault> {
        let patience = Patience::new();
        let bytes = steady(Arc::clone(source), blob.clone(), at..blob.size, patience.clone()).await?;
        if self.ranges.most < 2 || !self.is_worth(blob.size.saturating_sub(at)) {
            return Ok(bytes);
        }
        let text = Text { source: Arc::clone(source), blob: blob.clone(), patience };
        Ok(Reader::new(Arc::clone(self), text, at, bytes, lanes).boxed())
    }

    /// Bytes of a source were wrong. It may be its ranges that are: from now on it is asked for none.
    pub(crate) fn distrust(&self, source: &Place) {
        self.lessons.learn(source, 1, FOR_EVER);
    }

    /// Whether so many bytes are worth another request.
    fn is_worth(&self, left: u64) -> bool {
        left >= self.ranges.fitting().saturating_mul(4)
    }
}

/// What is read.
#[derive(Clone)]
struct Text {
    source: Arc<dyn Source>,
    blob: Descriptor,
    patience: Patience,
}

#[cfg(test)]
mod tests;
