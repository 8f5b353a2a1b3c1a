//! A layout that does not exist yet. It is made when there is something to write, so that a copy which is refused
//! leaves nothing behind.
use std::path::{Path, PathBuf};

use content::{At, Begun, Descriptor, Fault, FaultKind, Manifest, Mode, Place, Step, Target, Version};
use copier::Side;
use futures::{FutureExt, future::BoxFuture};
use layout::{Layout, LayoutRepository};
use reference::RepositoryName;
use tokio::{sync::OnceCell, task::spawn_blocking};

use crate::failure::Failure;

/// A target that is not there until it is needed.
#[derive(Debug)]
pub(crate) struct Unborn {
    dir: PathBuf,
    place: Place,
    born: OnceCell<LayoutRepository>,
}

impl Unborn {
    /// A layout to come at `dir`, where nothing may be in its way.
    pub(crate) fn new(dir: &Path, repository: Option<RepositoryName>) -> Result<Self, Failure> {
        layout::refuse_taken(dir).map_err(|fault| Failure::at(Side::Target, fault))?;
        let root = layout::future_path(dir).map_err(|why| Failure::file(dir, why))?;
        let place =
            Place::new(format!("oci:{}", root.display()), format!("oci:{}", dir.display()), repository);
        Ok(Self { dir: dir.to_owned(), place, born: OnceCell::new() })
    }

    /// The layout, made on a thread of its own: it may wait there for another process that makes the same one.
    async fn layout(&self) -> Result<&LayoutRepository, Fault> {
        let make = || async {
            let dir = self.dir.clone();
            let made = spawn_blocking(move || Layout::create_or_open(&dir)).await.map_err(|stopped| {
                Fault::new(FaultKind::Local, Step::OpenLayout, "the work on disk was stopped")
                    .at(&self.place)
                    .because(stopped)
            })?;
            Ok(made?.repository(self.place.repository().cloned()))
        };
        self.born.get_or_try_init(make).await
    }
}

impl Target for Unborn {
    fn place(&self) -> &Place {
        &self.place
    }

    fn find<'a>(&'a self, version: &'a Version) -> BoxFuture<'a, Result<Option<Descriptor>, Fault>> {
        async move {
            if !self.dir.join("oci-layout").exists() {
                return Ok(None);
            }
            self.layout().await?.find(version).await
        }
        .boxed()
    }

    fn begin<'a>(
        &'a self,
        blob: &'a Descriptor,
        mount: Option<&'a RepositoryName>,
    ) -> BoxFuture<'a, Result<Begun, Fault>> {
        async move { self.layout().await?.begin(blob, mount).await }.boxed()
    }

    fn publish<'a>(
        &'a self,
        manifest: &'a Manifest,
        at: At<'a>,
        mode: Mode,
    ) -> BoxFuture<'a, Result<(), Fault>> {
        async move { self.layout().await?.publish(manifest, at, mode).await }.boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With the wait on the runtime's own thread nobody could give the lock back, and it would end in a fault.
    #[tokio::test]
    async fn a_layout_that_another_process_makes_is_waited_for_off_the_runtimes_thread() {
        let parent = tempfile::tempdir().unwrap();
        let dir = parent.path().join("new");
        std::fs::create_dir_all(dir.join(".transship")).unwrap();
        let lock = std::fs::File::create(dir.join(".transship/lock")).unwrap();
        lock.lock().unwrap();
        let target = Unborn::new(&dir, None).unwrap();
        let digest = format!("sha256:{}", "0".repeat(64)).parse().unwrap();
        let blob = Descriptor::new(content::MediaType::new("any/type"), digest, 1);
        let give_back = async {
            tokio::task::yield_now().await;
            drop(lock);
        };
        let (begun, ()) = futures::join!(target.begin(&blob, None), give_back);
        assert!(matches!(begun.unwrap(), Begun::Upload(_)));
    }
}
