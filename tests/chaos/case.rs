//! Cases: an image, two registries, what goes wrong, and how a case that fails is made smaller.
use std::time::Duration;

use copier::{Existing, Ranges, Ties};
use fastrand::Rng;

use crate::{
    fault::{Door, Fault, How},
    image::Node,
};

/// One copy, and all that happens to it. Printed, it can be pasted into a test.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Case {
    /// Of the waits between attempts.
    pub(crate) jitter: u64,
    pub(crate) image: Node,
    /// What the source's tag moves to when it moves, and where the target's tag is before.
    pub(crate) other: Node,
    pub(crate) target: Target,
    /// How long the source's tokens live, in seconds, where it wants any.
    pub(crate) source_tokens: Option<u64>,
    pub(crate) existing: Existing,
    pub(crate) ties: Ties,
    pub(crate) width: usize,
    pub(crate) faults: Vec<Fault>,
    /// The copy is dropped when so many requests have come to the source, or to the target.
    pub(crate) cancel: Option<(Door, usize)>,
    /// Blobs are read in ranges of so many bytes from the first byte on, in memory for so many of them.
    pub(crate) ranges: Option<(u64, u64)>,
}

/// What the target is like.
#[derive(Debug, Clone, PartialEq)]
#[allow(clippy::struct_excessive_bools, reason = "each is a habit of its own")]
pub(crate) struct Target {
    /// Source and target are one registry.
    pub(crate) same: bool,
    pub(crate) checks_digests: bool,
    pub(crate) checks_parts: bool,
    pub(crate) keeps_partial: bool,
    pub(crate) mounts: bool,
    pub(crate) referrers: bool,
    /// Whether the tag exists already.
    pub(crate) tagged: bool,
    /// Whether there is a second repository to write to.
    pub(crate) two: bool,
    pub(crate) tokens: Option<u64>,
}

impl Target {
    fn random(random: &mut Rng) -> Self {
        let careless = random.u32(0..3) > 0;
        Self {
            same: random.u32(0..8) == 0,
            checks_digests: !careless,
            checks_parts: random.u32(0..3) == 0,
            keeps_partial: random.u32(0..4) > 0,
            mounts: random.u32(0..4) > 0,
            referrers: random.bool(),
            tagged: random.u32(0..4) == 0,
            two: random.u32(0..5) == 0,
            tokens: (random.u32(0..5) == 0).then(|| random.u64(1..120)),
        }
    }

    fn plain() -> Self {
        Self {
            same: false,
            checks_digests: false,
            checks_parts: false,
            keeps_partial: true,
            mounts: true,
            referrers: true,
            tagged: false,
            two: false,
            tokens: None,
        }
    }

    /// This one with one thing less out of the ordinary.
    fn plainer(&self) -> Vec<Self> {
        let plain = Self::plain();
        let own = || self.clone();
        vec![
            plain.clone(),
            Self { same: false, ..own() },
            Self { checks_digests: false, ..own() },
            Self { checks_parts: false, ..own() },
            Self { keeps_partial: true, ..own() },
            Self { mounts: true, ..own() },
            Self { referrers: true, ..own() },
            Self { tagged: false, ..own() },
            Self { two: false, ..own() },
            Self { tokens: None, ..own() },
        ]
    }
}

impl Case {
    /// The case of a seed, always the same.
    pub(crate) fn of(seed: u64) -> Self {
        let random = &mut Rng::with_seed(seed);
        let faults = match random.u32(0..20) {
            0 => 0,
            1..9 => random.usize(1..3),
            9..14 => random.usize(3..7),
            _ => random.usize(7..25),
        };
        let mut case = Self {
            jitter: seed,
            image: Node::random(random),
            other: Node::random(random),
            target: Target::random(random),
            source_tokens: (random.u32(0..8) == 0).then(|| random.u64(1..120)),
            existing: random
                .choice([Existing::Refuse, Existing::Move, Existing::RefuseUnlessSame])
                .unwrap_or(Existing::Move),
            ties: if random.bool() { Ties::Together } else { Ties::Apart },
            width: random.usize(1..19),
            faults: (0..faults).map(|_| Fault::random(random)).collect(),
            cancel: (random.u32(0..6) == 0).then(|| {
                let door = if random.bool() { Door::SourceAny } else { Door::TargetAny };
                (door, random.usize(1..25))
            }),
            ranges: (random.u32(0..3) > 0).then(|| (random.u64(10_000..200_000), random.u64(1..9))),
        };
        case.be_fair();
        case
    }

    /// Leaves out what no client could see through in this setting: that a blob is there, said by a target that takes
    /// any manifest.
    fn be_fair(&mut self) {
        let checks = self.target.checks_parts;
        let lies = |fault: &Fault| match fault.how {
            How::SayPresent(_) | How::Html | How::Early(200, _) => fault.door == Door::HasBlob,
            How::Status(200) => matches!(fault.door, Door::HasBlob | Door::TargetAny),
            _ => false,
        };
        self.faults.retain(|fault| checks || !lies(fault));
    }

    /// How large blobs are read: a source is slow whenever it is asked, and nothing is believed for long.
    pub(crate) fn ranges(&self) -> Ranges {
        let zero = Duration::ZERO;
        let eager = |(segment, number): (u64, u64)| Ranges {
            memory: segment * number,
            segment,
            patience: zero,
            slow: u64::MAX,
            keeps: zero,
            ..Ranges::default()
        };
        self.ranges.map_or_else(Ranges::default, eager)
    }

    /// Whether nothing happens that would excuse a failure.
    pub(crate) fn must_succeed(&self) -> bool {
        let refused = self.target.tagged && self.existing != Existing::Move;
        let mild = self.faults.len() < 3 && self.faults.iter().all(Fault::is_mild);
        let tokens = [self.source_tokens, self.target.tokens];
        mild && !refused && self.cancel.is_none() && tokens.iter().flatten().all(|life| *life > 60)
    }

    /// Cases that are a little less than this one.
    pub(crate) fn smaller(&self) -> Vec<Self> {
        let own = || self.clone();
        let mut found = Vec::new();
        for at in 0..self.faults.len() {
            let mut case = own();
            case.faults.remove(at);
            found.push(case);
        }
        found.push(Self { cancel: None, ..own() });
        found.push(Self { ranges: None, ..own() });
        found.push(Self { source_tokens: None, ..own() });
        found.push(Self { width: 1, ..own() });
        found.push(Self { existing: Existing::Move, ..own() });
        found.push(Self { ties: Ties::Together, ..own() });
        found.push(Self { other: Node::Index { entries: Vec::new() }, ..own() });
        found.extend(self.target.plainer().into_iter().map(|target| Self { target, ..own() }));
        found.extend(self.image.smaller().into_iter().map(|image| Self { image, ..own() }));
        for at in 0..self.faults.len() {
            let mut once = own();
            once.faults[at].times = 1;
            found.push(once);
            let mut first = own();
            first.faults[at].nth = 1;
            found.push(first);
        }
        for case in &mut found {
            case.be_fair();
        }
        found.retain(|case| case != self);
        found
    }
}

/// The smallest case that still fails in the same way, as far as `budget` runs can find it.
pub(crate) fn shrink(case: Case, mut budget: usize, fails: impl Fn(&Case) -> bool) -> Case {
    let mut smallest = case;
    loop {
        let found = smallest.smaller().into_iter().find(|case| {
            let left = budget > 0;
            budget = budget.saturating_sub(1);
            left && fails(case)
        });
        match found {
            Some(case) => smallest = case,
            None => return smallest,
        }
    }
}
