//! Progress: bars on a terminal, a line now and then in a log, or nothing.
use std::{
    collections::HashMap,
    io::IsTerminal,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use content::Descriptor;
use copier::{Event, Observer};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use reference::Digest;

use super::{
    clean::{bytes, clean, count},
    tally::Tally,
    to_stderr,
};

/// The least time between two lines of progress in a log.
const EVERY: Duration = Duration::from_secs(5);
/// The most blobs that have a bar of their own.
const BARS: usize = 8;

/// Shows what a copy does.
#[derive(Debug)]
pub(crate) struct Progress {
    form: Form,
    state: Mutex<State>,
}

#[derive(Debug)]
enum Form {
    Quiet,
    Lines,
    Bars(MultiProgress),
}

#[derive(Debug)]
struct State {
    tally: Tally,
    printed: Instant,
    total: Option<ProgressBar>,
    blobs: HashMap<Digest, ProgressBar>,
    warnings: Vec<String>,
}

impl Progress {
    /// The form that fits stderr.
    pub(crate) fn for_stderr(quiet: bool) -> Self {
        let form = if quiet {
            Form::Quiet
        } else if std::io::stderr().is_terminal() {
            Form::Bars(MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(10)))
        } else {
            Form::Lines
        };
        let state = State {
            tally: Tally::default(),
            printed: Instant::now(),
            total: None,
            blobs: HashMap::new(),
            warnings: Vec::new(),
        };
        Self { form, state: Mutex::new(state) }
    }

    /// Prints a line beside the bars.
    pub(crate) fn line(&self, line: &str) {
        self.around(|| to_stderr(&format!("{line}\n")));
    }

    /// Does something to stderr while no bar is in the way.
    pub(crate) fn around<T>(&self, work: impl FnOnce() -> T) -> T {
        match &self.form {
            Form::Bars(bars) => bars.suspend(work),
            Form::Quiet | Form::Lines => work(),
        }
    }

    /// Takes the bars away.
    pub(crate) fn finish(&self) {
        if let Form::Bars(bars) = &self.form {
            // A terminal that is gone needs no cleaning.
            drop(bars.clear());
            bars.set_draw_target(ProgressDrawTarget::hidden());
        }
    }

    /// Forgets what the engine warned of.
    pub(crate) fn forget(&self) {
        self.state().warnings.clear();
    }

    /// What the engine warned of.
    pub(crate) fn warnings(&self) -> Vec<String> {
        self.state().warnings.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn say(&self, line: &str) {
        match &self.form {
            Form::Quiet => {}
            Form::Lines | Form::Bars(_) => self.line(line),
        }
    }
}

impl Observer for Progress {
    fn event(&self, event: &Event<'_>) {
        match event {
            Event::Planned { manifests, blobs, bytes: size, .. } => {
                let mut state = self.state();
                state.tally = Tally::new(*blobs, *size);
                if let Form::Bars(bars) = &self.form {
                    state.total = Some(bars.add(total_bar(*size)));
                    state.show();
                } else if matches!(self.form, Form::Lines) {
                    let (manifests, blobs) = (count(*manifests, "manifest"), count(*blobs, "blob"));
                    to_stderr(&format!("found {manifests}, {blobs}, {}\n", bytes(*size)));
                }
            }
            Event::Started { blob } => {
                if let Form::Bars(bars) = &self.form {
                    self.state().start(bars, blob);
                }
            }
            Event::Resumed { blob, held } => {
                if let Form::Bars(bars) = &self.form {
                    self.state().start(bars, blob);
                }
                let held = bytes(*held);
                self.say(&format!("going on with {}: {held} of it had arrived before", short(&blob.digest)));
            }
            Event::Moved { blob, bytes } => self.state().moved(&self.form, blob, *bytes),
            Event::Finished { blob, .. } => self.state().finished(&self.form, blob),
            Event::Retrying { blob, fault } => {
                self.say(&format!("retrying {}: {}", short(&blob.digest), clean(&fault.to_string())));
            }
            Event::Published { place, digest, name: Some(name) } => {
                if matches!(self.form, Form::Lines) {
                    let (name, place) = (clean(name.as_str()), clean(&place.to_string()));
                    to_stderr(&format!("published {} as {name} at {place}\n", short(digest)));
                }
            }
            Event::Warning(warning) => {
                self.state().warnings.push((*warning).to_owned());
                self.say(&format!("warning: {}", clean(warning)));
            }
            _ => {}
        }
    }
}

impl State {
    fn start(&mut self, bars: &MultiProgress, blob: &Descriptor) {
        if self.blobs.len() < BARS {
            let bar = bars.add(blob_bar(blob));
            self.blobs.insert(blob.digest.clone(), bar);
        }
    }

    fn moved(&mut self, form: &Form, blob: &Descriptor, bytes: u64) {
        self.tally.moved(blob, bytes);
        if let Some(bar) = self.blobs.get(&blob.digest) {
            bar.inc(bytes);
        }
        self.tell(form);
    }

    fn finished(&mut self, form: &Form, blob: &Descriptor) {
        self.tally.finished(blob);
        if let Some(bar) = self.blobs.remove(&blob.digest) {
            bar.finish_and_clear();
        }
        self.tell(form);
    }

    fn tell(&mut self, form: &Form) {
        if matches!(form, Form::Bars(_)) {
            self.show();
        } else if matches!(form, Form::Lines) && self.printed.elapsed() >= EVERY {
            self.printed = Instant::now();
            let (done, all) = (bytes(self.tally.done_bytes), bytes(self.tally.bytes));
            to_stderr(&format!("{}, {done} of {all}\n", self.blobs_done()));
        }
    }

    fn show(&self) {
        if let Some(total) = &self.total {
            total.set_position(self.tally.done_bytes);
            total.set_message(self.blobs_done());
        }
    }

    fn blobs_done(&self) -> String {
        format!("{} of {}", self.tally.done_blobs(), count(self.tally.blobs, "blob"))
    }
}

fn total_bar(size: u64) -> ProgressBar {
    bar(size, "{bar:32} {binary_bytes} of {binary_total_bytes}  {binary_bytes_per_sec}  {eta}  {msg}")
}

fn blob_bar(blob: &Descriptor) -> ProgressBar {
    bar(blob.size, "  {msg} {bar:20} {binary_bytes} of {binary_total_bytes}")
        .with_message(short(&blob.digest))
}

fn bar(size: u64, template: &str) -> ProgressBar {
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(size).with_style(style)
}

/// Enough of a digest to tell it from others on a screen.
fn short(digest: &Digest) -> String {
    format!("{}:{}", digest.algorithm().as_str(), digest.hex().get(..12).unwrap_or_default())
}
