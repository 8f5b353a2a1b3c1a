//! A registry in memory that misbehaves byte by byte: it speaks HTTP/1.1 over sockets by hand, so that it can lie.
//!
//! It runs inside the caller's runtime and does nothing but wait for sockets and for tokio's clock, which may be
//! paused; or on a thread of its own, for tests that run the program.
mod answer;
mod api;
mod course;
mod line;
mod mishap;
mod route;
mod serve;
mod setup;
mod shelves;
mod tickets;
mod uploads;

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicUsize, Ordering},
};

use bytes::Bytes;
use content::Descriptor;
use http::request::Parts;
use reference::Digest;
use tokio::{
    sync::{oneshot, watch},
    task::JoinHandle,
};

use self::{mishap::Effect, route::Route, shelves::Shelves, tickets::Tickets};
use crate::{Content, Ledger, pattern::Pattern};

pub use self::{
    mishap::{End, Mishap, Misrange},
    setup::FakeSetup,
};

/// A running fake; dropping it stops it, and fails a test in which something else came than it was to get.
#[derive(Debug)]
pub struct Fake {
    inner: Arc<Inner>,
    running: Running,
}

#[derive(Debug)]
enum Running {
    Here(JoinHandle<()>),
    Thread(Option<oneshot::Sender<()>>, Option<std::thread::JoinHandle<()>>),
}

#[derive(Debug)]
struct Inner {
    host: String,
    /// Shared with a twin.
    shelves: Arc<Mutex<Shelves>>,
    tickets: Mutex<Option<Tickets>>,
    mishaps: Mutex<Vec<Mishap>>,
    struck: AtomicUsize,
    /// How many requests it takes at a time.
    at_once: usize,
    /// How many are under way.
    busy: AtomicUsize,
    arrived: watch::Sender<usize>,
    /// All that may come; `None` is anything.
    only: Option<Vec<Pattern>>,
    /// What came all the same.
    strangers: Mutex<Vec<String>>,
    ledger: Ledger,
}

impl Fake {
    /// An empty and honest registry in the caller's runtime.
    pub fn start() -> Self {
        Self::setup().start()
    }

    /// One that holds this image under `name`, `repository:tag`, in the caller's runtime.
    pub fn with(content: &Content, root: &Descriptor, name: &str) -> Self {
        Self::setup().seed(content, root, name).start()
    }

    /// A fake to be described first.
    pub fn setup() -> FakeSetup {
        FakeSetup::default()
    }

    /// Another origin with the same content, to be led to. It has mishaps and a ledger of its own.
    #[must_use]
    pub fn twin(&self) -> Self {
        FakeSetup::default().sharing(Arc::clone(&self.inner.shelves)).start()
    }

    /// `127.0.0.1:PORT`, as it stands in references.
    pub fn host(&self) -> String {
        self.inner.host.clone()
    }

    /// `http://127.0.0.1:PORT`.
    pub fn origin(&self) -> String {
        format!("http://{}", self.inner.host)
    }

    /// `127.0.0.1:PORT/name`.
    pub fn reference(&self, name: &str) -> String {
        format!("{}/{name}", self.inner.host)
    }

    /// Every request that came.
    pub fn ledger(&self) -> &Ledger {
        &self.inner.ledger
    }

    /// Adds a mishap from now on.
    pub fn mishap(&self, mishap: Mishap) {
        lock(&self.inner.mishaps).push(mishap);
    }

    /// Behaves from now on.
    pub fn behave(&self) {
        lock(&self.inner.mishaps).clear();
    }

    /// How many requests a mishap has struck.
    pub fn struck(&self) -> usize {
        self.inner.struck.load(Ordering::Relaxed)
    }

    /// Where a tag of a repository is.
    pub fn tag(&self, repository: &str, tag: &str) -> Option<Digest> {
        self.inner.shelves().shelf(repository).tags.get(tag).cloned()
    }

    /// Puts `content` on the shelf, and a tag on `root`: `repository:tag`.
    pub fn put(&self, content: &Content, root: &Descriptor, name: &str) {
        let (repository, tag) = split(name);
        self.inner.shelves().seed(content, repository, Some((tag, &root.digest)));
    }

    /// Everything that can be read back complete and is not what its name says.
    pub fn wrong(&self) -> Vec<Digest> {
        self.inner.shelves().wrong()
    }

    /// Manifests that it took although parts of them were missing then.
    pub fn torn(&self) -> Vec<Digest> {
        self.inner.shelves().torn.clone()
    }

    /// Waits until so many requests have come.
    pub async fn reached(&self, requests: usize) {
        let mut arrived = self.inner.arrived.subscribe();
        let _ = arrived.wait_for(|arrived| *arrived >= requests).await;
    }

    /// The pieces of `content` that a repository does not hold to the byte: blobs as blobs, manifests under their media
    /// types.
    pub fn lacks(&self, repository: &str, content: &Content) -> Vec<Digest> {
        self.inner.shelves().lacks(repository, content)
    }

    /// Whether a repository holds all of `content` to the byte.
    pub fn holds(&self, repository: &str, content: &Content) -> bool {
        self.lacks(repository, content).is_empty()
    }

    /// The bytes that a repository serves under a digest, as a blob or as a manifest.
    pub fn piece(&self, repository: &str, digest: &Digest) -> Option<Bytes> {
        let mut shelves = self.inner.shelves();
        let place = shelves.shelf(repository);
        let manifest = || place.manifests.get(digest).map(|document| document.bytes.clone());
        place.blobs.get(digest).cloned().or_else(manifest)
    }

    /// Uploads that were begun, and neither committed nor cancelled.
    pub fn open_sessions(&self) -> usize {
        self.inner.shelves().sessions.len()
    }

    /// Whether it holds nothing: no complete piece, and no tag.
    pub fn is_empty(&self) -> bool {
        self.inner
            .shelves()
            .repositories
            .values()
            .all(|place| place.blobs.is_empty() && place.manifests.is_empty() && place.tags.is_empty())
    }
}

impl Inner {
    fn shelves(&self) -> MutexGuard<'_, Shelves> {
        lock(&self.shelves)
    }

    fn tickets(&self) -> MutexGuard<'_, Option<Tickets>> {
        lock(&self.tickets)
    }

    /// What is to happen to this request, by all mishaps in their order.
    fn strike(&self, parts: &Parts) -> Vec<Effect> {
        self.arrived.send_modify(|arrived| *arrived += 1);
        let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
        if let Some(only) = &self.only
            && !only.iter().any(|pattern| pattern.matches(&parts.method, target))
        {
            lock(&self.strangers).push(format!("{} {target}", parts.method));
        }
        let mut effects = Vec::new();
        for mishap in lock(&self.mishaps).iter_mut() {
            if mishap.pattern.hits(&parts.method, target) {
                effects.extend(mishap.effects.iter().cloned());
            }
        }
        if !effects.is_empty() {
            self.struck.fetch_add(1, Ordering::Relaxed);
        }
        effects
    }

    /// What happens to the registry itself before a request is acted on.
    fn befall(&self, parts: &Parts, effects: &[Effect]) {
        for effect in effects {
            match effect {
                Effect::LoseSession => {
                    if let Route::Session { id, .. } = Route::of(parts.uri.path()) {
                        self.shelves().sessions.remove(id);
                    }
                }
                Effect::ExpireTokens => {
                    if let Some(tickets) = &mut *self.tickets() {
                        tickets.expire();
                    }
                }
                Effect::MoveTag { name, digest } => {
                    let (repository, tag) = split(name);
                    self.shelves().shelf(repository).tags.insert(tag.to_owned(), digest.clone());
                }
                Effect::Forget(digest) => {
                    if let Some(name) = Route::of(parts.uri.path()).name() {
                        self.shelves().forget(name, digest);
                    }
                }
                _ => {}
            }
        }
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        match &mut self.running {
            Running::Here(task) => task.abort(),
            Running::Thread(stop, thread) => {
                drop(stop.take());
                if let Some(thread) = thread.take() {
                    let _ = thread.join();
                }
            }
        }
        if !std::thread::panicking() {
            let strangers = lock(&self.inner.strangers);
            assert!(strangers.is_empty(), "something else came:\n{}", strangers.join("\n"));
        }
    }
}

/// Repository and tag.
fn split(name: &str) -> (&str, &str) {
    name.rsplit_once(':').expect("repository:tag")
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
