//! Segments: consecutive parts of a blob, each with a request of its own.
use std::{
    ops::Range,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use content::{Fault, Incoming};
use futures::{FutureExt, StreamExt, future::BoxFuture, stream::BoxStream};
use pace::{Lane, Share};
use tokio::time::{Sleep, sleep};

use super::{LEAST, Text, held::Held};
use crate::steady::steady_later;

/// How long a request may go without an answer until what is before it goes on without it: long enough for a far
/// source that leads elsewhere, and not for one that wants to be left alone for minutes.
const ANSWER: Duration = Duration::from_secs(2);

/// A part of a blob, and the request that brings it.
pub(super) struct Segment {
    text: Text,
    start: u64,
    /// The next byte that is to come.
    at: u64,
    end: u64,
    /// Where the request ends; behind `end` where others have taken over the rest.
    reach: u64,
    feed: Feed,
    /// The turn of its request; none once all has come, and none while it is broken and others are handed on.
    turn: Option<Turn>,
    held: Held,
    /// What came behind `end`, should that move.
    spill: Bytes,
}

/// The right to have a request under way.
pub(super) enum Turn {
    /// That of the transfer, which holds a lane for one request.
    Own,
    /// A lane of its own.
    Lane { _lane: Lane },
}

enum Feed {
    /// One attempt, not answered yet.
    Asked {
        answer: BoxFuture<'static, Result<Incoming, Fault>>,
        late: Pin<Box<Sleep>>,
    },
    /// One attempt. `came` counts its bytes.
    Coming {
        bytes: BoxStream<'static, Result<Bytes, Fault>>,
        came: u64,
    },
    /// As many attempts as a blob has.
    Steady(BoxStream<'static, Result<Bytes, Fault>>),
    /// An attempt failed; the next is made when it is this segment's turn.
    Broken,
    Done,
}

/// What became of a segment that is collected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum News {
    /// So many bytes came.
    Came(u64),
    /// Its request brought nothing, or next to nothing. It may be that the source has too much to do, and says so.
    Failed { is_overload: bool },
}

impl Segment {
    /// A span whose bytes come by `bytes`, which goes on by itself where it breaks.
    pub(super) fn steady(
        text: Text,
        span: Range<u64>,
        bytes: BoxStream<'static, Result<Bytes, Fault>>,
    ) -> Self {
        Self::new(text, span, Feed::Steady(bytes), Turn::Own, Held::default())
    }

    /// A span that is asked for with its first byte, by the transfer's own request.
    pub(super) fn later(text: Text, span: Range<u64>) -> Self {
        let (source, blob) = (Arc::clone(&text.source), text.blob.clone());
        let bytes = steady_later(source, blob, span.clone(), text.patience.clone());
        Self::steady(text, span, bytes)
    }

    /// A span that is asked for now and collected until it is its turn, in a share of as many bytes.
    pub(super) fn ahead(text: Text, span: Range<u64>, turn: Turn, share: Share) -> Self {
        let mut segment = Self::new(text, span, Feed::Broken, turn, Held::in_share(share));
        segment.ask();
        segment
    }

    fn new(text: Text, span: Range<u64>, feed: Feed, turn: Turn, held: Held) -> Self {
        Self {
            text,
            start: span.start,
            at: span.start,
            end: span.end,
            reach: span.end,
            feed,
            turn: Some(turn),
            held,
            spill: Bytes::new(),
        }
    }

    pub(super) fn at(&self) -> u64 {
        self.at
    }

    pub(super) fn end(&self) -> u64 {
        self.end
    }

    pub(super) fn turn(&self) -> Option<&Turn> {
        self.turn.as_ref()
    }

    pub(super) fn turn_mut(&mut self) -> &mut Option<Turn> {
        &mut self.turn
    }

    /// Whether its request goes on to `end`, so that it could bring what lies between.
    pub(super) fn reaches(&self, end: u64) -> bool {
        self.reach >= end && matches!(self.feed, Feed::Steady(_))
    }

    /// Ends it elsewhere from now on, within the reach of its request.
    pub(super) fn end_at(&mut self, end: u64) {
        self.end = end.min(self.reach);
    }

    /// Whether its request has no answer yet.
    pub(super) fn is_unanswered(&self) -> bool {
        matches!(self.feed, Feed::Asked { .. })
    }

    /// Ready when it is no longer to be waited for that its request is answered.
    pub(super) fn poll_late(&mut self, context: &mut Context<'_>) -> Poll<()> {
        match &mut self.feed {
            Feed::Asked { late, .. } => late.poll_unpin(context),
            _ => Poll::Ready(()),
        }
    }

    /// Whether an attempt failed, and the next waits until it is its turn to be handed on.
    pub(super) fn is_broken(&self) -> bool {
        matches!(self.feed, Feed::Broken)
    }

    /// Whether nothing was collected and nothing is under way.
    pub(super) fn is_in_vain(&self) -> bool {
        self.is_broken() && self.held.is_empty()
    }

    /// Collects, while others are handed on.
    pub(super) fn collect(&mut self, context: &mut Context<'_>) -> Poll<News> {
        loop {
            match &mut self.feed {
                Feed::Asked { answer, .. } => match ready!(answer.poll_unpin(context)) {
                    Ok(incoming) if incoming.at == self.at => {
                        self.feed = Feed::Coming { bytes: incoming.bytes, came: 0 };
                    }
                    Ok(_) => {
                        self.text.patience.note_whole();
                        self.feed = Feed::Broken;
                    }
                    Err(fault) => {
                        tracing::debug!(digest = %self.text.blob.digest, at = self.at, %fault, "a range failed");
                        return self.fail(fault.is_overload());
                    }
                },
                Feed::Coming { bytes, came } => match ready!(bytes.poll_next_unpin(context)) {
                    Some(Ok(chunk)) => {
                        *came = came.saturating_add(chunk.len() as u64);
                        return Poll::Ready(self.keep(chunk));
                    }
                    // It ended well, and too early: that is not what was asked for. Where the whole blob is still on
                    // its way, these bytes come with it.
                    None => {
                        self.at = self.start;
                        self.held.empty();
                        return self.fail(false);
                    }
                    // It got somewhere: so may the next one. What gets nowhere waits for its turn, and for the budget
                    // of attempts that the front has.
                    Some(Err(_)) if *came >= LEAST => self.ask(),
                    Some(Err(_)) => return self.fail(false),
                },
                Feed::Steady(_) | Feed::Broken | Feed::Done => return Poll::Pending,
            }
        }
    }

    /// The next bytes, when it is its turn to be handed on; `None` behind the last.
    pub(super) fn hand_on(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Fault>>> {
        if let Some(piece) = self.held.hand_on() {
            return Poll::Ready(Some(Ok(piece)));
        }
        if self.at >= self.end {
            return Poll::Ready(None);
        }
        if !self.spill.is_empty() {
            let spill = std::mem::take(&mut self.spill);
            return Poll::Ready(Some(Ok(self.cut(spill))));
        }
        loop {
            let next = match &mut self.feed {
                Feed::Asked { answer, .. } => {
                    self.feed = match ready!(answer.poll_unpin(context)) {
                        Ok(incoming) if incoming.at == self.at => {
                            Feed::Coming { bytes: incoming.bytes, came: 0 }
                        }
                        Ok(_) => {
                            self.text.patience.note_whole();
                            self.insist()
                        }
                        Err(_) => self.insist(),
                    };
                    continue;
                }
                Feed::Coming { bytes, .. } => {
                    let Some(Ok(chunk)) = ready!(bytes.poll_next_unpin(context)) else {
                        self.feed = self.insist();
                        continue;
                    };
                    Ok(chunk)
                }
                Feed::Steady(bytes) => match ready!(bytes.poll_next_unpin(context)) {
                    Some(next) => next,
                    None => return Poll::Ready(self.finish()),
                },
                Feed::Broken => {
                    self.feed = self.insist();
                    continue;
                }
                Feed::Done => return Poll::Ready(None),
            };
            return Poll::Ready(Some(next.map(|chunk| self.cut(chunk))));
        }
    }

    fn ask(&mut self) {
        let (text, span) = (self.text.clone(), self.at..self.end);
        let answer = async move { text.source.open(&text.blob, span).await }.boxed();
        self.feed = Feed::Asked { answer, late: Box::pin(sleep(ANSWER)) };
    }

    /// Asks as often as a blob's budget allows. Where no part is to be had, one request brings all that is left, so
    /// that what comes before it is thrown away once.
    fn insist(&mut self) -> Feed {
        if self.text.patience.knows_whole() {
            self.end = self.text.blob.size;
        }
        self.turn.get_or_insert(Turn::Own);
        self.reach = self.end;
        let (source, blob) = (Arc::clone(&self.text.source), self.text.blob.clone());
        Feed::Steady(steady_later(source, blob, self.at..self.end, self.text.patience.clone()))
    }

    fn fail(&mut self, is_overload: bool) -> Poll<News> {
        self.feed = Feed::Broken;
        Poll::Ready(News::Failed { is_overload })
    }

    fn keep(&mut self, mut chunk: Bytes) -> News {
        // A server may send more than it was asked for.
        let due = usize::try_from(self.end.saturating_sub(self.at)).unwrap_or(usize::MAX);
        chunk.truncate(due);
        self.held.keep(&chunk);
        self.at = self.at.saturating_add(chunk.len() as u64);
        if self.at >= self.end {
            self.finish();
        }
        News::Came(chunk.len() as u64)
    }

    /// What of a chunk belongs here. The blob's end is not for us to judge: bytes behind it are told to whoever does.
    fn cut(&mut self, mut chunk: Bytes) -> Bytes {
        let due = usize::try_from(self.end.saturating_sub(self.at)).unwrap_or(usize::MAX);
        if due < chunk.len() && self.end < self.text.blob.size {
            self.spill = chunk.split_off(due);
        }
        self.at = self.at.saturating_add(chunk.len() as u64);
        // A request that goes on behind the end may still be needed.
        if self.at >= self.end && self.reach <= self.end {
            self.finish();
        }
        chunk
    }

    /// All has come: the request ends, and somebody else may have its turn.
    fn finish(&mut self) -> Option<Result<Bytes, Fault>> {
        (self.feed, self.turn) = (Feed::Done, None);
        None
    }
}
