//! One header of a tar file: a block of 512 bytes that says what follows it.
use tar::{EntryType, Header};

/// A tar file is made of blocks of this size.
pub(crate) const BLOCK: u64 = 512;

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
    fn an_extent_ends_with_its_block_and_one_that_cannot_be_counted_nowhere() {
        let next = |at, size| Extent { at, size }.next();
        assert_eq!([next(512, 0), next(512, 1), next(512, 512)], [Some(512), Some(1024), Some(1024)]);
        assert_eq!([next(512, u64::MAX), next(0, u64::MAX)], [None, None]);
    }
}
