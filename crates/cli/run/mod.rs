//! Commands at work: from what was typed to a job for the engine.
mod copy;
mod import;
mod login;
mod only;
mod places;
mod request;
mod unborn;

pub(crate) use copy::copy;
pub(crate) use import::import;

use copier::{Engine, Job, Report};

use crate::{failure::Failure, render::Console};

/// Runs the job; a report with a failed destination is a failure.
async fn run(job: &Job, jobs: usize, console: &Console) -> Result<Report, Failure> {
    let report = Engine::new(console.observer(), jobs).run(job).await?;
    if let [only] = report.outcomes.as_slice()
        && let Err(error) = &only.result
        && only.written.is_empty()
    {
        return Err(error.clone().into());
    }
    if report.outcomes.iter().any(|outcome| outcome.result.is_err()) {
        return Err(Failure::Partly(Box::new(report)));
    }
    for layer in &report.skipped {
        console.warn(&format!(
            "the foreign layer {} was left out; --include-foreign copies such layers too",
            layer.digest
        ));
    }
    Ok(report)
}
