//! Commands at work: from what was typed to a job for the engine.
mod apart;
mod copy;
mod import;
mod login;
mod only;
mod places;
mod request;
mod unborn;

use copier::{Engine, Job, Report};
use tokio::runtime::Builder;

use crate::{
    args::Command,
    failure::Failure,
    render::{Console, Done},
    signal,
};

/// Runs a command to its end, or to a signal.
pub(crate) fn start(command: &Command, console: &Console) -> Result<Done, Failure> {
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|why| Failure::File { path: "the network".to_owned(), why })?;
    let done = runtime.block_on(async {
        tokio::select! {
            // Signals are listened to before anything begins.
            biased;
            signal = signal::caught() => Err(Failure::Interrupted(signal)),
            done = perform(command, console) => done,
        }
    });
    // A name that is still being looked up keeps nobody waiting.
    runtime.shutdown_background();
    done
}

async fn perform(command: &Command, console: &Console) -> Result<Done, Failure> {
    match command {
        Command::Import(args) => import::import(args, console).await,
        Command::Copy(args) => copy::copy(args, console).await,
    }
}

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
