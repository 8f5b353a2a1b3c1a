//! A source that gives each request so many bytes a second.
use std::{
    ops::Range,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use content::{
    Descriptor, Fault, FaultKind, Hasher, Incoming, Manifest, MediaType, Place, Source, Step, Version,
};
use futures::{FutureExt, StreamExt, future::BoxFuture, stream};
use reference::{Algorithm, Digest};
use tokio::time::sleep;

pub(super) const MIB: u64 = 1 << 20;
const CHUNK: u64 = 64 * 1024;
/// What one request brings a second.
pub(super) const EACH: u64 = 5 * MIB;

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Served,
    /// 429 and the like.
    Later,
    /// The whole blob, whatever was asked for.
    Whole,
    /// The whole blob, cut after so many bytes.
    WholeCut(u64),
    /// Cut after so many bytes.
    Cut(u64),
    /// More than was asked for.
    More,
    /// Nothing for five minutes, and then 429.
    Silent,
    /// Not there, all of a sudden.
    Gone,
}

type Script = Box<dyn Fn(usize, &Range<u64>) -> Fate + Send + Sync>;

/// A blob of a known pattern.
pub(super) struct Slow {
    place: Place,
    pub(super) blob: Descriptor,
    script: Script,
    /// What all requests together bring a second.
    pub(super) all: u64,
    pub(super) busy: Arc<AtomicUsize>,
    pub(super) most: AtomicUsize,
    asked: Mutex<Vec<(u64, u64)>>,
    /// Bytes that left it.
    sent: Arc<Mutex<u64>>,
}

/// The byte at any place of the pattern, as a slice of it.
pub(super) fn pattern(at: u64, length: u64) -> Bytes {
    static BYTES: std::sync::OnceLock<Bytes> = std::sync::OnceLock::new();
    const PERIOD: u64 = 65_537;
    let bytes = BYTES.get_or_init(|| {
        let mut random = fastrand_like(7);
        let once: Vec<u8> = (0..PERIOD).map(|_| random()).collect();
        once.repeat(3).into()
    });
    let start = usize::try_from(at % PERIOD).unwrap();
    bytes.slice(start..start + usize::try_from(length).unwrap())
}

fn fastrand_like(mut state: u64) -> impl FnMut() -> u8 {
    move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    }
}

impl Slow {
    pub(super) fn new(
        size: u64,
        script: impl Fn(usize, &Range<u64>) -> Fate + Send + Sync + 'static,
    ) -> Self {
        let digest = Hasher::digest(Algorithm::Sha256, b"never looked at");
        Self {
            place: Place::new("slow", "slow/app", None),
            blob: Descriptor::new(MediaType::new("layer"), digest, size),
            script: Box::new(script),
            all: u64::MAX,
            busy: Arc::default(),
            most: AtomicUsize::new(0),
            asked: Mutex::default(),
            sent: Arc::default(),
        }
    }

    /// From where to where each request asked, in order.
    pub(super) fn asked(&self) -> Vec<(u64, u64)> {
        self.asked.lock().unwrap().clone()
    }

    pub(super) fn sent(&self) -> u64 {
        *self.sent.lock().unwrap()
    }
}

/// Counts a request while it is under way.
struct Busy(Arc<AtomicUsize>);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Source for Slow {
    fn place(&self) -> &Place {
        &self.place
    }

    fn resolve<'a>(&'a self, _version: &'a Version) -> BoxFuture<'a, Result<Descriptor, Fault>> {
        futures::future::pending().boxed()
    }

    fn manifest<'a>(
        &'a self,
        _version: &'a Version,
        _described: Option<&'a Descriptor>,
    ) -> BoxFuture<'a, Result<Manifest, Fault>> {
        futures::future::pending().boxed()
    }

    fn referrers<'a>(&'a self, _subject: &'a Digest) -> BoxFuture<'a, Result<Vec<Descriptor>, Fault>> {
        async { Ok(Vec::new()) }.boxed()
    }

    fn open<'a>(&'a self, blob: &'a Descriptor, span: Range<u64>) -> BoxFuture<'a, Result<Incoming, Fault>> {
        let number = {
            let mut asked = self.asked.lock().unwrap();
            asked.push((span.start, span.end));
            asked.len()
        };
        let fate = (self.script)(number, &span);
        let busy = Busy(Arc::clone(&self.busy));
        self.most.fetch_max(self.busy.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
        let fault = |kind, what| Fault::new(kind, Step::ReadBlob, what);
        let (at, end, cut) = match fate {
            Fate::Served => (span.start, span.end, None),
            Fate::Cut(after) => (span.start, span.end.min(span.start + after), Some(())),
            Fate::More => (span.start, blob.size, None),
            Fate::Whole => (0, blob.size, None),
            Fate::WholeCut(after) => (0, blob.size.min(after), Some(())),
            Fate::Later | Fate::Silent => {
                return async move {
                    let _busy = busy;
                    if fate == Fate::Silent {
                        sleep(Duration::from_secs(300)).await;
                    }
                    Err(fault(FaultKind::Unreachable, "429").momentary().overload())
                }
                .boxed();
            }
            Fate::Gone => {
                return async move {
                    let _busy = busy;
                    Err(fault(FaultKind::Absent, "404"))
                }
                .boxed();
            }
        };
        let (all, sent) = (self.all, Arc::clone(&self.sent));
        let bytes = stream::unfold((at, busy), move |(at, busy)| {
            let sent = Arc::clone(&sent);
            async move {
                if at >= end {
                    cut?;
                    return Some((Err(fault(FaultKind::Unreachable, "reset").momentary()), (u64::MAX, busy)));
                }
                let length = CHUNK.min(end - at);
                let share = EACH.min(all / busy.0.load(Ordering::Relaxed) as u64);
                sleep(Duration::from_micros(length * 1_000_000 / share)).await;
                *sent.lock().unwrap() += length;
                Some((Ok(pattern(at, length)), (at + length, busy)))
            }
        });
        // Behind its fault a stream ends.
        let bytes = bytes.scan(false, |over, item| {
            let go_on = !*over;
            *over = item.is_err();
            async move { go_on.then_some(item) }
        });
        async move {
            sleep(Duration::from_millis(1)).await;
            Ok(Incoming { at, bytes: bytes.boxed() })
        }
        .boxed()
    }
}
