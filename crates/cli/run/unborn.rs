//! A layout that does not exist yet. It is made when there is something to write, so that a copy which is refused
//! leaves nothing behind.
use std::{
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use content::{At, Begun, Descriptor, Fault, Manifest, Mode, Place, Target, Version};
use futures::{FutureExt, future::BoxFuture};
use layout::{Layout, LayoutRepository};
use reference::RepositoryName;

use crate::failure::Failure;

/// A target that is not there until it is needed.
#[derive(Debug)]
pub(crate) struct Unborn {
    dir: PathBuf,
    place: Place,
    born: Mutex<Option<LayoutRepository>>,
}

impl Unborn {
    /// A layout to come at `dir`.
    pub(crate) fn new(dir: &Path, repository: Option<RepositoryName>) -> Result<Self, Failure> {
        let root = canonical(dir).map_err(|why| Failure::file(dir, why))?;
        let place =
            Place::new(format!("oci:{}", root.display()), format!("oci:{}", dir.display()), repository);
        Ok(Self { dir: dir.to_owned(), place, born: Mutex::default() })
    }

    fn layout(&self) -> Result<LayoutRepository, Fault> {
        let mut born = self.born.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(layout) = &*born {
            return Ok(layout.clone());
        }
        let layout = Layout::create_or_open(&self.dir)?.repository(self.place.repository().cloned());
        Ok(born.insert(layout).clone())
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
            self.layout()?.find(version).await
        }
        .boxed()
    }

    fn begin<'a>(
        &'a self,
        blob: &'a Descriptor,
        mount: Option<&'a RepositoryName>,
    ) -> BoxFuture<'a, Result<Begun, Fault>> {
        async move { self.layout()?.begin(blob, mount).await }.boxed()
    }

    fn publish<'a>(
        &'a self,
        manifest: &'a Manifest,
        at: At<'a>,
        mode: Mode,
    ) -> BoxFuture<'a, Result<(), Fault>> {
        async move { self.layout()?.publish(manifest, at, mode).await }.boxed()
    }
}

/// The path that the directory will have once it is made: its nearest ancestor that exists, without links, and the
/// rest.
fn canonical(dir: &Path) -> std::io::Result<PathBuf> {
    let absolute = std::path::absolute(dir)?;
    for ancestor in absolute.ancestors() {
        if let Ok(root) = ancestor.canonicalize() {
            let rest = absolute.strip_prefix(ancestor).unwrap_or(Path::new(""));
            return Ok(if rest.as_os_str().is_empty() { root } else { root.join(rest) });
        }
    }
    Ok(absolute)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_to_come_has_the_path_that_it_will_have() {
        let parent = tempfile::tempdir().unwrap();
        let dir = parent.path().join("a/b");
        let before = canonical(&dir).unwrap();
        std::fs::create_dir_all(&dir).unwrap();
        assert_eq!(before, dir.canonicalize().unwrap());
    }
}
