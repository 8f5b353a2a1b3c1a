//! A file as a stream of chunks: the next one is read while the last one is used.
use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::Path,
};

use bytes::Bytes;
use content::{Fault, FaultKind, Step};
use futures::stream::{self, BoxStream, StreamExt as _};
use tokio::task::{JoinHandle, spawn_blocking};

use crate::disk;

/// How much is read at once.
const CHUNK: u64 = 256 * 1024;

/// Opens `path` and goes to byte `start`; also tells its size.
pub(crate) fn open_at(path: &Path, start: u64) -> io::Result<(File, u64)> {
    let mut file = disk::open_plain(path)?;
    let size = file.metadata()?.len();
    file.seek(SeekFrom::Start(start))?;
    Ok((file, size))
}

/// The next `length` bytes of `file`; fewer when the file ends before.
pub(crate) fn chunks(file: File, length: u64) -> BoxStream<'static, Result<Bytes, Fault>> {
    let first = read(file, length);
    stream::unfold(Some(first), |pending| async {
        match pending?.await {
            Ok(Ok((_, chunk, _))) if chunk.is_empty() => None,
            Ok(Ok((file, chunk, left))) => Some((Ok(chunk), Some(read(file, left)))),
            Ok(Err(error)) => Some((Err(cannot_read(error)), None)),
            Err(stopped) => Some((Err(cannot_read(stopped)), None)),
        }
    })
    .boxed()
}

fn read(mut file: File, left: u64) -> JoinHandle<io::Result<(File, Bytes, u64)>> {
    spawn_blocking(move || {
        let mut chunk = Vec::new();
        let wanted = left.min(CHUNK);
        chunk.reserve_exact(usize::try_from(wanted).unwrap_or_default());
        (&mut file).take(wanted).read_to_end(&mut chunk)?;
        let left = left.saturating_sub(chunk.len() as u64);
        Ok((file, Bytes::from(chunk), left))
    })
}

fn cannot_read(cause: impl std::error::Error + Send + Sync + 'static) -> Fault {
    Fault::new(FaultKind::Local, Step::ReadBlob, format!("cannot read: {cause}")).because(cause)
}
