//! The little that is done to the disk beside archives and layouts.
use std::{fs, io, path::Path};

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
    Fault::new(FaultKind::Local, Step::SendBlob, error.to_string())
        .at(path.display())
        .hint("free some space there, or see whether this user may write; what is whole is kept")
        .because(error)
}

/// Makes sure that a removal has left nothing.
pub(crate) fn gone(path: &Path, removed: io::Result<()>) -> Result<(), Fault> {
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(trouble(path, error)),
        _ => Ok(()),
    }
}

/// Writes a small file whole or not at all.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<(), Fault> {
    let mut temp = path.as_os_str().to_owned();
    temp.push(".new");
    let write = || {
        let mut file = fs::File::create(&temp)?;
        io::Write::write_all(&mut file, bytes)?;
        file.sync_all()?;
        fs::rename(&temp, path)
    };
    write().map_err(|error| trouble(path, error))
}
