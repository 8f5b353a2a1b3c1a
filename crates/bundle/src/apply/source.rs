//! A bundle as a source of copies: what is in its volumes, and what the destination itself holds of its base.
use std::{collections::BTreeMap, fmt, ops::Range, sync::Arc};

use bytes::BytesMut;
use content::{
    Descriptor, Fault, FaultKind, Incoming, MAX_MANIFEST_BYTES, Manifest, MediaType, Place, Source, Step,
    Version,
};
use futures::{StreamExt, future::BoxFuture};
use reference::Digest;

use crate::{Set, chart::Chart, plan::Content};

/// Where the bytes of a bundle are.
pub enum Stock {
    /// In its volumes, all of which are at hand.
    Volumes(Set),
    /// In a layout that took them in, or wherever else all of them are.
    Layout(Arc<dyn Source>),
}

impl fmt::Debug for Stock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Volumes(_) => "Volumes",
            Self::Layout(_) => "Layout",
        })
    }
}

/// A bundle that is read by an engine.
pub(crate) struct BundleSource {
    pub(crate) place: Place,
    pub(crate) chart: Arc<Chart>,
    pub(crate) stock: Stock,
    /// Repositories of the destination in which blobs of the base lie.
    pub(crate) base: Arc<BTreeMap<Digest, Arc<dyn Source>>>,
}

impl BundleSource {
    /// The manifest with this digest, as the bundle describes it.
    fn describe(&self, version: &Version, step: Step) -> Result<Descriptor, Fault> {
        let Version::Digest(digest) = version else {
            return Err(self.absent(step, version));
        };
        let found = self.chart.find(digest).filter(|(_, content)| content.is_manifest());
        let (_, content) = found.ok_or_else(|| self.absent(step, version))?;
        Ok(descriptor(content))
    }

    async fn read(&self, version: &Version, described: Option<&Descriptor>) -> Result<Manifest, Fault> {
        let known = self.describe(version, Step::ReadManifest)?;
        let mut stream = self.bytes(&known, 0..known.size).await?.bytes;
        let mut bytes = BytesMut::new();
        while let Some(chunk) = stream.next().await {
            bytes.extend_from_slice(&chunk?);
            if bytes.len() as u64 > MAX_MANIFEST_BYTES {
                break;
            }
        }
        let media_type = Some(known.media_type.as_str()).filter(|text| !text.is_empty());
        let read = Manifest::read(bytes.freeze(), media_type, Some(&known.digest), described);
        read.map_err(|fault| fault.at(&self.place).about(version))
    }

    async fn bytes(&self, blob: &Descriptor, span: Range<u64>) -> Result<Incoming, Fault> {
        let at = span.start;
        if self.chart.find(&blob.digest).is_some() {
            return match &self.stock {
                Stock::Layout(layout) => layout.open(blob, span).await,
                Stock::Volumes(set) => {
                    let bytes = set.join(&blob.digest, span);
                    Ok(Incoming {
                        at,
                        bytes: bytes.ok_or_else(|| self.absent(Step::ReadBlob, blob.digest.clone()))?,
                    })
                }
            };
        }
        match self.base.get(&blob.digest) {
            Some(held) => held.open(blob, span).await,
            None => Err(self.absent(Step::ReadBlob, &blob.digest)),
        }
    }

    fn absent(&self, step: Step, subject: impl fmt::Display) -> Fault {
        let what = "neither the bundle nor its base has it";
        Fault::new(FaultKind::Absent, step, what).at(&self.place).about(subject)
    }
}

/// A content as its manifest would name it.
pub(crate) fn descriptor(content: &Content) -> Descriptor {
    let media_type = MediaType::new(content.media_type.as_deref().unwrap_or_default());
    Descriptor::new(media_type, content.digest.clone(), content.size)
}

impl Source for BundleSource {
    fn place(&self) -> &Place {
        &self.place
    }

    fn resolve<'a>(&'a self, version: &'a Version) -> BoxFuture<'a, Result<Descriptor, Fault>> {
        Box::pin(async { self.describe(version, Step::Resolve) })
    }

    fn manifest<'a>(
        &'a self,
        version: &'a Version,
        described: Option<&'a Descriptor>,
    ) -> BoxFuture<'a, Result<Manifest, Fault>> {
        Box::pin(self.read(version, described))
    }

    /// None: each of them is an image of the bundle by itself.
    fn referrers<'a>(&'a self, _subject: &'a Digest) -> BoxFuture<'a, Result<Vec<Descriptor>, Fault>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn open<'a>(&'a self, blob: &'a Descriptor, span: Range<u64>) -> BoxFuture<'a, Result<Incoming, Fault>> {
        Box::pin(self.bytes(blob, span))
    }
}
