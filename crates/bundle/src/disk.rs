//! The little that is done to the disk beside archives and layouts.
use std::{
    io::{self, ErrorKind},
    path::Path,
};

use content::{Fault, FaultKind, Step};
use tokio::task::spawn_blocking;

/// Does work that waits for the disk.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Fault> + Send + 'static,
) -> Result<T, Fault> {
    let stopped =
        |why| Fault::new(FaultKind::Local, Step::SendBlob, "the work on disk was stopped").because(why);
    spawn_blocking(work).await.map_err(stopped).and_then(|done| done)
}

/// A failure of the disk at `path`.
pub(crate) fn trouble(path: &Path, error: io::Error) -> Fault {
    let hint = match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "free some space there, then run this again",
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            "name a place at which this user may read and write"
        }
        _ => "see whether that disk is sound, then run this again",
    };
    Fault::new(FaultKind::Local, Step::SendBlob, error.to_string())
        .at(path.display())
        .hint(hint)
        .because(error)
}

/// The directory that `path` is in.
pub(crate) fn above(path: &Path) -> &Path {
    path.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Makes sure that a removal has left nothing.
pub(crate) fn gone(path: &Path, removed: io::Result<()>) -> Result<(), Fault> {
    match removed {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(trouble(path, error)),
        _ => Ok(()),
    }
}

/// Writes a small file whole or not at all.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<(), Fault> {
    layout::replace_file(path, bytes).map_err(|error| trouble(path, error))
}
