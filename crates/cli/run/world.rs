//! The world of mirrors: their names become places, with the credentials that are stored for each registry.
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use content::{Catalog, Fault, FaultKind, Source, Step, Target};
use copier::CopyError;
use futures::future::BoxFuture;
use layout::Layout;
use mirror::{Site, World};
use reference::{LayoutForm, RefName, Registry, RepositoryName};

use super::places::{self, Places};
use crate::failure::Failure;

/// Everywhere that a mirror reads or writes.
pub(super) struct Everywhere {
    places: Places,
    layouts: Mutex<BTreeMap<PathBuf, Layout>>,
    targets: Mutex<BTreeMap<PathBuf, Arc<dyn Target>>>,
}

impl Everywhere {
    /// Everywhere that `places` reach.
    pub(super) fn new(places: Places) -> Self {
        Self { places, layouts: Mutex::default(), targets: Mutex::default() }
    }

    /// A layout to be read, which is opened once.
    fn layout(&self, form: LayoutForm, path: &Path) -> Result<Layout, Fault> {
        let mut layouts = self.layouts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(layout) = layouts.get(path) {
            return Ok(layout.clone());
        }
        let layout = match form {
            LayoutForm::Directory => Layout::open(path)?,
            LayoutForm::Archive => Layout::open_archive(path)?,
        };
        layouts.insert(path.to_owned(), layout.clone());
        Ok(layout)
    }
}

impl World for Everywhere {
    fn source(&self, site: &Site) -> Result<Arc<dyn Source>, Fault> {
        Ok(match site {
            Site::Repository { registry, repository } => {
                Arc::new(self.places.repository(registry, repository, &self.places.stored()))
            }
            Site::Layout { form, path } => Arc::new(self.layout(*form, path)?.repository(None)),
        })
    }

    fn target(&self, site: &Site) -> Result<Arc<dyn Target>, Fault> {
        let path = match site {
            Site::Repository { registry, repository } => {
                return Ok(Arc::new(self.places.repository(registry, repository, &self.places.stored())));
            }
            Site::Layout { form: LayoutForm::Archive, path } => {
                return self.places.archive_target(path, None).map_err(fault);
            }
            Site::Layout { form: LayoutForm::Directory, path } => path,
        };
        let mut targets = self.targets.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(target) = targets.get(path) {
            return Ok(Arc::clone(target));
        }
        let target = places::layout_target(path, None).map_err(fault)?;
        targets.insert(path.clone(), Arc::clone(&target));
        Ok(target)
    }

    fn catalog(&self, site: &Site) -> Result<Arc<dyn Catalog>, Fault> {
        Ok(match site {
            Site::Repository { registry, repository } => {
                Arc::new(self.places.repository(registry, repository, &self.places.stored()))
            }
            Site::Layout { form, path } => Arc::new(self.layout(*form, path)?.repository(None)),
        })
    }

    fn names<'a>(&'a self, site: &'a Site) -> BoxFuture<'a, Result<Vec<RefName>, Fault>> {
        Box::pin(async move { self.catalog(site)?.names().await })
    }

    fn repositories<'a>(
        &'a self,
        registry: &'a Registry,
    ) -> BoxFuture<'a, Result<Vec<RepositoryName>, Fault>> {
        Box::pin(self.places.repositories(registry))
    }
}

/// What opening a layout fails with.
fn fault(failure: Failure) -> Fault {
    match failure {
        Failure::Copy(CopyError::Failed { fault, .. }) | Failure::Neither(fault) => fault,
        Failure::File { path, why } => {
            Fault::new(FaultKind::Local, Step::OpenLayout, "cannot find the directory").at(path).because(why)
        }
        other => Fault::new(FaultKind::Local, Step::OpenLayout, format!("cannot open the layout: {other:?}")),
    }
}
