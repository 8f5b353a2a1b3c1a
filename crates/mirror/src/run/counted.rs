//! Both sides of a copy, with every call in the scope of one image's tally. Nothing else changes.
use std::{
    ops::Range,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use content::{
    At, Begun, Claim, Descriptor, Fault, Incoming, Lent, Manifest, Mode, OverSource, OverTarget, Source,
    Target, Upload, Version,
};
use copier::Side;
use futures::{Stream, StreamExt, future::BoxFuture, stream::BoxStream};
use reference::{Digest, RepositoryName};

use super::tally::Tally;

/// A source whose requests are counted.
pub(crate) struct CountedSource {
    pub(crate) inner: Arc<dyn Source>,
    pub(crate) tally: Arc<Tally>,
}

impl CountedSource {
    fn count<'a, T: 'a>(&self, work: BoxFuture<'a, T>) -> BoxFuture<'a, T> {
        Box::pin(self.tally.counting(Side::Source, work))
    }
}

impl OverSource for CountedSource {
    fn below(&self) -> &dyn Source {
        &*self.inner
    }

    fn resolve<'a>(&'a self, version: &'a Version) -> BoxFuture<'a, Result<Descriptor, Fault>> {
        self.count(self.inner.resolve(version))
    }

    fn manifest<'a>(
        &'a self,
        version: &'a Version,
        described: Option<&'a Descriptor>,
    ) -> BoxFuture<'a, Result<Manifest, Fault>> {
        self.count(self.inner.manifest(version, described))
    }

    fn referrers<'a>(&'a self, subject: &'a Digest) -> BoxFuture<'a, Result<Vec<Descriptor>, Fault>> {
        self.count(self.inner.referrers(subject))
    }

    fn open<'a>(&'a self, blob: &'a Descriptor, span: Range<u64>) -> BoxFuture<'a, Result<Incoming, Fault>> {
        self.count(Box::pin(async move {
            let Incoming { at, bytes } = self.inner.open(blob, span).await?;
            let bytes = Counted { inner: Some(bytes), tally: Arc::clone(&self.tally) }.boxed();
            Ok(Incoming { at, bytes })
        }))
    }

    fn held<'a>(&'a self, blob: &'a Descriptor) -> BoxFuture<'a, Result<Option<u64>, Fault>> {
        self.count(self.inner.held(blob))
    }
}

/// Bytes that are asked for, and let go, in the scope of the source: a request is counted when its answer's body is
/// over, and that is read by whoever sends it on.
struct Counted {
    inner: Option<BoxStream<'static, Result<Bytes, Fault>>>,
    tally: Arc<Tally>,
}

impl Stream for Counted {
    type Item = Result<Bytes, Fault>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let tally = Arc::clone(&self.tally);
        let Some(inner) = &mut self.inner else { return Poll::Ready(None) };
        tally.counting_now(Side::Source, || inner.poll_next_unpin(context))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let inner = self.inner.take();
        self.tally.counting_now(Side::Source, || drop(inner));
    }
}

/// A target whose requests are counted.
pub(crate) struct CountedTarget {
    pub(crate) inner: Arc<dyn Target>,
    pub(crate) tally: Arc<Tally>,
}

impl CountedTarget {
    fn count<'a, T: 'a>(&self, work: BoxFuture<'a, T>) -> BoxFuture<'a, T> {
        Box::pin(self.tally.counting(Side::Target, work))
    }

    fn upload(&self, inner: Box<dyn Upload>) -> Box<dyn Upload> {
        Box::new(CountedUpload { inner: Some(inner), tally: Arc::clone(&self.tally) })
    }

    async fn begun(&self, begun: BoxFuture<'_, Result<Begun, Fault>>) -> Result<Begun, Fault> {
        Ok(match self.count(begun).await? {
            Begun::Upload(upload) => Begun::Upload(self.upload(upload)),
            done @ (Begun::Present | Begun::Mounted) => done,
        })
    }
}

impl OverTarget for CountedTarget {
    fn below(&self) -> &dyn Target {
        &*self.inner
    }

    fn find<'a>(&'a self, version: &'a Version) -> BoxFuture<'a, Result<Option<Descriptor>, Fault>> {
        self.count(self.inner.find(version))
    }

    fn begin<'a>(
        &'a self,
        blob: &'a Descriptor,
        mount: Option<&'a RepositoryName>,
    ) -> BoxFuture<'a, Result<Begun, Fault>> {
        Box::pin(self.begun(self.inner.begin(blob, mount)))
    }

    fn reopen<'a>(
        &'a self,
        blob: &'a Descriptor,
        location: &'a str,
    ) -> BoxFuture<'a, Result<Option<Box<dyn Upload>>, Fault>> {
        let reopened = self.count(self.inner.reopen(blob, location));
        Box::pin(async move { Ok(reopened.await?.map(|upload| self.upload(upload))) })
    }

    fn insist<'a>(&'a self, blob: &'a Descriptor) -> BoxFuture<'a, Result<Begun, Fault>> {
        Box::pin(self.begun(self.inner.insist(blob)))
    }

    fn lists<'a>(&'a self, manifest: &'a Manifest) -> BoxFuture<'a, Result<bool, Fault>> {
        self.count(self.inner.lists(manifest))
    }

    fn publish<'a>(
        &'a self,
        manifest: &'a Manifest,
        at: At<'a>,
        mode: Mode,
    ) -> BoxFuture<'a, Result<(), Fault>> {
        self.count(self.inner.publish(manifest, at, mode))
    }
}

/// An upload whose requests are counted. The inner one is there until it is dropped.
struct CountedUpload {
    inner: Option<Box<dyn Upload>>,
    tally: Arc<Tally>,
}

impl Upload for CountedUpload {
    fn offset(&self) -> u64 {
        self.inner.as_ref().map_or(0, |inner| inner.offset())
    }

    fn send(&mut self, body: Lent) -> BoxFuture<'_, Result<(), Fault>> {
        match &mut self.inner {
            Some(inner) => Box::pin(self.tally.counting(Side::Target, inner.send(body))),
            None => Box::pin(async { Ok(()) }),
        }
    }

    fn realign(&mut self) -> BoxFuture<'_, Result<bool, Fault>> {
        match &mut self.inner {
            Some(inner) => Box::pin(self.tally.counting(Side::Target, inner.realign())),
            None => Box::pin(async { Ok(false) }),
        }
    }

    fn claim(&self) -> Option<Claim> {
        self.inner.as_ref()?.claim()
    }

    fn leave(&mut self) {
        if let Some(inner) = &mut self.inner {
            inner.leave();
        }
    }
}

impl Drop for CountedUpload {
    fn drop(&mut self) {
        let inner = self.inner.take();
        self.tally.counting_now(Side::Target, || drop(inner));
    }
}
