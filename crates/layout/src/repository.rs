//! A layout as a source and a target of copies.
use std::{ops::Range, sync::Arc};

use content::{
    At, Begun, Descriptor, Fault, FaultKind, Incoming, MAX_MANIFEST_BYTES, Manifest, MediaType, Mode, Place,
    Source, Step, Target, Version,
};
use futures::future::BoxFuture;
use reference::{Digest, RepositoryName};

use crate::{Entry, Layout, naming, subjects::Memory, upload::LayoutUpload};

/// A layout, seen as one repository. Ref names are taken to the letter; blobs are common to all repositories.
#[derive(Debug, Clone)]
pub struct LayoutRepository {
    layout: Layout,
    place: Place,
    subjects: Arc<Memory>,
}

impl LayoutRepository {
    pub(crate) fn new(layout: Layout, place: Place) -> Self {
        Self { layout, place, subjects: Arc::default() }
    }

    /// The layout that this is a view of.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// What a source has: also what no entry names.
    async fn look_up(&self, version: &Version) -> Result<Option<Descriptor>, Fault> {
        let index = self.layout.index().await?;
        match version {
            Version::Name(name) => index.by_name(name).map_err(|fault| fault.at(&self.place)),
            Version::Digest(digest) => match index.by_digest(digest) {
                Some(descriptor) => Ok(Some(descriptor)),
                None => self.unlisted(digest),
            },
        }
    }

    /// A manifest that no entry names: part of another one, most likely.
    fn unlisted(&self, digest: &Digest) -> Result<Option<Descriptor>, Fault> {
        let size = self.layout.store().size(digest)?;
        Ok(size.map(|size| Descriptor::new(MediaType::new(""), digest.clone(), size)))
    }

    async fn must_find(&self, version: &Version, step: Step) -> Result<Descriptor, Fault> {
        if let Some(found) = self.look_up(version).await? {
            return Ok(found);
        }
        let names = self.layout.index().await?.names();
        let what = match version {
            Version::Name(_) => "the layout has no entry of this name",
            Version::Digest(_) => "the layout has no manifest with this digest",
        };
        let fault = Fault::new(FaultKind::Absent, step, what).at(&self.place).about(version);
        Err(fault.hint(format!("the layout has: {names}")))
    }

    async fn read_manifest(
        &self,
        version: &Version,
        described: Option<&Descriptor>,
    ) -> Result<Manifest, Fault> {
        let found = self.must_find(version, Step::ReadManifest).await?;
        let digest = &found.digest;
        if self.layout.store().size(digest)?.is_some_and(|size| size > MAX_MANIFEST_BYTES) {
            let what = format!("the manifest has more than {MAX_MANIFEST_BYTES} bytes");
            return Err(Fault::new(FaultKind::Refused, Step::ReadManifest, what)
                .at(&self.place)
                .about(digest));
        }
        let bytes = self.layout.store().read(digest, MAX_MANIFEST_BYTES).await?;
        // An entry that names it says size and media type too; a part that no entry names, says neither.
        let outer = described.or_else(|| (!found.media_type.as_str().is_empty()).then_some(&found));
        let read = Manifest::read(bytes, None, Some(digest), outer);
        read.map_err(|fault| fault.at(&self.place).about(version))
    }

    async fn list_referrers(&self, subject: &Digest) -> Result<Vec<Descriptor>, Fault> {
        let (index, store) = (self.layout.index().await?, self.layout.store());
        self.subjects.referrers(index, store, subject).await.map_err(|fault| fault.at(&self.place))
    }

    async fn open_blob(&self, blob: &Descriptor, span: Range<u64>) -> Result<Incoming, Fault> {
        let opened = self.layout.store().open(&blob.digest, span.start, span.end.min(blob.size)).await?;
        if opened.size() != blob.size {
            let what = format!("the file has {} bytes, its descriptor says {}", opened.size(), blob.size);
            let fault = Fault::new(FaultKind::Untrue, Step::ReadBlob, what);
            return Err(fault.at(&self.place).about(&blob.digest));
        }
        Ok(Incoming { at: span.start, bytes: opened.into_chunks() })
    }

    async fn begin_blob(&self, blob: &Descriptor) -> Result<Begun, Fault> {
        let store = self.layout.store();
        // What is there is checked, not trusted: a disk may have lost bytes. Damage is replaced.
        if store.has(blob).await? {
            return Ok(Begun::Present);
        }
        Ok(Begun::Upload(Box::new(LayoutUpload::begin(store.clone().into(), blob.clone()).await?)))
    }

    async fn publish_manifest(&self, manifest: &Manifest, at: At<'_>, mode: Mode) -> Result<(), Fault> {
        if let (At::Name(name), Mode::NoForce) = (at, mode) {
            naming::refuse_taken(&*self.layout.index().await?, name)
                .map_err(|fault| fault.at(&self.place))?;
        }
        self.layout.store().put(manifest.digest(), manifest.bytes().clone()).await?;
        let descriptor = manifest.descriptor().clone();
        match at {
            At::Part => Ok(()),
            At::Digest => {
                let entry = Entry::untagged(&descriptor, self.place.repository());
                self.layout
                    .update(move |index| {
                        index.add(&entry);
                        Ok(())
                    })
                    .await
            }
            At::Name(name) => {
                let name = name.clone();
                let named =
                    self.layout.update(move |index| naming::set_name(index, &descriptor, &name, mode)).await;
                named.map_err(|fault| fault.at(&self.place))
            }
        }
    }
}

impl Source for LayoutRepository {
    fn place(&self) -> &Place {
        &self.place
    }

    fn resolve<'a>(&'a self, version: &'a Version) -> BoxFuture<'a, Result<Descriptor, Fault>> {
        Box::pin(self.must_find(version, Step::Resolve))
    }

    fn manifest<'a>(
        &'a self,
        version: &'a Version,
        described: Option<&'a Descriptor>,
    ) -> BoxFuture<'a, Result<Manifest, Fault>> {
        Box::pin(self.read_manifest(version, described))
    }

    fn referrers<'a>(&'a self, subject: &'a Digest) -> BoxFuture<'a, Result<Vec<Descriptor>, Fault>> {
        Box::pin(self.list_referrers(subject))
    }

    fn open<'a>(&'a self, blob: &'a Descriptor, span: Range<u64>) -> BoxFuture<'a, Result<Incoming, Fault>> {
        Box::pin(self.open_blob(blob, span))
    }

    fn held<'a>(&'a self, blob: &'a Descriptor) -> BoxFuture<'a, Result<Option<u64>, Fault>> {
        Box::pin(async { self.layout.store().size(&blob.digest).map_err(|fault| fault.at(&self.place)) })
    }
}

impl Target for LayoutRepository {
    fn place(&self) -> &Place {
        &self.place
    }

    fn find<'a>(&'a self, version: &'a Version) -> BoxFuture<'a, Result<Option<Descriptor>, Fault>> {
        Box::pin(async { naming::look_up(&*self.layout.index().await?, version, &self.place) })
    }

    fn begin<'a>(
        &'a self,
        blob: &'a Descriptor,
        _mount: Option<&'a RepositoryName>,
    ) -> BoxFuture<'a, Result<Begun, Fault>> {
        Box::pin(self.begin_blob(blob))
    }

    fn publish<'a>(
        &'a self,
        manifest: &'a Manifest,
        at: At<'a>,
        mode: Mode,
    ) -> BoxFuture<'a, Result<(), Fault>> {
        Box::pin(self.publish_manifest(manifest, at, mode))
    }
}
