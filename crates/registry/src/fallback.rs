//! The referrers fallback tag: an index of what refers to a subject, kept by clients where a registry does not.
//!
//! distribution-spec, "Pushing Manifests with Subject" and "Referrers Tag Schema": pull the index, merge, push.
use std::collections::BTreeMap;

use bytes::Bytes;
use content::{Descriptor, Fault, FaultKind, Manifest, MediaType, Shape, Step, Version};
use http::{HeaderName, HeaderValue, Method, StatusCode, header::CONTENT_TYPE};
use pace::Backoff;
use reference::{Digest, RefName};
use serde_json::{Map, Value, json};

use crate::{Repository, body::drain};

const STEP: Step = Step::Publish;
/// How often the index is merged and written because somebody else wrote it meanwhile.
const WRITES: u32 = 3;
/// The most entries of an index: a registry that lets it grow further is not worth an endless document.
pub(crate) const MAX_ENTRIES: usize = 10_000;

impl Repository {
    /// Adds `manifest` to the fallback tag of `subject`, unless it is there. What was written is read again: others may
    /// have written in between, and few registries look at `If-Match`.
    pub(crate) async fn refer(&self, manifest: &Manifest, subject: &Descriptor) -> Result<(), Fault> {
        let _alone = self.client.standing.referrers.lock().await;
        let tag = fallback_tag(&subject.digest);
        pace::keep_way(Box::pin(self.merge_into(&tag, manifest))).await
    }

    async fn merge_into(&self, tag: &str, manifest: &Manifest) -> Result<(), Fault> {
        let mut backoff = Backoff::new(WRITES - 1);
        let mut written = false;
        loop {
            let (mut index, version) = self.referrers(tag).await?;
            let mut entries = match index.remove("manifests") {
                Some(Value::Array(entries)) => entries,
                _ => Vec::new(),
            };
            if entries.iter().any(|entry| names(entry, manifest.digest())) {
                return Ok(());
            }
            if entries.len() >= MAX_ENTRIES {
                let what = format!("the index of referrers at {tag} has {MAX_ENTRIES} entries already");
                return Err(Fault::new(FaultKind::Refused, STEP, what));
            }
            if written && !backoff.wait().await {
                let what = format!("others keep writing the index of referrers at {tag}");
                return Err(Fault::new(FaultKind::Unreachable, STEP, what).momentary());
            }
            written = true;
            entries.push(entry(manifest));
            index.insert("manifests".into(), entries.into());
            self.write_referrers(tag, index, version).await?;
        }
    }

    /// The index as it stands, with all that it says, and the `ETag` to write against.
    async fn referrers(&self, tag: &str) -> Result<(Map<String, Value>, Option<HeaderValue>), Fault> {
        let version = Version::Name(RefName::new(tag));
        let (manifest, etag) = match self.read_manifest_and_etag(&version, None, self.push()).await {
            Ok(found) => found,
            Err(fault) if fault.kind() == FaultKind::Absent => return Ok((Map::new(), None)),
            Err(fault) => return Err(fault),
        };
        if !matches!(manifest.shape(), Shape::Index { .. }) {
            let what = format!("the tag {tag} is taken by something that is no index of referrers");
            return Err(Fault::new(FaultKind::Conflict, STEP, what));
        }
        Ok((serde_json::from_slice(manifest.bytes()).unwrap_or_default(), etag))
    }

    /// Writes the index, unless the registry knows that it has changed since it was read.
    async fn write_referrers(
        &self,
        tag: &str,
        mut index: Map<String, Value>,
        version: Option<HeaderValue>,
    ) -> Result<(), Fault> {
        let media_type = MediaType::oci_index();
        index.insert("schemaVersion".into(), 2.into());
        index.insert("mediaType".into(), media_type.as_str().into());
        let mut call = self.call(Method::PUT, &format!("manifests/{tag}"), self.push(), STEP)?;
        call.body = Some(Bytes::from(Value::Object(index).to_string()));
        if let Ok(value) = HeaderValue::from_str(media_type.as_str()) {
            call = call.header(CONTENT_TYPE, value);
        }
        if let Some(version) = version {
            call = call.header(HeaderName::from_static("if-match"), version);
        }
        let reply = self.client.send(&call).await?;
        if reply.status.is_success() || reply.status == StatusCode::PRECONDITION_FAILED {
            drain(reply).await;
            return Ok(());
        }
        Err(self.refused(reply, STEP).await)
    }
}

/// `sha256:abc` as a tag: the colon becomes a hyphen.
pub(crate) fn fallback_tag(subject: &Digest) -> String {
    format!("{}-{}", subject.algorithm().as_str(), subject.hex().get(..64).unwrap_or_default())
}

fn names(entry: &Value, digest: &Digest) -> bool {
    entry.get("digest").and_then(Value::as_str) == Some(digest.to_string().as_str())
}

/// How the index names a referrer: its descriptor, with artifact type and annotations.
fn entry(manifest: &Manifest) -> Value {
    let descriptor = manifest.descriptor();
    let mut entry = Map::new();
    entry.insert("mediaType".into(), descriptor.media_type.as_str().into());
    entry.insert("digest".into(), descriptor.digest.to_string().into());
    entry.insert("size".into(), descriptor.size.into());
    if let Some(artifact_type) = manifest.artifact_type() {
        entry.insert("artifactType".into(), artifact_type.into());
    }
    let annotations: &BTreeMap<String, String> = manifest.annotations();
    if !annotations.is_empty() {
        entry.insert("annotations".into(), json!(annotations));
    }
    Value::Object(entry)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fallback_tag_is_a_tag() {
        for digest in [Digest::sha256([7; 32]), Digest::sha512([7; 64])] {
            let tag = fallback_tag(&digest);
            assert!(tag.parse::<reference::Tag>().is_ok(), "{tag}");
        }
    }
}
