//! The page with plots, as a file. Nothing that is at its path is touched before there is something to write, and then
//! it is either the old file or the new one, whole.
use std::{
    fs::{self, File},
    io::{self, ErrorKind},
    path::Path,
};

use ::bench::Results;

use crate::{
    failure::Failure,
    run::{apart::apart, files},
};

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
        apart(move || files::write(&path, text.as_bytes())).await
    }

    /// Why there is no page, and what would have been on it.
    pub(super) fn unwritten(&self, why: io::Error, measured: Option<Results>) -> Failure {
        let path = self.0.display().to_string();
        Failure::Page { path, why, measured: measured.map(Box::new) }
    }
}

fn promising(path: &Path) -> io::Result<()> {
    match fs::metadata(path) {
        Ok(there) if there.is_dir() => return Err(ErrorKind::IsADirectory.into()),
        // A pipe or a device says what it thinks of a page when it comes.
        Ok(there) if !there.is_file() => return Ok(()),
        Ok(_) => drop(File::options().write(true).open(path)?),
        Err(why) if why.kind() == ErrorKind::NotFound => {}
        Err(why) => return Err(why),
    }
    layout::Draft::new(path).map(drop)
}
