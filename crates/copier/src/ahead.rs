//! Ahead: a small blob is asked of the source while the target is asked whether it lacks it, which saves a round trip.
//!
//! Only where the target has lacked every blob so far: what is read in vain is a request, and a connection.
use std::{
    ops::Range,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU8, Ordering},
    },
};

use content::{Begun, Descriptor, Fault, Incoming, OverSource, Source};
use futures::{
    FutureExt,
    future::{BoxFuture, join},
};
use reference::Digest;

/// The largest blob that is worth a read in vain, in bytes.
const SMALL: u64 = 1024 * 1024;

/// What is known of the blobs that a destination was asked for.
#[derive(Debug, Default)]
pub(crate) struct Lack(AtomicU8);

/// It lacked all of them.
const ALL: u8 = 1;
/// It had some.
const SOME: u8 = 2;

impl Lack {
    /// Asks the target for `blob` by `asking`, and maybe the source meanwhile; what the source is to be read as then.
    pub(crate) async fn begin(
        &self,
        blob: &Descriptor,
        source: &Arc<dyn Source>,
        asking: impl Future<Output = Result<Begun, Fault>>,
    ) -> Result<(Begun, Arc<dyn Source>), Fault> {
        let total = self.0.load(Ordering::Relaxed) == ALL;
        if !total || !(1..=SMALL).contains(&blob.size) {
            let begun = asking.await?;
            self.learn(&begun);
            return Ok((begun, Arc::clone(source)));
        }
        let (begun, incoming) = join(asking, source.open(blob, 0..blob.size)).await;
        let begun = begun?;
        self.learn(&begun);
        // A source that failed is asked again by whoever reads, and counts the attempts.
        let source = match incoming {
            Ok(incoming) => {
                let source = Arc::clone(source);
                Arc::new(Opened { source, digest: blob.digest.clone(), first: Mutex::new(Some(incoming)) })
            }
            Err(_) => return Ok((begun, Arc::clone(source))),
        };
        Ok((begun, source))
    }

    fn learn(&self, begun: &Begun) {
        let seen = if matches!(begun, Begun::Upload(_)) { ALL } else { SOME };
        self.0.fetch_max(seen, Ordering::Relaxed);
    }
}

/// A source of which one blob is open already.
struct Opened {
    source: Arc<dyn Source>,
    digest: Digest,
    first: Mutex<Option<Incoming>>,
}

impl OverSource for Opened {
    fn below(&self) -> &dyn Source {
        &*self.source
    }

    fn open<'a>(&'a self, blob: &'a Descriptor, span: Range<u64>) -> BoxFuture<'a, Result<Incoming, Fault>> {
        let fits = span.start == 0 && blob.digest == self.digest;
        let first = || self.first.lock().unwrap_or_else(PoisonError::into_inner).take();
        match fits.then(first).flatten() {
            Some(incoming) => async { Ok(incoming) }.boxed(),
            None => self.source.open(blob, span),
        }
    }
}
