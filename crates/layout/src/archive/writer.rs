//! Writing an archive: in one pass, members of known size, several at once.
//!
//! What is written is a *part*: members, and behind them the mark of the end. The first part of a new archive is
//! written to a temporary file, which gets its name when the part is whole. A later part is written behind the mark
//! that readers stop at, and when it is durable one block in place of that mark leads them on: the header of a *seam*,
//! a file that means nothing and takes up the mark.
use std::{
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use content::{Fault, FaultKind, Step};
use tokio::task::spawn_blocking;

use super::{
    door::{self, Sheet},
    header::{self, BLOCK},
    regions::Regions,
    seam::{self, MARK},
};
use crate::{Index, Member, marker::MARKER, stamp::Stamp, trouble};

/// An archive that is written to; nobody else writes to it meanwhile. Cheap to clone.
///
/// What was not made part of the archive by [`Self::commit`] is gone when the last clone is dropped, or the process
/// killed: the archive is then what it was, or is not there. At most a temporary file `.NAME.transship` beside it is
/// left, which the next writer of that archive removes.
#[derive(Debug, Clone)]
pub struct ArchiveWriter(Arc<Desk>);

/// What the clones of a writer share, and its members.
#[derive(Debug)]
pub(crate) struct Desk {
    pub(crate) sheet: Arc<Sheet>,
    part: Mutex<Part>,
    /// Held while a part is made visible: the next one begins behind it.
    committing: Mutex<()>,
}

/// The part that is being written.
#[derive(Debug)]
struct Part {
    regions: Regions,
    /// The mark that it will take up; none in the first part of a new archive.
    mark: Option<u64>,
    /// Whether anything stands behind that mark.
    is_begun: bool,
    /// A part could not be made visible: what the archive is now is not known.
    is_broken: bool,
}

impl ArchiveWriter {
    /// Begins a new archive at `path`, with `oci-layout` in it; it takes the place of what is there when it is
    /// committed first. Directories above it are made. It may wait for the disk: call it where blocking is allowed.
    ///
    /// # Errors
    /// [`FaultKind::Local`] when the disk fails, something else than a file is in the way, or another process writes to
    /// this archive.
    pub fn create(path: &Path) -> Result<Self, Fault> {
        Self::begin(door::create(path, &shown(path))?)
    }

    /// Opens the archive at `path` to add to it. The index is the one that it has now.
    ///
    /// # Errors
    /// Those of [`crate::Layout::open`]; [`FaultKind::Local`] when another process writes to this archive, and
    /// [`FaultKind::Refused`] when something lies behind its end that would be lost.
    pub fn append(path: &Path) -> Result<(Self, Arc<Index>), Fault> {
        let opened = door::append(path, &shown(path))?;
        let part = Part {
            regions: Regions::from(opened.mark.saturating_add(MARK)),
            mark: Some(opened.mark),
            is_begun: false,
            is_broken: false,
        };
        Ok((Self::of(opened.sheet, part), opened.index))
    }

    /// Opens the archive at `path` to add to it, or begins a new one where none is.
    ///
    /// # Errors
    /// Those of [`Self::create`] and [`Self::append`].
    pub fn open(path: &Path) -> Result<(Self, Arc<Index>), Fault> {
        match door::create_where_none_is(path, &shown(path))? {
            Some(sheet) => Ok((Self::begin(sheet)?, Arc::default())),
            None => Self::append(path),
        }
    }

    fn begin(sheet: Sheet) -> Result<Self, Fault> {
        let part = Part { regions: Regions::default(), mark: None, is_begun: true, is_broken: false };
        let writer = Self::of(sheet, part);
        writer.put_now("oci-layout", MARKER.as_bytes())?;
        Ok(writer)
    }

    fn of(sheet: Sheet, part: Part) -> Self {
        Self(Arc::new(Desk { sheet: Arc::new(sheet), part: Mutex::new(part), committing: Mutex::new(()) }))
    }

    /// Begins a member with `size` bytes of content. It becomes part of the archive by the next [`Self::commit`] after
    /// its [`Member::keep`]; the later of two with one path wins.
    pub fn member(&self, path: &str, size: u64) -> Result<Member, Fault> {
        let desk = &self.0;
        let headers = header::write(path, size).ok_or_else(|| {
            Fault::new(FaultKind::Refused, Step::SendBlob, "this is no path for an archive")
                .at(desk.shown())
                .about(path.escape_debug())
        })?;
        let mut part = desk.part();
        part.refuse_if_broken(desk)?;
        if let Some(mark) = part.mark.filter(|_| !part.is_begun) {
            // Before all else, so that the next writer knows what this is, should it be left.
            desk.sheet
                .write(&seam::label(), mark.saturating_add(MARK))
                .map_err(|error| desk.trouble(error))?;
            part.regions.end = mark.saturating_add(MARK).saturating_add(BLOCK);
            part.is_begun = true;
        }
        let region = part.regions.reserve(headers, size).ok_or_else(|| {
            Fault::new(FaultKind::Refused, Step::SendBlob, "it is larger than a file can be").at(desk.shown())
        })?;
        drop(part);
        Ok(Member::new(Arc::clone(desk), region))
    }

    /// A whole member.
    pub async fn put(&self, path: &str, bytes: Bytes) -> Result<(), Fault> {
        let mut member = self.member(path, bytes.len() as u64)?;
        member.write(bytes).await?;
        member.keep().await
    }

    /// How many bytes the archive has, if it is committed now: with all members that were begun, and its end.
    pub fn size(&self) -> u64 {
        self.0.part().regions.end.saturating_add(MARK)
    }

    /// How many bytes a member takes, with its headers.
    pub fn room(path: &str, size: u64) -> u64 {
        let headers =
            header::write(path, size).map_or(BLOCK, |blocks| BLOCK.saturating_mul(blocks.len() as u64));
        headers.saturating_add(size.checked_next_multiple_of(BLOCK).unwrap_or(u64::MAX))
    }

    /// As how many of [`crate::MAX_MEMBERS`] a member counts: a path too long for its header stands in one before it.
    pub fn heads(path: &str) -> u64 {
        let is_long = header::write(path, 0).is_some_and(|blocks| blocks.len() > 1);
        1_u64.saturating_add(is_long.into())
    }

    /// The archive, as it was given.
    pub fn shown(&self) -> &str {
        self.0.shown()
    }

    /// Refuses to go on where it is not the file that has this stamp.
    pub(crate) fn is_still(&self, stamp: &Stamp) -> Result<(), Fault> {
        if self.0.sheet.was(stamp).map_err(|error| self.0.trouble(error))? {
            return Ok(());
        }
        let what = "the archive was replaced or removed since it was looked at";
        Err(Fault::new(FaultKind::Local, Step::OpenLayout, what).at(self.shown()).hint("run this again"))
    }

    /// Whether it is a new archive that is not there yet.
    pub(crate) fn is_new(&self) -> bool {
        self.0.part().mark.is_none()
    }

    /// Makes all members that were kept part of the archive, durably. Without any, nothing is written.
    ///
    /// # Errors
    /// [`FaultKind::Local`]; nothing more can be written then, and the archive is what it was, or is committed.
    pub async fn commit(&self) -> Result<(), Fault> {
        let desk = Arc::clone(&self.0);
        match spawn_blocking(move || desk.commit()).await {
            Ok(committed) => committed,
            Err(stopped) => Err(trouble::stopped(self.shown(), Step::Publish, stopped)),
        }
    }

    /// Commits, and ends the writing.
    pub async fn finish(self) -> Result<(), Fault> {
        self.commit().await
    }

    fn put_now(&self, path: &str, bytes: &[u8]) -> Result<(), Fault> {
        let member = self.member(path, bytes.len() as u64)?;
        member.put_now(bytes)
    }
}

impl Desk {
    pub(crate) fn shown(&self) -> &str {
        self.sheet.shown()
    }

    /// A member's content has come.
    pub(crate) fn keep(&self, at: u64) {
        self.part().regions.keep(at);
    }

    /// A member's content will not come.
    pub(crate) fn give_up(&self, at: u64, somebody_writes: bool) {
        self.part().regions.give_up(at, somebody_writes);
    }

    pub(crate) fn trouble(&self, error: std::io::Error) -> Fault {
        trouble::in_archive(self.shown(), Step::SendBlob, "cannot write to the archive", error)
    }

    fn part(&self) -> MutexGuard<'_, Part> {
        self.part.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn commit(&self) -> Result<(), Fault> {
        let _one_at_a_time = self.committing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut part = self.part();
        part.refuse_if_broken(self)?;
        if !part.regions.has_news() {
            return Ok(());
        }
        let (members, voids) = part.regions.close();
        let end = part.regions.end;
        let mark = part.mark.replace(end);
        part.is_begun = false;
        part.regions.end = end.saturating_add(MARK);
        // Others may begin members meanwhile: those belong to the next part.
        drop(part);
        let written = seam::commit(&self.sheet, &members, &voids, (mark, end));
        written.and_then(|()| self.sheet.is_found()).map_err(|error| {
            self.part().is_broken = true;
            self.trouble(error)
        })
    }
}

impl Part {
    fn refuse_if_broken(&self, desk: &Desk) -> Result<(), Fault> {
        if !self.is_broken {
            return Ok(());
        }
        let what = "the archive could not be made durable before";
        Err(Fault::new(FaultKind::Local, Step::SendBlob, what).at(desk.shown()))
    }
}

fn shown(path: &Path) -> String {
    format!("oci-archive:{}", path.display())
}
