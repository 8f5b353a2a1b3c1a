//! `transship bench`, from what was typed to results; and whatever ends it, what was written is removed.
mod crew;
mod ends;
mod handed;
pub(super) mod once;
mod page;

use std::{io, time::Duration};

use ::bench::{Course, Results, Trouble};
use registry::Farewells;
use tokio::time::timeout;

use self::{crew::Runs, page::Page};
use crate::{
    args::BenchArgs,
    failure::Failure,
    render::{Console, Finished},
    signal::Signals,
};

/// How long a run may take to end once it is told to.
const ENDING: Duration = Duration::from_secs(3);
/// How long removing may take after a signal. Another one ends it at once.
const CLEANING: Duration = Duration::from_secs(5);

/// Measures, until it is done or a signal comes.
pub(super) async fn bench(
    args: &BenchArgs,
    console: &Console,
    farewells: &Farewells,
    signals: &mut Signals,
) -> Result<Finished, Failure> {
    let (course, crew) = tokio::select! {
        biased;
        signal = signals.next() => return Err(Failure::Interrupted(signal)),
        ready = ends::ready(args, console, farewells) => ready?,
    };
    // Words that make no sense come first.
    let page = args.html.as_deref().map(Page::at).transpose()?;
    let measured = tokio::select! {
        biased;
        signal = signals.next() => Err(Failure::Interrupted(signal)),
        measured = course.run(&crew) => measured.map_err(failure),
    };
    match measured {
        Ok(mut results) => {
            results.warnings = console.warnings();
            show(page, results, signals).await
        }
        Err(failure) => {
            let limit = if matches!(failure, Failure::Interrupted(_)) { CLEANING } else { Duration::MAX };
            tokio::select! {
                biased;
                _ = signals.next() => {}
                () = clean(&course, &crew, limit) => {}
            }
            course.left().iter().for_each(|left| console.warn(&format!("left behind in {left}")));
            Err(failure)
        }
    }
}

/// Writes the page, if there is to be one. What was measured is not lost where that fails.
async fn show(page: Option<Page<'_>>, results: Results, signals: &mut Signals) -> Result<Finished, Failure> {
    let Some(page) = page else { return Ok(Finished::Measured(Box::new(results))) };
    let written = tokio::select! {
        biased;
        _ = signals.next() => Err(io::ErrorKind::Interrupted.into()),
        written = page.write(&results) => written,
    };
    match written {
        Ok(()) => Ok(Finished::Measured(Box::new(results))),
        Err(why) => Err(page.unwritten(why, Some(results))),
    }
}

/// Removes what was written, once nobody writes any more, as far as that is done within `limit`.
async fn clean(course: &Course, crew: &Runs<'_>, limit: Duration) {
    crew.over(ENDING).await;
    // What is not removed by then is told.
    let _ = timeout(limit, course.clean()).await;
}

fn failure(trouble: Trouble) -> Failure {
    match trouble {
        Trouble::Side(error) => Failure::Copy(error),
        Trouble::Here(fault) => Failure::Neither(fault),
    }
}
