//! Foreign layers: what a registry does not hold is fetched from where its descriptor says.
//!
//! Whoever wrote the descriptor chose those URLs: no credential goes there, not even after a 401 (CVE-2020-15157).
use std::ops::Range;

use auth::{Context, Purpose, admit};
use content::{Descriptor, Fault, Incoming, Role, Step};
use http::Method;

use crate::{Repository, client::Call, fault::refused_url};

/// How many of a descriptor's `urls` are tried.
const MOST: usize = 5;

/// Whether `blob` says where else it can be had.
pub(crate) fn is_foreign(blob: &Descriptor) -> bool {
    blob.media_type.role() == Role::ForeignLayer && !blob.urls.is_empty()
}

impl Repository {
    /// The blob from the first of its `urls` that serves it; `absent` is what the registry itself said.
    pub(crate) async fn open_foreign(
        &self,
        blob: &Descriptor,
        span: Range<u64>,
        absent: Fault,
    ) -> Result<Incoming, Fault> {
        let mut last = absent;
        for url in blob.urls.iter().take(MOST) {
            match self.open_url(url, blob, span.clone()).await {
                Ok(incoming) => return Ok(incoming),
                Err(fault) => {
                    tracing::debug!(digest = %blob.digest, %fault, "one of the layer's urls does not serve it");
                    last = fault;
                }
            }
        }
        Err(last.hint("the registry does not hold this foreign layer, and none of its urls serves it"))
    }

    async fn open_url(&self, url: &str, blob: &Descriptor, span: Range<u64>) -> Result<Incoming, Fault> {
        let step = Step::ReadBlob;
        let base = self.client.url("/v2/")?;
        let registry = &self.client.origin;
        let context = Context { registry, base: &base, purpose: Purpose::Foreign, credentials: false };
        let admission = admit(url, &context).map_err(|refusal| refused_url(step, &refusal))?;
        let mut call = Call::new(Method::GET, admission.url, self.pull(), step);
        (call.own, call.once) = (false, true);
        self.open_by(&call, blob, span).await
    }
}
