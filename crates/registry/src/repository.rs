//! A repository at a registry: what is read from it, and what is written to it.
//!
//! This file is the door; the rooms behind it are `manifests`, `blobs`, `upload`, `publish`, `referrers`,
//! `catalog` and `removing`.
use std::{ops::Range, sync::Arc};

use auth::Scopes;
use content::{
    At, Begun, Descriptor, Fault, Incoming, Manifest, Mode, Place, Source, Step, Target, Upload, Version,
};
use futures::{TryFutureExt, future::BoxFuture};
use http::Method;
use reference::{Digest, RepositoryName};
use tracing::Instrument;

use crate::client::{Call, Client};

/// One repository, as one credential sees it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Repository {
    pub(crate) client: Arc<Client>,
    pub(crate) name: RepositoryName,
    place: Place,
}

impl Repository {
    pub(crate) fn new(client: Arc<Client>, name: RepositoryName) -> Self {
        let shown = format!("{}/{name}", client.registry);
        let place = Place::new(client.origin.to_string(), shown, Some(name.clone()));
        Self { client, name, place }
    }

    /// A call below this repository's path.
    pub(crate) fn call(&self, method: Method, path: &str, scopes: Scopes, step: Step) -> Result<Call, Fault> {
        let url = self.client.url(&format!("/v2/{}/{path}", self.name))?;
        Ok(Call::new(method, url, scopes, step))
    }

    /// Permission to read.
    pub(crate) fn pull(&self) -> Scopes {
        Scopes::pull(&self.name)
    }

    /// Permission to write.
    pub(crate) fn push(&self) -> Scopes {
        Scopes::push(&self.name)
    }

    /// Runs one step, in a span that names it, and says where a fault happened.
    pub(crate) fn step<'a, T>(
        &'a self,
        step: Step,
        subject: &impl ToString,
        work: impl Future<Output = Result<T, Fault>> + Send + 'a,
    ) -> BoxFuture<'a, Result<T, Fault>> {
        let subject = subject.to_string();
        let (registry, repository) = (&self.client.registry, &self.name);
        let span = tracing::debug_span!("registry", %registry, %repository, step = step.as_str(), subject);
        // An async block would hold the work twice: as it was given, and as it is awaited.
        let work = work.map_err(|fault| {
            let fault = fault.at(&self.place);
            if fault.subject().is_empty() { fault.about(subject) } else { fault }
        });
        Box::pin(work.instrument(span))
    }
}

impl Source for Repository {
    fn place(&self) -> &Place {
        &self.place
    }

    fn resolve<'a>(&'a self, version: &'a Version) -> BoxFuture<'a, Result<Descriptor, Fault>> {
        self.step(Step::Resolve, version, self.resolve_version(version))
    }

    fn manifest<'a>(
        &'a self,
        version: &'a Version,
        described: Option<&'a Descriptor>,
    ) -> BoxFuture<'a, Result<Manifest, Fault>> {
        self.step(Step::ReadManifest, version, self.read_manifest(version, described, self.pull()))
    }

    fn referrers<'a>(&'a self, subject: &'a Digest) -> BoxFuture<'a, Result<Vec<Descriptor>, Fault>> {
        self.step(Step::List, subject, self.list_referrers(subject))
    }

    fn open<'a>(&'a self, blob: &'a Descriptor, span: Range<u64>) -> BoxFuture<'a, Result<Incoming, Fault>> {
        self.step(Step::ReadBlob, &blob.digest, self.open_blob(blob, span))
    }

    fn held<'a>(&'a self, blob: &'a Descriptor) -> BoxFuture<'a, Result<Option<u64>, Fault>> {
        self.step(Step::CheckBlob, &blob.digest, self.size_of_blob(blob))
    }
}

impl Target for Repository {
    fn place(&self) -> &Place {
        &self.place
    }

    fn find<'a>(&'a self, version: &'a Version) -> BoxFuture<'a, Result<Option<Descriptor>, Fault>> {
        self.step(Step::CheckTag, version, self.find_version(version, self.push(), Step::CheckTag))
    }

    fn begin<'a>(
        &'a self,
        blob: &'a Descriptor,
        mount: Option<&'a RepositoryName>,
    ) -> BoxFuture<'a, Result<Begun, Fault>> {
        self.step(Step::BeginUpload, &blob.digest, self.begin_blob(blob, mount))
    }

    fn reopen<'a>(
        &'a self,
        blob: &'a Descriptor,
        location: &'a str,
    ) -> BoxFuture<'a, Result<Option<Box<dyn Upload>>, Fault>> {
        self.step(Step::BeginUpload, &blob.digest, self.reopen_blob(blob, location))
    }

    fn insist<'a>(&'a self, blob: &'a Descriptor) -> BoxFuture<'a, Result<Begun, Fault>> {
        self.step(Step::BeginUpload, &blob.digest, self.begin_anew(blob))
    }

    fn lists<'a>(&'a self, manifest: &'a Manifest) -> BoxFuture<'a, Result<bool, Fault>> {
        self.step(Step::CheckTag, manifest.digest(), self.has_listed(manifest))
    }

    fn publish<'a>(
        &'a self,
        manifest: &'a Manifest,
        at: At<'a>,
        mode: Mode,
    ) -> BoxFuture<'a, Result<(), Fault>> {
        let subject = match at {
            At::Name(name) => name.to_string(),
            At::Part | At::Digest => manifest.digest().to_string(),
        };
        self.step(Step::Publish, &subject, self.publish_manifest(manifest, at, mode))
    }
}
