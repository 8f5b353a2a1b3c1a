//! The course of one reading: how many requests it should have under way. Decides by what it is told, and asks nobody.
//!
//! A reading widens when for a while it did little but wait for its source; the requests that are added stay when they
//! brought enough, and are taken back otherwise.
use std::time::Duration;

use tokio::time::Instant;

use super::Ranges;

/// In so many spans of time, one after another, more requests may show that they help.
const TRIES: u32 = 3;

/// How many requests one reading should have under way.
#[derive(Debug)]
pub(super) struct Course {
    ranges: Ranges,
    width: usize,
    span: Span,
    /// Since when the reader has had nothing to hand on.
    waits: Option<Instant>,
    /// Bytes a second in the last span.
    rate: u64,
    trial: Option<Trial>,
    /// Until when it does not widen again.
    settled: Option<Instant>,
    /// Whether the source has no ranges to offer.
    is_over: bool,
}

/// A span of time, and what happened in it.
#[derive(Debug)]
struct Span {
    since: Instant,
    /// How long the reader had nothing to hand on.
    waited: Duration,
    bytes: u64,
}

/// More requests, not yet known to help.
#[derive(Debug)]
struct Trial {
    from: usize,
    /// Bytes a second before.
    rate: u64,
    spans: u32,
}

/// What is to be done now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Advice {
    /// Nothing.
    GoOn,
    /// So many requests should be under way.
    Widen(usize),
    /// More requests than these did not help: worth remembering.
    Found(usize),
}

impl Course {
    /// Of a reading with one request under way.
    pub(super) fn new(ranges: Ranges, now: Instant) -> Self {
        let span = Span { since: now, waited: Duration::ZERO, bytes: 0 };
        Self { ranges, width: 1, span, waits: None, rate: 0, trial: None, settled: None, is_over: false }
    }

    /// How many requests may be under way.
    pub(super) fn width(&self) -> usize {
        self.width
    }

    /// The reader has nothing to hand on, and waits for its source.
    pub(super) fn waits(&mut self, now: Instant) {
        self.waits.get_or_insert(now);
    }

    /// The reader has something to hand on.
    pub(super) fn hands_on(&mut self, now: Instant) {
        if let Some(since) = self.waits.take() {
            self.span.waited = self.span.waited.saturating_add(now.saturating_duration_since(since));
        }
    }

    /// So many bytes came from the source, for now or for later.
    pub(super) fn came(&mut self, bytes: u64) {
        self.span.bytes = self.span.bytes.saturating_add(bytes);
    }

    /// Whether it is time to look.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.span.since) >= self.ranges.patience
    }

    /// What is to be done, now and then. `known` is what others have found out about the source.
    pub(super) fn look(&mut self, now: Instant, known: Option<usize>) -> Advice {
        if !self.is_due(now) {
            return Advice::GoOn;
        }
        let lasted = now.saturating_duration_since(self.span.since);
        if self.waits.is_some() {
            self.hands_on(now);
            self.waits(now);
        }
        let span = std::mem::replace(&mut self.span, Span { since: now, waited: Duration::ZERO, bytes: 0 });
        let is_starved = span.waited.as_nanos().saturating_mul(5) >= lasted.as_nanos().saturating_mul(4);
        self.rate = rate(span.bytes, lasted);
        match self.trial.take().map(|trial| trial.judge(self.width, self.rate)) {
            Some(Verdict::NotYet(trial)) => {
                self.trial = Some(trial);
                return Advice::GoOn;
            }
            Some(Verdict::Helps) if self.width >= self.ranges.most => {
                self.settle(self.width, now);
                return Advice::Found(self.width);
            }
            None | Some(Verdict::Helps) => {}
            Some(Verdict::Useless(before)) => {
                self.settle(before, now);
                // Where the target was the slow one, nothing was found out about the source.
                return if is_starved { Advice::Found(before) } else { Advice::GoOn };
            }
        }
        self.wish(is_starved && self.rate < self.ranges.slow, known, now)
    }

    fn wish(&mut self, is_slow: bool, known: Option<usize>, now: Instant) -> Advice {
        let is_settled = self.settled.is_some_and(|until| now < until);
        let most = known.unwrap_or(usize::MAX).min(self.ranges.most);
        if is_settled || self.is_over || !is_slow || self.width >= most {
            return Advice::GoOn;
        }
        Advice::Widen(known.map_or_else(|| self.width.saturating_mul(2).min(most), |_| most))
    }

    /// So many requests are under way now, after the advice to widen. Where others have found out how many help, that
    /// is what stands, and nothing is left to find out: what is not free now may be free soon.
    pub(super) fn widened(&mut self, width: usize, known: Option<usize>, now: Instant) {
        if let Some(known) = known {
            self.settle(known.min(self.ranges.most), now);
        } else if width > self.width {
            self.trial = Some(Trial { from: self.width, rate: self.rate, spans: 0 });
            self.width = width;
        }
    }

    /// A request brought nothing: there is one fewer for a while.
    pub(super) fn refused(&mut self, now: Instant) {
        self.settle(self.width.saturating_sub(1).max(1), now);
    }

    /// Whether the source has no ranges to offer.
    pub(super) fn is_over(&self) -> bool {
        self.is_over
    }

    /// The source has no ranges to offer.
    pub(super) fn end(&mut self) {
        (self.width, self.trial, self.is_over) = (1, None, true);
    }

    fn settle(&mut self, width: usize, now: Instant) {
        (self.width, self.trial, self.settled) = (width, None, now.checked_add(self.ranges.keeps));
    }
}

enum Verdict {
    Helps,
    NotYet(Trial),
    Useless(usize),
}

impl Trial {
    /// Each request that was added must add a tenth of what all brought before.
    fn judge(mut self, width: usize, rate: u64) -> Verdict {
        let added = width.saturating_sub(self.from) as u64;
        let due = self.rate.saturating_mul(added.saturating_add(10)) / 10;
        self.spans = self.spans.saturating_add(1);
        if rate >= due {
            Verdict::Helps
        } else if self.spans < TRIES {
            Verdict::NotYet(self)
        } else {
            Verdict::Useless(self.from)
        }
    }
}

/// Bytes a second.
fn rate(bytes: u64, lasted: Duration) -> u64 {
    let micros = lasted.as_micros().max(1);
    let each = u128::from(bytes).saturating_mul(1_000_000).checked_div(micros);
    each.and_then(|each| u64::try_from(each).ok()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HALF: Duration = Duration::from_millis(500);
    const MIB: u64 = 1 << 20;

    /// A course, and the clock that it goes by.
    struct Trip {
        course: Course,
        now: Instant,
        known: Option<usize>,
    }

    impl Trip {
        fn new() -> Self {
            let now = Instant::now();
            Self { course: Course::new(Ranges::default(), now), now, known: None }
        }

        /// Half a second in which so many bytes came, and for so much of which nothing was there to hand on.
        fn half(&mut self, bytes: u64, waited: Duration) -> Advice {
            self.course.waits(self.now);
            self.course.hands_on(self.now + waited);
            self.course.came(bytes);
            self.now += HALF;
            let advice = self.course.look(self.now, self.known);
            if let Advice::Widen(width) = advice {
                self.course.widened(width, self.known, self.now);
            }
            advice
        }

        /// Half a second of waiting for a source that gives each request so much, and all together no more than that.
        fn starved(&mut self, each: u64, all: u64) -> Advice {
            let bytes = (each * self.course.width() as u64).min(all) / 2;
            self.half(bytes, HALF)
        }
    }

    #[test]
    fn a_source_that_limits_each_request_gets_as_many_as_it_may_in_three_steps() {
        let mut trip = Trip::new();
        let advice: Vec<_> = (0..4).map(|_| trip.starved(5 * MIB, u64::MAX)).collect();
        assert_eq!(advice, [Advice::Widen(2), Advice::Widen(4), Advice::Widen(8), Advice::Found(8)]);
        assert_eq!(trip.course.width(), 8);
    }

    #[test]
    fn requests_that_bring_nothing_are_taken_back_and_not_tried_again_for_a_while() {
        let mut trip = Trip::new();
        assert_eq!(trip.starved(5 * MIB, 5 * MIB), Advice::Widen(2));
        assert_eq!(trip.starved(5 * MIB, 5 * MIB), Advice::GoOn);
        assert_eq!(trip.starved(5 * MIB, 5 * MIB), Advice::GoOn);
        assert_eq!(trip.starved(5 * MIB, 5 * MIB), Advice::Found(1));
        for _ in 0..119 {
            assert_eq!(trip.starved(5 * MIB, 5 * MIB), Advice::GoOn);
            assert_eq!(trip.course.width(), 1);
        }
        assert_eq!(
            trip.starved(5 * MIB, 5 * MIB),
            Advice::Widen(2),
            "a minute later things may be different"
        );
    }

    #[test]
    fn each_further_request_must_add_a_tenth() {
        // Four more that bring four tenths stay; four more that bring less go.
        for (all, width) in [(28 * MIB, 8), (27 * MIB, 4)] {
            let mut trip = Trip::new();
            for _ in 0..8 {
                trip.starved(5 * MIB, all);
            }
            assert_eq!(trip.course.width(), width);
        }
    }

    #[test]
    fn a_slow_target_a_fast_source_and_a_short_time_begin_nothing() {
        let mut trip = Trip::new();
        assert_eq!(trip.half(MIB, HALF * 7 / 10), Advice::GoOn, "the target was waited for as well");
        assert_eq!(trip.half(32 * MIB, HALF), Advice::GoOn, "64 MiB a second");
        trip.course.waits(trip.now);
        assert_eq!(trip.course.look(trip.now + HALF * 9 / 10, None), Advice::GoOn, "not half a second yet");
    }

    #[test]
    fn a_target_that_turns_slow_says_nothing_of_the_source() {
        let mut trip = Trip::new();
        trip.starved(5 * MIB, u64::MAX);
        let advice: Vec<_> = (0..3).map(|_| trip.half(2 * MIB, HALF / 2)).collect();
        assert_eq!(advice, [Advice::GoOn; 3], "nothing to remember");
        assert_eq!(trip.course.width(), 1);
    }

    #[test]
    fn what_others_found_out_is_done_at_once_and_not_tried_again() {
        let mut trip = Trip::new();
        trip.known = Some(4);
        assert_eq!(trip.starved(5 * MIB, u64::MAX), Advice::Widen(4));
        assert_eq!(trip.starved(5 * MIB, u64::MAX), Advice::GoOn);
        trip = Trip::new();
        trip.known = Some(1);
        assert_eq!(trip.starved(5 * MIB, u64::MAX), Advice::GoOn, "one is what helps");
    }

    #[test]
    fn what_is_known_stands_though_few_lanes_were_free_when_it_was_to_be_done() {
        let mut trip = Trip::new();
        trip.course.waits(trip.now);
        let now = trip.now + HALF;
        assert_eq!(trip.course.look(now, Some(8)), Advice::Widen(8));
        trip.course.widened(2, Some(8), now);
        assert_eq!(trip.course.width(), 8);
    }

    #[test]
    fn a_request_that_is_refused_is_one_less_and_one_always_stays() {
        let mut trip = Trip::new();
        let _: Vec<_> = (0..4).map(|_| trip.starved(5 * MIB, u64::MAX)).collect();
        trip.course.refused(trip.now);
        assert_eq!(trip.course.width(), 7);
        (0..9).for_each(|_| trip.course.refused(trip.now));
        assert_eq!(trip.course.width(), 1);
        assert_eq!(trip.starved(5 * MIB, u64::MAX), Advice::GoOn);
    }

    #[test]
    fn a_source_without_ranges_is_not_asked_again() {
        let mut trip = Trip::new();
        trip.starved(5 * MIB, u64::MAX);
        trip.course.end();
        for _ in 0..300 {
            assert_eq!(trip.starved(5 * MIB, u64::MAX), Advice::GoOn);
            assert_eq!(trip.course.width(), 1);
        }
    }
}
