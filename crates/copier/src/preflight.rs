//! Preflight: what stands at the destinations before anything is written there.
use content::{Fault, FaultKind, Step, Version};
use futures::future::{join_all, try_join_all};
use pace::{Traffic, travel};
use reference::{Digest, RefName};

use crate::{Conflict, CopyError, Destination, Existing, Foreign, Job, Ties, lacking::Wanted, plan::Plan};

/// What a destination needs.
#[derive(Debug, Clone)]
pub(crate) enum Standing {
    /// Nothing: every name is at the source's digest.
    Done,
    /// Something.
    Open {
        /// The names to write.
        names: Vec<RefName>,
        /// Whether the root manifest is there, and so all of its parts but foreign layers.
        rooted: bool,
        /// What is about the image and to be written.
        followers: Vec<Wanted>,
    },
    /// Nothing can be done: names exist, or the target does not answer.
    Closed(CopyError),
}

/// What stands under each name of a destination.
pub(crate) type Found = Result<Vec<Option<Digest>>, CopyError>;

/// Asks every destination for its names, all at once. That needs no answer of the source.
pub(crate) async fn find(job: &Job, traffic: &Traffic) -> Vec<Found> {
    let each = job.destinations.iter().map(async |destination| {
        let names = destination.names.iter().map(|name| Version::Name(name.clone()));
        try_join_all(names.map(|name| ask(destination, name, traffic))).await
    });
    join_all(each).await
}

async fn ask(
    destination: &Destination,
    version: Version,
    traffic: &Traffic,
) -> Result<Option<Digest>, CopyError> {
    let target = &destination.target;
    let lanes = traffic.at(target.place().origin());
    let found = travel(&lanes, &lanes, target.find(&version)).await.map_err(CopyError::target)?;
    Ok(found.map(|found| found.digest))
}

/// Says what every destination needs, by what was found there.
pub(crate) async fn look(job: &Job, root: &Digest, found: Vec<Found>, traffic: &Traffic) -> Vec<Standing> {
    let each = job.destinations.iter().zip(found).map(async |(destination, found)| {
        match stand(destination, job.existing, root, found, traffic).await {
            // An equal root may have come without the foreign layers that are asked for now.
            Ok(Standing::Done) if job.foreign == Foreign::Include => open(Vec::new(), true),
            Ok(standing) => standing,
            Err(error) => Standing::Closed(error),
        }
    });
    join_all(each).await
}

/// A plan that may be carried out: whatever refuses it has had its say. There is no other way to make one.
pub(crate) struct Admitted {
    plan: Plan,
    standings: Vec<Standing>,
}

impl Admitted {
    /// Refuses what must be refused before the first write.
    pub(crate) fn new(plan: Plan, standings: Vec<Standing>, ties: Ties) -> Result<Self, CopyError> {
        if ties == Ties::Together {
            refuse(&standings)?;
        }
        Ok(Self { plan, standings })
    }

    /// What is to be written, and what each destination needs of it.
    pub(crate) fn into_parts(self) -> (Plan, Vec<Standing>) {
        (self.plan, self.standings)
    }
}

/// One destination that is closed closes all.
fn refuse(standings: &[Standing]) -> Result<(), CopyError> {
    let closed = || standings.iter().filter_map(closed_by);
    if let Some(failed) = closed().find(|error| !matches!(error, CopyError::TagsExist(_))) {
        return Err(failed.clone());
    }
    let conflicts: Vec<Conflict> = closed().flat_map(conflicts_of).cloned().collect();
    if conflicts.is_empty() { Ok(()) } else { Err(CopyError::TagsExist(conflicts)) }
}

fn closed_by(standing: &Standing) -> Option<&CopyError> {
    match standing {
        Standing::Closed(error) => Some(error),
        Standing::Done | Standing::Open { .. } => None,
    }
}

fn conflicts_of(error: &CopyError) -> &[Conflict] {
    match error {
        CopyError::TagsExist(conflicts) => conflicts,
        CopyError::Failed { .. } | CopyError::Refused(_) => &[],
    }
}

async fn stand(
    destination: &Destination,
    existing: Existing,
    root: &Digest,
    found: Found,
    traffic: &Traffic,
) -> Result<Standing, CopyError> {
    if let Some(expect) = destination.expect.as_ref().filter(|expect| *expect != root) {
        let what = format!("the destination asks for {expect}, but the source is {root}");
        return Err(CopyError::source(Fault::new(FaultKind::Untrue, Step::Resolve, what)));
    }
    if destination.names.is_empty() {
        let found = ask(destination, Version::Digest(root.clone()), traffic).await?;
        let done = found.is_some() && existing.trusts_roots();
        return Ok(if done { Standing::Done } else { open(Vec::new(), false) });
    }
    judge(destination, existing, root, &found?)
}

/// What the image itself needs.
fn open(names: Vec<RefName>, rooted: bool) -> Standing {
    Standing::Open { names, rooted, followers: Vec::new() }
}

fn judge(
    destination: &Destination,
    existing: Existing,
    root: &Digest,
    found: &[Option<Digest>],
) -> Result<Standing, CopyError> {
    let mut conflicts = Vec::new();
    let mut names = Vec::new();
    for (name, found) in destination.names.iter().zip(found) {
        let same = found.as_ref() == Some(root);
        match (existing, found) {
            (_, Some(_)) if same && existing != Existing::Refuse => {}
            (_, None) | (Existing::Move | Existing::RepairOrMove, Some(_)) => names.push(name.clone()),
            (_, Some(digest)) => conflicts.push(Conflict {
                place: destination.target.place().clone(),
                name: name.clone(),
                digest: digest.clone(),
                same,
            }),
        }
    }
    if !conflicts.is_empty() {
        return Err(CopyError::TagsExist(conflicts));
    }
    let rooted = names.len() < destination.names.len() && existing.trusts_roots();
    let done = names.is_empty() && existing.trusts_roots();
    Ok(if done { Standing::Done } else { open(names, rooted) })
}
