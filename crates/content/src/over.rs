//! What is laid over a side of a copy: it does itself what it is there for, and the side does the rest.
//!
//! A decorator that hands on each method by hand forgets the one that comes later, and gets that one's default.
use std::ops::Range;

use futures::future::BoxFuture;
use reference::{Digest, RepositoryName};

use crate::{At, Begun, Descriptor, Fault, Incoming, Manifest, Mode, Place, Source, Target, Upload, Version};

/// Something over a source: see [`Source`] for what is handed on.
#[allow(missing_docs, reason = "each is the method of its name")]
pub trait OverSource: Send + Sync {
    /// The source below.
    fn below(&self) -> &dyn Source;

    fn resolve<'a>(&'a self, version: &'a Version) -> BoxFuture<'a, Result<Descriptor, Fault>> {
        self.below().resolve(version)
    }

    fn manifest<'a>(
        &'a self,
        version: &'a Version,
        described: Option<&'a Descriptor>,
    ) -> BoxFuture<'a, Result<Manifest, Fault>> {
        self.below().manifest(version, described)
    }

    fn referrers<'a>(&'a self, subject: &'a Digest) -> BoxFuture<'a, Result<Vec<Descriptor>, Fault>> {
        self.below().referrers(subject)
    }

    fn open<'a>(&'a self, blob: &'a Descriptor, span: Range<u64>) -> BoxFuture<'a, Result<Incoming, Fault>> {
        self.below().open(blob, span)
    }

    fn held<'a>(&'a self, blob: &'a Descriptor) -> BoxFuture<'a, Result<Option<u64>, Fault>> {
        self.below().held(blob)
    }
}

impl<T: OverSource> Source for T {
    fn place(&self) -> &Place {
        self.below().place()
    }

    fn resolve<'a>(&'a self, version: &'a Version) -> BoxFuture<'a, Result<Descriptor, Fault>> {
        OverSource::resolve(self, version)
    }

    fn manifest<'a>(
        &'a self,
        version: &'a Version,
        described: Option<&'a Descriptor>,
    ) -> BoxFuture<'a, Result<Manifest, Fault>> {
        OverSource::manifest(self, version, described)
    }

    fn referrers<'a>(&'a self, subject: &'a Digest) -> BoxFuture<'a, Result<Vec<Descriptor>, Fault>> {
        OverSource::referrers(self, subject)
    }

    fn open<'a>(&'a self, blob: &'a Descriptor, span: Range<u64>) -> BoxFuture<'a, Result<Incoming, Fault>> {
        OverSource::open(self, blob, span)
    }

    fn held<'a>(&'a self, blob: &'a Descriptor) -> BoxFuture<'a, Result<Option<u64>, Fault>> {
        OverSource::held(self, blob)
    }
}

/// Something over a target: see [`Target`] for what is handed on.
#[allow(missing_docs, reason = "each is the method of its name")]
pub trait OverTarget: Send + Sync {
    /// The target below.
    fn below(&self) -> &dyn Target;

    fn find<'a>(&'a self, version: &'a Version) -> BoxFuture<'a, Result<Option<Descriptor>, Fault>> {
        self.below().find(version)
    }

    fn begin<'a>(
        &'a self,
        blob: &'a Descriptor,
        mount: Option<&'a RepositoryName>,
    ) -> BoxFuture<'a, Result<Begun, Fault>> {
        self.below().begin(blob, mount)
    }

    fn reopen<'a>(
        &'a self,
        blob: &'a Descriptor,
        location: &'a str,
    ) -> BoxFuture<'a, Result<Option<Box<dyn Upload>>, Fault>> {
        self.below().reopen(blob, location)
    }

    fn insist<'a>(&'a self, blob: &'a Descriptor) -> BoxFuture<'a, Result<Begun, Fault>> {
        self.below().insist(blob)
    }

    fn lists<'a>(&'a self, manifest: &'a Manifest) -> BoxFuture<'a, Result<bool, Fault>> {
        self.below().lists(manifest)
    }

    fn publish<'a>(
        &'a self,
        manifest: &'a Manifest,
        at: At<'a>,
        mode: Mode,
    ) -> BoxFuture<'a, Result<(), Fault>> {
        self.below().publish(manifest, at, mode)
    }
}

impl<T: OverTarget> Target for T {
    fn place(&self) -> &Place {
        self.below().place()
    }

    fn find<'a>(&'a self, version: &'a Version) -> BoxFuture<'a, Result<Option<Descriptor>, Fault>> {
        OverTarget::find(self, version)
    }

    fn begin<'a>(
        &'a self,
        blob: &'a Descriptor,
        mount: Option<&'a RepositoryName>,
    ) -> BoxFuture<'a, Result<Begun, Fault>> {
        OverTarget::begin(self, blob, mount)
    }

    fn reopen<'a>(
        &'a self,
        blob: &'a Descriptor,
        location: &'a str,
    ) -> BoxFuture<'a, Result<Option<Box<dyn Upload>>, Fault>> {
        OverTarget::reopen(self, blob, location)
    }

    fn insist<'a>(&'a self, blob: &'a Descriptor) -> BoxFuture<'a, Result<Begun, Fault>> {
        OverTarget::insist(self, blob)
    }

    fn lists<'a>(&'a self, manifest: &'a Manifest) -> BoxFuture<'a, Result<bool, Fault>> {
        OverTarget::lists(self, manifest)
    }

    fn publish<'a>(
        &'a self,
        manifest: &'a Manifest,
        at: At<'a>,
        mode: Mode,
    ) -> BoxFuture<'a, Result<(), Fault>> {
        OverTarget::publish(self, manifest, at, mode)
    }
}
