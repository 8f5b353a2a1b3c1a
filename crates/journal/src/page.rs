//! Pages: one file each, written by whoever holds its lock.
use std::{
    fs::File,
    io::{self, BufReader, Read as _, Seek as _, Write as _},
    path::PathBuf,
    sync::{Mutex, MutexGuard, PoisonError},
};

use content::{Mark, Page, Unfinished};
use reference::Algorithm;

use crate::line::{Line, unfinished};

/// The most bytes of a page that are read: enough for a blob of 500 GiB.
const MOST: u64 = 256 * 1024 * 1024;

/// One page, for as long as its lock is held.
#[derive(Debug)]
pub(crate) struct FilePage {
    path: PathBuf,
    /// What it is about.
    subject: String,
    algorithm: Algorithm,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// Opened to be read and appended to, and locked.
    file: File,
    /// Whether its lines are of this run, or of one that it goes on with.
    begun: bool,
}

impl FilePage {
    /// Of a file that is locked.
    pub(crate) fn new(path: PathBuf, file: File, subject: String, algorithm: Algorithm) -> Self {
        Self { path, subject, algorithm, state: Mutex::new(State { file, begun: false }) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, line: &Line) {
        if let Err(why) = self.append(line) {
            tracing::debug!(page = %self.path.display(), %why, "the journal cannot be written");
        }
    }

    fn append(&self, line: &Line) -> io::Result<()> {
        let mut state = self.state();
        if !state.begun {
            state.file.set_len(0)?;
            state.file.write_all(&Line::Page(self.subject.clone()).bytes())?;
            state.begun = true;
        }
        state.file.write_all(&line.bytes())
    }

    /// Reads all that is there; what comes next begins on a line of its own, whatever was torn.
    fn read_all(&self) -> io::Result<Option<Unfinished>> {
        let mut state = self.state();
        state.file.rewind()?;
        let left = unfinished(BufReader::new((&state.file).take(MOST)), &self.subject, self.algorithm);
        if left.is_some() {
            state.file.write_all(b"\n")?;
            state.begun = true;
        }
        Ok(left)
    }
}

impl Page for FilePage {
    fn read(&self) -> Option<Unfinished> {
        self.read_all().ok().flatten()
    }

    fn moved(&self, location: &str) {
        self.note(&Line::Upload(location.to_owned()));
    }

    fn reached(&self, mark: &Mark) {
        self.note(&Line::of(mark));
    }

    fn discard(&self) {
        let mut state = self.state();
        state.begun = false;
        if let Err(why) = state.file.set_len(0) {
            tracing::debug!(page = %self.path.display(), %why, "the journal cannot be cleared");
        }
    }
}

impl Drop for FilePage {
    fn drop(&mut self) {
        let is_empty = self.state().file.metadata().is_ok_and(|metadata| metadata.len() == 0);
        if is_empty {
            // One that stays is empty, and is swept up later.
            drop(std::fs::remove_file(&self.path));
        }
    }
}
