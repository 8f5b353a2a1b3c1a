//! Outcomes: what came of one image.
use std::time::Duration;

use content::{Descriptor, Fault, FaultKind, Step};
use copier::{CopyError, Delivered, Report, Side};
use reference::Digest;

use super::tally::Tally;
use crate::{Item, receipt::Requests};

/// What came of one image.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// Its digest, where that was found out.
    pub digest: Option<Digest>,
    /// Its manifests, the root included; 0 where they were not looked at.
    pub manifests: usize,
    /// Foreign layers that were left where they are.
    pub skipped: Vec<Descriptor>,
    /// How it ended.
    pub result: Result<Delivered, CopyError>,
    /// Requests on its behalf.
    pub requests: Requests,
    /// 1, and one more for each transfer that was interrupted and taken up again.
    pub attempts: u64,
    /// How long it took.
    pub took: Duration,
}

impl Outcome {
    /// Nobody was asked: it was there, and cannot have changed.
    pub(crate) fn believed(digest: Digest) -> Self {
        let result = Ok(Delivered { already_there: true, ..Delivered::default() });
        Self { digest: Some(digest), ..Self::of(result) }
    }

    /// What came of a copy to one destination.
    pub(crate) fn new(item: &Item, copied: Result<Report, CopyError>, tally: &Tally, took: Duration) -> Self {
        let mut outcome = match copied {
            Ok(mut report) => {
                // A report has an outcome for each destination, and a job of a mirror has one.
                let result = report.outcomes.pop().map(|outcome| outcome.result);
                let mut outcome = Self::of(result.unwrap_or_else(|| Ok(Delivered::default())));
                outcome.digest = Some(report.root.digest);
                outcome.manifests = report.extent.map_or(0, |extent| extent.manifests);
                outcome.skipped = report.skipped;
                outcome
            }
            Err(error) => Self::of(Err(error)),
        };
        outcome.result = outcome.result.map_err(|error| in_words(item, error));
        Self { requests: tally.requests(), attempts: tally.again().saturating_add(1), took, ..outcome }
    }

    fn of(result: Result<Delivered, CopyError>) -> Self {
        Self {
            digest: None,
            manifests: 0,
            skipped: Vec::new(),
            result,
            requests: Requests::default(),
            attempts: 1,
            took: Duration::ZERO,
        }
    }
}

/// A tag that exists is one that was declared immutable: any other is moved.
pub(crate) fn in_words(item: &Item, error: CopyError) -> CopyError {
    let CopyError::TagsExist(conflicts) = &error else { return error };
    let Some(conflict) = conflicts.first() else { return error };
    let what =
        format!("the tag is declared immutable, and is at {}, which the source's is not", conflict.digest);
    let fault = Fault::new(FaultKind::Conflict, Step::CheckTag, what).at(&item.destination);
    let hint = "remove the tag at the destination, or do not declare it immutable";
    CopyError::Failed { side: Side::Target, fault: fault.hint(hint) }
}
