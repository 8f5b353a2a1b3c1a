//! Destinations that were written with a digest, which the source must have.
use content::{Fault, FaultKind, Step};
use copier::{CopyError, Job, Report, Side};

/// Where the source has another digest, says so in the words that the destination was given in.
pub(super) fn tell(job: &Job, asked: &[String], report: &mut Report) {
    let root = &report.root.digest;
    for ((outcome, destination), asked) in report.outcomes.iter_mut().zip(&job.destinations).zip(asked) {
        if outcome.result.is_err() && destination.expect.as_ref().is_some_and(|expect| expect != root) {
            let what = format!("the source has another digest, {root}");
            let fault = Fault::new(FaultKind::Untrue, Step::Resolve, what).at(asked);
            outcome.result = Err(CopyError::Failed { side: Side::Target, fault });
        }
    }
}
