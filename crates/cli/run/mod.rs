//! Commands at work: from what was typed to a job for the engine.
mod apart;
mod bench;
mod bundle;
mod copy;
mod files;
mod import;
mod inventory;
mod leave;
mod login;
mod mirror;
mod only;
mod pinned;
mod places;
mod request;
mod serve;
mod sides;
mod strays;
mod unborn;
mod verify;
mod world;

use std::{io, time::Duration};

use copier::{Engine, Job};
use registry::Farewells;
use tokio::runtime::{Builder, Runtime};

use crate::{
    args::Command,
    failure::{Failure, Partly},
    render::{Console, Done, Finished, record},
    signal::Signals,
};

/// How many files a server reads at a time.
const READERS: usize = 32;

/// Runs a command to its end, or to a signal.
pub(crate) fn start(command: &Command, console: &Console) -> Result<Finished, Failure> {
    let runtime = runtime(command).map_err(|why| Failure::File { path: "the network".to_owned(), why })?;
    let done = runtime.block_on(async {
        // Signals are listened to before anything begins.
        let (mut signals, farewells) = (Signals::listen(), Farewells::default());
        let done = perform(command, console, &farewells, &mut signals).await;
        leave::leave(|limit| farewells.said(limit), signals.next(), console).await;
        done
    });
    // A file that is being made is removed again; a name that is still being looked up keeps nobody waiting.
    runtime.shutdown_timeout(Duration::from_millis(250));
    done
}

/// A copy is done by one thread; a server has many clients, and reads files for each of them.
fn runtime(command: &Command) -> io::Result<Runtime> {
    if matches!(command, Command::Serve(_)) {
        return Builder::new_multi_thread().max_blocking_threads(READERS).enable_all().build();
    }
    Builder::new_current_thread().enable_all().build()
}

async fn perform(
    command: &Command,
    console: &Console,
    farewells: &Farewells,
    signals: &mut Signals,
) -> Result<Finished, Failure> {
    match command {
        Command::Import(args) => {
            let imported = until(signals, import::import(args, console, farewells)).await;
            imported.map(|done| Finished::Copied(Box::new(done)))
        }
        Command::Copy(args) => {
            let copied = until(signals, copy::copy(args, console, farewells)).await;
            copied.map(|done| Finished::Copied(Box::new(done)))
        }
        Command::Verify(args) => {
            let proven = until(signals, verify::verify(args, console, farewells)).await;
            proven.map(|proven| Finished::Proven(Box::new(proven)))
        }
        Command::Serve(args) => serve::serve(args, console, signals).await,
        Command::Mirror(args) => until(signals, mirror::mirror(args, console, farewells)).await,
        Command::Inventory(args) => {
            let told = Box::pin(inventory::inventory(args, console, farewells));
            until(signals, told).await.map(Finished::Told)
        }
        Command::Bundle(args) => {
            let told = Box::pin(bundle::bundle(args, console, farewells));
            until(signals, told).await.map(Finished::Told)
        }
        // It has something to do when a signal has come.
        Command::Bench(args) => bench::bench(args, console, farewells, signals).await,
        Command::BenchRun(_) => until(signals, bench::once::run(farewells)).await,
    }
}

/// Does the work, or drops it where it stands when a signal comes.
async fn until<T>(
    signals: &mut Signals,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    tokio::select! {
        biased;
        signal = signals.next() => Err(Failure::Interrupted(signal)),
        done = work => done,
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
