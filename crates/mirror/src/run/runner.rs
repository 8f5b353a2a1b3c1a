//! The runner: brings images to where they are to be, many at once, and stops for none that fails.
use std::{collections::BTreeSet, pin::pin, sync::Arc, time::Instant};

use copier::{CopyError, Destination, Engine, Existing, Foreign, Job, Limits, Referrers, Side, Ties};
use futures::{StreamExt, stream};
use reference::Digest;

use super::{
    Outcome, Prospect,
    counted::{CountedSource, CountedTarget},
    outcome::in_words,
    tally::Tally,
    trust::{self, Group, Pending},
};
use crate::{Home, Item, Notes, World};

/// What holds for all images of a run.
#[derive(Debug, Clone)]
pub struct Rules {
    /// What is too much.
    pub limits: Limits,
    /// What to do about foreign layers.
    pub foreign: Foreign,
    /// How many images are under way at a time, at most; 0 is 1.
    pub at_once: usize,
    /// Whether an equal root is not trusted: every part is asked for, and sent if it is missing.
    pub repair: bool,
    /// Whether no image is begun any more after one that failed.
    pub fail_fast: bool,
}

/// Brings images to where they are to be. All that are brought by one runner share what an engine shares: lanes, and
/// blobs that cross once.
#[derive(Debug)]
pub struct Runner {
    engine: Engine,
    world: Arc<dyn World>,
    rules: Rules,
    notes: Arc<Notes>,
}

impl Runner {
    /// A runner that reaches places through `world`. `engine` should have [`super::tally::Watch`] as its observer,
    /// else attempts are not counted.
    pub fn new(engine: Engine, world: Arc<dyn World>, rules: Rules) -> Self {
        Self { engine, world, rules, notes: Arc::default() }
    }

    /// Begins with what earlier runs have noted, and notes what comes of this one.
    #[must_use]
    pub fn with_notes(self, notes: Arc<Notes>) -> Self {
        let engine = self.engine.with_recall(Arc::<Notes>::clone(&notes));
        Self { engine, notes, ..self }
    }

    /// Brings one image, whatever earlier runs say of it, and notes nothing.
    pub async fn one(&self, item: &Item) -> Outcome {
        self.carry(item, &Arc::default()).await
    }

    /// Notes for the next run with which digest an image has arrived, whoever brought it.
    pub fn note(&self, item: &Item, digest: &Digest) {
        self.notes.note_arrived(item, digest, self.takes_foreign());
    }

    /// Tells images that earlier runs have brought and that never move from those that are to be brought, for whoever
    /// has others bring these. It costs one request for each repository that is to hold any of the first; those that
    /// found nothing are counted by `rest`.
    pub async fn believed<'a>(
        &'a self,
        items: &'a [Item],
        rest: &Tally,
    ) -> (Vec<(&'a Item, Outcome)>, Vec<&'a Item>) {
        let mut there = Vec::new();
        let sorted = trust::apart(items, self);
        let left = self.judge(sorted, |item, outcome| there.push((item, outcome))).await;
        for pending in &left {
            rest.add(pending.tally.requests());
        }
        (there, left.into_iter().map(|pending| pending.item).collect())
    }

    /// Asks the witnesses, and tells `known` of each image that nothing more is to be done for. The others may be
    /// written from now on: what is noted of them is taken back.
    async fn judge<'a>(
        &'a self,
        (mut pending, groups): (Vec<Pending<'a>>, Vec<Group<'a>>),
        mut known: impl FnMut(&'a Item, Outcome),
    ) -> Vec<Pending<'a>> {
        let mut standing = BTreeSet::new();
        let mut groups = pin!(trust::ask(self, groups, self.rules.at_once.max(1)));
        while let Some(judged) = groups.next().await {
            judged.known.into_iter().for_each(|(item, outcome)| known(item, outcome));
            pending.extend(judged.pending);
            standing.extend(judged.standing);
        }
        let destinations = pending.iter().map(|pending| &pending.item.destination);
        self.notes.doubt(destinations, |home| standing.contains(home));
        pending
    }

    /// Brings all images, and tells `done` of each as soon as it is done. Those that earlier runs have brought and that
    /// never move cost nothing, as long as their repository is there. How many were not begun: without
    /// [`Rules::fail_fast`], none.
    pub async fn all(&self, items: &[Item], mut done: impl FnMut(&Item, Outcome)) -> usize {
        let mut failed = false;
        let mut done = |item: &Item, outcome: Outcome| {
            failed |= outcome.result.is_err();
            done(item, outcome);
            failed && self.rules.fail_fast
        };
        let mut enough = false;
        let pending =
            self.judge(trust::sort(items, self), |item, outcome| enough = done(item, outcome)).await;
        let mut left = pending.into_iter();
        let mut under_way = stream::FuturesUnordered::new();
        loop {
            while under_way.len() < self.rules.at_once.max(1) && !enough {
                let Some(next) = left.next() else { break };
                under_way.push(async move { (next.item, self.bring(next).await) });
            }
            let Some((item, outcome)) = under_way.next().await else { break };
            enough = done(item, outcome);
        }
        left.count()
    }

    async fn bring(&self, Pending { item, tally }: Pending<'_>) -> Outcome {
        self.noted(item, self.carry(item, &tally).await)
    }

    async fn carry(&self, item: &Item, tally: &Arc<Tally>) -> Outcome {
        let begun = Instant::now();
        let copied = match self.job(item, tally) {
            // Only a side that is read is counted as one of both: what counts apart, says so.
            Ok(job) => tally.counting(Side::Source, self.engine.run(&job)).await,
            Err(error) => Err(error),
        };
        Outcome::new(item, copied, tally, begun.elapsed())
    }

    /// What came of an image that is as it should be, or cannot be read; `None` where there is something to do.
    pub(super) async fn stands(&self, item: &Item, tally: &Arc<Tally>) -> Option<Outcome> {
        let begun = Instant::now();
        let stands = match self.job(item, tally) {
            Ok(job) => tally.counting(Side::Source, self.engine.stands(&job)).await.transpose()?,
            Err(error) => Err(error),
        };
        Some(self.noted(item, Outcome::new(item, stands, tally, begun.elapsed())))
    }

    fn noted(&self, item: &Item, outcome: Outcome) -> Outcome {
        if let (Some(digest), Ok(_)) = (&outcome.digest, &outcome.result) {
            self.note(item, digest);
        }
        outcome
    }

    /// Whether anything that earlier runs noted of a repository may be believed.
    pub(super) fn believes(&self, home: &Home) -> bool {
        !self.rules.repair && self.notes.know(home)
    }

    /// The digest at which an earlier run brought an image that never moves.
    pub(super) fn arrived(&self, item: &Item) -> Option<Digest> {
        self.notes.arrived(item, self.takes_foreign())
    }

    fn takes_foreign(&self) -> bool {
        self.rules.foreign == Foreign::Include
    }

    /// What bringing an image would take; nothing is written.
    ///
    /// # Errors
    /// What would refuse it, as far as that can be known.
    pub async fn look(&self, item: &Item) -> Result<Prospect, CopyError> {
        let tally = Arc::<Tally>::default();
        let job = self.job(item, &tally)?;
        let prospect =
            tally.counting(Side::Source, Prospect::of(&self.engine, &job, item, &*self.world)).await;
        prospect.map_err(|error| in_words(item, error))
    }

    pub(super) fn world(&self) -> &dyn World {
        &*self.world
    }

    fn job(&self, item: &Item, tally: &Arc<Tally>) -> Result<Job, CopyError> {
        let failed = |side| move |fault| CopyError::Failed { side, fault };
        let source = self.world.source(&item.source.site).map_err(failed(Side::Source))?;
        let target = self.world.target(&item.destination.site).map_err(failed(Side::Target))?;
        Ok(Job {
            source: Arc::new(CountedSource { inner: source, tally: Arc::clone(tally) }),
            version: item.version(),
            destinations: vec![Destination {
                target: Arc::new(CountedTarget { inner: target, tally: Arc::clone(tally) }),
                names: item.names(),
                expect: None,
            }],
            existing: match (item.immutable, self.rules.repair) {
                (true, false) => Existing::RefuseUnlessSame,
                (true, true) => Existing::RepairOrRefuse,
                (false, false) => Existing::Move,
                (false, true) => Existing::RepairOrMove,
            },
            limits: self.rules.limits.clone(),
            foreign: self.rules.foreign,
            platforms: item.chosen().map_err(failed(Side::Source))?,
            referrers: if item.referrers { Referrers::Follow } else { Referrers::Leave },
            ties: Ties::Apart,
        })
    }
}
