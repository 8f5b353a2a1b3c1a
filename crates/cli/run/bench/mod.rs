//! `transship bench`, from what was typed to results; and whatever ends it, what was written is removed.
mod crew;
mod ends;
mod handed;
pub(super) mod once;

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::Path,
    time::Duration,
};

use ::bench::{Course, Results, Trouble};
use content::{Fault, FaultKind, Step};
use registry::Farewells;
use tokio::time::timeout;

use self::crew::Runs;
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
    let page = args.html.as_deref().map(Page::begin).transpose()?;
    let (course, crew) = tokio::select! {
        biased;
        signal = signals.next() => return Err(Failure::Interrupted(signal)),
        ready = ends::ready(args, console, farewells) => ready?,
    };
    let measured = tokio::select! {
        biased;
        signal = signals.next() => Err(Failure::Interrupted(signal)),
        measured = course.run(&crew) => measured.map_err(failure),
    };
    match measured {
        Ok(results) => {
            if let Some(page) = page {
                page.end(&results)?;
            }
            Ok(Finished::Measured(Box::new(results)))
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

/// The page with plots: its file is there before anything is measured for it, and gone when nothing was.
struct Page<'a> {
    path: &'a Path,
    file: File,
    ended: bool,
}

impl<'a> Page<'a> {
    fn begin(path: &'a Path) -> Result<Self, Failure> {
        let file = File::create(path).map_err(|why| unwritten(path, why))?;
        Ok(Self { path, file, ended: false })
    }

    fn end(mut self, results: &Results) -> Result<(), Failure> {
        self.file.write_all(::bench::page(results).as_bytes()).map_err(|why| unwritten(self.path, why))?;
        self.ended = true;
        Ok(())
    }
}

impl Drop for Page<'_> {
    fn drop(&mut self) {
        if !self.ended {
            // An empty file is the least of what has gone wrong.
            drop(fs::remove_file(self.path));
        }
    }
}

fn unwritten(path: &Path, why: io::Error) -> Failure {
    let what = format!("cannot write the page: {why}");
    Failure::Neither(Fault::new(FaultKind::Local, Step::Publish, what).at(path.display()).because(why))
}
