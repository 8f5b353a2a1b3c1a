//! Publishing: manifests in order, tags last.
//!
//! A tag is the one commit point of a destination: whatever fails before it leaves the tag absent or where it was.
use content::{At, Manifest, Mode, Target};
use futures::{StreamExt, TryStreamExt, stream};
use pace::{Lanes, travel};
use reference::RefName;

use crate::{CopyError, Event, Existing, Observer, mend::Mender, plan::Plan};

/// Writes manifests to one target.
pub(crate) struct Publisher<'a> {
    pub(crate) target: &'a dyn Target,
    pub(crate) existing: Existing,
    pub(crate) observer: &'a dyn Observer,
    pub(crate) lanes: Lanes,
    pub(crate) mender: Mender<'a>,
}

impl Publisher<'_> {
    /// Writes the manifests below the root, each after all that it names.
    pub(crate) async fn parts(&self, plan: &Plan) -> Result<(), CopyError> {
        for rank in &plan.ranks {
            let writes = stream::iter(rank).map(|part| self.write(part, At::Part, Mode::Force));
            writes.buffer_unordered(self.lanes.cap()).try_collect::<()>().await?;
        }
        Ok(())
    }

    /// Writes the root under each of `names`, one after the other, or by digest when there is none; calls `written`
    /// after each name.
    pub(crate) async fn root(
        &self,
        root: &Manifest,
        names: &[RefName],
        mut written: impl FnMut(&RefName),
    ) -> Result<(), CopyError> {
        if names.is_empty() {
            return self.write(root, At::Digest, Mode::Force).await;
        }
        let mode = match self.existing {
            Existing::Move | Existing::Repair => Mode::Force,
            Existing::Refuse | Existing::RefuseUnlessSame => Mode::NoForce,
        };
        for name in names {
            self.write(root, At::Name(name), mode).await?;
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
