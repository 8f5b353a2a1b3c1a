//! The course of a benchmark: content is made, settings take turns, and what was written is removed.
use std::sync::{Arc, Mutex, PoisonError};

use content::{Fault, FaultKind, Source, Step, Version};
use copier::{CopyError, Engine, Silent};
use futures::{StreamExt, TryStreamExt, stream};
use link::Link;
use pace::{Level, Traffic};

use crate::{
    counter::Counter,
    ends::{Crew, End, Ends, Trouble, at_source, at_target},
    host::{Embedded, Host},
    images::Images,
    inventory::Inventory,
    measure,
    plan::{Plan, Subject},
    results::{Cell, Machine, Results, Sides, Totals},
    site::Site,
    stats, words,
};

/// How many images are written at a time when content is made.
const WIDTH: usize = 4;
/// Transfers at a time when content is made.
const LANES: usize = 8;

/// A benchmark.
#[derive(Debug)]
pub struct Course {
    pub(crate) plan: Plan,
    pub(crate) source: End,
    /// None where each run gets an empty one of ours.
    pub(crate) target: Option<End>,
    /// What the user named, and is to be left as it was.
    pub(crate) sites: Option<Sides<Site>>,
    pub(crate) host: Option<Host>,
    /// It listens as long as this lives.
    _embedded: Option<Embedded>,
    /// What this process says itself.
    counters: Sides<Arc<Counter>>,
    /// What is before both registries in the run that is under way, or was the last one. Whoever ends a run early has
    /// something to say to the registries still, by these.
    pub(crate) links: Mutex<Option<Sides<Link>>>,
    /// What the runs have said.
    pub(crate) said: Mutex<Totals>,
}

/// What one run moves.
struct Cargo {
    inventory: Inventory,
    /// Where it comes from, if it is not the source's own.
    images: Option<Arc<Images>>,
}

impl Course {
    /// A benchmark between `ends`. Links and embedded registries need a host. The counters are those of the ends'
    /// registries, in this process.
    pub fn new(plan: Plan, ends: Ends, host: Option<Host>, counters: Sides<Arc<Counter>>) -> Self {
        let known = matches!(plan.subject, Subject::Image(_));
        let site = |end: &End| Site::new(end.repository.clone(), known);
        let (source, target, embedded) = match ends {
            Ends::Named(sides) => (sides.source, Some(sides.target), None),
            Ends::Embedded(source, embedded) => (*source, None, Some(embedded)),
        };
        let sites = target.as_ref().map(|target| Sides { source: site(&source), target: site(target) });
        Self {
            plan,
            source,
            target,
            sites,
            host,
            _embedded: embedded,
            counters,
            links: Mutex::default(),
            said: Mutex::default(),
        }
    }

    /// Runs it to its end.
    ///
    /// # Errors
    /// Whatever a side answers to the preparation or to a run. What was written by then is still to be cleaned up.
    pub async fn run(&self, crew: &dyn Crew) -> Result<Results, Trouble> {
        let cargo = self.cargo(0).await?;
        self.announce(&cargo.inventory, crew);
        let mut results = self.results(&cargo.inventory);
        if self.plan.dry_run {
            return Ok(results);
        }
        let fresh = self.admit(&cargo.inventory, crew).await?;
        results.cells = self.cells(cargo, fresh, crew).await?;
        self.clean().await;
        results.totals = self.totals();
        results.left = self.left();
        Ok(results)
    }

    /// Removes what was written, as far as the registries allow.
    pub async fn clean(&self) {
        if let Some(sites) = &self.sites {
            // What stays, and why, is told by `left`.
            drop(sites.target.clean().await);
            drop(sites.source.clean().await);
        }
    }

    /// What was written and is still there, in words.
    pub fn left(&self) -> Vec<String> {
        let sites = self.sites.iter().flat_map(|sites| [&sites.source, &sites.target]);
        sites.filter_map(Site::left).collect()
    }

    fn results(&self, inventory: &Inventory) -> Results {
        let embedded = || "embedded".to_owned();
        let named = self.sites.as_ref();
        let source = named.map_or_else(embedded, |sites| match &self.plan.subject {
            Subject::Made(_) => sites.source.shown().to_owned(),
            Subject::Image(Version::Name(name)) => format!("{}:{name}", sites.source.shown()),
            Subject::Image(Version::Digest(digest)) => format!("{}@{digest}", sites.source.shown()),
        });
        let host = self.host.as_ref().filter(|_| named.is_none());
        Results {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            machine: Machine::this(),
            source,
            target: named.map_or_else(embedded, |sites| sites.target.shown().to_owned()),
            link: self.plan.link,
            storage: host.map(|host| host.storage().as_str().to_owned()),
            workload: self.plan.workload(inventory),
            cells: Vec::new(),
            totals: self.totals(),
            left: Vec::new(),
            warnings: Vec::new(),
        }
    }

    fn totals(&self) -> Totals {
        let mut totals = *self.said.lock().unwrap_or_else(PoisonError::into_inner);
        totals.source.add(self.counters.source.totals());
        totals.target.add(self.counters.target.totals());
        totals
    }

    /// What a run moves: made, or looked up.
    async fn cargo(&self, edition: u64) -> Result<Cargo, Trouble> {
        match &self.plan.subject {
            Subject::Made(recipe) => {
                let recipe = *recipe;
                let made = tokio::task::spawn_blocking(move || Images::make(&recipe, edition));
                let broken =
                    |why| Fault::new(FaultKind::Local, Step::ReadBlob, "no content was made").because(why);
                let images = made.await.map_err(broken).and_then(|made| made).map_err(Trouble::Here)?;
                Ok(Cargo { inventory: images.inventory().clone(), images: Some(Arc::new(images)) })
            }
            Subject::Image(version) => {
                let inventory = Inventory::read(&self.source.repository, version).await;
                Ok(Cargo { inventory: inventory.map_err(at_source)?, images: None })
            }
        }
    }

    /// Says what will be written where, before anything is.
    fn announce(&self, inventory: &Inventory, crew: &dyn Crew) {
        let Some(sites) = &self.sites else { return };
        let (runs, bytes) = (self.plan.runs(), inventory.bytes());
        let images = words::count(inventory.roots.len(), "image");
        let what = format!("{}, {}", words::count(inventory.blobs.len(), "blob"), words::bytes(bytes));
        if let Subject::Made(_) = self.plan.subject {
            crew.note(&format!("{}: {images} will be written first: {what}", sites.source.shown()));
        }
        let all = words::bytes(bytes.saturating_mul(runs as u64));
        let runs = words::count(runs, "run");
        crew.note(&format!(
            "{}: {images} will be written by each of {runs}: {what}; {all} in all",
            sites.target.shown()
        ));
        crew.note("all of it will be removed, as far as the registries let us");
    }

    /// Makes sure that what is there stays as it is, and that there is something to move. Whether each run needs other
    /// content, because the target keeps what it has.
    async fn admit(&self, inventory: &Inventory, crew: &dyn Crew) -> Result<bool, Trouble> {
        let Some(sites) = &self.sites else { return Ok(false) };
        let Sides { source, target } = sites;
        target.must_lack(inventory).await.map_err(at_target)?;
        let removes = target.removes(inventory).await.map_err(at_target)?;
        if let Subject::Made(_) = self.plan.subject {
            source.must_lack(inventory).await.map_err(at_source)?;
            if !source.removes(inventory).await.map_err(at_source)? {
                crew.warn(&format!("{} removes nothing: what is written there stays", source.shown()));
            }
        }
        if !removes {
            self.expect_to_stay(sites, inventory, crew)?;
        }
        Ok(!removes)
    }

    /// Says what a target keeps that removes nothing; fails where runs would have nothing to move then.
    fn expect_to_stay(
        &self,
        Sides { source, target }: &Sides<Site>,
        inventory: &Inventory,
        crew: &dyn Crew,
    ) -> Result<(), Trouble> {
        let runs = self.plan.runs();
        let all = words::bytes(inventory.bytes().saturating_mul(runs as u64));
        crew.warn(&format!("{} removes nothing: what each run writes there stays, {all}", target.shown()));
        if runs > 1 && matches!(self.plan.subject, Subject::Image(_)) {
            let what = format!("only the first of {runs} runs would move anything: nothing can be removed");
            let fault = Fault::new(FaultKind::Refused, Step::Remove, what).at(target.shown()).hint(
                "name the source without a tag, so that each run gets content of its own; or make a single run: one \
                 number each for --jobs and --ranges, and --repeat 1",
            );
            return Err(at_target(fault));
        }
        if runs > 1 {
            crew.note(&format!(
                "so each run moves other content, which {} is given first: {all}",
                source.shown()
            ));
        }
        Ok(())
    }

    /// All runs; settings take turns, so that whatever else the machine does is spread over all of them.
    async fn cells(&self, first: Cargo, mut fresh: bool, crew: &dyn Crew) -> Result<Vec<Cell>, Trouble> {
        let new = |(jobs, ranges)| Cell { jobs, ranges, runs: Vec::new(), median: stats::median(&[]) };
        let mut cells: Vec<Cell> = self.plan.settings().map(new).collect();
        let mut cargo = first;
        self.load(&cargo).await?;
        let mut number: u64 = 0;
        for round in 1..=self.plan.repeat {
            crew.note(&format!("round {round} of {}", self.plan.repeat));
            for cell in &mut cells {
                if fresh && number > 0 {
                    cargo = self.cargo(number).await?;
                    self.load(&cargo).await?;
                }
                number = number.saturating_add(1);
                let measured = self.measure((cell.jobs, cell.ranges), &cargo.inventory, crew).await?;
                self.moved_all(measured.run.bytes, &cargo.inventory)?;
                cell.runs.push(measured.run);
                let kept = self.unload(fresh).await?;
                if kept && !fresh && number < self.plan.runs() as u64 {
                    self.sites
                        .iter()
                        .try_for_each(|sites| self.expect_to_stay(sites, &cargo.inventory, crew))?;
                }
                fresh |= kept;
            }
        }
        for cell in &mut cells {
            cell.median = stats::median(&cell.runs);
        }
        Ok(cells)
    }

    /// A run that found something there is no measurement, and what it wrote is not its own alone.
    fn moved_all(&self, moved: u64, inventory: &Inventory) -> Result<(), Trouble> {
        let due = inventory.bytes();
        let Some(Sides { target, .. }) = self.sites.as_ref().filter(|_| moved < due) else { return Ok(()) };
        target.disown(inventory);
        let (moved, due) = (words::grouped(moved), words::grouped(due));
        let what = format!("a run moved {moved} bytes of {due}: somebody else wrote the others meanwhile");
        Err(at_target(
            Fault::new(FaultKind::Conflict, Step::SendBlob, what)
                .at(target.shown())
                .hint("what that run wrote was not removed; name a repository that nobody else writes to"),
        ))
    }

    /// Writes what was made to the source.
    async fn load(&self, cargo: &Cargo) -> Result<(), Trouble> {
        let Some(images) = &cargo.images else { return Ok(()) };
        if let Some(sites) = &self.sites {
            sites.source.must_lack(&cargo.inventory).await.map_err(at_source)?;
            sites.source.take(&cargo.inventory);
        }
        let engine = Engine::new(Arc::new(Silent), Traffic::new(Level::exactly(LANES)));
        let writing = stream::iter(&cargo.inventory.roots).map(|root| {
            let (source, target) = (Arc::clone(images) as Arc<dyn Source>, self.source.repository.clone());
            let job = measure::job(source, Arc::new(target), Version::Digest(root.clone()));
            measure::copy(&engine, job)
        });
        // Whatever fails, it is the source of the runs to come.
        let written = writing.buffer_unordered(WIDTH).try_for_each(|_| async { Ok(()) }).await;
        written.map_err(|error| match error {
            CopyError::Failed { fault, .. } => at_source(fault),
            other => Trouble::Side(other),
        })
    }

    /// Makes room for the next run. Whether the target keeps what it has: it may say so only when there is something.
    async fn unload(&self, fresh: bool) -> Result<bool, Trouble> {
        let Some(Sides { source, target }) = &self.sites else { return Ok(false) };
        if fresh {
            source.clean().await.map_err(at_source)?;
            return Ok(true);
        }
        target.clean().await.map_err(at_target)?;
        Ok(target.left().is_some())
    }
}
