//! Prospects: what bringing an image would take, found out without writing anything.
use content::{Descriptor, Source};
use copier::{CopyError, Engine, Job};

use crate::{Item, World};

/// What bringing an image would take.
#[derive(Debug, Clone)]
pub struct Prospect {
    /// Its root.
    pub root: Descriptor,
    /// Whether it is there already: then nothing else is known of it.
    pub there: bool,
    /// Its manifests, the root included.
    pub manifests: usize,
    /// Blobs that the destination's repository does not hold. Other repositories of that registry may, and then they
    /// are mounted from there.
    pub missing: Vec<Descriptor>,
    /// Blobs that it holds.
    pub present: usize,
}

impl Prospect {
    pub(super) async fn of(
        engine: &Engine,
        job: &Job,
        item: &Item,
        world: &dyn World,
    ) -> Result<Self, CopyError> {
        let survey = engine.survey(job).await?;
        let mut prospect = Self {
            root: survey.root,
            there: false,
            manifests: survey.manifests,
            missing: Vec::new(),
            present: 0,
        };
        let Some(blobs) = survey.blobs else { return Ok(Self { there: true, ..prospect }) };
        // A layout that is not there yet cannot be opened to be read: it holds nothing.
        let held = world.source(&item.destination.site).ok();
        for blob in blobs {
            if holds(held.as_deref(), &blob).await? {
                prospect.present = prospect.present.saturating_add(1);
            } else {
                prospect.missing.push(blob);
            }
        }
        Ok(prospect)
    }
}

async fn holds(place: Option<&dyn Source>, blob: &Descriptor) -> Result<bool, CopyError> {
    let Some(place) = place else { return Ok(false) };
    let held = place.held(blob).await;
    let held = held.map_err(|fault| CopyError::Failed { side: copier::Side::Target, fault })?;
    Ok(held == Some(blob.size))
}
