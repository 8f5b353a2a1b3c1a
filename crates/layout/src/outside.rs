//! Files beside layouts, at paths that a user named: there they may be links, pipes and devices, and are kept as such.
use std::{
    ffi::{OsStr, OsString},
    fs::{self, File, Permissions},
    io::{self, ErrorKind, Write as _},
    path::{Path, PathBuf},
};

use crate::{
    disk::{create_temp, future_path, sync_above},
    lock,
};

/// How many links are followed, one after the other: as many as Linux does.
const LINKS: usize = 40;

/// Writes a file whole or not at all: readers see the old one or the new one. A link stays, and what it leads to is
/// replaced. What is no plain file, such as a pipe or a device, is written to.
///
/// # Errors
/// A disk that fails. Then a plain file is what it was.
pub fn write_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    match fs::metadata(path) {
        Ok(there) if !there.is_file() => File::options().write(true).open(path)?.write_all(bytes),
        _ => Draft::new(path)?.publish(bytes),
    }
}

/// Writes a file of our own whole or not at all, in place of whatever is there: no link is followed.
///
/// # Errors
/// A disk that fails. Then what is there is what it was.
pub fn replace_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    Draft::instead_of(path.to_owned())?.publish(bytes)
}

/// Whether two paths lead to one plain file, there or still to come. Pipes and devices take what several write.
pub fn is_same_file(one: &Path, other: &Path) -> bool {
    match (fs::metadata(one), fs::metadata(other)) {
        // One file may have several names.
        #[cfg(unix)]
        (Ok(one), Ok(other)) => {
            use crate::stamp::Stamp;
            one.is_file() && Stamp::of(&one).is_of_same_file(&Stamp::of(&other))
        }
        (Ok(there), _) | (_, Ok(there)) if !there.is_file() => false,
        _ => {
            let [one, other] = [one, other].map(|path| follow(path).and_then(|path| future_path(&path)));
            matches!((one, other), (Ok(one), Ok(other)) if one == other)
        }
    }
}

/// A new file beside the one that it is to become; gone unless it does.
#[derive(Debug)]
pub struct Draft {
    temp: PathBuf,
    file: File,
    path: PathBuf,
    /// Those of the file that it replaces.
    permissions: Option<Permissions>,
}

impl Draft {
    /// A draft of the plain file that `path` leads to, or will.
    ///
    /// # Errors
    /// A directory that is not there, or takes no new files.
    pub fn new(path: &Path) -> io::Result<Self> {
        Self::instead_of(follow(path)?)
    }

    fn instead_of(path: PathBuf) -> io::Result<Self> {
        let permissions = match fs::symlink_metadata(&path) {
            Ok(there) => there.is_file().then(|| there.permissions()),
            Err(why) if why.kind() == ErrorKind::NotFound => None,
            Err(why) => return Err(why),
        };
        let mut name = OsString::from(".");
        name.push(path.file_name().ok_or(ErrorKind::InvalidInput)?);
        name.push(".");
        sweep(above(&path), &name);
        let (temp, file) = create_temp(above(&path), &name)?;
        Ok(Self { temp, file, path, permissions })
    }

    /// Becomes the file, with these bytes.
    ///
    /// # Errors
    /// A disk that fails. The file is what it was.
    pub fn publish(mut self, bytes: &[u8]) -> io::Result<()> {
        self.permissions.take().map_or(Ok(()), |permissions| self.file.set_permissions(permissions))?;
        self.file.write_all(bytes)?;
        self.file.sync_all()?;
        fs::rename(&self.temp, &self.path)?;
        sync_above(above(&self.path))
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // It is not there any more where it has become the file.
        drop(fs::remove_file(&self.temp));
    }
}

/// The directory that a file is in.
fn above(path: &Path) -> &Path {
    path.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Removes drafts of a file whose writers are gone, and nothing else that is called alike.
fn sweep(dir: &Path, prefix: &OsStr) {
    let Ok(listing) = fs::read_dir(dir) else { return };
    for entry in listing.flatten() {
        let name = entry.file_name();
        let rest = name.as_encoded_bytes().strip_prefix(prefix.as_encoded_bytes());
        if rest.is_some_and(is_stamp) {
            lock::remove_abandoned(&entry.path());
        }
    }
}

/// Whether a name ends as [`create_temp`] has it end: a process, a moment and a count.
fn is_stamp(end: &[u8]) -> bool {
    let parts: Vec<&[u8]> = end.split(|byte| *byte == b'-').collect();
    let is_number = |part: &&[u8]| !part.is_empty() && part.iter().all(u8::is_ascii_hexdigit);
    parts.len() == 3 && parts.iter().all(is_number)
}

/// The path behind all links at `path`; there may be nothing yet.
fn follow(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..LINKS {
        let Ok(to) = fs::read_link(&path) else { return Ok(path) };
        path.pop();
        path.push(to);
    }
    Err(io::Error::other("it is a link that leads to itself"))
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    /// Names in a directory, and which of them are links.
    fn listing(dir: &Path) -> Vec<(String, bool)> {
        let entries = fs::read_dir(dir).into_iter().flatten().flatten();
        let mut all: Vec<_> = entries
            .map(|it| (it.file_name().to_string_lossy().into_owned(), it.path().is_symlink()))
            .collect();
        all.sort();
        all
    }

    #[test]
    fn a_link_stays_and_what_it_leads_to_is_replaced_there_or_not_yet() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        symlink("second", path("first")).unwrap();
        symlink(path("file"), path("second")).unwrap();
        write_file(&path("first"), b"old").unwrap();
        fs::set_permissions(path("file"), Permissions::from_mode(0o600)).unwrap();
        let mut reader = File::open(path("file")).unwrap();
        write_file(&path("first"), b"new").unwrap();
        assert_eq!(fs::read(path("file")).unwrap(), b"new");
        assert_eq!(fs::metadata(path("file")).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(io::read_to_string(&mut reader).unwrap(), "old", "it was written over in place");
        let expected = [("file", false), ("first", true), ("second", true)];
        assert_eq!(listing(dir.path()), expected.map(|(name, is_link)| (name.to_owned(), is_link)));
    }

    #[test]
    fn a_pipe_is_written_to_and_stays_one() {
        let dir = tempfile::tempdir().unwrap();
        let (pipe, link) = (dir.path().join("pipe"), dir.path().join("link"));
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        symlink("pipe", &link).unwrap();
        for path in [&pipe, &link] {
            let reader = std::thread::spawn({
                let pipe = pipe.clone();
                move || fs::read(pipe).unwrap()
            });
            write_file(path, b"words").unwrap();
            assert_eq!(reader.join().unwrap(), b"words");
        }
        assert_eq!(listing(dir.path()), [("link".to_owned(), true), ("pipe".to_owned(), false)]);
    }

    #[test]
    fn a_file_that_cannot_be_replaced_is_what_it_was_and_nothing_is_left() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        symlink("round", path("round")).unwrap();
        fs::create_dir(path("folder")).unwrap();
        for name in ["round", "folder", "none/file"] {
            write_file(&path(name), b"new").unwrap_err();
        }
        fs::write(path("file"), b"old").unwrap();
        drop(Draft::new(&path("file")).unwrap());
        assert_eq!(fs::read(path("file")).unwrap(), b"old");
        let expected = [("file", false), ("folder", false), ("round", true)];
        assert_eq!(listing(dir.path()), expected.map(|(name, is_link)| (name.to_owned(), is_link)));
    }

    #[test]
    fn what_a_writer_left_that_was_killed_is_removed_by_the_next_and_nothing_else_is() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        let (temp, held) = create_temp(dir.path(), ".file.".as_ref()).unwrap();
        for name in [".file.12-18ea81abef0cb9b3-0", ".file.txt", ".file.1-2", ".other.1-2-3"] {
            fs::write(path(name), b"").unwrap();
        }
        write_file(&path("file"), b"new").unwrap();
        assert!(temp.exists(), "its writer lives");
        drop(held);
        fs::remove_file(temp).unwrap();
        let expected = [".file.1-2", ".file.txt", ".other.1-2-3", "file"];
        assert_eq!(listing(dir.path()), expected.map(|name| (name.to_owned(), false)));
    }

    #[test]
    fn one_file_is_known_by_every_name_of_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        fs::write(path("file"), b"").unwrap();
        fs::hard_link(path("file"), path("hard")).unwrap();
        symlink("file", path("link")).unwrap();
        symlink("later", path("dangling")).unwrap();
        fs::create_dir(path("folder")).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(path("pipe")).status().unwrap().success());
        for (one, other) in
            [("file", "hard"), ("link", "hard"), ("dangling", "later"), ("new", "folder/../new")]
        {
            assert!(is_same_file(&path(one), &path(other)), "{one} {other}");
        }
        for (one, other) in [("file", "new"), ("new", "later"), ("pipe", "pipe"), ("file", "pipe")] {
            assert!(!is_same_file(&path(one), &path(other)), "{one} {other}");
        }
    }
}
