//! Pages: one file each, written by whoever holds its lock.
use std::{
    fs::File,
    io::{self, BufReader, Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use content::{Mark, Page, Unfinished};
use reference::Algorithm;

use crate::line::{Line, unfinished};

/// The most bytes of a page that are read: enough for a blob of 1 TiB.
const MOST: u64 = 256 * 1024 * 1024;
/// The least distance between two marks, in bytes.
const EVERY: u64 = 1024 * 1024;

/// One page, for as long as its lock is held.
#[derive(Debug)]
pub(crate) struct FilePage {
    path: PathBuf,
    /// What it is about.
    subject: String,
    /// Where its second line begins, which is written over.
    second: usize,
    algorithm: Algorithm,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// Opened to be read and written, and locked. What is written next goes to its end.
    file: File,
    /// Whether its lines are of this run, or of one that it goes on with.
    begun: bool,
    /// Where the last mark is.
    marked: u64,
    /// Whether the reading has gone back, and not yet come again to where it was.
    back: bool,
}

impl FilePage {
    /// Of a file that is locked.
    pub(crate) fn new(path: PathBuf, file: File, subject: String, algorithm: Algorithm) -> Self {
        let state = State { file, begun: false, marked: 0, back: false };
        let second = Line::Page(subject.clone()).bytes().len();
        Self { path, subject, second, algorithm, state: Mutex::new(state) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nothing fails when a journal cannot be written.
    fn write(&self, what: impl FnOnce(&mut State) -> io::Result<()>) {
        let mut state = self.state();
        let written = self.begin(&mut state).and_then(|()| what(&mut state));
        if let Err(why) = written {
            tracing::debug!(page = %self.path.display(), %why, "the journal cannot be written");
        }
    }

    /// Writes the first two lines, where they do not stand yet.
    fn begin(&self, state: &mut State) -> io::Result<()> {
        if state.begun {
            return Ok(());
        }
        state.file.set_len(0)?;
        state.file.rewind()?;
        state.append(&Line::Page(self.subject.clone()))?;
        state.append(&Line::reached(&Mark::start(self.algorithm)))?;
        (state.begun, state.marked, state.back) = (true, 0, false);
        Ok(())
    }

    /// Reads all that is there; what comes next begins on a line of its own, whatever was torn.
    fn read_all(&self) -> io::Result<Option<Unfinished>> {
        let mut state = self.state();
        state.file.rewind()?;
        let left = unfinished(BufReader::new((&state.file).take(MOST)), &self.subject, self.algorithm);
        if let Some(left) = &left {
            state.file.seek(SeekFrom::End(0))?;
            state.file.write_all(b"\n")?;
            (state.begun, state.marked, state.back) = (true, left.reached.at(), left.bound.is_some());
        }
        Ok(left)
    }
}

impl State {
    fn append(&mut self, line: &Line) -> io::Result<()> {
        self.file.write_all(&line.bytes())
    }

    /// Writes `line` over the one that begins at `start`, and is as long.
    fn replace(&mut self, start: usize, line: &Line) -> io::Result<()> {
        // With every chunk that is handed on: one call into the kernel where one will do.
        #[cfg(unix)]
        {
            use std::os::unix::fs::FileExt as _;
            self.file.write_all_at(&line.bytes(), start as u64)
        }
        #[cfg(not(unix))]
        {
            self.file.seek(SeekFrom::Start(start as u64))?;
            self.file.write_all(&line.bytes())?;
            self.file.seek(SeekFrom::End(0)).map(drop)
        }
    }
}

impl Page for FilePage {
    fn read(&self) -> Option<Unfinished> {
        self.read_all().ok().flatten()
    }

    fn moved(&self, location: &str) {
        self.write(|state| state.append(&Line::Upload(location.to_owned())));
    }

    fn reached(&self, mark: &Mark) {
        self.write(|state| {
            state.replace(self.second, &Line::reached(mark))?;
            if std::mem::take(&mut state.back) {
                state.append(&Line::On)?;
            }
            if mark.at().saturating_sub(state.marked) >= EVERY {
                state.append(&Line::mark(mark))?;
                state.marked = mark.at();
            }
            Ok(())
        });
    }

    fn went_back(&self, offset: u64) {
        self.write(|state| {
            state.append(&Line::Back(offset))?;
            (state.back, state.marked) = (true, state.marked.min(offset));
            Ok(())
        });
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
        let state = self.state();
        let is_empty = state.file.metadata().is_ok_and(|metadata| metadata.len() == 0);
        if is_empty && is_at(&state.file, &self.path) {
            // One that stays is empty, and is swept up later.
            drop(std::fs::remove_file(&self.path));
        }
    }
}

/// Whether `path` still names `file`: whoever had it before may have removed it in the moment between opening and
/// locking it.
pub(crate) fn is_at(file: &File, path: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        let (Ok(ours), Ok(named)) = (file.metadata(), std::fs::symlink_metadata(path)) else { return false };
        (ours.dev(), ours.ino()) == (named.dev(), named.ino())
    }
    #[cfg(not(unix))]
    {
        let _ = file;
        path.exists()
    }
}
