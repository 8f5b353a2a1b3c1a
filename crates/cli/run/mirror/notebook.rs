//! The notebook: the file in which runs of a configuration note for later ones what they have found out.
//!
//! Lines are only added, so several processes may write to one notebook. It is made shorter by who is alone with it.
use std::{
    fs::{self, File, TryLockError},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

use content::Hasher;
use mirror::{HEADER, Keep, Notes, shorter};
use reference::Algorithm;

use crate::{args::MirrorArgs, render::Console};

/// How often, and after which time, a file is tried that somebody else has to itself: a second in all.
const LOOKS: u32 = 50;
const BETWEEN: Duration = Duration::from_millis(20);

/// A file of notes.
pub(super) struct Notebook {
    path: PathBuf,
    page: Page,
    /// Whether it is there only for what has to be taken back.
    doubted: bool,
}

/// Where lines are added. Clones are one.
#[derive(Clone, Default)]
struct Page(Arc<Mutex<Lines>>);

#[derive(Default)]
struct Lines {
    path: PathBuf,
    /// Open from the first line on.
    file: Option<File>,
    /// Whether only what takes notes back is written.
    doubted: bool,
    /// Why nothing is noted any more.
    torn: Option<io::Error>,
}

impl Notebook {
    /// As the flags say, else a file of the configuration's own below `$XDG_STATE_HOME`.
    pub(super) fn of(args: &MirrorArgs) -> Option<Self> {
        let own = || {
            let variable = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
            let state =
                variable("XDG_STATE_HOME").or_else(|| Some(variable("HOME")?.join(".local/state")))?;
            // As it is named: where links lead may change, as in a volume that Kubernetes makes anew for each pod.
            let config = std::path::absolute(args.config.as_deref()?).ok()?;
            // Paths have characters that no file name has.
            let name = Hasher::digest(Algorithm::Sha256, config.as_os_str().as_encoded_bytes());
            Some(state.join("transship/mirrors").join(format!("{}.jsonl", name.hex())))
        };
        let path = args.state.clone().or_else(own)?;
        Some(Self { page: Page::at(&path, args.no_state), path, doubted: args.no_state })
    }

    /// What earlier runs noted; nothing where there is nothing to be read.
    pub(super) fn read(&self) -> Notes {
        self.notes(&fs::read_to_string(&self.path).unwrap_or_default())
    }

    fn notes(&self, text: &str) -> Notes {
        let notes = Notes::read(text);
        if self.doubted { notes.disbelieved() } else { notes }
    }

    /// The same, and what is found out is added. A notebook that cannot be written is not believed: what it says might
    /// have to be taken back.
    pub(super) fn open(&self) -> Notes {
        let mut lines = self.page.lines();
        match lines.begin() {
            Ok(text) => self.notes(&text).kept(self.page.clone()),
            Err(why) => {
                lines.torn = Some(why);
                Notes::default()
            }
        }
    }

    /// The end of a run, which can do without: says what was not noted.
    pub(super) fn close(&self, console: &Console) {
        let mut lines = self.page.lines();
        let synced = lines.file.as_ref().map_or(Ok(()), File::sync_data);
        if let Some(why) = lines.torn.take().or(synced.err()) {
            let path = self.path.display();
            let then = if self.doubted {
                "what earlier runs noted there is not taken back: remove it"
            } else {
                "the next run asks again for what it could know"
            };
            console.warn(&format!("cannot write {path}: {why}; {then}"));
        }
    }
}

impl Page {
    fn at(path: &Path, doubted: bool) -> Self {
        Self(Arc::new(Mutex::new(Lines { path: path.to_owned(), doubted, ..Lines::default() })))
    }

    fn lines(&self) -> std::sync::MutexGuard<'_, Lines> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Keep for Page {
    fn add(&self, line: &str, firm: bool) {
        let mut lines = self.lines();
        if lines.torn.is_none()
            && (firm || !lines.doubted)
            && let Err(why) = lines.add(line, firm)
        {
            // What was to be taken back must not stand there.
            lines.file.as_ref().into_iter().for_each(|file| drop(file.set_len(0)));
            lines.torn = Some(why);
        }
    }
}

impl Lines {
    /// What stands there, made shorter where that is worth it. A file that is not there is made by the first line.
    fn begin(&mut self) -> io::Result<String> {
        if !self.path.exists() {
            return Ok(String::new());
        }
        let mut file = open(&self.path)?;
        // Where there are no locks, nobody knows whether others add lines meanwhile.
        let alone = file.try_lock().is_ok();
        if !alone {
            share(&file)?;
        }
        let mut text = read(&mut file)?;
        if let Some(shorter) = shorter(&text).filter(|_| alone) {
            file.set_len(0)?;
            file.write_all(shorter.as_bytes())?;
            text = shorter;
        }
        if text.len() > HEADER.len() && !text.ends_with('\n') {
            // Whoever wrote this was killed in the middle of a line.
            file.write_all(b"\n")?;
        }
        share(&file)?;
        self.file = Some(file);
        Ok(text)
    }

    fn add(&mut self, line: &str, firm: bool) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            none => {
                self.path.parent().map_or(Ok(()), fs::create_dir_all)?;
                let file = open(&self.path)?;
                share(&file)?;
                none.insert(file)
            }
        };
        match file.metadata()?.len() {
            length if length >= HEADER.len() as u64 => file.write_all(line.as_bytes())?,
            length => {
                if length > 0 {
                    // Whoever began it was killed.
                    file.set_len(0)?;
                }
                // In one piece: another run may begin the file as well, and a second header says nothing.
                file.write_all([HEADER, line].concat().as_bytes())?;
            }
        }
        if firm { file.sync_data() } else { Ok(()) }
    }
}

fn open(path: &Path) -> io::Result<File> {
    File::options().read(true).append(true).create(true).open(path)
}

/// What stands there. A file that begins otherwise than notes do is read no further: it may be large.
fn read(file: &mut File) -> io::Result<String> {
    let mut text = Vec::new();
    let header = HEADER.len() as u64;
    Read::by_ref(file).take(header).read_to_end(&mut text)?;
    if !HEADER.as_bytes().starts_with(&text) {
        let why = "it holds something else than notes: remove it, or name another file with --state";
        return Err(io::Error::new(io::ErrorKind::InvalidData, why));
    }
    file.read_to_end(&mut text)?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// Keeps others from making the file shorter. Who does that has it to itself for a moment, which is waited for; who
/// keeps it for longer is no run of a mirror.
fn share(file: &File) -> io::Result<()> {
    for _ in 0..LOOKS {
        match file.try_lock_shared() {
            Err(TryLockError::WouldBlock) => thread::sleep(BETWEEN),
            // Where there are no locks, nobody is kept off.
            Ok(()) | Err(TryLockError::Error(_)) => return Ok(()),
        }
    }
    Err(io::Error::new(io::ErrorKind::WouldBlock, "another process has locked it"))
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use clap::Parser as _;

    use super::*;
    use crate::args::{Cli, Command};

    #[test]
    fn runs_that_begin_one_file_at_the_same_time_lose_no_line() {
        let home = tempfile::tempdir().unwrap();
        for round in 0..200 {
            let (path, together) = (home.path().join(format!("{round}.jsonl")), Barrier::new(4));
            thread::scope(|scope| {
                for run in 0..4 {
                    let (page, together) = (Page::at(&path, false), &together);
                    scope.spawn(move || {
                        together.wait();
                        page.add(&format!("{run}\n"), false);
                    });
                }
            });
            let text = fs::read_to_string(&path).unwrap();
            assert!(text.starts_with(HEADER), "{text}");
            for run in 0..4 {
                assert!(text.lines().any(|line| line == run.to_string()), "{text}");
            }
        }
    }

    #[test]
    #[cfg(unix)]
    fn a_configuration_that_is_reached_by_links_has_one_state_wherever_they_lead() {
        let home = tempfile::tempdir().unwrap();
        let (link, config) = (home.path().join("data"), home.path().join("data/mirror.yaml"));
        let states = ["monday", "tuesday"].map(|day| {
            fs::create_dir(home.path().join(day)).unwrap();
            drop(fs::remove_file(&link));
            std::os::unix::fs::symlink(day, &link).unwrap();
            fs::write(&config, "version: 1").unwrap();
            let words = ["transship", "mirror", config.to_str().unwrap()];
            let Command::Mirror(args) = Cli::try_parse_from(words).unwrap().command else {
                panic!("{words:?}")
            };
            Notebook::of(&args).unwrap().path
        });
        assert_eq!(states[0], states[1]);
    }
}
