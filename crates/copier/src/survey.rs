//! Surveys: what a copy would find, for whoever wants to know before anything is written, or instead of it.
use content::Descriptor;

use crate::{CopyError, Engine, Job, Referrers, engine::is_done, lacking, plan::Plan, preflight::Standing};

/// What a copy would find.
#[derive(Debug, Clone)]
pub struct Survey {
    /// The root manifest, as it would be at the destinations.
    pub root: Descriptor,
    /// Manifests, the root included; 0 where they were not looked at.
    pub manifests: usize,
    /// Distinct blobs; `None` where every destination has the root already, and nothing below it was looked at.
    pub blobs: Option<Vec<Descriptor>>,
}

impl Engine {
    /// Looks at what a copy would read, and at the tags that it would write. Nothing is written.
    ///
    /// # Errors
    /// What would refuse the copy: the source, the limits, and the first destination that refuses.
    pub async fn survey(&self, job: &Job) -> Result<Survey, CopyError> {
        let (found, standings) = self.look(job).await?;
        let root = found.descriptor.clone();
        let there = is_done(&standings);
        if there && job.referrers == Referrers::Leave {
            return Ok(Survey { root, manifests: 0, blobs: None });
        }
        refuse(&standings)?;
        let lanes = self.traffic().at(job.source.place().origin());
        let plan = Plan::resolve(job, found, there, &lanes).await?;
        // An image that is there may lack a signature that is younger than it.
        let standings = lacking::add(job, &plan, standings, self.traffic()).await;
        refuse(&standings)?;
        if is_done(&standings) {
            return Ok(Survey { root, manifests: 0, blobs: None });
        }
        Ok(Survey { root, manifests: plan.manifests(), blobs: Some(plan.blobs) })
    }
}

/// The first destination that refuses is the error.
fn refuse(standings: &[Standing]) -> Result<(), CopyError> {
    let refused = standings.iter().find_map(|standing| match standing {
        Standing::Closed(error) => Some(error.clone()),
        Standing::Done | Standing::Open { .. } => None,
    });
    refused.map_or(Ok(()), Err)
}
