//! Drafting: from what a bundle is to hold to the plan of its volumes.
use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use content::{Descriptor, MediaType};
use layout::{Entry, Index};
use reference::{Digest, RefName};

use crate::{
    BundleError, Load,
    fit::{BLOCK, fit, member},
    plan::{Content, Image, Plan, VERSION},
    volume::{Header, MAX_HEADER, OCI_LAYOUT},
};

/// How often a plan is made anew because its header has turned out larger than there was room for.
const ATTEMPTS: usize = 8;
/// The two blocks that end an archive.
const END: u64 = 2 * BLOCK;

/// Makes the plan of a bundle, in volumes of at most `volume_size` bytes.
///
/// # Errors
/// Volumes that are too small, and more content than a volume can say it has.
pub fn draft(load: &Load, volume_size: Option<u64>) -> Result<Plan, BundleError> {
    draft_within(load, volume_size, MAX_HEADER)
}

/// The same, for headers that have so many bytes at most: what nobody would read is not written.
fn draft_within(load: &Load, volume_size: Option<u64>, most: u64) -> Result<Plan, BundleError> {
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
        let frame = [OCI_LAYOUT.len() as u64, header, empty_index()];
        let frame = frame.into_iter().map(member).fold(END, u64::saturating_add).saturating_add(BLOCK);
        let room = volume_size.map(|size| size.saturating_sub(frame));
        let roots = Roots::of(&plan.images);
        plan.volumes = fit(&mut plan.contents, room, |content| roots.indexed(content))?;
        // The last volume says the most: the digests of all ranges.
        let needed = Header::longest(&plan);
        if needed > most {
            let what = format!("what is in the bundle takes {needed} bytes to say, and {most} are read");
            return Err(BundleError::usage(what, "make several bundles, of fewer images each"));
        }
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
    use super::*;

    #[test]
    fn a_bundle_of_more_than_anybody_reads_of_a_volume_is_refused() {
        let blobs = (0..20).map(|number| (crate::samples_tests::digest(number), 10, 0));
        let load = Load { blobs: blobs.collect(), sources: vec!["a".to_owned()], ..Load::default() };
        let plan = draft_within(&load, None, MAX_HEADER).unwrap();
        let length = Header::longest(&plan);
        assert_eq!(draft_within(&load, None, length).unwrap(), plan);
        let refused = draft_within(&load, None, length - 1).unwrap_err();
        assert!(refused.to_string().contains("bytes to say"), "{refused}");
    }
}
