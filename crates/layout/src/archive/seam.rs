//! How a part of an archive becomes visible: all at once, by the name of a file or by one block.
use std::io;

use super::{
    door::Sheet,
    header::{self, BLOCK, Block},
    regions::Region,
};

/// The mark of the end: two blocks of zeros.
pub(crate) const MARK: u64 = 1024;

/// The path of what takes up an old mark of the end, and the label behind it.
const SEAM: &str = ".transship/seam";
/// What stands in the block behind an old mark of the end, before anything else does.
const LABEL: &[u8] = b"transship: what follows was added to this archive, or was about to be\n";

/// The block that is written behind the mark of the end before anything else. It tells what was left by a writer that
/// was killed from what somebody else may want to keep.
pub(crate) fn label() -> Block {
    header::padded(LABEL)
}

/// Makes a part visible: `members` as what they are, `voids` as nothing. It takes up the mark of the end that readers
/// stop at, if there is one, and has its own at `end`.
pub(crate) fn commit(
    sheet: &Sheet,
    members: &[Region],
    voids: &[Region],
    (mark, end): (Option<u64>, u64),
) -> io::Result<()> {
    if members.iter().any(|member| member.is_shown) {
        // A header in a part that is visible already must not be durable before the content behind it.
        sheet.sync()?;
    }
    for region in voids {
        let void = region.void().ok_or(io::ErrorKind::InvalidInput)?;
        sheet.write(&void, region.at)?;
    }
    for member in members {
        write_headers(sheet, member)?;
    }
    sheet.write(&[0; 1024], end)?;
    sheet.sync()?;
    match mark {
        None => sheet.appear(end),
        Some(mark) => {
            // One block, which a disk writes whole or not at all. The rest of the old mark, and the label, are the
            // content of the file that begins here.
            let seam = seam()?;
            // From here on nothing may be cut off: not even after a failure is it known what the disk has.
            sheet.ends_at(end);
            sheet.write(&seam, mark)?;
            sheet.sync()
        }
    }
}

/// Those behind the first block are what a void has in it; the first makes a member of it.
fn write_headers(sheet: &Sheet, member: &Region) -> io::Result<()> {
    let mut at = member.content();
    for block in member.headers.iter().rev() {
        at = at.saturating_sub(BLOCK);
        sheet.write(block, at)?;
    }
    Ok(())
}

fn seam() -> io::Result<Block> {
    // The second block of the mark, and the label.
    let headers = header::write(SEAM, BLOCK.saturating_mul(2));
    headers.and_then(|blocks| blocks.first().copied()).ok_or_else(|| io::ErrorKind::InvalidInput.into())
}
