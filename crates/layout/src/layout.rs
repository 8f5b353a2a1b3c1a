//! A layout: a directory with its marker file, its index under a lock and its store; or an archive, which is read.
use std::{
    io::{self, ErrorKind},
    path::{Path, PathBuf},
    sync::{Arc, MutexGuard, PoisonError},
    time::Duration,
};

use content::{Fault, FaultKind, Place, Step};
use reference::RepositoryName;
use tokio::{sync::Mutex, task::spawn_blocking};

use crate::{
    Entry, Index, LayoutRepository, Store,
    archive::Shelf,
    disk, ground,
    index::MAX_INDEX,
    lock::{self, Lock},
    marker,
    stamp::Stamp,
    trouble,
};

/// How long a writer waits for another process. It changes one file under the lock; only one that hangs takes longer.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often, and how long apart, making an empty layout is tried while another process makes the same.
const SKELETON_ATTEMPTS: usize = 500;
const SKELETON_PAUSE: Duration = Duration::from_millis(10);

/// An OCI image layout: a directory, or an archive. Cheap to clone; clones share one memory of `index.json`.
///
/// An archive is read in place, and never written to from here: see [`crate::ArchiveWriter`].
#[derive(Debug, Clone)]
pub struct Layout(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    root: PathBuf,
    shown: String,
    store: Store,
    /// Writers of this process queue here, so that at most one thread waits for the lock of all processes.
    writing: Mutex<()>,
    memory: std::sync::Mutex<Memory>,
}

/// The `index.json` that was read or written last.
#[derive(Debug, Default)]
struct Memory {
    /// How often this process has replaced the file: what a slow reader read before that is not remembered.
    replaced: u64,
    known: Option<Known>,
}

#[derive(Debug, Clone)]
struct Known {
    stamp: Stamp,
    bytes: Arc<[u8]>,
    index: Arc<Index>,
}

impl Layout {
    /// Opens a layout that exists: a directory, or an archive where `path` is a file.
    ///
    /// # Errors
    /// [`FaultKind::Absent`] when there is no layout, [`FaultKind::Untrue`] when it is one of another version, or an
    /// archive that is cut off or damaged, [`FaultKind::Refused`] when it is an archive that cannot be read at random.
    pub fn open(path: &Path) -> Result<Self, Fault> {
        let layout = Self::at(path)?;
        if !layout.is_writable() {
            return Ok(layout);
        }
        let root = &layout.0.root;
        match disk::read_small(&root.join("oci-layout"), marker::MAX) {
            Ok(bytes) => layout.check_marker(&bytes)?,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Err(layout
                    .fault(FaultKind::Absent, "it is no OCI image layout: there is no file oci-layout")
                    .hint("an OCI image layout holds oci-layout, index.json and blobs"));
            }
            Err(error) => return Err(layout.trouble("cannot read oci-layout", error)),
        }
        layout.load()?;
        Ok(layout)
    }

    /// Opens a layout to write to it, and makes the directory and an empty layout in it where there is none. Removes
    /// what writers left that have died. It may wait: call it where blocking is allowed.
    ///
    /// # Errors
    /// [`FaultKind::Local`] when the disk fails, another process holds the lock for 5 seconds while the layout is not
    /// complete, or something that is no layout's stands there (see [`crate::refuse_taken`]).
    pub fn create_or_open(dir: &Path) -> Result<Self, Fault> {
        Self::create_within(dir, SKELETON_ATTEMPTS)
    }

    fn create_within(dir: &Path, attempts: usize) -> Result<Self, Fault> {
        ground::refuse_taken(dir)?;
        let shown = shown(dir);
        let local = |what: &str, error| trouble::fault(&shown, Step::OpenLayout, what, error);
        disk::make_all_directories(dir).map_err(|error| local("cannot make the directory", error))?;
        let root = dir.canonicalize().map_err(|error| local("cannot find the directory", error))?;
        for attempt in 0..attempts {
            if make_skeleton(&root).map_err(|error| local("cannot make a layout", error))? {
                let layout = Self::open(dir)?;
                lock::sweep(&root);
                return Ok(layout);
            }
            tracing::debug!(attempt, "another process makes this layout");
            // Short: whoever has the lock is about to finish.
            std::thread::sleep(SKELETON_PAUSE);
        }
        Err(taken(&shown, Step::OpenLayout))
    }

    /// Opens an archive that exists.
    ///
    /// # Errors
    /// Those of [`Self::open`], and [`FaultKind::Absent`] when `path` is a directory.
    pub fn open_archive(path: &Path) -> Result<Self, Fault> {
        if path.is_dir() {
            return Err(Fault::new(FaultKind::Absent, Step::OpenLayout, "it is a directory, not an archive")
                .at(shown_archive(path))
                .hint(format!("name it as one: {}", shown(path))));
        }
        Self::at_archive(path, true)
    }

    fn at(path: &Path) -> Result<Self, Fault> {
        Self::at_archive(path, path.is_file())
    }

    fn at_archive(path: &Path, is_archive: bool) -> Result<Self, Fault> {
        let shown = if is_archive { shown_archive(path) } else { shown(path) };
        let root = path.canonicalize().map_err(|error| {
            if error.kind() == ErrorKind::NotFound && !is_archive {
                let what = "there is no such file or directory";
                return Fault::new(FaultKind::Absent, Step::OpenLayout, what).at(&shown);
            }
            let what = if is_archive { "cannot open the archive" } else { "cannot open the directory" };
            if !matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) {
                return trouble::fault(&shown, Step::OpenLayout, what, error);
            }
            Fault::new(FaultKind::Absent, Step::OpenLayout, format!("{what}: {error}"))
                .at(&shown)
                .because(error)
        })?;
        let store =
            if is_archive { Store::on(Shelf::open(&root, &shown)?) } else { Store::new(&root, &shown) };
        Ok(Self(Arc::new(Shared {
            store,
            root,
            shown,
            writing: Mutex::new(()),
            memory: std::sync::Mutex::default(),
        })))
    }

    /// Whether it can be written to: a directory can, whatever its permissions say; an archive cannot.
    pub fn is_writable(&self) -> bool {
        self.0.store.shelf().is_none()
    }

    fn check_marker(&self, bytes: &[u8]) -> Result<(), Fault> {
        if marker::is_version_1(bytes) {
            return Ok(());
        }
        Err(self.fault(FaultKind::Untrue, marker::NOT_VERSION_1))
    }

    /// The directory or archive, as it was given.
    pub fn shown(&self) -> &str {
        &self.0.shown
    }

    /// The path of the directory or archive, without links.
    pub fn root(&self) -> &Path {
        &self.0.root
    }

    /// The blobs.
    pub fn store(&self) -> &Store {
        &self.0.store
    }

    /// `index.json` as it is now.
    pub async fn index(&self) -> Result<Arc<Index>, Fault> {
        let layout = self.clone();
        let load = move || match layout.0.store.shelf() {
            Some(archive) => Ok(Arc::clone(&archive.refresh()?.index)),
            None => layout.load(),
        };
        match spawn_blocking(load).await {
            Ok(loaded) => loaded,
            Err(stopped) => Err(self.0.store.stopped(Step::Resolve, stopped)),
        }
    }

    /// The entries of `index.json` that we can read, in order.
    pub async fn entries(&self) -> Result<Vec<Entry>, Fault> {
        Ok(self.index().await?.entries().cloned().collect())
    }

    /// Changes `index.json` under the lock that all writers share: `change` sees what is there at that moment. When
    /// it fails, nothing is written.
    pub async fn update<T, F>(&self, change: F) -> Result<T, Fault>
    where
        T: Send + 'static,
        F: FnOnce(&mut Index) -> Result<T, Fault> + Send + 'static,
    {
        self.0.store.refuse_unless_writable(Step::Publish)?;
        let _queue = self.0.writing.lock().await;
        let lock = self.lock().await?;
        let layout = self.clone();
        match spawn_blocking(move || layout.update_now(lock, change)).await {
            Ok(updated) => updated,
            Err(stopped) => Err(self.0.store.stopped(Step::Publish, stopped)),
        }
    }

    /// The layout as one side of a copy. `repository` names what is written by digest alone.
    pub fn repository(&self, repository: Option<RepositoryName>) -> LayoutRepository {
        let origin = if self.is_writable() { shown(&self.0.root) } else { shown_archive(&self.0.root) };
        let place = Place::new(origin, self.0.shown.clone(), repository);
        LayoutRepository::new(self.clone(), place)
    }

    /// The lock of all writers, once it is free.
    async fn lock(&self) -> Result<Lock, Fault> {
        let (root, shown) = (self.0.root.clone(), &self.0.shown);
        let asked = lock::patiently(move || Lock::try_take(&root), PATIENCE, shown);
        let lock = self.0.store.finish(asked, Step::Publish, "cannot lock the layout").await?;
        lock.ok_or_else(|| taken(shown, Step::Publish))
    }

    fn update_now<T>(
        &self,
        lock: Lock,
        change: impl FnOnce(&mut Index) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let root = &self.0.root;
        // By its bytes, never by its stamp: two files of one moment may look alike from outside.
        let known = self.remembered().1;
        let mut index = Index::clone(&*self.read(known)?.1);
        let before = index.to_bytes();
        let result = change(&mut index)?;
        let after = index.to_bytes();
        if before != after {
            let written = disk::replace(&root.join("index.json"), &after, &lock::scratch(root))
                .map_err(|error| self.trouble("cannot write index.json", error))?;
            let stamp = Stamp::of(&written);
            let known = Known { stamp, bytes: after.into(), index: Arc::new(index) };
            let mut memory = self.memory();
            memory.replaced = memory.replaced.wrapping_add(1);
            memory.known = Some(known);
        }
        drop(lock);
        Ok(result)
    }

    fn load(&self) -> Result<Arc<Index>, Fault> {
        let metadata = std::fs::symlink_metadata(self.0.root.join("index.json"));
        let metadata = metadata.map_err(|error| self.trouble("cannot read index.json", error))?;
        let stamp = Stamp::of(&metadata);
        let (replaced, known) = self.remembered();
        if let Some(known) = known.as_ref().filter(|known| known.stamp == stamp) {
            return Ok(Arc::clone(&known.index));
        }
        let (bytes, index) = self.read(known)?;
        let mut memory = self.memory();
        if memory.replaced == replaced {
            memory.known = Some(Known { stamp, bytes, index: Arc::clone(&index) });
        }
        Ok(index)
    }

    /// Reads the file; its bytes are parsed only when they are not the known ones.
    fn read(&self, known: Option<Known>) -> Result<(Arc<[u8]>, Arc<Index>), Fault> {
        let bytes = disk::read_small(&self.0.root.join("index.json"), MAX_INDEX)
            .map_err(|error| self.trouble("cannot read index.json", error))?;
        match known {
            Some(known) if *known.bytes == *bytes => Ok((known.bytes, known.index)),
            _ => {
                let index = Index::parse(&bytes).map_err(|fault| fault.at(&self.0.shown))?;
                Ok((bytes.into(), Arc::new(index)))
            }
        }
    }

    fn remembered(&self) -> (u64, Option<Known>) {
        let memory = self.memory();
        (memory.replaced, memory.known.clone())
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.0.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fault(&self, kind: FaultKind, what: impl Into<String>) -> Fault {
        Fault::new(kind, Step::OpenLayout, what).at(&self.0.shown)
    }

    fn trouble(&self, what: &str, error: io::Error) -> Fault {
        let absent = error.kind() == ErrorKind::NotFound;
        let fault = self.0.store.trouble(Step::OpenLayout, what, error);
        if absent { self.fault(FaultKind::Absent, what).because(fault) } else { fault }
    }
}

/// Writes what an empty layout holds, where it is missing. `false` when it cannot be told yet, because somebody else
/// has the lock.
fn make_skeleton(root: &Path) -> io::Result<bool> {
    let complete = ["oci-layout", "index.json"].map(|name| disk::plain_size(&root.join(name)));
    let [marker, index] = complete;
    if marker?.is_some() && index?.is_some() {
        // Whoever wrote them may have died before their names were durable; what they say may be trusted from now on.
        return disk::sync_directory(root).map(|()| true);
    }
    let Some(_lock) = Lock::try_take(root)? else { return Ok(false) };
    root.parent().map_or(Ok(()), disk::sync_above)?;
    disk::make_directory(&root.join("blobs"))?;
    for (name, bytes) in [("index.json", Index::default().to_bytes()), ("oci-layout", marker::MARKER.into())]
    {
        if disk::plain_size(&root.join(name))?.is_none() {
            disk::replace(&root.join(name), &bytes, &lock::scratch(root))?;
        }
    }
    Ok(true)
}

fn taken(shown: &str, step: Step) -> Fault {
    Fault::new(FaultKind::Local, step, "another process is writing to this layout")
        .at(shown)
        .hint("run this again once it has ended; the lock is .transship/lock in the layout")
}

pub(crate) fn shown(dir: &Path) -> String {
    format!("oci:{}", dir.display())
}

pub(crate) fn shown_archive(path: &Path) -> String {
    format!("oci-archive:{}", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_layout_is_not_waited_for_without_end() {
        let dir = tempfile::tempdir().unwrap();
        let elsewhere = Lock::try_take(dir.path()).unwrap().unwrap();
        let fault = Layout::create_within(dir.path(), 2).unwrap_err();
        assert_eq!((fault.kind(), fault.step()), (FaultKind::Local, Step::OpenLayout));
        assert!(fault.to_string().contains("another process"), "{fault}");
        drop(elsewhere);
        let complete = Layout::create_within(dir.path(), 2).unwrap();
        let _elsewhere = Lock::try_take(complete.root()).unwrap().unwrap();
        Layout::create_within(dir.path(), 1).unwrap();
    }
}
