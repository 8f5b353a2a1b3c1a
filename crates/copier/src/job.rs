//! Jobs: what is to be copied, where to, and under which rules.
use std::{fmt, sync::Arc};

use content::{Source, Target, Version};
use reference::{Digest, RefName};

use crate::{Limits, Platforms};

/// One image to copy.
pub struct Job {
    /// Where it is read.
    pub source: Arc<dyn Source>,
    /// Which manifest of the source.
    pub version: Version,
    /// Where it is written.
    pub destinations: Vec<Destination>,
    /// What to do about tags that exist.
    pub existing: Existing,
    /// What is too much.
    pub limits: Limits,
    /// What to do about foreign layers.
    pub foreign: Foreign,
    /// Whether what is about the image goes along.
    pub referrers: Referrers,
    /// Which platforms are copied.
    pub platforms: Platforms,
    /// Whether destinations stand or fall together.
    pub ties: Ties,
}

/// One repository, or layout, to write to.
#[derive(Clone)]
pub struct Destination {
    /// Where it is.
    pub target: Arc<dyn Target>,
    /// Under which names; with none, the manifest is written by digest only.
    pub names: Vec<RefName>,
    /// The digest that the source must have, where the destination was written with one.
    pub expect: Option<Digest>,
}

/// What to do about a target tag that exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// Refuse, whatever it points to: importImage's `NoForce`.
    Refuse,
    /// Refuse unless it is at the source's digest already, which counts as done.
    RefuseUnlessSame,
    /// Move it: importImage's `Force`.
    Move,
    /// Move it. One that is at the source's digest already is left, but says nothing of what lies below it: every part
    /// is asked for, and what is missing is sent.
    RepairOrMove,
    /// Refuse, unless it is at the source's digest already. Then every part is asked for, and what is missing is sent.
    RepairOrRefuse,
}

impl Existing {
    /// Whether an equal root says that all is there.
    pub(crate) fn trusts_roots(self) -> bool {
        !matches!(self, Self::RepairOrMove | Self::RepairOrRefuse)
    }
}

/// What to do about layers that registries may refuse to hold, told by their media type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Foreign {
    /// Leave them where they are, and say so.
    Skip,
    /// Copy them like any other layer.
    Include,
}

/// What to do about manifests that are about the image and no part of it: those that name it, or what is below it, as
/// their subject, and those that cosign keeps under tags made of its digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Referrers {
    /// Leave them where they are.
    Leave,
    /// Copy them, and what is about them, before the image has its name; also where only they are missing.
    Follow,
}

/// Whether one destination's failure is everyone's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ties {
    /// One conflict refuses the whole job, and one failure ends it: an import.
    Together,
    /// Each destination stands for itself: a copy to several places.
    Apart,
}

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job")
            .field("source", self.source.place())
            .field("version", &self.version)
            .field("destinations", &self.destinations)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Destination")
            .field("target", self.target.place())
            .field("names", &self.names)
            .finish_non_exhaustive()
    }
}
