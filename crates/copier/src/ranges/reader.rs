//! The reader: a blob's bytes in order, from as many requests as its course advises and others leave free.
use std::{
    collections::VecDeque,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use content::Fault;
use futures::{FutureExt, Stream, stream::BoxStream};
use pace::Lanes;
use tokio::time::{Instant, Sleep, sleep};

use super::{
    LEAST, Shared, Text,
    course::{Advice, Course},
    segment::{News, Segment, Turn},
};

/// Between the end of one request and the next, so that the connection of the first is back in its pool by then.
const BREATH: Duration = Duration::from_millis(1);

/// A blob's bytes from some offset to its end.
pub(super) struct Reader {
    shared: Arc<Shared>,
    text: Text,
    lanes: Lanes,
    course: Course,
    /// What is handed on now; `None` behind the end, or behind a fault.
    front: Option<Segment>,
    /// What comes after it, in order and without a gap. Those with a request under way hold a turn, and so does the
    /// front; the transfer's own is kept for what is broken, so that the front always has one.
    ahead: VecDeque<Segment>,
    breath: Option<Pin<Box<Sleep>>>,
}

impl Reader {
    /// Hands on `bytes`, those from `at`, and looks for more.
    pub(super) fn new(
        shared: Arc<Shared>,
        text: Text,
        at: u64,
        bytes: BoxStream<'static, Result<Bytes, Fault>>,
        lanes: Lanes,
    ) -> Self {
        let course = Course::new(shared.ranges, Instant::now());
        let front = Some(Segment::steady(text.clone(), at..text.blob.size, bytes));
        Self { shared, text, lanes, course, front, ahead: VecDeque::new(), breath: None }
    }

    /// Follows the course, as far as there are lanes and memory.
    fn steer(&mut self, now: Instant) {
        if !self.course.is_due(now) {
            return;
        }
        let place = self.text.source.place();
        let known = self.shared.lessons.about(place, now);
        match self.course.look(now, known) {
            Advice::GoOn => {}
            Advice::Found(width) => self.teach(width),
            Advice::Widen(width) => {
                self.fill(width);
                let width = self.under_way();
                tracing::debug!(digest = %self.text.blob.digest, width, "reading in ranges");
                self.course.widened(width, known, now);
            }
        }
    }

    /// Tells others how many requests help here. What the registry does not hold itself says nothing about it.
    fn teach(&self, width: usize) {
        if self.text.blob.urls.is_empty() {
            self.shared.lessons.learn(self.text.source.place(), width, self.shared.ranges.keeps);
        }
    }

    /// Gives up ranges where the source has sent the whole blob for one: from the first that is broken on, one request
    /// is to bring the rest.
    fn heed(&mut self) {
        if !self.text.patience.knows_whole() {
            return;
        }
        if !self.course.is_over() {
            self.course.end();
            self.teach(1);
        }
        let is_last = self.front.as_ref().is_some_and(|front| front.end() >= self.text.blob.size);
        let broken = self.ahead.iter().position(Segment::is_broken).unwrap_or(self.ahead.len());
        self.ahead.truncate(if is_last { 0 } else { broken });
    }

    /// Begins requests until so many are under way, or something is wanting.
    fn fill(&mut self, width: usize) {
        while width > 1 && self.under_way() < width {
            let Some(segment) = self.next_segment(width) else { return };
            if let Some(front) = self.front.as_mut().filter(|_| self.ahead.is_empty()) {
                front.end_at(segment.at());
            }
            self.ahead.push_back(segment);
        }
    }

    /// The segment behind the last, if a turn and memory are there at once. Nothing is waited for here: who holds one
    /// and waits for the other would keep both from somebody else.
    fn next_segment(&self, width: usize) -> Option<Segment> {
        let (shared, size) = (&self.shared, self.text.blob.size);
        let most = shared.ranges.fitting();
        let front = self.front.as_ref()?;
        let start = match self.ahead.back() {
            Some(last) => last.end(),
            // The front goes on to the end of the blob: it keeps as much as a segment has.
            None if front.end() == size => Some(front.at().saturating_add(most))
                .filter(|_| shared.is_worth(size.saturating_sub(front.at())))?,
            None => front.end(),
        };
        let left = size.checked_sub(start).filter(|left| *left > 0)?;
        // The last ones are smaller, so that all come to their end together.
        let fair = left.checked_div(width as u64).unwrap_or(left).max(LEAST.min(most));
        let end = start.saturating_add(fair.min(most).min(left));
        let turn = self.turn()?;
        let share = shared.stock.try_take(end.saturating_sub(start))?;
        Some(Segment::ahead(self.text.clone(), start..end, turn, share))
    }

    fn turn(&self) -> Option<Turn> {
        if self.is_own_taken() {
            return self.lanes.try_take().map(|lane| Turn::Lane { _lane: lane });
        }
        Some(Turn::Own)
    }

    fn under_way(&self) -> usize {
        let lanes = self.all().filter(|segment| matches!(segment.turn(), Some(Turn::Lane { .. }))).count();
        lanes.saturating_add(usize::from(self.is_own_taken()))
    }

    /// Whether the transfer's own turn is taken, or kept for what has to go on by it.
    fn is_own_taken(&self) -> bool {
        self.all().any(|segment| segment.is_broken() || matches!(segment.turn(), Some(Turn::Own)))
    }

    fn all(&self) -> impl Iterator<Item = &Segment> {
        self.front.iter().chain(&self.ahead)
    }

    /// Keeps those ahead going: collects what has come for them, and begins the next.
    fn tend(&mut self, context: &mut Context<'_>, now: Instant) {
        loop {
            let before = self.under_way();
            self.collect(context, now);
            if self.under_way() < before {
                self.breath.get_or_insert_with(|| Box::pin(sleep(BREATH)));
            }
            if self.breath.as_mut().is_some_and(|breath| breath.poll_unpin(context).is_pending()) {
                return;
            }
            self.breath = None;
            let before = self.ahead.len();
            self.fill(self.course.width());
            if self.ahead.len() == before {
                return;
            }
        }
    }

    fn collect(&mut self, context: &mut Context<'_>, now: Instant) {
        let mut is_overload = false;
        for segment in &mut self.ahead {
            while let Poll::Ready(news) = segment.collect(context) {
                match news {
                    News::Came(bytes) => self.course.came(bytes),
                    News::Failed { is_overload: says_so } => {
                        self.course.refused(now);
                        is_overload |= says_so;
                    }
                }
            }
        }
        // What broke by accident, or because the target was slow, is nothing for others to know.
        if is_overload {
            self.teach(self.course.width());
        }
        self.heed();
        self.merge();
        self.release();
    }

    /// What is broken gives its lane back: it goes on as the front, by the transfer's own turn. Who has that one now,
    /// and comes later, goes on by the lane.
    fn release(&mut self) {
        let mut spare = None;
        for segment in &mut self.ahead {
            let is_broken = segment.is_broken();
            let turn = segment.turn_mut();
            match turn {
                Some(Turn::Lane { .. }) if is_broken => spare = turn.take(),
                Some(Turn::Own) if is_broken => *turn = None,
                Some(Turn::Own) if spare.is_some() => *turn = spare.take(),
                _ => {}
            }
        }
    }

    /// What failed right behind the front is the front's again, where its request brings it anyway.
    fn merge(&mut self) {
        let Some(front) = &mut self.front else { return };
        while let Some(next) =
            self.ahead.front().filter(|next| next.is_in_vain() && front.reaches(next.end()))
        {
            front.end_at(next.end());
            self.ahead.pop_front();
        }
        if self.ahead.is_empty() && front.reaches(self.text.blob.size) {
            front.end_at(self.text.blob.size);
        }
    }

    /// The next bytes of the front; those that came just now, and not before, are counted.
    fn hand_on(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Fault>>> {
        let Some(front) = &mut self.front else { return Poll::Ready(None) };
        let (at, had) = (front.at(), front.turn().is_some());
        let next = front.hand_on(context);
        self.course.came(front.at().saturating_sub(at));
        if had && front.turn().is_none() {
            self.breath.get_or_insert_with(|| Box::pin(sleep(BREATH)));
        }
        next
    }

    /// The front goes on through the first segment: its source takes too long to say that it serves it.
    fn pass(&mut self, now: Instant) {
        let Some(next) = self.ahead.pop_front() else { return };
        if let Some(front) = &mut self.front {
            front.end_at(next.end());
        }
        self.course.refused(now);
    }

    /// Whether the front has come to the first segment before its source has said that it serves it. Then its request
    /// is kept: it may have to bring these bytes itself.
    fn is_early(&self) -> bool {
        let next = self.ahead.front();
        next.is_some_and(|next| {
            next.is_unanswered() && self.front.as_ref().is_some_and(|front| front.reaches(next.end()))
        })
    }

    /// What comes behind the front becomes the front; `false` at the blob's end.
    fn advance(&mut self) -> bool {
        let size = self.text.blob.size;
        let at = self.front.take().map_or(size, |front| front.end());
        self.front = match self.ahead.pop_front() {
            None if at < size => {
                // Where more ranges may follow soon, this one ends where they begin.
                let is_one_of_many = self.course.width() > 1 && self.lanes.try_take().is_some();
                let most = if is_one_of_many { self.shared.ranges.fitting() } else { size };
                Some(Segment::later(self.text.clone(), at..at.saturating_add(most).min(size)))
            }
            next => next,
        };
        self.front.is_some()
    }
}

impl Stream for Reader {
    type Item = Result<Bytes, Fault>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let now = Instant::now();
        self.heed();
        self.steer(now);
        self.tend(context, now);
        loop {
            match self.hand_on(context) {
                Poll::Pending => {
                    self.course.waits(now);
                    return Poll::Pending;
                }
                Poll::Ready(Some(Ok(chunk))) => {
                    self.course.hands_on(now);
                    return Poll::Ready(Some(Ok(chunk)));
                }
                Poll::Ready(Some(Err(fault))) => {
                    self.front = None;
                    self.ahead.clear();
                    return Poll::Ready(Some(Err(fault)));
                }
                Poll::Ready(None) if self.is_early() => {
                    self.course.waits(now);
                    let next = self.ahead.front_mut();
                    if next.is_some_and(|next| next.poll_late(context).is_pending()) {
                        return Poll::Pending;
                    }
                    self.pass(now);
                }
                Poll::Ready(None) if self.advance() => {}
                Poll::Ready(None) => return Poll::Ready(None),
            }
        }
    }
}
