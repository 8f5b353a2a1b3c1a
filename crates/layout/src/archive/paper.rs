//! What an archive is written on: bytes that are read at any offset.
use std::{
    fs::File,
    io::{self, Read},
};

/// Bytes that are read at any offset, by several readers at once.
pub(crate) trait Paper {
    /// Reads what there is at `at`, and at most as much as fits; 0 at the end.
    fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize>;
}

/// A reader that begins at an offset, whatever others read meanwhile.
#[derive(Debug)]
pub(crate) struct From<'a, P: ?Sized> {
    pub(crate) paper: &'a P,
    pub(crate) at: u64,
}

impl<P: Paper + ?Sized> Read for From<'_, P> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.paper.read_at(buffer, self.at)?;
        self.at = self.at.saturating_add(read as u64);
        Ok(read)
    }
}

impl Paper for File {
    fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        #[cfg(unix)]
        return std::os::unix::fs::FileExt::read_at(self, buffer, at);
        #[cfg(windows)]
        return std::os::windows::fs::FileExt::seek_read(self, buffer, at);
    }
}

impl Paper for [u8] {
    fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        let rest = usize::try_from(at).ok().and_then(|at| self.get(at..));
        rest.unwrap_or_default().read(buffer)
    }
}
