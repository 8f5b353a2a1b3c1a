//! The host: embedded registries and links, on threads of their own, and the directory that all of them live in.
use std::{
    fs::File,
    future::Future,
    io,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::Duration,
};

use content::{Fault, FaultKind, Step};
use layout::Layout;
use link::{Conditions, Link};
use server::{Options, Server};
use tempfile::TempDir;
use tokio::{net::TcpListener, runtime::Runtime, sync::oneshot};

use crate::{leftovers, machine};

/// Where Linux keeps files in memory.
const MEMORY: &str = "/dev/shm";
/// What is left free beside the content.
const MARGIN: u64 = 64 << 20;
/// How long what the registries are writing may take to end.
const ENDING: Duration = Duration::from_secs(1);

/// Where embedded registries keep their content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Storage {
    /// In a file system in memory.
    Memory,
    /// In the directory for temporary files.
    Disk,
}

impl Storage {
    /// `memory` or `disk`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Disk => "disk",
        }
    }
}

/// Threads and a directory for registries and links. They end with it.
#[derive(Debug)]
pub struct Host {
    /// Both are there until it is dropped.
    runtime: Option<Runtime>,
    dir: Option<TempDir>,
    /// Says that the directory is in use; none where files cannot be locked.
    _lock: Option<File>,
    root: PathBuf,
    storage: Storage,
    made: AtomicU64,
}

/// A registry on loopback, empty at first. It stops when it is dropped.
#[derive(Debug)]
pub struct Embedded {
    address: SocketAddr,
    dir: PathBuf,
    _stop: oneshot::Sender<()>,
}

impl Host {
    /// A host of registries that hold up to `bytes` in all at one time.
    ///
    /// # Errors
    /// [`FaultKind::Local`] where there is no room, or no thread.
    pub fn new(bytes: u64) -> Result<Self, Fault> {
        [Path::new(MEMORY), &std::env::temp_dir()].into_iter().for_each(leftovers::sweep);
        let (parent, storage) = roomy(bytes.saturating_add(MARGIN))?;
        let dir = tempfile::Builder::new()
            .prefix(&format!("{}{}-", leftovers::PREFIX, std::process::id()))
            .tempdir_in(parent);
        let dir = dir.map_err(|why| local("cannot make a directory for the embedded registries", why))?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
        Ok(Self {
            runtime: Some(runtime.map_err(|why| local("cannot start threads", why))?),
            root: dir.path().to_owned(),
            _lock: leftovers::lock(dir.path()).ok(),
            dir: Some(dir),
            storage,
            made: AtomicU64::new(0),
        })
    }

    /// Where the registries keep their content.
    pub fn storage(&self) -> Storage {
        self.storage
    }

    /// A new registry without content.
    ///
    /// # Errors
    /// [`FaultKind::Local`] where the directory or the port cannot be had.
    pub async fn registry(&self) -> Result<Embedded, Fault> {
        let dir = self.root.join(self.made.fetch_add(1, Ordering::Relaxed).to_string());
        let (stop, stopped) = oneshot::channel::<()>();
        let place = dir.clone();
        let serving = async move {
            // A server that has just begun has nobody else on its thread to hold up.
            let layout = Layout::create_or_open(&place)?;
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(no_port)?;
            let address = listener.local_addr().map_err(no_port)?;
            tokio::spawn(async move {
                let server = Server::new(layout, Options::default());
                // It ends with the host, or when nobody can connect any more: then clients say so.
                drop(server.serve(listener, async { drop(stopped.await) }).await);
            });
            Ok(address)
        };
        let address = self.here(serving).await?;
        Ok(Embedded { address, dir, _stop: stop })
    }

    /// Ends a registry, and gives back what its content took.
    pub async fn close(&self, registry: Embedded) {
        let Embedded { dir, _stop: stop, .. } = registry;
        drop(stop);
        // What cannot be removed now goes with the whole directory.
        let removed = tokio::task::spawn_blocking(move || std::fs::remove_dir_all(dir));
        drop(removed.await);
    }

    /// A link to `upstream`.
    ///
    /// # Errors
    /// [`FaultKind::Local`] where there is no port.
    pub async fn link(&self, upstream: SocketAddr, conditions: Conditions) -> Result<Link, Fault> {
        self.here(async move { Link::start(upstream, conditions).await.map_err(no_port) }).await
    }

    /// Runs something on the host's own threads.
    async fn here<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, Fault>> + Send + 'static,
    ) -> Result<T, Fault> {
        let gone = || Fault::new(FaultKind::Local, STEP, "the threads of the embedded registries have ended");
        let runtime = self.runtime.as_ref().ok_or_else(gone)?;
        runtime.spawn(work).await.map_err(|why| gone().because(why))?
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let (runtime, dir) = (self.runtime.take(), self.dir.take());
        // One thread cannot wait for a runtime while it runs another. Whoever still writes would leave files behind.
        let ending = thread::Builder::new().spawn(move || {
            if let Some(runtime) = runtime {
                runtime.shutdown_timeout(ENDING);
            }
            drop(dir);
        });
        // Without a thread, both ended where they were.
        drop(ending.map(thread::JoinHandle::join));
    }
}

impl Embedded {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

const STEP: Step = Step::OpenLayout;

/// A directory with so much room: in memory where there is enough of it.
fn roomy(bytes: u64) -> Result<(PathBuf, Storage), Fault> {
    let fits = |dir: &Path| machine::free(dir).is_none_or(|free| free >= bytes);
    let memory = Path::new(MEMORY);
    // A container may have a large file system in memory, and little memory.
    if memory.is_dir() && fits(memory) && machine::available().is_some_and(|there| there / 2 >= bytes) {
        return Ok((memory.to_owned(), Storage::Memory));
    }
    let disk = std::env::temp_dir();
    if fits(&disk) {
        return Ok((disk, Storage::Disk));
    }
    let what = format!("{} has no room for {bytes} bytes", disk.display());
    Err(Fault::new(FaultKind::Local, STEP, what)
        .hint("make less content: --images, --layers, --layer-size; or set TMPDIR to a larger disk"))
}

fn local(what: &str, why: io::Error) -> Fault {
    Fault::new(FaultKind::Local, STEP, format!("{what}: {why}")).because(why)
}

fn no_port(why: io::Error) -> Fault {
    local("cannot listen on loopback", why)
}
