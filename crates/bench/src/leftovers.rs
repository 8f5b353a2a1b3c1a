//! Leftovers: directories of benchmarks that were killed. A living one holds a lock in its own.
use std::{
    fs::{self, File},
    io,
    path::Path,
};

/// How the names of all these directories begin.
pub(crate) const PREFIX: &str = "transship-bench-";
const LOCK: &str = "lock";

/// Takes the lock of a directory that was just made, for as long as the file is open. It has its name only when it is
/// locked, so that nobody finds it before.
pub(crate) fn lock(dir: &Path) -> io::Result<File> {
    let new = dir.join("lock.new");
    let file = File::options().write(true).create_new(true).open(&new)?;
    file.try_lock()?;
    fs::rename(new, dir.join(LOCK))?;
    Ok(file)
}

/// Removes what benchmarks that have ended left in `parent`. Best effort: what cannot be removed is not in the way.
pub(crate) fn sweep(parent: &Path) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let ours = entry.file_name().to_str().is_some_and(|name| name.starts_with(PREFIX));
        // What is behind a symlink is none of ours.
        if ours && entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            let lock = File::options().write(true).open(entry.path().join(LOCK));
            if lock.is_ok_and(|file| file.try_lock().is_ok()) {
                drop(fs::remove_dir_all(entry.path()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_nobody_holds_is_swept() {
        let parent = tempfile::tempdir().unwrap();
        let make = |name: &str| {
            let dir = parent.path().join(name);
            fs::create_dir(&dir).unwrap();
            dir
        };
        let [alive, dead, young, other] =
            ["transship-bench-1", "transship-bench-2", "transship-bench-3", "mine"].map(make);
        let _held = lock(&alive).unwrap();
        for dir in [&dead, &other] {
            drop(lock(dir).unwrap());
        }
        fs::write(dead.join("content"), "x").unwrap();
        sweep(parent.path());
        assert_eq!([&alive, &dead, &young, &other].map(|dir| dir.exists()), [true, false, true, true]);
    }
}
