//! Drafting: from what a bundle is to hold to the plan of its volumes.
use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use content::{Descriptor, MediaType};
use layout::{ArchiveWriter, Entry, Index, MAX_INDEX, MAX_MEMBERS};
use reference::{Digest, RefName};

use crate::{
    BundleError, Load,
    fit::{BLOCK, fit},
    plan::{Content, Image, Plan, VERSION},
    text::MAX_LISTED,
    volume::{HEADER, Header, MAX_HEADER, OCI_LAYOUT, path_of},
};

/// How often a plan is made anew because its header has turned out larger than there was room for.
const ATTEMPTS: usize = 8;
/// The two blocks that end an archive.
const END: u64 = 2 * BLOCK;

/// The members of a volume that are no content: `oci-layout`, its index, what it says of itself; and its end.
const OTHERS: u64 = 4;

/// What is read of a volume at most: what nobody would read is not written.
#[derive(Clone, Copy)]
struct Most {
    header: u64,
    index: u64,
    members: u64,
    listed: usize,
}

/// Makes the plan of a bundle, in volumes of at most `volume_size` bytes.
///
/// # Errors
/// Volumes that are too small, and more content than a volume can say it has.
pub fn draft(load: &Load, volume_size: Option<u64>) -> Result<Plan, BundleError> {
    let most = Most { header: MAX_HEADER, index: MAX_INDEX, members: MAX_MEMBERS, listed: MAX_LISTED };
    draft_within(load, volume_size, most)
}

fn draft_within(load: &Load, volume_size: Option<u64>, most: Most) -> Result<Plan, BundleError> {
    let mut plan = Plan {
        bundle: VERSION,
        set: Digest::sha256([0; 32]),
        volume_size,
        volumes: 1,
        foreign: load.foreign,
        base: load.base.clone(),
        sources: load.sources.clone(),
        images: load.images.clone(),
        contents: contents(load),
    };
    let mut header = 0;
    for _ in 0..ATTEMPTS {
        let frame =
            [("oci-layout", OCI_LAYOUT.len() as u64), (HEADER, header), ("index.json", empty_index())];
        let frame = frame.into_iter().map(|(path, size)| ArchiveWriter::room(path, size));
        let frame = frame.fold(END, u64::saturating_add).saturating_add(BLOCK);
        let room = volume_size.map(|size| size.saturating_sub(frame));
        let roots = Roots::of(&plan.images);
        plan.volumes = fit(&mut plan.contents, room, |content| roots.indexed(content))?;
        // The last volume says the most: the digests of all ranges.
        let needed = Header::longest(&plan);
        most.admit(&plan, &roots, needed)?;
        if volume_size.is_none() || needed <= header {
            return Ok(plan.seal());
        }
        header = needed;
    }
    Err(BundleError::usage(
        "volumes of this size are too small for this bundle",
        "give a larger --volume-size",
    ))
}

impl Most {
    /// Refuses a plan of volumes that nobody would read.
    fn admit(&self, plan: &Plan, roots: &Roots<'_>, header: u64) -> Result<(), BundleError> {
        let listed = [plan.base.blobs(), plan.base.repositories.len(), plan.sources.len()];
        let listed = listed.into_iter().max().unwrap_or_default();
        let excess = plan.excess();
        if header > self.header || listed > self.listed || excess.is_some() {
            let what = if let Some(excess) = excess {
                excess
            } else if header > self.header {
                format!("what is in the bundle takes {header} bytes to say, and {} are read", self.header)
            } else {
                format!(
                    "the bundle has a list of {listed} blobs or repositories, and {} are read",
                    self.listed
                )
            };
            return Err(BundleError::usage(what, "make several bundles, of fewer images each"));
        }
        let mut taken: BTreeMap<u32, (u64, u64)> = BTreeMap::new();
        for piece in plan.pieces() {
            let (members, index) = taken.entry(piece.volume).or_insert((OTHERS, empty_index()));
            let heads = ArchiveWriter::heads(&path_of(plan, &piece).unwrap_or_default());
            *members = members.saturating_add(heads);
            let indexed = plan.contents.get(piece.content).map(|content| roots.indexed(content));
            *index = index.saturating_add(indexed.unwrap_or_default());
        }
        for (volume, (members, index)) in taken {
            let what = if members > self.members {
                format!("volume {volume} would have {members} members, and {} are read", self.members)
            } else if index > self.index {
                format!("the index of volume {volume} may take {index} bytes, and {} are read", self.index)
            } else {
                continue;
            };
            let hint = "give a smaller --volume-size, or make several bundles, of fewer images each";
            return Err(BundleError::usage(what, hint));
        }
        Ok(())
    }
}

fn contents(load: &Load) -> Vec<Content> {
    let manifests = load.manifests.iter().map(|(manifest, source, is_served)| Content {
        digest: manifest.digest().clone(),
        size: manifest.descriptor().size,
        media_type: Some(manifest.media_type().as_str().to_owned()),
        source: *source,
        data: (!is_served).then(|| STANDARD.encode(manifest.bytes())),
        at: Vec::new(),
    });
    let blobs = load.blobs.iter().map(|(digest, size, source)| Content {
        digest: digest.clone(),
        size: *size,
        media_type: None,
        source: *source,
        data: None,
        at: Vec::new(),
    });
    manifests.chain(blobs).collect()
}

/// The index of a volume: the images whose root is in it.
pub(crate) fn index(plan: &Plan, volume: u32) -> Vec<u8> {
    let here = |content: &&Content| content.is_manifest() && content.at.iter().any(|part| part.0 == volume);
    let (mut index, roots) = (Index::default(), Roots::of(&plan.images));
    for content in plan.contents.iter().filter(here) {
        for entry in roots.entries(content) {
            index.add(&entry);
        }
    }
    index.to_bytes()
}

/// Images by their roots.
struct Roots<'a>(BTreeMap<&'a Digest, Vec<&'a Image>>);

impl<'a> Roots<'a> {
    fn of(images: &'a [Image]) -> Self {
        let mut roots: BTreeMap<&Digest, Vec<&Image>> = BTreeMap::new();
        for image in images {
            roots.entry(&image.digest).or_default().push(image);
        }
        Self(roots)
    }

    /// The entries of an index for the images that a content is the root of.
    fn entries(&self, root: &Content) -> Vec<Entry> {
        let images = self.0.get(&root.digest).into_iter().flatten();
        let media_type = MediaType::new(root.media_type.as_deref().unwrap_or_default());
        let root = Descriptor::new(media_type, root.digest.clone(), root.size);
        let entry = |image: &&Image| match image.ref_name() {
            Some(name) => Entry::named(&root, &name),
            None => Entry::untagged(&root, Some(&image.repository)),
        };
        images.map(entry).collect()
    }

    /// What the entries of a content take of an index, at most.
    fn indexed(&self, content: &Content) -> u64 {
        if !content.is_manifest() {
            return 0;
        }
        self.entries(content).iter().fold(0, |sum: u64, entry| {
            let mut alone = Index::default();
            alone.add(entry);
            sum.saturating_add(alone.to_bytes().len() as u64)
        })
    }
}

fn empty_index() -> u64 {
    Index::default().to_bytes().len() as u64
}

impl Image {
    /// What it is called in a layout.
    pub(crate) fn ref_name(&self) -> Option<RefName> {
        self.tag.as_ref().map(|tag| RefName::new(format!("{}:{tag}", self.repository)))
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use content::{Hasher, Manifest};
    use reference::Algorithm;

    use super::*;

    #[test]
    fn a_bundle_of_more_than_anybody_reads_of_a_volume_is_refused() {
        let blobs = (0..19).map(|number| (crate::samples_tests::digest(number), 5000, 0));
        // Its path is a header more that is read.
        let long = (Hasher::digest(Algorithm::Sha512, b"long"), 5000, 0);
        let manifest = Manifest::read(Bytes::from_static(b"{}"), Some("m"), None, None).unwrap();
        let image = Image {
            repository: "app".parse().unwrap(),
            tag: Some("v1".parse().unwrap()),
            digest: manifest.digest().clone(),
        };
        let load = Load {
            images: vec![image],
            manifests: vec![(manifest, 0, true)],
            blobs: blobs.chain([long]).collect(),
            sources: vec!["a".to_owned()],
            ..Load::default()
        };
        let all = Most { header: MAX_HEADER, index: MAX_INDEX, members: MAX_MEMBERS, listed: MAX_LISTED };
        let plan = draft_within(&load, None, all).unwrap();
        let header = Header::longest(&plan);
        let index = empty_index() + Roots::of(&plan.images).indexed(&plan.contents[0]);
        assert!(index >= super::index(&plan, 1).len() as u64);
        let most = Most { header, index, members: 26, listed: 1 };
        assert_eq!(draft_within(&load, None, most).unwrap(), plan);
        for (less, word) in [
            (Most { header: header - 1, ..most }, "bytes to say"),
            (Most { listed: 0, ..most }, "a list of 1"),
            (Most { index: index - 1, ..most }, "the index of volume 1"),
            (Most { members: 25, ..most }, "26 members"),
        ] {
            let refused = draft_within(&load, None, less).unwrap_err();
            assert!(refused.to_string().contains(word), "{refused}");
        }
        let smaller = Most { members: 25, ..all };
        assert!(draft_within(&load, Some(64 * 1024), smaller).unwrap().volumes > 1, "smaller volumes help");
    }
}
