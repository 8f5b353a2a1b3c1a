//! Runs the binary, with nothing of this machine's configuration in its way.
use std::{
    io::Write,
    process::{Child, Command, Stdio},
};

use serde_json::Value;
use tempfile::TempDir;
use testkit::canary::unseen;

/// How a run ended.
#[derive(Debug)]
pub(crate) struct Ran {
    /// The exit code.
    pub(crate) code: i32,
    /// What it printed as its result.
    pub(crate) stdout: String,
    /// What it printed beside it.
    pub(crate) stderr: String,
}

/// A home without configuration, and what is set in its environment.
#[derive(Debug)]
pub(crate) struct Home {
    dir: TempDir,
    variables: Vec<(String, String)>,
}

impl Home {
    /// An empty one.
    pub(crate) fn new() -> Self {
        Self { dir: TempDir::new().unwrap(), variables: Vec::new() }
    }

    /// The same with a variable set.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// A path in it, as text.
    pub(crate) fn path(&self, name: &str) -> String {
        self.dir.path().join(name).to_str().unwrap().to_owned()
    }

    /// A file in it with this content; its path.
    pub(crate) fn file(&self, name: &str, content: &str) -> String {
        std::fs::write(self.dir.path().join(name), content).unwrap();
        self.path(name)
    }

    /// Runs `transship` with these words.
    pub(crate) fn run(&self, words: &[&str]) -> Ran {
        self.run_with(words, "")
    }

    /// The same, with something to read on stdin.
    pub(crate) fn run_with(&self, words: &[&str], input: &str) -> Ran {
        let mut child = self.start(words);
        // A run that never reads its stdin may be gone before it is written.
        drop(child.stdin.take().unwrap().write_all(input.as_bytes()));
        wait(child)
    }

    /// Starts it and does not wait.
    pub(crate) fn start(&self, words: &[&str]) -> Child {
        let mut command = Command::new(env!("CARGO_BIN_EXE_transship"));
        command.args(words).env_clear().env("HOME", self.dir.path()).env("DOCKER_CONFIG", self.dir.path());
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.current_dir(env!("CARGO_MANIFEST_DIR"));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap()
    }
}

/// Waits for the end.
pub(crate) fn wait(child: Child) -> Ran {
    let output = child.wait_with_output().unwrap();
    let (stdout, stderr) =
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    unseen(&stdout, "stdout");
    unseen(&stderr, "stderr");
    Ran { code: output.status.code().unwrap_or(-1), stdout, stderr }
}

/// Runs `transship` in an empty home.
pub(crate) fn transship(words: &[&str]) -> Ran {
    Home::new().run(words)
}

impl Ran {
    /// Fails unless it ended with `code`; shows everything when it did not.
    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:#?}");
        self
    }

    /// Fails unless stderr has this text.
    #[track_caller]
    pub(crate) fn says(self, text: &str) -> Self {
        assert!(self.stderr.contains(text), "no {text:?} in {self:#?}");
        self
    }

    /// The document on stdout.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|why| panic!("{why} in {self:#?}"))
    }
}
