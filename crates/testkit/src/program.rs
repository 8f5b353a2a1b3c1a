//! The program under test, run as a user would, with nothing of this user's.
use std::{
    ffi::OsString,
    fmt,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Output, Stdio},
    thread,
    time::Duration,
};

use serde_json::Value;
use tempfile::TempDir;

use crate::{Running, canary::unseen};

/// How to run the program: its environment is empty but for what is set here.
#[derive(Debug)]
pub struct Program {
    path: PathBuf,
    home: TempDir,
    /// Where it is run; `None` is its home.
    dir: Option<PathBuf>,
    environment: Vec<(OsString, OsString)>,
}

/// What a run came to.
#[derive(Debug)]
pub struct Run {
    /// The exit code.
    pub code: i32,
    /// What it printed as a result.
    pub stdout: String,
    /// What it said meanwhile.
    pub stderr: String,
    /// What it logged meanwhile, on stderr too.
    pub log: String,
    /// The most memory it held, in KiB; 0 when that was not watched.
    pub peak: u64,
}

impl Program {
    /// The program at `path`, with a home of its own that is empty.
    pub fn new(path: impl AsRef<Path>) -> Self {
        let home = tempfile::tempdir().expect("a home directory");
        let mut new = Self { path: path.as_ref().to_owned(), home, dir: None, environment: Vec::new() };
        new.set("HOME", new.home().to_owned());
        new.set("DOCKER_CONFIG", new.home().join(".docker"));
        // All there is to be logged: every run is a test of what a log may hold.
        new.set("RUST_LOG", "trace");
        new.set("PATH", std::env::var_os("PATH").unwrap_or_default());
        new
    }

    /// Its home directory.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// The folder of its journal of uploads, which may not be there.
    pub fn journal(&self) -> PathBuf {
        self.home().join(".local/state/transship/uploads")
    }

    /// Runs it in this directory, and not in its home.
    #[must_use]
    pub fn at(self, dir: impl Into<PathBuf>) -> Self {
        Self { dir: Some(dir.into()), ..self }
    }

    /// Sets a variable of its environment.
    pub fn set(&mut self, name: &str, value: impl Into<OsString>) -> &mut Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// Writes Docker's configuration file.
    pub fn docker_config(&self, config: &Value) {
        let dir = self.home().join(".docker");
        std::fs::create_dir_all(&dir).expect("a directory for docker's configuration");
        std::fs::write(dir.join("config.json"), config.to_string()).expect("docker's configuration");
    }

    /// Runs it with these arguments.
    pub fn run<A: AsRef<str>>(&self, arguments: &[A]) -> Run {
        self.run_with(arguments, "")
    }

    /// Runs it with these arguments and this standard input.
    pub fn run_with<A: AsRef<str>>(&self, arguments: &[A], input: &str) -> Run {
        let mut child = self.spawn(arguments);
        if let Some(mut stdin) = child.stdin.take() {
            // It may have ended without reading.
            drop(stdin.write_all(input.as_bytes()));
        }
        Run::from_output(child.wait_with_output().expect("a program that ends"))
    }

    /// Runs it and watches how much memory it holds.
    pub fn watch<A: AsRef<str>>(&self, arguments: &[A]) -> Run {
        let (running, mut peak) = (self.start(arguments), 0);
        while !running.is_over() {
            peak = peak.max(running.peak());
            thread::sleep(Duration::from_millis(2));
        }
        Run { peak, ..running.wait() }
    }

    /// Starts it with these arguments and nothing on its standard input, and does not wait.
    pub fn start<A: AsRef<str>>(&self, arguments: &[A]) -> Running {
        self.start_reading(arguments).0
    }

    /// Starts it with these arguments, and with a standard input that stays open, and does not wait.
    pub fn start_reading<A: AsRef<str>>(&self, arguments: &[A]) -> (Running, ChildStdin) {
        let mut child = self.spawn(arguments);
        let stdin = child.stdin.take().expect("a standard input");
        (Running::new(child), stdin)
    }

    fn spawn<A: AsRef<str>>(&self, arguments: &[A]) -> Child {
        let mut command = Command::new(&self.path);
        command
            .args(arguments.iter().map(AsRef::as_ref))
            .current_dir(self.dir.as_deref().unwrap_or(self.home()));
        command.env_clear().envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap_or_else(|why| panic!("{} does not start: {why}", self.path.display()))
    }
}

impl Run {
    pub(crate) fn from_output(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        let (stdout, all) = (text(output.stdout), text(output.stderr));
        unseen(&stdout, "stdout");
        unseen(&all, "stderr");
        let (log, stderr): (Vec<&str>, Vec<&str>) = all.split_inclusive('\n').partition(|line| is_log(line));
        let (log, stderr) = (log.concat(), stderr.concat());
        Self { code: output.status.code().unwrap_or(-1), stdout, stderr, log, peak: 0 }
    }

    /// Itself, if it ended with this code.
    #[allow(clippy::return_self_not_must_use, reason = "the code is all that many tests want")]
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self}");
        self
    }

    /// Itself, if it said or logged this text.
    #[allow(clippy::return_self_not_must_use, reason = "the text is all that many tests want")]
    #[track_caller]
    pub fn says(self, text: &str) -> Self {
        assert!(self.stderr.contains(text) || self.log.contains(text), "no {text:?} in {self}");
        self
    }

    /// The one JSON document that `--output json` prints.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|why| panic!("{why}: {self}"))
    }
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "exit code {}\n--- stdout\n{}\n--- stderr\n{}\n--- log\n{}",
            self.code, self.stdout, self.stderr, self.log
        )
    }
}

/// Whether a line begins with a time, as those of the log do.
fn is_log(line: &str) -> bool {
    let time = line.split(' ').next().unwrap_or_default();
    time.len() > 20 && time.ends_with('Z') && time.as_bytes()[10] == b'T'
}

/// `VmHWM`, in KiB; `None` once the process is gone.
pub(crate) fn high_water(status: &str) -> Option<u64> {
    let text = std::fs::read_to_string(status).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches("kB").trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_is_watched_may_say_more_than_a_pipe_holds() {
        // It lives long enough to be looked at.
        let words =
            "head -c 300000 /dev/zero | tr '\\0' x; head -c 300000 /dev/zero | tr '\\0' y >&2; sleep 0.5";
        let run = Program::new("/bin/sh").watch(&["-c", words]);
        assert_eq!((run.code, run.stdout.len(), run.stderr.len()), (0, 300_000, 300_000));
        assert!(run.peak > 0);
    }
}
