//! Lacking: which followers of an image a destination does not have.
//!
//! A signature may be younger than the image that it is about: a root that is equal says nothing of what follows it.
use content::Version;
use futures::{StreamExt, TryStreamExt, future::join_all, stream};
use pace::{Traffic, travel};
use reference::RefName;

use crate::{
    Conflict, CopyError, Destination, Existing, Job, followers::Follower, plan::Plan, preflight::Standing,
};

/// A follower that is to be written.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    /// Its place in the plan.
    pub(crate) follower: usize,
    /// Under which names; with none, by digest.
    pub(crate) names: Vec<RefName>,
}

/// Adds to what every destination needs the followers that it lacks.
pub(crate) async fn add(
    job: &Job,
    plan: &Plan,
    standings: Vec<Standing>,
    traffic: &Traffic,
) -> Vec<Standing> {
    let each = job.destinations.iter().zip(standings).map(async |(destination, standing)| {
        let rooted = match &standing {
            Standing::Done => true,
            Standing::Open { rooted, .. } => *rooted,
            Standing::Closed(_) => return standing,
        };
        let search = Lacking { job, destination, rooted, traffic };
        match (search.all(plan).await, standing) {
            (Err(error), _) => Standing::Closed(error),
            (Ok(followers), Standing::Open { names, rooted, .. }) => {
                Standing::Open { names, rooted, followers }
            }
            (Ok(followers), _) if !followers.is_empty() => {
                Standing::Open { names: Vec::new(), rooted: true, followers }
            }
            (_, standing) => standing,
        }
    });
    join_all(each).await
}

/// A search at one destination.
struct Lacking<'a> {
    job: &'a Job,
    destination: &'a Destination,
    /// Whether the root is there.
    rooted: bool,
    traffic: &'a Traffic,
}

impl Lacking<'_> {
    async fn all(&self, plan: &Plan) -> Result<Vec<Wanted>, CopyError> {
        let place = self.destination.target.place();
        // Where the source is, its followers are.
        if place == self.job.source.place() {
            return Ok(Vec::new());
        }
        let each = plan.followers.iter().enumerate().map(async |(number, follower)| {
            let (lacks, names) = self.one(follower).await?;
            Ok::<_, CopyError>(lacks.then_some(Wanted { follower: number, names }))
        });
        let cap = self.traffic.at(place.origin()).cap();
        let found: Vec<Option<Wanted>> = stream::iter(each).buffered(cap).try_collect().await?;
        Ok(found.into_iter().flatten().collect())
    }

    /// Whether a follower is to be written, and under which names.
    async fn one(&self, follower: &Follower) -> Result<(bool, Vec<RefName>), CopyError> {
        let names = follower.names_at(self.destination);
        if names.is_empty() {
            return Ok((self.is_unlisted(follower).await?, names));
        }
        let mut wanted = Vec::new();
        for name in names {
            if self.is_wanted(&name, follower).await? {
                wanted.push(name);
            }
        }
        Ok((!wanted.is_empty(), wanted))
    }

    /// Whether a referrer is not found by whoever asks for it. Nothing moves when it is written again.
    async fn is_unlisted(&self, follower: &Follower) -> Result<bool, CopyError> {
        if !self.rooted {
            return Ok(true);
        }
        let target = &self.destination.target;
        let lanes = self.traffic.at(target.place().origin());
        let listed = travel(&lanes, &lanes, target.lists(&follower.manifest)).await;
        Ok(!listed.map_err(CopyError::target)?)
    }

    async fn is_wanted(&self, name: &RefName, follower: &Follower) -> Result<bool, CopyError> {
        let moves = matches!(self.job.existing, Existing::Move | Existing::RepairOrMove);
        if moves && !self.rooted {
            return Ok(true);
        }
        let target = &self.destination.target;
        let lanes = self.traffic.at(target.place().origin());
        let version = Version::Name(name.clone());
        let found = travel(&lanes, &lanes, target.find(&version)).await.map_err(CopyError::target)?;
        match found {
            Some(found) if found.digest == *follower.manifest.digest() => Ok(false),
            Some(found) if !moves => Err(CopyError::TagsExist(vec![Conflict {
                place: target.place().clone(),
                name: name.clone(),
                digest: found.digest,
                same: false,
            }])),
            _ => Ok(true),
        }
    }
}
