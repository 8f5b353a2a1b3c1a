//! Ends: both repositories of a benchmark, who makes its runs, and what may go wrong at either.
use std::net::SocketAddr;

use content::Fault;
use copier::{CopyError, Side};
use futures::future::BoxFuture;
use reference::{Registry, RepositoryName};
use registry::Repository;

use crate::{
    errand::{Errand, Measured, Spot},
    host::Embedded,
    results::Sides,
};

/// Who makes runs, in a process of their own, and tells the user.
pub trait Crew: Send + Sync {
    /// Makes one run.
    fn run(&self, errand: Errand) -> BoxFuture<'_, Result<Measured, Fault>>;

    /// Says what happens.
    fn note(&self, text: &str);

    /// Says what the user should know afterwards, too.
    fn warn(&self, text: &str);
}

/// Why there are no results.
#[derive(Debug)]
pub enum Trouble {
    /// A side failed.
    Side(CopyError),
    /// This machine did.
    Here(Fault),
}

/// A repository at one end.
#[derive(Debug)]
pub struct End {
    /// Its registry.
    pub registry: Registry,
    /// Its name there.
    pub name: RepositoryName,
    /// The repository, as this process sees it.
    pub repository: Repository,
    /// Where the registry is reached: for links.
    pub upstream: Option<SocketAddr>,
}

/// Both ends.
#[derive(Debug)]
pub enum Ends {
    /// The user named both.
    Named(Box<Sides<End>>),
    /// The host holds both: this one for the source, and another one for the target of each run.
    Embedded(Box<End>, Embedded),
}

impl End {
    /// As a run is told of it, without a link.
    pub(crate) fn spot(&self) -> Spot {
        Spot { registry: self.registry.to_string(), repository: self.name.to_string(), via: None }
    }
}

/// A fault of the source.
pub(crate) fn at_source(fault: Fault) -> Trouble {
    Trouble::Side(CopyError::Failed { side: Side::Source, fault })
}

/// A fault of the target.
pub(crate) fn at_target(fault: Fault) -> Trouble {
    Trouble::Side(CopyError::Failed { side: Side::Target, fault })
}
