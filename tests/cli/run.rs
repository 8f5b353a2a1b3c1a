//! Runs the binary among the repository's own files.
use std::process::ChildStdin;

use testkit::{Program, Run, Running};

/// A home without configuration, and what is set in its environment.
#[derive(Debug)]
pub(crate) struct Home(Program);

impl Home {
    /// An empty one.
    pub(crate) fn new() -> Self {
        Self(Program::new(env!("CARGO_BIN_EXE_transship")).at(env!("CARGO_MANIFEST_DIR")))
    }

    /// The same with a variable set.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.0.set(name, value);
        self
    }

    /// A path in it, as text.
    pub(crate) fn path(&self, name: &str) -> String {
        self.0.home().join(name).to_str().unwrap().to_owned()
    }

    /// A file in it with this content; its path.
    pub(crate) fn file(&self, name: &str, content: &str) -> String {
        std::fs::write(self.path(name), content).unwrap();
        self.path(name)
    }

    /// Runs `transship` with these words.
    pub(crate) fn run(&self, words: &[&str]) -> Run {
        self.0.run(words)
    }

    /// The same, with something to read on stdin.
    pub(crate) fn run_with(&self, words: &[&str], input: &str) -> Run {
        self.0.run_with(words, input)
    }

    /// Starts it, with a stdin that stays open, and does not wait.
    pub(crate) fn start(&self, words: &[&str]) -> (Running, ChildStdin) {
        self.0.start_reading(words)
    }
}

/// Runs `transship` in an empty home.
pub(crate) fn transship(words: &[&str]) -> Run {
    Home::new().run(words)
}
