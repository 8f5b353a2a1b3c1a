//! All that is printed: results on stdout; errors, warnings, progress and logs on stderr.
pub(crate) mod bundle;
mod clean;
pub(crate) mod error;
mod json;
pub(crate) mod log;
mod mirror;
mod misread;
mod progress;
mod proof;
pub(crate) mod record;
mod serving;
mod tally;
mod text;

pub(crate) use bundle::Told;
pub(crate) use clean::{clean, count};
pub(crate) use mirror::{Foreseen, Mirrored, Planned};
pub(crate) use misread::misread;
pub(crate) use progress::Progress;
pub(crate) use proof::Proven;
pub(crate) use serving::Opening;

use std::{
    io::{self, Write},
    sync::{Arc, Mutex, PoisonError},
};

use bench::{Measured, Results};
use copier::{Observer, Report};

use crate::{args::Output, exit, failure::Failure};

/// Where a run says what it does. Warnings are kept for the JSON document.
#[derive(Debug)]
pub(crate) struct Console {
    output: Output,
    quiet: bool,
    progress: Arc<Progress>,
    warnings: Mutex<Vec<String>>,
}

/// What a run did, and what its command is called in the past.
#[derive(Debug)]
pub(crate) struct Done {
    /// `imported`, `copied`.
    pub(crate) verb: &'static str,
    /// The source, as it was named.
    pub(crate) source: String,
    /// The destinations, as they were named; empty where they were put together.
    pub(crate) asked: Vec<String>,
    /// What the engine says.
    pub(crate) report: Report,
}

/// What a command that did what it should has to show.
#[derive(Debug)]
pub(crate) enum Finished {
    /// An image was copied.
    Copied(Box<Done>),
    /// Images are as they should be.
    Proven(Box<Proven>),
    /// Images were brought.
    Mirrored(Box<Mirrored>),
    /// Images were looked at.
    Planned(Box<Planned>),
    /// There is something to read.
    Printed(String),
    /// Something that has its words already.
    Told(Told),
    /// Something was measured.
    Measured(Box<Results>),
    /// One run of a measurement was made.
    Ran(Box<Measured>),
    /// A registry was served; where, it said when it began.
    Served,
}

impl Console {
    /// A console that prints results as `output`; `quiet` leaves errors only.
    pub(crate) fn new(output: Output, quiet: bool) -> Self {
        let progress = Arc::new(Progress::for_stderr(quiet));
        Self { output, quiet, progress, warnings: Mutex::default() }
    }

    /// Who is told about a copy's progress.
    pub(crate) fn observer(&self) -> Arc<dyn Observer> {
        Arc::new(record::Record(Arc::clone(&self.progress)))
    }

    /// Who is told about the progress of many copies at once: only warnings are shown.
    pub(crate) fn observer_of_many(&self) -> Arc<dyn Observer> {
        Arc::new(record::Many(Arc::clone(&self.progress)))
    }

    /// Tells of an image as soon as it is done; of those that were there, only the number at the end.
    pub(crate) fn image(&self, image: &::mirror::receipt::Image, hint: Option<&str>) {
        if let Some(line) = mirror::done(image).filter(|_| self.output == Output::Text) {
            // What cannot be printed stands in the receipt; the exit code tells the rest.
            self.progress.around(|| drop(to_stdout(&line)));
        }
        if let Some(lines) = mirror::failed(image, hint) {
            self.progress.line(&lines);
        }
    }

    /// Whether one document is wanted, at the end.
    pub(crate) fn wants_document(&self) -> bool {
        self.output == Output::Json
    }

    /// The progress shown, which logs have to step around.
    pub(crate) fn progress(&self) -> Arc<Progress> {
        Arc::clone(&self.progress)
    }

    /// Something that users should know and that is no failure.
    pub(crate) fn warn(&self, warning: &str) {
        self.kept().push(warning.to_owned());
        if !self.quiet {
            self.progress.line(&format!("warning: {}", clean(warning)));
        }
    }

    /// Something for those who watch, of no consequence afterwards.
    pub(crate) fn note(&self, note: &str) {
        if !self.quiet {
            self.progress.line(&format!("note: {note}"));
        }
    }

    /// Prints where a registry is served from now on.
    pub(crate) fn serving(&self, opening: &Opening) {
        self.progress.finish();
        let text = match self.output {
            Output::Text => opening.text(),
            Output::Json => opening.json(&self.warnings()),
        };
        // Whoever does not want to know is served all the same.
        drop(to_stdout(&text));
    }

    /// Prints what was done; the exit code.
    pub(crate) fn succeed(&self, finished: &Finished) -> u8 {
        let text = match (finished, self.output) {
            (Finished::Copied(done), Output::Text) => text::done(done),
            (Finished::Copied(done), Output::Json) => json::done(done, &self.warnings()),
            (Finished::Proven(proven), Output::Text) => proof::text(proven),
            (Finished::Proven(proven), Output::Json) => json::proven(proven, &self.warnings()),
            (Finished::Mirrored(mirrored), Output::Text) => mirrored.text(),
            (Finished::Mirrored(mirrored), Output::Json) => {
                json::with_warnings(mirrored.document(), &self.warnings())
            }
            (Finished::Planned(planned), Output::Text) => planned.text(),
            (Finished::Planned(planned), Output::Json) => {
                json::with_warnings(planned.document(), &self.warnings())
            }
            (Finished::Printed(text), _) => text.clone(),
            (Finished::Told(told), Output::Text) => told.text.clone(),
            (Finished::Told(told), Output::Json) => json::told(told, &self.warnings()),
            (Finished::Measured(results), Output::Text) => measured(results),
            (Finished::Measured(results), Output::Json) => json::as_is(results),
            (Finished::Ran(measured), _) => json::as_is(measured),
            (Finished::Served, _) => String::new(),
        };
        self.progress.finish();
        match to_stdout(&text) {
            Ok(()) => exit::DONE,
            Err(why) => {
                to_stderr(&format!("error: it was done, but stdout does not take the result: {why}\n"));
                exit::LOCAL
            }
        }
    }

    /// Prints why it was not done.
    pub(crate) fn fail(&self, failure: &Failure) {
        self.progress.finish();
        if self.output == Output::Json {
            // The failure itself decides the exit code, and stands on stderr.
            drop(to_stdout(&json::failed(failure, &self.warnings())));
        } else if let Failure::Partly(partly) = failure {
            drop(to_stdout(&text::partly(partly)));
        } else if let Failure::Unproven(proven) = failure {
            drop(to_stdout(&proof::text(proven)));
        } else if let Failure::Mirrored(mirrored) = failure {
            drop(to_stdout(&mirrored.text()));
        } else if let Failure::Planned(planned) = failure {
            drop(to_stdout(&planned.text()));
        } else if let Failure::Bundled(told) = failure {
            drop(to_stdout(&told.text));
        } else if let Failure::Page { measured: Some(results), .. } = failure {
            drop(to_stdout(&measured(results)));
        }
        to_stderr(&error::text(failure));
    }

    /// Forgets what was warned of: it was said of a run that is over.
    pub(crate) fn forget(&self) {
        self.kept().clear();
        self.progress.forget();
    }

    /// All that was warned of so far.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let mut all = self.kept().clone();
        all.extend(self.progress.warnings());
        all
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Vec<String>> {
        self.warnings.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A table of results: registries have a say in some of its words.
fn measured(results: &Results) -> String {
    results.text().lines().map(|line| clean(line) + "\n").collect()
}

/// Prints to stdout. A reader who has left has read what it wanted: that is no error.
pub(crate) fn to_stdout(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(why) if why.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

/// Prints to stderr.
pub(crate) fn to_stderr(text: &str) {
    drop(io::stderr().lock().write_all(text.as_bytes()));
}
