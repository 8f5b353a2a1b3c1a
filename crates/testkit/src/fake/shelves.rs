//! Shelves: what a fake holds. Nothing in here misbehaves by itself; it may be careless.
use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;
use content::Hasher;
use reference::Digest;
use serde_json::Value;

use crate::Content;

/// What a registry checks and does, beside what it must.
#[derive(Debug, Clone, Copy)]
#[allow(clippy::struct_excessive_bools, reason = "each is a habit of its own")]
pub(super) struct Nature {
    /// Compares the digest of what was uploaded with the one that it is committed as.
    pub(super) checks_digests: bool,
    /// Refuses manifests of which parts are missing.
    pub(super) checks_parts: bool,
    /// Keeps what came of a request's body when the connection breaks.
    pub(super) keeps_partial: bool,
    /// Mounts blobs, from other repositories or the same.
    pub(super) mounts: bool,
    /// Lists referrers, and says so with `OCI-Subject`.
    pub(super) referrers: bool,
}

impl Default for Nature {
    fn default() -> Self {
        Self { checks_digests: true, checks_parts: true, keeps_partial: true, mounts: true, referrers: false }
    }
}

/// A manifest under its digest.
#[derive(Debug, Clone)]
pub(super) struct Document {
    pub(super) media_type: String,
    pub(super) bytes: Bytes,
}

/// One repository.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    pub(super) blobs: BTreeMap<Digest, Bytes>,
    pub(super) manifests: BTreeMap<Digest, Document>,
    pub(super) tags: BTreeMap<String, Digest>,
}

/// An upload in progress.
#[derive(Debug, Default)]
pub(super) struct Session {
    pub(super) name: String,
    pub(super) bytes: Vec<u8>,
}

/// All repositories, and the uploads into them.
#[derive(Debug, Default)]
pub(super) struct Shelves {
    pub(super) nature: Nature,
    pub(super) repositories: HashMap<String, Shelf>,
    pub(super) sessions: HashMap<String, Session>,
    pub(super) opened: u64,
    /// Manifests that were written while parts of them were missing.
    pub(super) torn: Vec<Digest>,
}

impl Shelves {
    pub(super) fn shelf(&mut self, name: &str) -> &mut Shelf {
        self.repositories.entry(name.to_owned()).or_default()
    }

    /// Puts all of `content` on a shelf; what says that it is a manifest is one.
    pub(super) fn seed(&mut self, content: &Content, name: &str, tag: Option<(&str, &Digest)>) {
        let place = self.shelf(name);
        for digest in content.digests() {
            let bytes = content.get(digest).cloned().unwrap_or_default();
            if let Some(media_type) = manifest_type(&bytes) {
                place.manifests.insert(digest.clone(), Document { media_type, bytes });
            } else {
                place.blobs.insert(digest.clone(), bytes);
            }
        }
        if let Some((tag, digest)) = tag {
            place.tags.insert(tag.to_owned(), digest.clone());
        }
    }

    /// The digest that a tag or a digest stands for, and what is there.
    pub(super) fn document(&self, name: &str, reference: &str) -> Option<(Digest, Document)> {
        let place = self.repositories.get(name)?;
        let digest = match reference.parse::<Digest>() {
            Ok(digest) => digest,
            Err(_) => place.tags.get(reference)?.clone(),
        };
        let document = place.manifests.get(&digest)?.clone();
        Some((digest, document))
    }

    pub(super) fn forget(&mut self, name: &str, digest: &Digest) {
        if let Some(place) = self.repositories.get_mut(name) {
            place.blobs.remove(digest);
            place.manifests.remove(digest);
        }
    }

    /// Everything that is complete, and is not what its name says.
    pub(super) fn wrong(&self) -> Vec<Digest> {
        let shelves = self.repositories.values();
        let all = shelves.flat_map(|place| {
            let manifests = place.manifests.iter().map(|(digest, document)| (digest, &document.bytes));
            place.blobs.iter().chain(manifests)
        });
        let wrong = all.filter(|(digest, bytes)| Hasher::digest(digest.algorithm(), bytes) != **digest);
        wrong.map(|(digest, _)| digest.clone()).collect()
    }

    /// Whether a repository holds these pieces, each where it belongs, to the byte.
    pub(super) fn lacks(&self, name: &str, content: &Content) -> Vec<Digest> {
        let held = |digest: &Digest, bytes: &Bytes| {
            let Some(place) = self.repositories.get(name) else { return false };
            match manifest_type(bytes) {
                Some(media_type) => place
                    .manifests
                    .get(digest)
                    .is_some_and(|held| held.bytes == *bytes && held.media_type == media_type),
                None => place.blobs.get(digest) == Some(bytes),
            }
        };
        let pieces = content.digests().filter_map(|digest| Some((digest, content.get(digest)?)));
        pieces.filter(|(digest, bytes)| !held(digest, bytes)).map(|(digest, _)| digest.clone()).collect()
    }

    /// The parts of a manifest that are not there. A subject may be missing.
    pub(super) fn missing(&self, name: &str, manifest: &[u8]) -> Vec<String> {
        let value: Value = serde_json::from_slice(manifest).unwrap_or_default();
        let place = self.repositories.get(name);
        let has = |digest: &str| {
            let digest = digest.parse::<Digest>();
            let (Ok(digest), Some(place)) = (digest, place) else { return false };
            place.blobs.contains_key(&digest) || place.manifests.contains_key(&digest)
        };
        let lists =
            ["layers", "manifests", "blobs"].iter().filter_map(|key| value[*key].as_array()).flatten();
        let parts = lists.chain(value.get("config")).filter_map(|part| part["digest"].as_str());
        parts.filter(|digest| !has(digest)).map(str::to_owned).collect()
    }
}

/// The media type that a piece of content names, when it is a manifest.
fn manifest_type(bytes: &[u8]) -> Option<String> {
    if !bytes.starts_with(b"{") {
        return None;
    }
    let value: Value = serde_json::from_slice(bytes).ok()?;
    value.get("schemaVersion")?;
    Some(value["mediaType"].as_str()?.to_owned())
}
