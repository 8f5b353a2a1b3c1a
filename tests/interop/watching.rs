//! Watching: what grows on a disk, and the moment to strike.
use std::{
    fs,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use testkit::Running;

/// How long anything may take, on however slow a machine.
const PATIENCE: Duration = Duration::from_secs(300);

/// The bytes in all files whose path below `dir` holds a directory of this name.
pub(crate) fn bytes_below(dir: &Path, name: &str) -> u64 {
    // What is looked at may vanish at any moment.
    let Ok(entries) = fs::read_dir(dir) else { return 0 };
    let inside = dir.components().any(|part| part.as_os_str() == name);
    let size = |entry: fs::DirEntry| match entry.metadata() {
        Ok(about) if about.is_dir() => bytes_below(&entry.path(), name),
        Ok(about) if inside => about.len(),
        _ => 0,
    };
    entries.flatten().map(size).sum()
}

/// Waits until this is so, which must be before the run ends.
#[track_caller]
pub(crate) fn until(running: &Running, holds: impl Fn() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(!running.is_over(), "the run ended too early");
        assert!(started.elapsed() < PATIENCE, "nothing happens");
        thread::sleep(Duration::from_millis(5));
    }
}

/// What this comes to once it does not change any more: a server takes a moment to notice a peer's death.
pub(crate) fn settled(value: impl Fn() -> u64) -> u64 {
    let mut last = value();
    loop {
        thread::sleep(Duration::from_millis(500));
        let now = value();
        if now == last {
            return now;
        }
        last = now;
    }
}
