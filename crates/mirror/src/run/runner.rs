//! The runner: brings images to where they are to be, many at once, and stops for none that fails.
use std::{
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use copier::{CopyError, Destination, Engine, Existing, Foreign, Job, Limits, Referrers, Side, Ties};
use futures::{StreamExt, stream};
use reference::Digest;

use super::{
    Outcome, Prospect, State,
    counted::{CountedSource, CountedTarget},
    outcome::in_words,
    tally::Tally,
    trust,
};
use crate::{Item, World};

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
    state: Mutex<State>,
}

impl Runner {
    /// A runner that reaches places through `world`. `engine` should have [`super::tally::Watch`] as its observer,
    /// else attempts are not counted.
    pub fn new(engine: Engine, world: Arc<dyn World>, rules: Rules) -> Self {
        Self { engine, world, rules, state: Mutex::default() }
    }

    /// Begins with what earlier runs have brought.
    #[must_use]
    pub fn with_state(self, state: State) -> Self {
        Self { state: Mutex::new(state), ..self }
    }

    /// What the next run should begin with.
    pub fn state(&self) -> State {
        self.known().clone()
    }

    /// Brings one image, whatever earlier runs say of it.
    pub async fn one(&self, item: &Item) -> Outcome {
        let (tally, begun) = (Arc::<Tally>::default(), Instant::now());
        let copied = match self.job(item, &tally) {
            // Only a side that is read is counted as one of both: what counts apart, says so.
            Ok(job) => tally.counting(Side::Source, self.engine.run(&job)).await,
            Err(error) => Err(error),
        };
        let outcome = Outcome::new(item, copied, &tally, begun.elapsed());
        self.note(item, outcome.digest.as_ref().filter(|_| outcome.result.is_ok()));
        outcome
    }

    /// Notes for the next run with which digest an image has arrived, if it has, whoever brought it.
    pub fn note(&self, item: &Item, arrived: Option<&Digest>) {
        match arrived {
            Some(digest) => self.known().arrived(item, digest),
            None => self.known().forget(item),
        }
    }

    /// Tells images that earlier runs have brought and that never move from those that are to be brought, for whoever
    /// has others bring these. It costs one request for each repository that is to hold any of the first.
    pub async fn believed<'a>(&'a self, items: &'a [Item]) -> (Vec<(&'a Item, Outcome)>, Vec<&'a Item>) {
        let state = self.state();
        let (mut left, groups) = trust::apart(items, &state);
        let (mut groups, mut there) = (pin!(trust::ask(self, groups)), Vec::new());
        while let Some(group) = groups.next().await {
            there.extend(group.believed);
            left.extend(group.doubted);
        }
        (there, left)
    }

    /// Brings all images, and tells `done` of each as soon as it is done. Those that earlier runs have brought and that
    /// never move cost nothing, as long as their repository is there.
    pub async fn all(&self, items: &[Item], mut done: impl FnMut(&Item, Outcome)) {
        let state = self.state();
        let (rest, believed) = trust::sort(items, &state);
        let mut failed = false;
        let mut left = rest;
        let mut groups = pin!(trust::ask(self, believed));
        while let Some(group) = groups.next().await {
            failed |= group.witness.as_ref().is_some_and(|(_, outcome)| outcome.result.is_err());
            for (item, outcome) in group.witness.into_iter().chain(group.believed) {
                done(item, outcome);
            }
            left.extend(group.doubted);
        }
        let mut left = left.into_iter();
        let mut under_way = stream::FuturesUnordered::new();
        loop {
            while under_way.len() < self.rules.at_once.max(1) && !(failed && self.rules.fail_fast) {
                let Some(item) = left.next() else { break };
                under_way.push(async move { (item, self.one(item).await) });
            }
            let Some((item, outcome)) = under_way.next().await else { break };
            failed |= outcome.result.is_err();
            done(item, outcome);
        }
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

    fn known(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
