//! Execution: blobs in parallel, then manifests in order, destination by destination.
//!
//! Destinations of one registry travel together: a blob's bytes are read once, sent to the first repository, and
//! mounted into the others.
use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use content::{Descriptor, FaultKind, Journal};
use futures::{StreamExt, TryStreamExt, future::join_all, stream};
use reference::{RefName, RepositoryName};

use crate::{
    CopyError, Delivered, Destination, Event, Foreign, Job, Observer, Outcome, Side, Ties, hallway::Hallway,
    mend::Mender, plan::Plan, preflight::Standing, publish::Publisher, wharf::Wharf,
};

/// One admitted plan on its way to all of its destinations.
pub(crate) struct Voyage<'a> {
    pub(crate) job: &'a Job,
    pub(crate) plan: &'a Plan,
    pub(crate) observer: &'a Arc<dyn Observer>,
    pub(crate) wharf: &'a Wharf,
    pub(crate) journal: Option<&'a dyn Journal>,
    /// Whether a transfer has ended the work of others because somebody could not be reached.
    pub(crate) stranded: AtomicBool,
}

/// One destination, and what has happened there.
struct Berth<'a> {
    destination: &'a Destination,
    names: Vec<RefName>,
    rooted: bool,
    log: Mutex<Log>,
}

#[derive(Default)]
struct Log {
    failed: Option<CopyError>,
    delivered: Delivered,
    written: Vec<RefName>,
}

impl Voyage<'_> {
    /// Does what the standings leave to do; one outcome for each destination, in order.
    pub(crate) async fn run(&self, standings: Vec<Standing>) -> Vec<Outcome> {
        let berths: Vec<Berth<'_>> = self.job.destinations.iter().zip(standings).map(Berth::new).collect();
        let mut groups: Vec<Vec<&Berth<'_>>> = Vec::new();
        for berth in berths.iter().filter(|berth| berth.is_open()) {
            let near = |group: &&mut Vec<&Berth<'_>>| group.iter().any(|other| other.shares_origin(berth));
            match groups.iter_mut().find(near) {
                Some(group) => group.push(berth),
                None => groups.push(vec![berth]),
            }
        }
        join_all(groups.iter().map(|group| self.serve(group))).await;
        berths.into_iter().map(Berth::into_outcome).collect()
    }

    async fn serve(&self, group: &[&Berth<'_>]) {
        let empty: Vec<&Berth<'_>> = group.iter().copied().filter(|berth| self.wants_blobs(berth)).collect();
        let blobs = stream::iter(&self.plan.blobs).map(|blob| self.spread(blob, &empty));
        if let Err(error) = blobs.buffer_unordered(self.wharf.width()).try_collect::<()>().await {
            for berth in group {
                berth.fail(&error);
            }
        }
        if self.job.ties == Ties::Together && group.iter().any(|berth| !berth.is_open()) {
            return;
        }
        join_all(group.iter().filter(|berth| berth.is_open()).map(|berth| self.publish(berth))).await;
    }

    /// Brings one blob to every berth of a group: to the first that takes it, and from there to the rest.
    async fn spread(&self, blob: &Descriptor, berths: &[&Berth<'_>]) -> Result<(), CopyError> {
        let source = self.job.source.place();
        let mut rest = berths.iter();
        let mut held = None;
        for berth in rest.by_ref() {
            let place = berth.destination.target.place();
            let mount = source.repository().filter(|_| source.shares_origin(place));
            if self.bring(blob, berth, mount).await? {
                held = place.repository();
                break;
            }
        }
        let others = rest.map(|berth| self.bring(blob, berth, held));
        join_all(others).await.into_iter().try_for_each(|brought| brought.map(drop))
    }

    /// Whether the blob is at the berth now. An error is one that ends the whole group.
    async fn bring(
        &self,
        blob: &Descriptor,
        berth: &Berth<'_>,
        mount: Option<&RepositoryName>,
    ) -> Result<bool, CopyError> {
        if !berth.is_open() {
            return Ok(false);
        }
        let target = &*berth.destination.target;
        let _lanes = self.wharf.lanes(self.job.source.place(), target.place()).await;
        match self.hallway(berth).carry(blob, mount).await {
            Ok(how) => {
                berth.note(|log| log.delivered.count(how, blob.size));
                self.observer.event(&Event::Finished { blob, place: target.place(), how });
                Ok(true)
            }
            Err(error) if error.side() == Side::Target && self.job.ties == Ties::Apart => {
                berth.fail(&error);
                Ok(false)
            }
            Err(error) => {
                self.stranded.fetch_or(error.kind() == FaultKind::Unreachable, Ordering::Relaxed);
                Err(error)
            }
        }
    }

    fn hallway<'s>(&'s self, berth: &'s Berth<'_>) -> Hallway<'s> {
        Hallway {
            source: &self.job.source,
            target: &*berth.destination.target,
            observer: self.observer,
            journal: self.journal,
            stranded: &self.stranded,
        }
    }

    /// Whether blobs are to be brought there. An equal root may have come without foreign layers.
    fn wants_blobs(&self, berth: &Berth<'_>) -> bool {
        !self.is_at_home(berth) && (!berth.rooted || self.job.foreign == Foreign::Include)
    }

    /// Whether the destination is the source itself, and only names are missing.
    fn is_at_home(&self, berth: &Berth<'_>) -> bool {
        berth.destination.target.place() == self.job.source.place()
    }

    async fn publish(&self, berth: &Berth<'_>) {
        if berth.rooted && berth.names.is_empty() {
            return;
        }
        let publisher = Publisher {
            target: &*berth.destination.target,
            existing: self.job.existing,
            observer: &**self.observer,
            width: self.wharf.width(),
            mender: Mender::new(self.hallway(berth), self.wharf, self.plan),
        };
        let parts = async {
            if berth.rooted || self.is_at_home(berth) {
                return Ok(());
            }
            publisher.parts(self.plan).await
        };
        let written = |name: &RefName| berth.note(|log| log.written.push(name.clone()));
        let outcome = match parts.await {
            Ok(()) => publisher.root(&self.plan.root, &berth.names, written).await,
            Err(error) => Err(error),
        };
        if let Err(error) = outcome {
            berth.fail(&error);
        }
    }
}

impl<'a> Berth<'a> {
    fn new((destination, standing): (&'a Destination, Standing)) -> Self {
        let mut log = Log::default();
        let (names, rooted) = match standing {
            Standing::Open { names, rooted } => (names, rooted),
            Standing::Done => {
                log.delivered.already_there = true;
                (Vec::new(), true)
            }
            Standing::Closed(error) => {
                log.failed = Some(error);
                (Vec::new(), false)
            }
        };
        Self { destination, names, rooted, log: Mutex::new(log) }
    }

    fn note<T>(&self, change: impl FnOnce(&mut Log) -> T) -> T {
        // A panic elsewhere leaves the log as it was: every change is one step.
        change(&mut self.log.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn is_open(&self) -> bool {
        self.note(|log| log.failed.is_none() && !log.delivered.already_there)
    }

    /// The first failure is the one that is told.
    fn fail(&self, error: &CopyError) {
        self.note(|log| {
            log.failed.get_or_insert_with(|| error.clone());
        });
    }

    fn shares_origin(&self, other: &Self) -> bool {
        self.destination.target.place().shares_origin(other.destination.target.place())
    }

    fn into_outcome(self) -> Outcome {
        let log = self.log.into_inner().unwrap_or_else(PoisonError::into_inner);
        Outcome {
            place: self.destination.target.place().clone(),
            names: self.destination.names.clone(),
            written: log.written,
            result: log.failed.map_or(Ok(log.delivered), Err),
        }
    }
}
