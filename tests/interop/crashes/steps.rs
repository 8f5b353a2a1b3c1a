//! A run of the binary whose steps on the disk are counted, and one of which goes wrong: see `steps.c`.
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use tempfile::TempDir;
use testkit::{Program, Run};

use crate::transship;

/// What becomes of one step.
#[derive(Debug, Clone, Copy)]
pub(super) enum Wrong {
    /// The process dies just before it.
    Kill,
    /// If it is a write, half of it is done and the process dies; otherwise it dies before.
    Tear,
    /// It fails with this error number.
    Fails(i32, On),
}

/// How much fails.
#[derive(Debug, Clone, Copy)]
pub(super) enum On {
    /// That step alone.
    One,
    /// That step and all after it.
    All,
}

/// A run, and the steps that it took.
#[derive(Debug)]
pub(super) struct Steps {
    /// The run; a killed one has the code -1.
    pub(super) run: Run,
    /// The steps in order, such as `rename /layout/index.json`.
    pub(super) taken: Vec<String>,
}

impl Steps {
    /// Copies, and lets the step of number `at` go wrong, from 1, among those that change something below `dir`.
    pub(super) fn copy(from: &str, to: &str, dir: &Path, at: usize, wrong: Wrong) -> Self {
        let mut program = counted(dir);
        let (verdict, on) = match wrong {
            Wrong::Kill => ("kill".to_owned(), On::One),
            Wrong::Tear => ("tear".to_owned(), On::One),
            Wrong::Fails(number, on) => (number.to_string(), on),
        };
        program.set("STEPS_AT", at.to_string()).set("STEPS_DO", verdict);
        program.set("STEPS_ON", if matches!(on, On::All) { "all" } else { "one" });
        let run = program.run(&["copy", from, to]);
        let taken = fs::read_to_string(program.home().join("steps")).unwrap_or_default();
        Self { run, taken: taken.lines().map(str::to_owned).collect() }
    }

    /// The step that went wrong.
    pub(super) fn step(&self, at: usize) -> &str {
        self.taken.get(at - 1).map_or("none", String::as_str)
    }
}

/// The program, with its steps below `dir` written to `steps` in its home.
pub(super) fn counted(dir: &Path) -> Program {
    let mut program = transship();
    let log = program.home().join("steps");
    program.set("LD_PRELOAD", library()).set("STEPS_ROOT", dir).set("STEPS_LOG", log);
    program
}

/// `steps.c`, compiled once.
fn library() -> PathBuf {
    static LIBRARY: OnceLock<(TempDir, PathBuf)> = OnceLock::new();
    let (_, path) = LIBRARY.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("steps.so");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop/crashes/steps.c");
        testkit::run(
            Command::new("cc").args(["-O1", "-Wall", "-shared", "-fPIC", "-o"]).args([&path, &source]),
        );
        (dir, path)
    });
    path.clone()
}
