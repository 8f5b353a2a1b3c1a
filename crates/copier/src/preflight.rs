//! Preflight: what stands at the destinations before anything is written there.
use content::{Fault, FaultKind, Step, Version};
use futures::future::{join_all, try_join_all};
use reference::{Digest, RefName};

use crate::{Conflict, CopyError, Destination, Existing, Job, Ties};

/// What a destination needs.
#[derive(Debug, Clone)]
pub(crate) enum Standing {
    /// Nothing: every name is at the source's digest.
    Done,
    /// These names; with `rooted`, the root manifest and so all of its parts are there.
    Open {
        /// The names to write, none for a destination by digest only.
        names: Vec<RefName>,
        /// Whether some name of the destination is at the source's digest already.
        rooted: bool,
    },
    /// Nothing can be done: names exist, or the target does not answer.
    Closed(CopyError),
}

/// Asks every destination for its names, all at once.
pub(crate) async fn look(job: &Job, root: &Digest) -> Vec<Standing> {
    let each = job.destinations.iter().map(async |destination| {
        stand(destination, job.existing, root).await.unwrap_or_else(Standing::Closed)
    });
    join_all(each).await
}

/// Refuses what must be refused before the first write.
pub(crate) fn admit(standings: &[Standing], ties: Ties) -> Result<(), CopyError> {
    let closed = || standings.iter().filter_map(closed_by);
    if ties == Ties::Apart {
        return Ok(());
    }
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

async fn stand(destination: &Destination, existing: Existing, root: &Digest) -> Result<Standing, CopyError> {
    let target = &destination.target;
    if let Some(expect) = destination.expect.as_ref().filter(|expect| *expect != root) {
        let what = format!("the destination asks for {expect}, but the source is {root}");
        return Err(CopyError::source(Fault::new(FaultKind::Untrue, Step::Resolve, what)));
    }
    if destination.names.is_empty() {
        let found = target.find(&Version::Digest(root.clone())).await.map_err(CopyError::target)?;
        let open = Standing::Open { names: Vec::new(), rooted: false };
        return Ok(found.map_or(open, |_| Standing::Done));
    }
    let found = destination.names.iter().map(async |name| target.find(&Version::Name(name.clone())).await);
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
