//! One header of a tar file: a block of 512 bytes that says what follows it.
use tar::{EntryType, Header};

use super::pax;

/// A tar file is made of blocks of this size.
pub(crate) const BLOCK: u64 = 512;

/// How much of a path fits into a header, whatever it is.
const SHORT: usize = 100;

/// The bytes of one block.
pub(crate) type Block = [u8; 512];

/// Where a member's content lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Extent {
    pub(crate) at: u64,
    pub(crate) size: u64,
}

impl Extent {
    /// Where it ends, with the rest of its last block; `None` beyond what can be counted.
    pub(crate) fn next(&self) -> Option<u64> {
        self.at.checked_add(self.size)?.checked_next_multiple_of(BLOCK)
    }
}

/// What a member is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A plain file.
    File,
    /// Anything that a file system has besides: a directory, a link, a device. It has no content.
    Node(&'static str),
    /// The path of the member that follows (GNU).
    LongName,
    /// What more is to be known of the member that follows (pax).
    Extended,
    /// A file with holes that are not in the archive.
    Sparse,
    /// A remark of which we need nothing, also before another member: the name of a link, a remark about the archive.
    Remark,
    /// Something with content that we do not know.
    Other,
}

/// A header whose check sum is right.
#[derive(Debug)]
pub(crate) struct Read {
    pub(crate) kind: Kind,
    pub(crate) path: Vec<u8>,
    pub(crate) size: u64,
}

/// Whether this is a block of zeros, which no header is.
pub(crate) fn is_blank(block: &Block) -> bool {
    block.iter().all(|byte| *byte == 0)
}

/// Reads a header; `None` when it is none.
pub(crate) fn read(block: &Block) -> Option<Read> {
    let header = Header::from_byte_slice(block);
    let mut again = header.clone();
    again.set_cksum();
    if again.cksum().ok()? != header.cksum().ok()? {
        return None;
    }
    let kind = kind(header.entry_type());
    let size = if matches!(kind, Kind::Node(_)) { 0 } else { header.entry_size().ok()? };
    Some(Read { kind, path: header.path_bytes().into_owned(), size })
}

fn kind(kind: EntryType) -> Kind {
    match kind {
        EntryType::Regular | EntryType::Continuous => Kind::File,
        EntryType::Link => Kind::Node("a hard link"),
        EntryType::Symlink => Kind::Node("a symbolic link"),
        EntryType::Char | EntryType::Block => Kind::Node("a device"),
        EntryType::Directory => Kind::Node("a directory"),
        EntryType::Fifo => Kind::Node("a pipe"),
        EntryType::GNULongName => Kind::LongName,
        EntryType::XHeader => Kind::Extended,
        EntryType::GNUSparse => Kind::Sparse,
        EntryType::GNULongLink | EntryType::XGlobalHeader => Kind::Remark,
        _ => Kind::Other,
    }
}

/// The headers of a plain file, the same whoever writes them and when. A path that is too long for one block stands in
/// a pax header before it; `None` when it is no path for an archive.
pub(crate) fn write(path: &str, size: u64) -> Option<Vec<Block>> {
    if let Some(block) = one(path, EntryType::Regular, size) {
        return Some(vec![block]);
    }
    let record = pax::record("path", path);
    let mut blocks = vec![one("pax", EntryType::XHeader, record.len() as u64)?];
    blocks.extend(record.as_bytes().chunks(512).map(padded));
    // Those who do not know pax headers see the end of the path, which is unlike others' most likely.
    let tail = path.get(path.len().checked_sub(SHORT)?..)?;
    blocks.push(one(tail.trim_start_matches('/'), EntryType::Regular, size)?);
    Some(blocks)
}

/// A block that begins with these bytes.
pub(crate) fn padded(bytes: &[u8]) -> Block {
    let mut block = [0; 512];
    for (to, from) in block.iter_mut().zip(bytes) {
        *to = *from;
    }
    block
}

fn one(path: &str, kind: EntryType, size: u64) -> Option<Block> {
    let mut header = Header::new_ustar();
    header.set_path(path).ok()?;
    header.set_entry_type(kind);
    header.set_size(size);
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_cksum();
    Some(*header.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(kind: EntryType, size: u64) -> Block {
        let mut header = Header::new_ustar();
        header.set_path("some/file").unwrap();
        header.set_entry_type(kind);
        header.set_size(size);
        header.set_cksum();
        *header.as_bytes()
    }

    #[test]
    fn a_header_says_path_kind_and_size_and_a_wrong_check_sum_is_none() {
        for size in [0, 7, 0o777_7777_7777, 1 << 40] {
            let read = read(&block(EntryType::Regular, size)).unwrap();
            assert_eq!((read.kind, read.size), (Kind::File, size));
            assert_eq!(read.path, b"some/file");
        }
        let mut broken = block(EntryType::Regular, 7);
        broken[3] ^= 1;
        assert!(read(&broken).is_none());
        assert!(read(&[b'x'; 512]).is_none());
    }

    #[test]
    fn what_is_no_file_has_no_content_whatever_its_size_says() {
        let directory = read(&block(EntryType::Directory, 4096)).unwrap();
        assert_eq!((directory.kind, directory.size), (Kind::Node("a directory"), 0));
    }

    #[test]
    fn headers_are_the_same_each_time_and_a_long_path_takes_three_blocks() {
        let long = format!("blobs/sha512/{}", "0".repeat(128));
        assert_eq!(write("index.json", 3), write("index.json", 3));
        assert_eq!(write("index.json", 3).unwrap().len(), 1);
        assert_eq!(write(&long, 3).unwrap().len(), 3);
        for path in ["", "/etc/passwd", "../x", "a/../b"] {
            assert!(write(path, 0).is_none(), "{path}");
        }
    }

    #[test]
    fn an_extent_ends_with_its_block_and_one_that_cannot_be_counted_nowhere() {
        let next = |at, size| Extent { at, size }.next();
        assert_eq!([next(512, 0), next(512, 1), next(512, 512)], [Some(512), Some(1024), Some(1024)]);
        assert_eq!([next(512, u64::MAX), next(0, u64::MAX)], [None, None]);
    }
}
