//! The ground for a new layout: what stands there already is not written over.
use std::{io::ErrorKind, path::Path};

use content::{Fault, FaultKind, Step};

use crate::{
    Index, disk,
    index::MAX_INDEX,
    layout::{shown, shown_archive},
    trouble,
};

/// Refuses a path where a layout cannot be, or be made, without harm to what others keep there: a file, and a directory
/// whose `index.json` is no layout's. Other files in a directory are in nobody's way. Nothing is written.
///
/// # Errors
/// [`FaultKind::Local`], for whatever is in the way.
pub fn refuse_taken(dir: &Path) -> Result<(), Fault> {
    let taken = |what: &str| Fault::new(FaultKind::Local, Step::OpenLayout, what).at(shown(dir));
    if dir.is_file() {
        let hint = format!("an archive is named as one: {}", shown_archive(dir));
        return Err(taken("it is a file, and no directory").hint(hint));
    }
    if dir.join("oci-layout").symlink_metadata().is_ok() {
        // Whoever opens it says what is wrong with it.
        return Ok(());
    }
    match disk::read_small(&dir.join("index.json"), MAX_INDEX) {
        // Of a layout whose writer has died before the marker was there.
        Ok(bytes) if Index::is_one(&bytes) => Ok(()),
        Ok(_) => Err(taken("it is no layout, and its index.json is another program's: it is no OCI index")
            .hint(format!("name another directory, such as {}", shown(&dir.join("images"))))),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(()),
        Err(error) => Err(trouble::fault(&shown(dir), Step::OpenLayout, "cannot read index.json", error)),
    }
}
