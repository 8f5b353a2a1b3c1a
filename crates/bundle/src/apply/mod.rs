//! Applying: a bundle is brought to a registry, or into a layout. Tags come last, when all else is there.
mod area;
mod base;
mod dock;
mod push;
mod source;
mod staging;
mod store;

use std::{fmt, sync::Arc};

use content::{Source, Target};
use reference::{Digest, RepositoryName};

pub use push::{look_for_all, look_for_base, push};
pub use source::Stock;
pub(crate) use source::descriptor;
pub use staging::Staging;
pub use store::{Intake, store};

use crate::{BundleError, Plan, plan::Image};

/// One repository of a destination, to be read and written.
pub struct Sides {
    /// To be read: what it holds of the base.
    pub source: Arc<dyn Source>,
    /// To be written.
    pub target: Arc<dyn Target>,
}

impl fmt::Debug for Sides {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sides").field("target", self.target.place()).finish_non_exhaustive()
    }
}

/// A registry that a bundle is brought to.
pub trait Harbour: Send + Sync {
    /// A repository of the registry.
    ///
    /// # Errors
    /// One that cannot be opened: credentials, most likely.
    fn repository(&self, name: &RepositoryName) -> Result<Sides, BundleError>;

    /// What is put before the name of each repository of the bundle.
    fn prefix(&self) -> Option<&RepositoryName>;
}

/// What is done about tags that exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clobber {
    /// They are moved: a bundle mirrors.
    Move,
    /// Those at another digest refuse the whole bundle.
    Refuse,
}

/// What came of an application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// The bundle.
    pub set: Digest,
    /// How many volumes it has.
    pub volumes: u32,
    /// The volumes that are still to come; nothing was tagged while there are any.
    pub missing: Vec<u32>,
    /// The images, with what was written.
    pub images: Vec<Arrived>,
    /// Blobs that were stored or sent.
    pub copied: usize,
    /// Blobs that were mounted from other repositories.
    pub mounted: usize,
    /// Blobs that were there, those of the base with them.
    pub present: usize,
    /// Bytes of the blobs that were stored or sent.
    pub bytes: u64,
}

impl Applied {
    /// Of a bundle of which nothing was brought yet.
    fn nothing(plan: &Plan) -> Self {
        let (set, volumes) = (plan.set.clone(), plan.volumes);
        let (missing, images) = (Vec::new(), Vec::new());
        Self { set, volumes, missing, images, copied: 0, mounted: 0, present: 0, bytes: 0 }
    }
}

/// An image that is there now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrived {
    /// Which.
    pub image: Image,
    /// Whether it was there before.
    pub already_there: bool,
}
