//! Commands at work: from what was typed to a job for the engine.
mod apart;
mod copy;
mod import;
mod leave;
mod login;
mod only;
mod pinned;
mod places;
mod request;
mod strays;
mod unborn;

use std::time::Duration;

use copier::{Engine, Job};
use registry::Farewells;
use tokio::runtime::Builder;

use crate::{
    args::Command,
    failure::{Failure, Partly},
    render::{Console, Done, record},
    signal::Signals,
};

/// Runs a command to its end, or to a signal.
pub(crate) fn start(command: &Command, console: &Console) -> Result<Done, Failure> {
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|why| Failure::File { path: "the network".to_owned(), why })?;
    let done = runtime.block_on(async {
        // Signals are listened to before anything begins.
        let (mut signals, farewells) = (Signals::listen(), Farewells::default());
        let done = tokio::select! {
            biased;
            signal = signals.next() => Err(Failure::Interrupted(signal)),
            done = perform(command, console, &farewells) => done,
        };
        leave::leave(|limit| farewells.said(limit), signals.next(), console).await;
        done
    });
    // A file that is being made is removed again; a name that is still being looked up keeps nobody waiting.
    runtime.shutdown_timeout(Duration::from_millis(250));
    done
}

async fn perform(command: &Command, console: &Console, farewells: &Farewells) -> Result<Done, Failure> {
    match command {
        Command::Import(args) => import::import(args, console, farewells).await,
        Command::Copy(args) => copy::copy(args, console, farewells).await,
    }
}

/// What a command says about its job.
struct Telling {
    /// `imported`, `copied`.
    verb: &'static str,
    /// The source, as it was named.
    source: String,
    /// The destinations, as they were named.
    asked: Vec<String>,
}

/// Runs the job; a report with a failed destination is a failure.
async fn run(job: &Job, engine: Engine, telling: Telling, console: &Console) -> Result<Done, Failure> {
    record::begin(&telling.source);
    let mut report = engine.run(job).await?;
    for layer in &report.skipped {
        console.warn(&format!(
            "the foreign layer {} was left out; --include-foreign copies such layers too",
            layer.digest
        ));
    }
    let Telling { verb, source, asked } = telling;
    pinned::tell(job, &asked, &mut report);
    record::end(&report);
    let done = Done { verb, source, asked, report };
    if done.report.outcomes.iter().any(|outcome| outcome.result.is_err()) {
        return Err(Failure::Partly(Box::new(Partly { done, ties: job.ties })));
    }
    Ok(done)
}
