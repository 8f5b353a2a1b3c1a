//! Where the bytes of a bundle come from: what was read when it was planned, and its sources.
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use content::{Descriptor, Fault, FaultKind, Source, Step, Verified, Version};
use copier::Engine;
use futures::StreamExt;
use pace::{Traffic, travel};
use reference::Digest;

use super::Origins;
use crate::{BundleError, Plan, apply::descriptor, plan::Content};

/// Reads content.
pub(super) struct Pantry<'a> {
    pub(super) plan: &'a Plan,
    pub(super) origins: &'a dyn Origins,
    pub(super) engine: &'a Engine,
    pub(super) traffic: &'a Traffic,
    /// Manifests that were read when the bundle was planned.
    pub(super) manifests: &'a BTreeMap<Digest, Bytes>,
    pub(super) opened: Mutex<BTreeMap<usize, Arc<dyn Source>>>,
}

impl Pantry<'_> {
    /// Where a content is read.
    pub(super) fn source(&self, content: &Content) -> Result<Arc<dyn Source>, BundleError> {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(source) = opened.get(&content.source) {
            return Ok(Arc::clone(source));
        }
        let name = self.plan.sources.get(content.source).map(String::as_str).unwrap_or_default();
        let source = self.origins.open(name)?;
        opened.insert(content.source, Arc::clone(&source));
        Ok(source)
    }

    /// A whole content, that is small, in memory.
    pub(super) async fn whole(&self, content: &Content) -> Result<Vec<Bytes>, BundleError> {
        if let Some(bytes) = self.manifests.get(&content.digest) {
            return Ok(vec![bytes.clone()]);
        }
        if let Some(data) = &content.data {
            return Ok(vec![self.inline(content, data)?]);
        }
        let source = self.source(content)?;
        let lanes = self.traffic.at(source.place().origin());
        let known = descriptor(content);
        if content.is_manifest() {
            let version = Version::Digest(content.digest.clone());
            let manifest = travel(&lanes, &lanes, source.manifest(&version, Some(&known))).await;
            return Ok(vec![manifest.map_err(BundleError::source)?.bytes().clone()]);
        }
        match travel(&lanes, &lanes, self.collect(&source, &known)).await {
            // What was wrong once may be right the second time, as in a copy.
            Err(fault) if fault.kind() == FaultKind::Untrue => {
                travel(&lanes, &lanes, self.collect(&source, &known)).await.map_err(BundleError::source)
            }
            read => read.map_err(BundleError::source),
        }
    }

    /// A manifest that stands in the plan, because no source has it.
    fn inline(&self, content: &Content, data: &str) -> Result<Bytes, BundleError> {
        let bytes = STANDARD.decode(data).unwrap_or_default();
        let actual = content::Hasher::digest(content.digest.algorithm(), &bytes);
        if actual != content.digest {
            let what = "the plan of the bundle does not hold this manifest as it was";
            let fault = Fault::new(FaultKind::Untrue, Step::ReadManifest, what).about(&content.digest);
            return Err(BundleError::source(fault.at(&self.plan.set)));
        }
        Ok(bytes.into())
    }

    async fn collect(&self, source: &Arc<dyn Source>, blob: &Descriptor) -> Result<Vec<Bytes>, Fault> {
        let mut verified = Verified::new(blob);
        if blob.size > 0 {
            verified.feed(self.engine.read(source, blob, 0).await?);
        }
        let mut chunks = Vec::new();
        while let Some(chunk) = verified.next().await {
            chunks.push(chunk.map_err(|fault| placed(fault, source))?);
        }
        Ok(chunks)
    }
}

/// Bytes that are wrong are their source's fault.
pub(super) fn placed(fault: Fault, source: &Arc<dyn Source>) -> Fault {
    if fault.place().is_empty() { fault.at(source.place()) } else { fault }
}
