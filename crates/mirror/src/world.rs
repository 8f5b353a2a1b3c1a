//! The world: whoever knows how places are reached.
use std::{fmt, sync::Arc};

use content::{Catalog, Fault, Source, Target};
use futures::future::BoxFuture;
use reference::{RefName, Registry, RepositoryName};

use crate::Site;

/// Turns names into places. Called often with the same site: what stands behind it is to be opened once.
pub trait World: Send + Sync {
    /// A repository or layout to read from.
    ///
    /// # Errors
    /// A layout that cannot be opened.
    fn source(&self, site: &Site) -> Result<Arc<dyn Source>, Fault>;

    /// A repository or layout to write to. Nothing is made before there is something to write.
    ///
    /// # Errors
    /// A layout that cannot be opened.
    fn target(&self, site: &Site) -> Result<Arc<dyn Target>, Fault>;

    /// A repository or layout whose names may be taken away.
    ///
    /// # Errors
    /// A layout that cannot be opened.
    fn catalog(&self, site: &Site) -> Result<Arc<dyn Catalog>, Fault>;

    /// Every tag of a repository, or ref name of a layout.
    fn names<'a>(&'a self, site: &'a Site) -> BoxFuture<'a, Result<Vec<RefName>, Fault>>;

    /// Every repository of a registry.
    fn repositories<'a>(
        &'a self,
        registry: &'a Registry,
    ) -> BoxFuture<'a, Result<Vec<RepositoryName>, Fault>>;
}

impl fmt::Debug for dyn World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("World")
    }
}
