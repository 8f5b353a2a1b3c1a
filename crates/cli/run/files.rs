//! The files that a run names, and writes.
use std::{
    io::{self, Write as _},
    path::Path,
};

/// Writes a file whole. One that a shell has opened for our stdout gets it where stdout is: what was printed stays.
pub(super) fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if !layout::is_same_file(path, Path::new("/dev/stdout")) {
        return layout::write_file(path, bytes);
    }
    let mut stdout = io::stdout();
    stdout.write_all(bytes)?;
    stdout.flush()
}
