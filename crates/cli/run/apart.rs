//! Reading apart: what may keep a reader waiting, such as a pipe that stays open, keeps no signal waiting.
use std::{io, thread};

use futures::channel::oneshot;

/// Reads on a thread of its own. When nobody waits any more, the thread ends with the process.
pub(super) async fn apart<T: Send + 'static>(
    read: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let (tell, told) = oneshot::channel();
    thread::Builder::new().spawn(move || drop(tell.send(read())))?;
    told.await.unwrap_or_else(|_| Err(io::Error::other("it could not be read to its end")))
}
