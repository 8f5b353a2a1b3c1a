//! The one pass over an archive: header after header, past every body.
use std::io::{self, ErrorKind, Read as _};

use content::{Fault, FaultKind, Step};

use super::{
    header::{self, BLOCK, Block, Extent, Kind},
    kind,
    paper::{From, Paper},
    pax,
    table::Table,
};
use crate::trouble;

/// The most members that are looked at: what is remembered of them has room in memory.
pub const MAX_MEMBERS: u64 = 262_144;
/// The most bytes of a long name, or of what else is said of one member.
const MAX_ASIDE: u64 = 64 * 1024;

/// One pass.
struct Scan<'a, P: ?Sized> {
    paper: &'a P,
    length: u64,
    shown: &'a str,
    at: u64,
    ahead: Ahead,
}

/// What has been said of the member that follows.
#[derive(Debug, Default)]
struct Ahead {
    long_name: Option<Vec<u8>>,
    path: Option<Vec<u8>>,
    size: Option<u64>,
}

/// Finds what is in an archive of `length` bytes. `shown` is its name in messages.
pub(crate) fn scan<P: Paper + ?Sized>(paper: &P, length: u64, shown: &str) -> Result<Table, Fault> {
    let mut scan = Scan { paper, length, shown, at: 0, ahead: Ahead::default() };
    scan.refuse_foreign()?;
    let mut table = Table::default();
    for _ in 0..MAX_MEMBERS {
        if !scan.step(&mut table)? {
            return Ok(table);
        }
    }
    Err(scan
        .fault(FaultKind::Refused, format!("it holds more than {MAX_MEMBERS} members"))
        .hint("unpack it, and name the directory: oci:DIR"))
}

impl<P: Paper + ?Sized> Scan<'_, P> {
    /// Reads one header. `false` at the end.
    fn step(&mut self, table: &mut Table) -> Result<bool, Fault> {
        let here = self.at;
        if here == 0 && self.length < BLOCK {
            return Err(self.no_header(here));
        }
        let block = self.block(here)?;
        if header::is_blank(&block) {
            self.check_end(here)?;
            table.end = here;
            return Ok(false);
        }
        let Some(read) = header::read(&block) else { return Err(self.no_header(here)) };
        let at = here.saturating_add(BLOCK);
        let of_member = matches!(read.kind, Kind::File | Kind::Node(_) | Kind::Other | Kind::Sparse);
        let ahead = if of_member { std::mem::take(&mut self.ahead) } else { Ahead::default() };
        let size = match (read.kind, ahead.size) {
            (Kind::Node(_), _) | (_, None) => read.size,
            (_, Some(size)) => size,
        };
        let extent = Extent { at, size };
        let path = ahead.long_name.or(ahead.path).unwrap_or(read.path);
        let within = at.checked_add(size).is_some_and(|end| end <= self.length);
        let Some(next) = extent.next().filter(|_| within) else { return Err(self.cut(Some(&path))) };
        self.at = next;
        match read.kind {
            Kind::LongName => self.ahead.long_name = Some(self.long_name(extent)?),
            Kind::Extended => self.extend(extent)?,
            Kind::Sparse => return Err(self.sparse(&path)),
            Kind::File | Kind::Node(_) => {
                table.note(&path, read.kind, extent).map_err(|fault| fault.at(self.shown))?;
            }
            Kind::Remark | Kind::Other => {}
        }
        Ok(true)
    }

    /// The end is two blocks of zeros; the second is not missed where the file ends before it does.
    fn check_end(&self, at: u64) -> Result<(), Fault> {
        let second = at.saturating_add(BLOCK);
        if second.saturating_add(BLOCK) > self.length || header::is_blank(&self.block(second)?) {
            return Ok(());
        }
        Err(self.no_header(at))
    }

    fn long_name(&self, extent: Extent) -> Result<Vec<u8>, Fault> {
        let mut name = self.aside(extent)?;
        let end = name.iter().position(|byte| *byte == 0).unwrap_or(name.len());
        name.truncate(end);
        Ok(name)
    }

    fn extend(&mut self, extent: Extent) -> Result<(), Fault> {
        let bytes = self.aside(extent)?;
        for said in pax::records(&bytes) {
            let (key, value) = said.ok_or_else(|| self.broken(extent.at))?;
            match key {
                b"path" => self.ahead.path = Some(value.to_vec()),
                b"size" => {
                    let size = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok());
                    self.ahead.size = Some(size.ok_or_else(|| self.broken(extent.at))?);
                }
                key if key.starts_with(b"GNU.sparse.") => return Err(self.sparse(b"")),
                _ => {}
            }
        }
        Ok(())
    }

    /// What is said beside a member, as long as it is no more than anybody has to say.
    fn aside(&self, extent: Extent) -> Result<Vec<u8>, Fault> {
        let size = usize::try_from(extent.size).ok().filter(|_| extent.size <= MAX_ASIDE);
        let Some(size) = size else {
            let what = format!("it has a name, or remarks, of more than {MAX_ASIDE} bytes");
            return Err(self.fault(FaultKind::Refused, what).hint("make the archive again"));
        };
        let mut bytes = vec![0; size];
        self.fill(&mut bytes, extent.at)?;
        Ok(bytes)
    }

    fn block(&self, at: u64) -> Result<Block, Fault> {
        let mut block = [0; 512];
        if at.checked_add(BLOCK).is_none_or(|end| end > self.length) {
            return Err(self.cut(None));
        }
        self.fill(&mut block, at)?;
        Ok(block)
    }

    fn fill(&self, buffer: &mut [u8], at: u64) -> Result<(), Fault> {
        From { paper: self.paper, at }.read_exact(buffer).map_err(|error| match error.kind() {
            // It has become shorter since its length was asked for.
            ErrorKind::UnexpectedEof => self.cut(None),
            _ => self.trouble(error),
        })
    }

    /// A file that is no tar file at all, or not yet.
    fn refuse_foreign(&self) -> Result<(), Fault> {
        let mut begin = Vec::new();
        let read = From { paper: self.paper, at: 0 }.take(kind::LONGEST).read_to_end(&mut begin);
        read.map_err(|error| self.trouble(error))?;
        if begin.is_empty() {
            return Err(self.fault(FaultKind::Untrue, "it is an empty file, not an OCI archive"));
        }
        match kind::compression(&begin) {
            Some((name, command)) => Err(self
                .fault(
                    FaultKind::Refused,
                    format!("it is compressed ({name}), so it cannot be read at random"),
                )
                .hint(format!("decompress it first: {command} FILE"))),
            None => Ok(()),
        }
    }

    fn no_header(&self, at: u64) -> Fault {
        if at == 0 {
            return self
                .fault(FaultKind::Untrue, "it is no tar file, and so no OCI archive")
                .hint("see what it is: file FILE; where it was cut off, fetch it again");
        }
        self.broken(at)
    }

    fn broken(&self, at: u64) -> Fault {
        self.fault(FaultKind::Untrue, format!("it is damaged: there is no tar header at byte {at}"))
            .hint("fetch or make the archive again")
    }

    fn sparse(&self, path: &[u8]) -> Fault {
        self.fault(FaultKind::Refused, "a member of the archive is a sparse file")
            .about(path.escape_ascii())
            .hint("make the archive without holes: tar without --sparse")
    }

    /// The archive goes on beyond the end of its file.
    fn cut(&self, path: Option<&[u8]>) -> Fault {
        let inside = path.map(|path| format!(" inside {}", path.escape_ascii())).unwrap_or_default();
        let what = format!("it is cut off{inside}: it has {} bytes and no end", self.length);
        self.fault(FaultKind::Untrue, what).hint("fetch it again, or wait until it is written")
    }

    fn trouble(&self, error: io::Error) -> Fault {
        trouble::in_archive(self.shown, Step::OpenLayout, "cannot read the archive", error)
    }

    fn fault(&self, kind: FaultKind, what: impl Into<String>) -> Fault {
        Fault::new(kind, Step::OpenLayout, what).at(self.shown)
    }
}
