//! The walk: from a root down to its last blob, at the destination alone.
//!
//! A copy stops where it meets the first fault. This goes on, and notes every one.
use std::{collections::HashSet, sync::Arc};

use content::{
    Descriptor, Fault, FaultKind, MAX_MANIFEST_BYTES, Manifest, Place, Role, Shape, Source, Step, Version,
};
use copier::{Foreign, MAX_DEPTH, MAX_MANIFESTS_BYTES};
use futures::{StreamExt, stream};
use reference::Digest;

use crate::{
    Depth, Proof, Remedies, Verifier,
    finding::{Flaw, Piece},
};

/// What a walk has seen.
#[derive(Debug, Default)]
pub(crate) struct Walked {
    /// Manifests that were read, the root included.
    pub(crate) manifests: Vec<Digest>,
    blobs: usize,
    bytes: u64,
    left_out: usize,
    flaws: Vec<Flaw>,
}

impl Walked {
    /// Tells what was seen, of one of the images that have it in common.
    pub(crate) fn tell(&self, proof: &mut Proof, place: &Place, remedies: &Remedies) {
        proof.manifests = proof.manifests.saturating_add(self.manifests.len());
        proof.blobs = proof.blobs.saturating_add(self.blobs);
        proof.bytes = proof.bytes.saturating_add(self.bytes);
        proof.left_out = proof.left_out.saturating_add(self.left_out);
        proof.findings.extend(self.flaws.iter().map(|flaw| flaw.at(place, remedies)));
    }
}

/// Something that a manifest names.
#[derive(Debug, Clone)]
struct Part {
    piece: Piece,
    blob: Descriptor,
    within: Digest,
}

/// What has been met so far.
struct Graph {
    foreign: Foreign,
    /// Manifests below the root, and the bytes that they are said to have.
    entries: HashSet<Digest>,
    bytes: u64,
    held: HashSet<(Digest, u64)>,
    blobs: Vec<Part>,
    left: HashSet<Digest>,
    walked: Walked,
}

/// Looks at all that `root` leads to.
pub(crate) async fn walk(verifier: &Verifier, place: &Arc<dyn Source>, root: &Digest) -> Walked {
    let mut graph = Graph::new(verifier.foreign);
    let version = Version::Digest(root.clone());
    let mut level = match verifier.lane(place, place.manifest(&version, None)).await {
        Ok(manifest) => graph.look(&manifest),
        Err(fault) => {
            graph.walked.flaws.push(Flaw::of(&fault, Piece::Root, root).expected("a manifest"));
            Vec::new()
        }
    };
    for _ in 0..MAX_DEPTH {
        let parts =
            stream::iter(&level).map(async |part| (part, verifier.lane(place, fetch(place, part)).await));
        let mut parts = parts.buffer_unordered(verifier.width(place));
        let mut next = Vec::new();
        while let Some((part, fetched)) = parts.next().await {
            next.extend(graph.take(part, fetched));
        }
        drop(parts);
        level = next;
    }
    graph.refuse_deeper(&level);
    graph.look_for_blobs(verifier, place).await
}

/// Reads one entry of an index. An entry of unknown type that is no manifest is a blob: `None`.
async fn fetch(place: &Arc<dyn Source>, part: &Part) -> Result<Option<Manifest>, Fault> {
    let entry = &part.blob;
    let unknown = entry.media_type.role() == Role::Unknown;
    if unknown && entry.size > MAX_MANIFEST_BYTES {
        return Ok(None);
    }
    match place.manifest(&Version::Digest(entry.digest.clone()), Some(entry)).await {
        Ok(manifest) => Ok(Some(manifest)),
        Err(fault) if unknown && matches!(fault.kind(), FaultKind::Absent | FaultKind::Untrue) => Ok(None),
        Err(fault) => Err(fault),
    }
}

impl Graph {
    fn new(foreign: Foreign) -> Self {
        Self {
            foreign,
            entries: HashSet::new(),
            bytes: 0,
            held: HashSet::new(),
            blobs: Vec::new(),
            left: HashSet::new(),
            walked: Walked::default(),
        }
    }

    /// Notes what came of reading a part, and gives those that must be read to go on.
    fn take(&mut self, part: &Part, fetched: Result<Option<Manifest>, Fault>) -> Vec<Part> {
        match fetched {
            Ok(Some(manifest)) => return self.look(&manifest),
            Ok(None) => self.blob(Piece::Blob, &part.blob, &part.within),
            Err(fault) => {
                let flaw = Flaw::of(&fault, Piece::Manifest, &part.blob.digest).within(Some(&part.within));
                self.walked.flaws.push(flaw.expected(described(&part.blob)));
            }
        }
        Vec::new()
    }

    /// Notes what `manifest` names, and gives the entries that must be read to go on.
    fn look(&mut self, manifest: &Manifest) -> Vec<Part> {
        let within = manifest.digest();
        self.walked.manifests.push(within.clone());
        match manifest.shape() {
            Shape::Opaque => Vec::new(),
            Shape::Image { config, layers } => {
                if let Some(config) = config {
                    self.blob(Piece::Config, config, within);
                }
                for layer in layers {
                    self.layer(layer, within);
                }
                Vec::new()
            }
            Shape::Index { entries } => {
                entries.iter().filter_map(|entry| self.entry(entry, within)).collect()
            }
        }
    }

    fn entry(&mut self, entry: &Descriptor, within: &Digest) -> Option<Part> {
        match entry.media_type.role() {
            // A build cache lists its layers in an index.
            Role::Layer | Role::ForeignLayer => self.layer(entry, within),
            Role::Config => self.blob(Piece::Config, entry, within),
            _ if self.entries.insert(entry.digest.clone()) => {
                let part = Part { piece: Piece::Manifest, blob: entry.clone(), within: within.clone() };
                self.bytes = self.bytes.saturating_add(entry.size.min(MAX_MANIFEST_BYTES));
                if self.bytes <= MAX_MANIFESTS_BYTES {
                    return Some(part);
                }
                self.refuse(&part, "more bytes of manifests than a copy takes");
            }
            _ => {}
        }
        None
    }

    fn layer(&mut self, layer: &Descriptor, within: &Digest) {
        if layer.media_type.role() == Role::ForeignLayer && self.foreign == Foreign::Skip {
            self.left.insert(layer.digest.clone());
            return;
        }
        self.blob(Piece::Layer, layer, within);
    }

    fn blob(&mut self, piece: Piece, blob: &Descriptor, within: &Digest) {
        if self.held.insert((blob.digest.clone(), blob.size)) {
            self.blobs.push(Part { piece, blob: blob.clone(), within: within.clone() });
        }
    }

    fn refuse_deeper(&mut self, level: &[Part]) {
        for part in level {
            self.refuse(part, "indexes nested deeper than a copy goes");
        }
    }

    fn refuse(&mut self, part: &Part, what: &str) {
        let fault = Fault::new(FaultKind::Refused, Step::ReadManifest, what);
        let flaw = Flaw::of(&fault, part.piece, &part.blob.digest).within(Some(&part.within));
        self.walked.flaws.push(flaw.expected("an image that can be copied"));
    }

    async fn look_for_blobs(mut self, verifier: &Verifier, place: &Arc<dyn Source>) -> Walked {
        let blobs = std::mem::take(&mut self.blobs);
        let looks = stream::iter(&blobs).map(async |part| (part, verifier.look(place, &part.blob).await));
        let mut looks = looks.buffer_unordered(verifier.width(place));
        while let Some((part, looked)) = looks.next().await {
            match looked {
                Ok(()) => {
                    self.walked.blobs = self.walked.blobs.saturating_add(1);
                    self.walked.bytes = self.walked.bytes.saturating_add(part.blob.size);
                }
                Err(fault) => {
                    let flaw = Flaw::of(&fault, part.piece, &part.blob.digest).within(Some(&part.within));
                    self.walked.flaws.push(flaw.expected(wanted(verifier.depth, part)));
                }
            }
        }
        // What one manifest calls foreign, another may call its own.
        let own: HashSet<&Digest> = blobs.iter().map(|part| &part.blob.digest).collect();
        self.walked.left_out = self.left.iter().filter(|digest| !own.contains(digest)).count();
        self.walked
    }
}

fn described(entry: &Descriptor) -> String {
    let Descriptor { media_type, size, .. } = entry;
    if media_type.is_vague() { format!("{size} bytes") } else { format!("{media_type}, {size} bytes") }
}

fn wanted(depth: Depth, part: &Part) -> String {
    match depth {
        Depth::Deep => format!("{} bytes with its digest", part.blob.size),
        Depth::Quick | Depth::Graph => format!("{} bytes", part.blob.size),
    }
}
