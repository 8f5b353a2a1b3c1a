//! Publishing: manifests in order, tags last.
//!
//! A tag is the one commit point of a destination: whatever fails before it leaves the tag absent or where it was.
use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashSet},
};

use content::{At, Manifest, Mode, Target};
use futures::{StreamExt, TryStreamExt, stream};
use pace::{Lanes, travel};
use reference::{Digest, RefName};

use crate::{
    CopyError, Event, Existing, Observer, followers::Follower, lacking::Wanted, mend::Mender, plan::Plan,
};

/// Writes manifests to one target.
pub(crate) struct Publisher<'a> {
    pub(crate) target: &'a dyn Target,
    pub(crate) existing: Existing,
    pub(crate) observer: &'a dyn Observer,
    pub(crate) lanes: Lanes,
    pub(crate) mender: Mender<'a>,
}

impl Publisher<'_> {
    /// Writes those manifests below others that `needed` picks, each after all that it names.
    pub(crate) async fn parts(
        &self,
        ranks: &[Vec<Manifest>],
        needed: impl Fn(&Manifest) -> bool + Send + Sync,
    ) -> Result<(), CopyError> {
        for rank in ranks {
            let writes = stream::iter(rank.iter().filter(|part| needed(part)))
                .map(|part| self.write(part, At::Part, Mode::Force));
            writes.buffer_unordered(self.lanes.cap()).try_collect::<()>().await?;
        }
        Ok(())
    }

    /// Writes what is about the image, and before each what is about it: referrers by digest, then what has tags. Calls
    /// `written` after each.
    pub(crate) async fn followers(
        &self,
        plan: &Plan,
        wanted: &[Wanted],
        written: impl Fn() + Send + Sync,
    ) -> Result<(), CopyError> {
        if wanted.is_empty() {
            return Ok(());
        }
        let manifests = wanted.iter().filter_map(|one| plan.followers.get(one.follower));
        let needed: HashSet<&Digest> = manifests.flat_map(|one| plan.leads_to(&one.manifest)).collect();
        self.parts(&plan.below, |part| needed.contains(part.digest())).await?;
        let order =
            |wanted: &Wanted, follower: &Follower| (Reverse(follower.distance), !wanted.names.is_empty());
        let mut ordered: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for one in wanted {
            if let Some(follower) = plan.followers.get(one.follower) {
                ordered.entry(order(one, follower)).or_default().push((one, follower));
            }
        }
        for group in ordered.into_values() {
            let writes = stream::iter(group).map(async |(wanted, follower)| {
                self.publish(&follower.manifest, &wanted.names, At::Digest, |_| {}).await.map(|()| written())
            });
            writes.buffer_unordered(self.lanes.cap()).try_collect::<()>().await?;
        }
        Ok(())
    }

    /// Writes a manifest under each of `names`, one after the other, or by digest when there is none: then as `unnamed`
    /// says. Calls `written` after each name.
    pub(crate) async fn publish(
        &self,
        manifest: &Manifest,
        names: &[RefName],
        unnamed: At<'_>,
        mut written: impl FnMut(&RefName),
    ) -> Result<(), CopyError> {
        if names.is_empty() {
            return self.write(manifest, unnamed, Mode::Force).await;
        }
        let mode = match self.existing {
            Existing::Move | Existing::RepairOrMove => Mode::Force,
            Existing::Refuse | Existing::RefuseUnlessSame | Existing::RepairOrRefuse => Mode::NoForce,
        };
        for name in names {
            self.write(manifest, At::Name(name), mode).await?;
            written(name);
        }
        Ok(())
    }

    async fn write(&self, manifest: &Manifest, at: At<'_>, mode: Mode) -> Result<(), CopyError> {
        // No lane is held while parts are sent again, which takes lanes of its own.
        let publish = || travel(&self.lanes, &self.lanes, self.target.publish(manifest, at, mode));
        match publish().await {
            Err(fault) if fault.lacks_parts() && self.mender.mend(manifest, &fault).await? => publish().await,
            outcome => outcome,
        }
        .map_err(CopyError::target)?;
        let name = match at {
            At::Name(name) => Some(name),
            At::Part | At::Digest => None,
        };
        self.observer.event(&Event::Published {
            place: self.target.place(),
            digest: manifest.digest(),
            name,
        });
        Ok(())
    }
}
