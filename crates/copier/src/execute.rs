//! Execution: blobs in parallel, then manifests in order, destination by destination.
//!
//! Destinations of one registry travel together: a blob's bytes are read once, sent to the first repository, and
//! mounted into the others (`landed`).
use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use content::{Descriptor, FaultKind, Journal, Place};
use futures::{
    StreamExt, TryStreamExt,
    future::{join_all, try_join_all},
    stream,
};
use pace::{Lanes, Traffic, travel};
use reference::{Digest, RefName, RepositoryName};

use crate::{
    CopyError, Delivery, Event, Foreign, Job, Observer, Outcome, Side, Ties,
    berth::Berth,
    hallway::Hallway,
    landed::{Landed, Lies},
    mend::Mender,
    plan::Plan,
    preflight::Standing,
    publish::Publisher,
    ranges::Shared,
};

/// One admitted plan on its way to all of its destinations.
pub(crate) struct Voyage<'a> {
    pub(crate) job: &'a Job,
    pub(crate) plan: &'a Plan,
    pub(crate) observer: &'a Arc<dyn Observer>,
    pub(crate) traffic: &'a Traffic,
    pub(crate) landed: &'a Landed,
    pub(crate) journal: Option<&'a dyn Journal>,
    pub(crate) ranges: &'a Arc<Shared>,
    /// Whether a transfer has ended the work of others because somebody could not be reached.
    pub(crate) stranded: AtomicBool,
}

/// The open destinations of one registry.
struct Group<'a> {
    berths: Vec<&'a Berth<'a>>,
    /// A repository there that holds the image, as far as anybody knows.
    seat: Option<&'a RepositoryName>,
}

/// A blob, and its number in the plan.
type Item<'a> = (usize, &'a Descriptor);

/// The blobs that a berth is to have.
struct Want<'a> {
    /// All of the image's.
    image: bool,
    /// Those of its followers.
    others: HashSet<&'a Digest>,
}

impl Want<'_> {
    /// A blob of the image that a follower has too is where the image is.
    fn takes(&self, (number, blob): Item<'_>, plan: &Plan) -> bool {
        if number < plan.own { self.image } else { self.others.contains(&blob.digest) }
    }
}

impl Voyage<'_> {
    /// Does what the standings leave to do; one outcome for each destination, in order.
    pub(crate) async fn run(&self, standings: Vec<Standing>) -> Vec<Outcome> {
        let each = self.job.destinations.iter().zip(standings);
        let berths: Vec<Berth<'_>> =
            each.map(|(destination, standing)| Berth::new(destination, standing, self.plan)).collect();
        join_all(self.groups(&berths).iter().map(|group| self.serve(group))).await;
        berths.into_iter().map(Berth::into_outcome).collect()
    }

    fn groups<'b>(&'b self, berths: &'b [Berth<'b>]) -> Vec<Group<'b>> {
        let mut groups: Vec<Group<'b>> = Vec::new();
        for berth in berths.iter().filter(|berth| berth.is_open()) {
            let near = |place: &Place| place.shares_origin(berth.place());
            let known = groups.iter_mut().find(|group| group.berths.iter().any(|other| near(other.place())));
            if let Some(group) = known {
                group.berths.push(berth);
                continue;
            }
            let mut rooted = berths.iter().filter(|other| other.rooted).map(Berth::place);
            let source = Some(self.job.source.place()).filter(|place| near(place));
            let seat = source.or_else(|| rooted.find(|place| near(place)));
            groups.push(Group { berths: vec![berth], seat: seat.and_then(Place::repository) });
        }
        groups
    }

    async fn serve(&self, group: &Group<'_>) {
        if let Err(error) = self.fill(group).await {
            for berth in &group.berths {
                berth.fail(&error);
            }
        }
        if self.job.ties == Ties::Together && group.berths.iter().any(|berth| !berth.is_open()) {
            return;
        }
        let open = group.berths.iter().filter(|berth| berth.is_open());
        join_all(open.map(|berth| self.publish(berth))).await;
    }

    /// Brings every blob to every berth that wants it.
    async fn fill(&self, group: &Group<'_>) -> Result<(), CopyError> {
        let wants: Vec<(&Berth<'_>, Want<'_>)> =
            group.berths.iter().copied().map(|berth| (berth, self.want(berth))).collect();
        let blobs = stream::iter(self.plan.blobs.iter().enumerate());
        let blobs = blobs.map(|item| {
            let wanting = wants.iter().filter(|(_, want)| want.takes(item, self.plan));
            self.spread(item, wanting.map(|(berth, _)| *berth).collect(), group.seat)
        });
        blobs.buffer_unordered(self.width(group)).try_collect().await
    }

    /// How many blobs may be under way to a group: no more of them can have lanes.
    fn width(&self, group: &Group<'_>) -> usize {
        let source = self.lanes(self.job.source.place()).cap();
        let target = group.berths.first().map(|berth| self.lanes(berth.place()).cap());
        target.map_or(source, |target| target.min(source))
    }

    fn lanes(&self, place: &Place) -> Lanes {
        self.traffic.at(place.origin())
    }

    /// Brings one blob to all of these berths: to the first that takes it, and from there to the rest.
    async fn spread(
        &self,
        item: Item<'_>,
        berths: Vec<&Berth<'_>>,
        seat: Option<&RepositoryName>,
    ) -> Result<(), CopyError> {
        try_join_all(berths.iter().map(|berth| self.bring(item, berth, seat))).await.map(drop)
    }

    /// Brings one blob to one berth, unless that is closed. An error is one that ends the whole group.
    async fn bring(
        &self,
        (number, blob): Item<'_>,
        berth: &Berth<'_>,
        seat: Option<&RepositoryName>,
    ) -> Result<(), CopyError> {
        // No lane is held here: whoever is waited for needs one.
        let approach = self.landed.approach(berth.place(), &blob.digest).await;
        if !berth.is_open() {
            return Ok(());
        }
        let carried = match &approach.lies {
            Lies::Here => Ok(Delivery::Present),
            Lies::There(mount) => self.carry(blob, berth, mount.as_ref()).await,
            Lies::Nowhere => self.carry(blob, berth, seat).await,
        };
        match carried {
            Ok(how) => {
                approach.landed(how);
                berth.took(number, how);
                self.observer.event(&Event::Finished { blob, place: berth.place(), how });
                Ok(())
            }
            Err(error) if error.side() == Side::Target && self.job.ties == Ties::Apart => {
                berth.fail(&error);
                Ok(())
            }
            Err(error) => {
                self.stranded.fetch_or(error.kind() == FaultKind::Unreachable, Ordering::Relaxed);
                Err(error)
            }
        }
    }

    async fn carry(
        &self,
        blob: &Descriptor,
        berth: &Berth<'_>,
        mount: Option<&RepositoryName>,
    ) -> Result<Delivery, CopyError> {
        let (from, to) = (self.lanes(self.job.source.place()), self.lanes(berth.place()));
        travel(&from, &to, self.hallway(berth).carry(blob, mount)).await
    }

    fn hallway<'s>(&'s self, berth: &'s Berth<'_>) -> Hallway<'s> {
        Hallway {
            source: &self.job.source,
            target: &*berth.destination.target,
            observer: self.observer,
            journal: self.journal,
            ranges: (self.ranges, self.lanes(self.job.source.place())),
            lack: &berth.lack,
            stranded: &self.stranded,
        }
    }

    /// Which blobs are to be brought there. An equal root may have come without foreign layers.
    fn want<'b>(&self, berth: &Berth<'b>) -> Want<'b> {
        if self.is_at_home(berth) {
            return Want { image: false, others: HashSet::new() };
        }
        let image = !berth.rooted || self.job.foreign == Foreign::Include;
        Want { image, others: berth.blobs_of_followers() }
    }

    /// Whether the destination is the source itself, and only names are missing.
    fn is_at_home(&self, berth: &Berth<'_>) -> bool {
        berth.place() == self.job.source.place()
    }

    async fn publish(&self, berth: &Berth<'_>) {
        if berth.rooted && berth.names.is_empty() && berth.followers.is_empty() {
            return;
        }
        let publisher = Publisher {
            target: &*berth.destination.target,
            existing: self.job.existing,
            observer: &**self.observer,
            lanes: self.lanes(berth.place()),
            mender: Mender::new(self.hallway(berth), self.traffic, self.landed, self.plan, berth),
        };
        let parts = async {
            if berth.rooted || self.is_at_home(berth) {
                return Ok(());
            }
            publisher.parts(&self.plan.ranks, |_| true).await
        };
        let written = |name: &RefName| berth.named(name);
        let outcome = async {
            parts.await?;
            publisher.followers(self.plan, &berth.followers, || berth.followed()).await?;
            if berth.rooted && berth.names.is_empty() {
                return Ok(());
            }
            publisher.publish(&self.plan.root, &berth.names, berth.unnamed(), written).await
        };
        let outcome = outcome.await;
        if let Err(error) = outcome {
            berth.fail(&error);
        }
    }
}
