//! The page with plots, as a file. Nothing that is at its path is touched before there is something to write, and then
//! it is either the old file or the new one, whole.
use std::{
    ffi::OsString,
    fs::{self, File, Metadata, Permissions},
    io::{self, ErrorKind, Write as _},
    path::{Path, PathBuf},
};

use ::bench::Results;

use crate::{failure::Failure, run::apart::apart};

/// A page that is to be written.
#[derive(Debug)]
pub(super) struct Page<'a>(&'a Path);

impl<'a> Page<'a> {
    /// A page that can be written at this path, as far as that can be told: nobody wants to wait for numbers that have
    /// no place to go to.
    pub(super) fn at(path: &'a Path) -> Result<Self, Failure> {
        let page = Self(path);
        match promising(path) {
            Ok(()) => Ok(page),
            Err(why) => Err(page.unwritten(why, None)),
        }
    }

    /// Writes what was measured.
    pub(super) async fn write(&self, results: &Results) -> io::Result<()> {
        let (path, text) = (self.0.to_owned(), ::bench::page(results));
        // A pipe may have no reader yet.
        apart(move || write(&path, text.as_bytes())).await
    }

    /// Why there is no page, and what would have been on it.
    pub(super) fn unwritten(&self, why: io::Error, measured: Option<Results>) -> Failure {
        let path = self.0.display().to_string();
        Failure::Page { path, why, measured: measured.map(Box::new) }
    }
}

/// What is at a path, itself and not what it points to.
fn there(path: &Path) -> io::Result<Option<Metadata>> {
    match fs::symlink_metadata(path) {
        Ok(there) => Ok(Some(there)),
        Err(why) if why.kind() == ErrorKind::NotFound => Ok(None),
        Err(why) => Err(why),
    }
}

fn promising(path: &Path) -> io::Result<()> {
    match there(path)? {
        Some(there) if there.is_dir() => return Err(ErrorKind::IsADirectory.into()),
        // A pipe, a device or a link says what it thinks of a page when it comes.
        Some(there) if !there.is_file() => return Ok(()),
        Some(_) => drop(File::options().write(true).open(path)?),
        None => {}
    }
    Draft::new(path).map(drop)
}

fn write(path: &Path, text: &[u8]) -> io::Result<()> {
    let permissions = match there(path)? {
        Some(there) if !there.is_file() => return File::create(path)?.write_all(text),
        old => old.map(|there| there.permissions()),
    };
    let mut draft = Draft::new(path)?;
    draft.file.write_all(text)?;
    draft.publish(path, permissions)
}

/// A new file beside the one that it is to become; gone unless it does.
struct Draft {
    path: PathBuf,
    file: File,
}

impl Draft {
    fn new(page: &Path) -> io::Result<Self> {
        let name = page.file_name().ok_or(ErrorKind::InvalidInput)?;
        let mut beside = OsString::from(".");
        beside.push(name);
        beside.push(format!(".{}", std::process::id()));
        let path = page.with_file_name(beside);
        // What is there already is somebody else's.
        Ok(Self { file: File::options().write(true).create_new(true).open(&path)?, path })
    }

    fn publish(self, page: &Path, permissions: Option<Permissions>) -> io::Result<()> {
        permissions.map_or(Ok(()), |permissions| self.file.set_permissions(permissions))?;
        fs::rename(&self.path, page)
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // It is not there any more where it has become the page.
        drop(fs::remove_file(&self.path));
    }
}
