//! A file as a stream of chunks: the next one is read while the last one is used.
use std::{
    fs::File,
    io::{self, Read as _},
    sync::Arc,
};

use bytes::Bytes;
use content::{Fault, FaultKind, Step};
use futures::stream::{self, BoxStream, StreamExt as _};
use tokio::task::{JoinHandle, spawn_blocking};

use crate::archive::From;

/// The most that is read at once.
pub(crate) const CHUNK: u64 = 256 * 1024;

/// The bytes of `file` from `start` to `end`; fewer when the file ends before. Each chunk has at most as many as `size`
/// says when it is read.
pub(crate) fn chunks(
    file: Arc<File>,
    start: u64,
    end: u64,
    size: impl Fn() -> u64 + Send + 'static,
) -> BoxStream<'static, Result<Bytes, Fault>> {
    let next = move |file, at| read(file, at, end, size().clamp(1, CHUNK));
    let first = next(file, start);
    let begun = (first, next);
    stream::unfold(Some(begun), |pending| async move {
        let (reading, next) = pending?;
        match reading.await {
            Ok(Ok((_, chunk, _))) if chunk.is_empty() => None,
            Ok(Ok((file, chunk, at))) => Some((Ok(chunk), Some((next(file, at), next)))),
            Ok(Err(error)) => Some((Err(cannot_read(error)), None)),
            Err(stopped) => Some((Err(cannot_read(stopped)), None)),
        }
    })
    .boxed()
}

fn read(file: Arc<File>, start: u64, end: u64, most: u64) -> JoinHandle<io::Result<(Arc<File>, Bytes, u64)>> {
    spawn_blocking(move || {
        let wanted = end.saturating_sub(start).min(most);
        let mut chunk = Vec::new();
        chunk.reserve_exact(usize::try_from(wanted).unwrap_or_default());
        From { paper: &*file, at: start }.take(wanted).read_to_end(&mut chunk)?;
        let at = start.saturating_add(chunk.len() as u64);
        Ok((file, Bytes::from(chunk), at))
    })
}

fn cannot_read(cause: impl std::error::Error + Send + Sync + 'static) -> Fault {
    Fault::new(FaultKind::Local, Step::ReadBlob, format!("cannot read: {cause}")).because(cause)
}
