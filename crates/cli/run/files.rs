//! The files that a run names: none that it writes may be one that it reads, or another that it writes.
use std::{
    io::{self, Write as _},
    path::Path,
};

use crate::usage::Usage;

/// A flag or argument, and the file that it names.
pub(super) type Named<'a> = (&'a str, Option<&'a Path>);

/// Refuses to lose a file, before anything is read or written.
pub(super) fn distinct(reads: &[Named<'_>], writes: &[Named<'_>]) -> Result<(), Usage> {
    let mut before: Vec<(&str, &Path)> = reads.iter().filter_map(there).collect();
    for (flag, path) in writes.iter().filter_map(there) {
        if let Some((other, _)) = before.iter().find(|(_, other)| layout::is_same_file(other, path)) {
            let message =
                format!("`{}` is the file of {other} too, and would be overwritten", path.display());
            return Err(Usage::about(flag, message).hint(format!("name another file with {flag}")));
        }
        before.push((flag, path));
    }
    Ok(())
}

/// Writes a file whole. One that a shell has opened for our stdout gets it where stdout is: what was printed stays.
pub(super) fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if !layout::is_same_file(path, Path::new("/dev/stdout")) {
        return layout::write_file(path, bytes);
    }
    let mut stdout = io::stdout();
    stdout.write_all(bytes)?;
    stdout.flush()
}

fn there<'a>((flag, path): &Named<'a>) -> Option<(&'a str, &'a Path)> {
    path.map(|path| (*flag, path))
}
