//! Mending: a target that refuses a manifest for want of its parts gets those parts once more.
//!
//! Some registries answer for a blob that they have lost, or not finished storing: a mount "works", a HEAD is 200, and
//! the manifest that names the blob is refused. Their word is taken once, and nothing is sent a third time.
use std::collections::HashSet;

use content::{At, Descriptor, Fault, FaultKind, Manifest, Mode, Shape, Step};
use futures::{FutureExt, future::BoxFuture, lock::Mutex};
use pace::{Traffic, travel};
use reference::Digest;

use crate::{
    CopyError, Delivery, Event,
    berth::Berth,
    hallway::Hallway,
    landed::{Landed, Lies},
    plan::Plan,
};

/// Sends parts to one target again.
pub(crate) struct Mender<'a> {
    hallway: Hallway<'a>,
    traffic: &'a Traffic,
    landed: &'a Landed,
    plan: &'a Plan,
    berth: &'a Berth<'a>,
    /// What was sent again. Held meanwhile: of two manifests that share a part, neither is written before it is there.
    done: Mutex<HashSet<Digest>>,
}

impl<'a> Mender<'a> {
    pub(crate) fn new(
        hallway: Hallway<'a>,
        traffic: &'a Traffic,
        landed: &'a Landed,
        plan: &'a Plan,
        berth: &'a Berth<'a>,
    ) -> Self {
        Self { hallway, traffic, landed, plan, berth, done: Mutex::default() }
    }

    /// Sends all that `manifest` names, which was refused with `fault`, whatever the target says it holds. `false` when
    /// that has been done before, and would not help.
    pub(crate) async fn mend(&self, manifest: &Manifest, fault: &Fault) -> Result<bool, CopyError> {
        if self.lacks_foreign(manifest) {
            let what = "the target refuses the manifest without its foreign layers";
            let refused = Fault::new(FaultKind::Refused, Step::Publish, what).about(manifest.digest());
            return Err(CopyError::target(refused.at(self.hallway.target.place()).because(fault.clone())));
        }
        let mut done = self.done.lock().await;
        self.send_parts(manifest, &mut done).await
    }

    /// Whether some part was left out on purpose.
    fn lacks_foreign(&self, manifest: &Manifest) -> bool {
        let skipped = |layer: &Descriptor| self.plan.skipped.iter().any(|other| other.digest == layer.digest);
        match manifest.shape() {
            Shape::Image { layers, .. } => layers.iter().any(skipped),
            Shape::Index { entries } => entries.iter().any(skipped),
            Shape::Opaque => false,
        }
    }

    fn send_parts<'s>(
        &'s self,
        manifest: &'s Manifest,
        done: &'s mut HashSet<Digest>,
    ) -> BoxFuture<'s, Result<bool, CopyError>> {
        async move {
            if !done.insert(manifest.digest().clone()) {
                return Ok(false);
            }
            let (target, digest) = (self.hallway.target.place(), manifest.digest());
            let warning =
                format!("{target} does not find parts of {digest} that it was to hold: they are sent again");
            self.hallway.observer.event(&Event::Warning(&warning));
            match manifest.shape() {
                Shape::Image { config, layers } => {
                    for part in config.iter().chain(layers) {
                        self.send(part, done).await?;
                    }
                }
                Shape::Index { entries } => {
                    for entry in entries {
                        match self.plan.part(&entry.digest) {
                            Some(part) => self.write(part, done).await?,
                            None => self.send(entry, done).await?,
                        }
                    }
                }
                Shape::Opaque => {}
            }
            Ok(true)
        }
        .boxed()
    }

    async fn send(&self, blob: &Descriptor, done: &mut HashSet<Digest>) -> Result<(), CopyError> {
        if !done.insert(blob.digest.clone()) {
            return Ok(());
        }
        let (source, target) = (self.hallway.source.place(), self.hallway.target.place());
        self.landed.lost(target, &blob.digest);
        let approach = self.landed.approach(target, &blob.digest).await;
        // Another copy may have sent it again meanwhile.
        if approach.lies != Lies::Here {
            let (from, to) = (self.traffic.at(source.origin()), self.traffic.at(target.origin()));
            let how = travel(&from, &to, self.hallway.insist(blob)).await?;
            approach.landed(how);
            self.recount(blob, how);
            self.hallway.observer.event(&Event::Finished { blob, place: target, how });
        }
        Ok(())
    }

    /// What the target said at first counts no more.
    fn recount(&self, blob: &Descriptor, how: Delivery) {
        if let Some(number) = self.plan.blobs.iter().position(|other| other.digest == blob.digest) {
            self.berth.took(number, how);
        }
    }

    async fn write(&self, part: &Manifest, done: &mut HashSet<Digest>) -> Result<(), CopyError> {
        let target = self.hallway.target;
        let lanes = self.traffic.at(target.place().origin());
        let publish = || travel(&lanes, &lanes, target.publish(part, At::Part, Mode::Force));
        match publish().await {
            Err(fault) if fault.lacks_parts() && self.send_parts(part, done).await? => publish().await,
            outcome => outcome,
        }
        .map_err(CopyError::target)
    }
}
