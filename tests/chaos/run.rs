//! One run of one case: a real client between two fakes, on a clock that skips all waiting; and its judge.
use std::{
    cell::Cell,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Once},
    time::Duration,
};

use auth::Given;
use content::Version;
use copier::{
    CopyError, Destination, Engine, Existing, Foreign, Job, Limits, Platforms, Referrers, Report, Silent,
};
use pace::{Level, Traffic};
use reference::{Digest, RefName};
use registry::{Options, Registries};
use testkit::{Content, Fake};
use tokio::time::{Instant, sleep, timeout};

use crate::{
    case::Case,
    fault::{How, Side},
};

/// How long the clock may run for one copy. A request waits five minutes at most, a body that moves too slowly is given
/// up, and tries are few: hours are the most that was ever seen. Whoever is still there after so long never ends.
const LIMIT: Duration = Duration::from_secs(14 * 24 * 3600);
/// What is still on its way when a copy is dropped has gone by then.
const SETTLE: Duration = Duration::from_secs(30);
/// Requests that one blob or manifest may cost: each kind of request is repeated five times, inside a transfer that is
/// repeated five times (more often only where a MiB moved in between), which is done twice where bytes were wrong.
const EACH: usize = 500;

/// In which way a promise was broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Promise {
    /// Nothing panics, not even where nobody waits for it.
    NoPanic,
    /// Something complete at the target is not what its name says.
    NothingWrong,
    /// The copy is done, and the target has not what the source has.
    DoneIsWhole,
    /// The copy failed, and left a tag where it was not before, on something that is not whole.
    NoTornTag,
    /// A manifest was written before its parts.
    PartsFirst,
    /// Something was written although the tag was there and was to be left alone.
    LeaveAlone,
    /// Too many requests.
    NoStorm,
    /// Too much time.
    NoHang,
    /// Nothing happened that excuses a failure.
    MildFaultsPass,
    /// A second run, in peace, failed.
    NextRunHeals,
}

/// A broken promise, and what was seen.
#[derive(Debug)]
pub(crate) struct Broken {
    pub(crate) promise: Promise,
    pub(crate) what: String,
}

/// What a run that kept its promises was like.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Tally {
    pub(crate) done: usize,
    pub(crate) failed: usize,
    pub(crate) cancelled: usize,
    /// Cases with nothing but mild faults, which had to be done.
    pub(crate) mild: usize,
    /// Runs that were made again: see `steady`.
    pub(crate) excused: usize,
    pub(crate) struck: usize,
    /// Requests of a blob or manifest, at most.
    pub(crate) requests: usize,
    /// Reads of a part that ends before its blob does.
    pub(crate) ranges: usize,
    pub(crate) hours: u64,
}

thread_local! {
    static PANICKED: Cell<bool> = const { Cell::new(false) };
}

/// Runs `case` in a runtime of its own.
pub(crate) fn run(case: &Case) -> Result<Tally, Broken> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            PANICKED.set(true);
            before(info);
        }));
    });
    fastrand::seed(case.jitter);
    PANICKED.set(false);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
    let play = || runtime.unwrap().block_on(async { Scene::set(case).play().await });
    // Tasks of their own panic unseen.
    match catch_unwind(AssertUnwindSafe(play)) {
        Ok(outcome) if !PANICKED.get() => outcome,
        _ => Err(Broken { promise: Promise::NoPanic, what: "see above".to_owned() }),
    }
}

/// Everything that stands before a copy begins.
struct Scene<'a> {
    case: &'a Case,
    image: Content,
    other: Content,
    root: Digest,
    moved: Digest,
    source: Arc<Fake>,
    target: Arc<Fake>,
    mirror: Fake,
    depot: Fake,
    names: Vec<&'static str>,
}

impl<'a> Scene<'a> {
    fn set(case: &'a Case) -> Self {
        let (mut image, mut other) = (Content::new(), Content::new());
        let root = case.image.put(&mut image);
        let moved = case.other.put(&mut other);
        let kind = &case.target;
        let life = Duration::from_secs;
        let mut source = Fake::setup();
        let mut target = Fake::setup();
        let both = |setup: testkit::FakeSetup| {
            let setup = setup.seed(&other, &moved, "lib/app:other").seed(&image, &root, "lib/app:v1");
            match case.source_tokens {
                Some(tokens) => setup.bearer(life(tokens)),
                None => setup,
            }
        };
        if kind.same {
            target = both(target);
        } else {
            source = both(source);
        }
        if kind.tagged {
            target = target.seed(&other, &moved, "to/app:v1");
        }
        if let Some(tokens) = kind.tokens {
            target = target.bearer(life(tokens));
        }
        let target = target
            .checks_digests(kind.checks_digests)
            .checks_parts(kind.checks_parts)
            .keeps_partial(kind.keeps_partial)
            .mounts(kind.mounts)
            .referrers(kind.referrers);
        let target = Arc::new(target.start());
        let source = if kind.same { Arc::clone(&target) } else { Arc::new(source.start()) };
        let (mirror, depot) = (source.twin(), target.twin());
        let names = if kind.two { vec!["to/app", "to/two"] } else { vec!["to/app"] };
        let (root, moved) = (root.digest, moved.digest);
        let scene = Self { case, image, other, root, moved, source, target, mirror, depot, names };
        scene.break_things();
        scene
    }

    fn fake(&self, side: Side) -> &Fake {
        match side {
            Side::Source => &self.source,
            Side::Mirror => &self.mirror,
            Side::Target => &self.target,
            Side::Depot => &self.depot,
        }
    }

    fn fakes(&self) -> Vec<&Fake> {
        let mut fakes = vec![&*self.source, &self.mirror, &self.depot];
        if !self.case.target.same {
            fakes.push(&*self.target);
        }
        fakes
    }

    fn break_things(&self) {
        let pieces: Vec<Digest> = self.image.digests().cloned().collect();
        for fault in &self.case.faults {
            let side = fault.door.side();
            let other = match side {
                Side::Source => Some(self.mirror.origin()),
                Side::Target => Some(self.depot.origin()),
                Side::Mirror | Side::Depot => None,
            };
            self.fake(side).mishap(fault.mishap(other.as_deref(), &self.moved, &pieces));
        }
    }

    fn requests(&self) -> usize {
        self.fakes().iter().map(|fake| fake.ledger().count(|_| true)).sum()
    }

    fn ranges(&self) -> usize {
        let is_range =
            |request: &testkit::Request| request.header("range").is_some_and(|range| !range.ends_with('-'));
        self.fakes().iter().map(|fake| fake.ledger().count(is_range)).sum()
    }

    fn job(&self, registries: &Registries, existing: Existing) -> Job {
        let nobody = Arc::new(Given(None));
        let repository = |fake: &Fake, name: &str| {
            let registry = fake.host().parse().unwrap();
            Arc::new(registries.repository(&registry, name.parse().unwrap(), Arc::<Given>::clone(&nobody)))
        };
        let tag = RefName::new("v1");
        let destinations = self.names.iter().map(|name| Destination {
            target: repository(&self.target, name),
            names: vec![tag.clone()],
            expect: None,
        });
        Job {
            source: repository(&self.source, "lib/app"),
            version: Version::Name(tag.clone()),
            destinations: destinations.collect(),
            existing,
            limits: Limits::none(),
            foreign: Foreign::Skip,
            referrers: Referrers::Leave,
            platforms: Platforms::All,
            ties: self.case.ties,
        }
    }

    /// How many requests a run may make.
    fn bound(&self) -> usize {
        let pieces = self.image.digests().count() + self.other.digests().count();
        EACH * (pieces + 2) * self.names.len()
    }

    async fn play(&self) -> Result<Tally, Broken> {
        let start = Instant::now();
        let outcome = self.copy().await?;
        let tally = self.judge(outcome.as_ref(), start.elapsed())?;
        self.once_more().await?;
        Ok(tally)
    }

    /// What reaches the registries, in as many lanes as the case has.
    fn registries(&self) -> (Registries, Traffic) {
        let mut options = Options::default();
        options.traffic = Traffic::new(Level::exactly(self.case.width));
        let traffic = options.traffic.clone();
        (Registries::new(options).unwrap(), traffic)
    }

    /// The copy, `None` when it was dropped on its way.
    async fn copy(&self) -> Result<Option<Result<Report, CopyError>>, Broken> {
        let (registries, traffic) = self.registries();
        let job = self.job(&registries, self.case.existing);
        let engine = Engine::new(Arc::new(Silent), traffic).with_ranges(self.case.ranges());
        let cancelled = async {
            match self.case.cancel {
                Some((door, requests)) => self.fake(door.side()).reached(requests).await,
                None => std::future::pending().await,
            }
        };
        let outcome = timeout(LIMIT, async {
            tokio::select! {
                biased;
                () = cancelled => None,
                outcome = engine.run(&job) => Some(outcome),
            }
        });
        let Ok(outcome) = outcome.await else {
            return Err(self.broken(Promise::NoHang, "still running"));
        };
        if outcome.is_none() {
            sleep(SETTLE).await;
        }
        Ok(outcome)
    }

    fn judge(&self, outcome: Option<&Result<Report, CopyError>>, took: Duration) -> Result<Tally, Broken> {
        let wrong = self.target.wrong();
        if !wrong.is_empty() {
            return Err(self.broken(Promise::NothingWrong, format!("{wrong:?} after {outcome:?}")));
        }
        let torn = self.target.torn();
        if !torn.is_empty() {
            return Err(self.broken(Promise::PartsFirst, format!("{torn:?}")));
        }
        let requests = self.requests();
        if requests > self.bound() {
            return Err(self.broken(Promise::NoStorm, format!("{requests} requests")));
        }
        for (at, name) in self.names.iter().enumerate() {
            let done = match outcome {
                Some(Ok(report)) => report.outcomes[at].result.is_ok(),
                Some(Err(_)) | None => false,
            };
            self.judge_at(name, done, &format!("{outcome:?}"))?;
        }
        let succeeded =
            matches!(outcome, Some(Ok(report)) if report.outcomes.iter().all(|one| one.result.is_ok()));
        if self.case.must_succeed() && !succeeded {
            return Err(self.broken(Promise::MildFaultsPass, format!("{outcome:?}")));
        }
        Ok(Tally {
            done: usize::from(succeeded),
            failed: usize::from(!succeeded && outcome.is_some()),
            cancelled: usize::from(outcome.is_none()),
            mild: usize::from(self.case.must_succeed()),
            excused: 0,
            struck: self.fakes().iter().map(|fake| fake.struck()).sum(),
            requests: requests / (self.image.digests().count() + 2),
            ranges: self.ranges(),
            hours: took.as_secs() / 3600,
        })
    }

    /// What stands at one destination.
    fn judge_at(&self, name: &str, done: bool, outcome: &str) -> Result<(), Broken> {
        let tag = self.target.tag(name, "v1");
        let before = (self.case.target.tagged && name == "to/app").then(|| self.moved.clone());
        let lacks = match &tag {
            Some(digest) if *digest == self.root => Some(self.target.lacks(name, &self.image)),
            Some(digest) if *digest == self.moved => Some(self.target.lacks(name, &self.other)),
            _ => None,
        };
        let is_whole = lacks.as_ref().is_some_and(Vec::is_empty);
        if done && !is_whole {
            return Err(
                self.broken(Promise::DoneIsWhole, format!("{name}: {tag:?} lacks {lacks:?} after {outcome}"))
            );
        }
        if !done && tag != before && !is_whole {
            return Err(
                self.broken(Promise::NoTornTag, format!("{name}: {tag:?} lacks {lacks:?} after {outcome}"))
            );
        }
        if before.is_some() && self.case.existing != Existing::Move {
            let written =
                |request: &testkit::Request| request.writes() && request.path.contains("/v2/to/app/");
            let writes = self.target.ledger().pick(written);
            if tag != before || !writes.is_empty() {
                return Err(self.broken(Promise::LeaveAlone, format!("{name}: {tag:?} after {outcome}")));
            }
        }
        Ok(())
    }

    /// Once nothing goes wrong any more, the same copy succeeds, whatever the first one left behind.
    async fn once_more(&self) -> Result<(), Broken> {
        if self.case.faults.iter().any(|fault| matches!(fault.how, How::Forget(_))) {
            return Ok(());
        }
        self.fakes().iter().for_each(|fake| fake.behave());
        let (registries, traffic) = self.registries();
        let job = self.job(&registries, Existing::Move);
        let engine = Engine::new(Arc::new(Silent), traffic).with_ranges(self.case.ranges());
        let Ok(outcome) = timeout(LIMIT, engine.run(&job)).await else {
            return Err(self.broken(Promise::NoHang, "still running, in peace"));
        };
        let all = matches!(&outcome, Ok(report) if report.outcomes.iter().all(|one| one.result.is_ok()));
        let tag = self.source.tag("lib/app", "v1");
        let content = if tag.as_ref() == Some(&self.root) { &self.image } else { &self.other };
        let is_whole = |name: &&str| self.target.tag(name, "v1") == tag && self.target.holds(name, content);
        if all && self.names.iter().all(is_whole) && self.target.wrong().is_empty() {
            return Ok(());
        }
        Err(self.broken(Promise::NextRunHeals, format!("{outcome:?}")))
    }

    fn broken(&self, promise: Promise, what: impl Into<String>) -> Broken {
        let mut what = what.into();
        for (name, fake) in [
            ("source", &*self.source),
            ("mirror", &self.mirror),
            ("target", &*self.target),
            ("depot", &self.depot),
        ] {
            let ledger = fake.ledger().to_string();
            let lines: Vec<&str> = ledger.lines().collect();
            let first = lines.len().saturating_sub(60);
            what.extend([format!("\n{name}, {} requests:\n  {}", lines.len(), lines[first..].join("\n  "))]);
        }
        Broken { promise, what }
    }
}
