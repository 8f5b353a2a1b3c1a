//! Setups: how a fake is to be.
use std::{
    net::{Ipv4Addr, TcpListener},
    sync::{Arc, Mutex, atomic::AtomicUsize},
    time::Duration,
};

use content::Descriptor;
use http::Method;
use tokio::{
    sync::{oneshot, watch},
    task::JoinSet,
};

use super::{
    Fake, Inner, Mishap, Running, serve,
    shelves::{Nature, Shelves},
    split,
    tickets::Tickets,
};
use crate::{Content, Ledger, pattern::Pattern};

/// How a fake is to be. By default it checks everything, as a careful registry does.
#[derive(Debug, Default)]
pub struct FakeSetup {
    shelves: Shelves,
    shared: Option<Arc<Mutex<Shelves>>>,
    tickets: Option<Duration>,
    mishaps: Vec<Mishap>,
    only: Option<Vec<Pattern>>,
    at_once: Option<usize>,
}

impl FakeSetup {
    /// Holds all of `content` from the start, `root` under `name`: `repository:tag`.
    #[must_use]
    pub fn seed(mut self, content: &Content, root: &Descriptor, name: &str) -> Self {
        let (repository, tag) = split(name);
        self.shelves.seed(content, repository, Some((tag, &root.digest)));
        self
    }

    /// Checks nothing: what is committed under a digest counts as that digest, and a manifest may lack its parts.
    #[must_use]
    pub fn careless(self) -> Self {
        self.checks_digests(false).checks_parts(false)
    }

    /// Whether it compares the digest of what was uploaded with the one that it is committed as.
    #[must_use]
    pub fn checks_digests(mut self, checks: bool) -> Self {
        self.nature().checks_digests = checks;
        self
    }

    /// Whether it refuses manifests of which parts are missing.
    #[must_use]
    pub fn checks_parts(mut self, checks: bool) -> Self {
        self.nature().checks_parts = checks;
        self
    }

    /// Whether it keeps what came of a body when the connection breaks.
    #[must_use]
    pub fn keeps_partial(mut self, keeps: bool) -> Self {
        self.nature().keeps_partial = keeps;
        self
    }

    /// Whether it mounts blobs.
    #[must_use]
    pub fn mounts(mut self, mounts: bool) -> Self {
        self.nature().mounts = mounts;
        self
    }

    /// Whether it says that it lists referrers.
    #[must_use]
    pub fn referrers(mut self, lists: bool) -> Self {
        self.nature().referrers = lists;
        self
    }

    /// Wants a token, which its own `/token` gives to everybody and which is good for so long.
    #[must_use]
    pub fn bearer(mut self, lifetime: Duration) -> Self {
        self.tickets = Some(lifetime);
        self
    }

    /// Takes so many requests at a time, and answers 429 to any beyond.
    #[must_use]
    pub fn at_once(mut self, requests: usize) -> Self {
        self.at_once = Some(requests);
        self
    }

    /// Has this mishap from the start.
    #[must_use]
    pub fn mishap(mut self, mishap: Mishap) -> Self {
        self.mishaps.push(mishap);
        self
    }

    /// Strict from now on: a request that no `only` names fails the test when the fake is dropped. A `*` in the path
    /// stands for anything.
    #[must_use]
    pub fn only(mut self, method: Method, path: &str) -> Self {
        self.only.get_or_insert_default().push(Pattern::on(Some(method), path));
        self
    }

    pub(super) fn sharing(mut self, shelves: Arc<Mutex<Shelves>>) -> Self {
        self.shared = Some(shelves);
        self
    }

    fn nature(&mut self) -> &mut Nature {
        &mut self.shelves.nature
    }

    /// Starts it in the caller's runtime.
    pub fn start(self) -> Fake {
        let (listener, inner) = self.open();
        let task = tokio::spawn(accept(listener, Arc::clone(&inner)));
        Fake { inner, running: Running::Here(task) }
    }

    /// Starts it on a thread of its own, so that the test may block.
    pub fn on_a_thread(self) -> Fake {
        let (listener, inner) = self.open();
        let (stop, stopped) = oneshot::channel();
        let serving = Arc::clone(&inner);
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(async {
                tokio::select! {
                    () = accept(listener, serving) => {}
                    _ = stopped => {}
                }
            });
        });
        Fake { inner, running: Running::Thread(Some(stop), Some(thread)) }
    }

    fn open(self) -> (TcpListener, Arc<Inner>) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port on loopback");
        listener.set_nonblocking(true).expect("a socket that does not block");
        let inner = Inner {
            host: listener.local_addr().expect("a bound socket").to_string(),
            shelves: self.shared.unwrap_or_else(|| Arc::new(Mutex::new(self.shelves))),
            tickets: Mutex::new(self.tickets.map(Tickets::new)),
            mishaps: Mutex::new(self.mishaps),
            struck: AtomicUsize::new(0),
            at_once: self.at_once.unwrap_or(usize::MAX),
            busy: AtomicUsize::new(0),
            arrived: watch::Sender::new(0),
            only: self.only,
            strangers: Mutex::default(),
            ledger: Ledger::default(),
        };
        (listener, Arc::new(inner))
    }
}

/// Accepts connections; all of them end when this is dropped.
async fn accept(listener: TcpListener, inner: Arc<Inner>) {
    let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        while connections.try_join_next().is_some() {}
        connections.spawn(serve::serve(Arc::clone(&inner), stream));
    }
}
