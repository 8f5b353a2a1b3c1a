//! Preflight: what stands at the destinations before anything is written there.
use content::{Fault, FaultKind, Step, Version};
use futures::future::{join_all, try_join_all};
use pace::{Traffic, travel};
use reference::{Digest, RefName};

use crate::{Conflict, CopyError, Destination, Existing, Foreign, Job, Ties, plan::Plan};

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
    },
    /// Nothing can be done: names exist, or the target does not answer.
    Closed(CopyError),
}

/// Asks every destination for its names, all at once.
pub(crate) async fn look(job: &Job, root: &Digest, traffic: &Traffic) -> Vec<Standing> {
    let each = job.destinations.iter().map(async |destination| {
        match stand(destination, job.existing, root, traffic).await {
            // An equal root may have come without the foreign layers that are asked for now.
            Ok(Standing::Done) if job.foreign == Foreign::Include => {
                Standing::Open { names: Vec::new(), rooted: true }
            }
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
    traffic: &Traffic,
) -> Result<Standing, CopyError> {
    let target = &destination.target;
    let lanes = traffic.at(target.place().origin());
    let find = async |version: Version| travel(&lanes, &lanes, target.find(&version)).await;
    if let Some(expect) = destination.expect.as_ref().filter(|expect| *expect != root) {
        let what = format!("the destination asks for {expect}, but the source is {root}");
        return Err(CopyError::source(Fault::new(FaultKind::Untrue, Step::Resolve, what)));
    }
    if destination.names.is_empty() {
        let found = find(Version::Digest(root.clone())).await.map_err(CopyError::target)?;
        let open = Standing::Open { names: Vec::new(), rooted: false };
        return Ok(found.map_or(open, |_| Standing::Done));
    }
    let found = destination.names.iter().map(|name| find(Version::Name(name.clone())));
    let found = try_join_all(found).await.map_err(CopyError::target)?;
    let found: Vec<Option<Digest>> = found.into_iter().map(|found| Some(found?.digest)).collect();
    judge(destination, existing, root, &found)
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
            (Existing::Move | Existing::RefuseUnlessSame, Some(_)) if same => {}
            (_, None) | (Existing::Move, Some(_)) => names.push(name.clone()),
            (Existing::Refuse | Existing::RefuseUnlessSame, Some(digest)) => conflicts.push(Conflict {
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
    let rooted = names.len() < destination.names.len();
    Ok(if names.is_empty() { Standing::Done } else { Standing::Open { names, rooted } })
}
