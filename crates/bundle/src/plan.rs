//! Plans: what is in a bundle, and which volume each byte of it goes to. Known before a byte is written, and the same
//! whenever it is made of the same images, so that any volume can be made again by itself.
use std::{
    collections::{BTreeMap, BTreeSet},
    io,
};

use content::{Hasher, MAX_MANIFEST_BYTES};
use reference::{Algorithm, Digest, RepositoryName, Tag};
use serde::{Deserialize, Serialize};

use crate::packed::Packed;

/// The version of the format.
pub(crate) const VERSION: u32 = 1;

/// The most images of a bundle, and the most volumes: what is told of a bundle names each.
const MAX_IMAGES: usize = 100_000;
const MAX_VOLUMES: u32 = 100_000;

/// What a bundle holds, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// The version of the format.
    pub(crate) bundle: u32,
    /// The digest of this plan, by which volumes know that they belong together.
    #[serde(with = "crate::text")]
    pub set: Digest,
    /// The most bytes of a volume; none where there is one of any size.
    pub volume_size: Option<u64>,
    /// How many volumes there are.
    pub volumes: u32,
    /// Whether foreign layers were taken along.
    pub(crate) foreign: bool,
    /// What the destination must hold already.
    pub base: Base,
    /// Where content was read.
    #[serde(deserialize_with = "crate::text::list::deserialize")]
    pub sources: Vec<String>,
    /// The images, each after those that are to be written before it.
    pub images: Vec<Image>,
    /// Manifests, each after all that it names; then blobs.
    pub contents: Vec<Content>,
}

/// What the destination must hold before a bundle is of use.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Base {
    /// The inventories that said so.
    pub inventories: Vec<Witness>,
    /// Repositories, named below by their positions.
    #[serde(deserialize_with = "crate::text::list::deserialize")]
    pub(crate) repositories: Vec<String>,
    /// Blobs that images of this bundle need, and that it leaves out.
    pub(crate) blobs: Packed,
    /// How many bytes each of them has.
    #[serde(deserialize_with = "crate::text::list::deserialize")]
    pub(crate) sizes: Vec<u64>,
    /// Where each of them may be.
    #[serde(deserialize_with = "crate::text::list::deserialize")]
    pub(crate) held: Vec<Box<[u32]>>,
}

/// An inventory that a bundle was made against.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Witness {
    /// Its id.
    #[serde(with = "crate::text")]
    pub id: Digest,
    /// When it was made.
    pub made: String,
    /// Of what.
    pub of: String,
}

/// An image, or what belongs to one, that is to be at the destination.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Image {
    /// In this repository.
    #[serde(with = "crate::text")]
    pub repository: RepositoryName,
    /// By this tag, or by its digest alone.
    #[serde(default, with = "crate::text::maybe", skip_serializing_if = "Option::is_none")]
    pub tag: Option<Tag>,
    /// Its root.
    #[serde(with = "crate::text")]
    pub digest: Digest,
}

/// A manifest or a blob.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    /// Its digest.
    #[serde(with = "crate::text")]
    pub digest: Digest,
    /// Its size.
    pub size: u64,
    /// The media type of a manifest; blobs have none.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// The position of its source.
    pub source: usize,
    /// The bytes of a manifest that no source has, in base64: an index that was rewritten to chosen platforms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) data: Option<String>,
    /// Its parts in order: in which volume, and how many bytes. More than one are ranges.
    pub at: Vec<(u32, u64)>,
}

/// A blob that a bundle leaves out, and that the destination must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Need<'a> {
    /// Its digest.
    pub(crate) digest: Digest,
    /// Its size.
    pub(crate) size: u64,
    /// Where it may be: see [`Base::repository`].
    pub(crate) held: &'a [u32],
}

/// A part of a content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Piece {
    /// The position of its content.
    pub(crate) content: usize,
    /// In this volume.
    pub(crate) volume: u32,
    /// From this byte of the content.
    pub(crate) offset: u64,
    /// So many bytes.
    pub(crate) length: u64,
    /// Its position among all ranges; none where it is the whole content.
    pub(crate) range: Option<usize>,
}

impl Content {
    /// Whether it is a manifest.
    pub fn is_manifest(&self) -> bool {
        self.media_type.is_some()
    }

    /// Whether it spans volumes.
    pub fn is_split(&self) -> bool {
        self.at.len() > 1
    }

    /// How many ranges it is made of.
    pub(crate) fn ranges(&self) -> usize {
        if self.is_split() { self.at.len() } else { 0 }
    }

    /// Its parts in order, of the content at `position`, before which there are so many ranges.
    pub(crate) fn pieces(&self, position: usize, ranges: usize) -> impl Iterator<Item = Piece> {
        let mut offset = 0_u64;
        self.at.iter().zip(ranges..).map(move |(&(volume, length), range)| {
            let range = self.is_split().then_some(range);
            let piece = Piece { content: position, volume, offset, length, range };
            offset = offset.saturating_add(length);
            piece
        })
    }
}

impl Plan {
    /// Gives the plan its id, now that it is complete.
    pub(crate) fn seal(mut self) -> Self {
        self.set = Digest::sha256([0; 32]);
        let mut hashing = Hashing(Hasher::new(Algorithm::Sha256));
        // Text, numbers and lists: nothing that could fail.
        drop(serde_json::to_writer(&mut hashing, &self));
        self.set = hashing.0.finish();
        self
    }

    /// All parts of all contents, in order.
    pub(crate) fn pieces(&self) -> impl Iterator<Item = Piece> {
        let mut ranges = 0_usize;
        self.contents.iter().enumerate().flat_map(move |(position, content)| {
            let before = ranges;
            ranges = ranges.saturating_add(content.ranges());
            content.pieces(position, before)
        })
    }

    /// What goes into one volume, in order.
    pub(crate) fn volume(&self, volume: u32) -> Vec<Piece> {
        self.pieces().filter(|piece| piece.volume == volume).collect()
    }

    /// How many ranges there are in the volumes up to this one.
    pub(crate) fn ranges_up_to(&self, volume: u32) -> usize {
        self.pieces().filter(|piece| piece.range.is_some() && piece.volume <= volume).count()
    }

    /// The blobs that the destination must hold, and where they may be. One after the other: all of them, with the
    /// names of the repositories, would be many times as large as the plan.
    pub(crate) fn needs(&self) -> impl Iterator<Item = Need<'_>> {
        let blobs = self.base.blobs.unpack().into_iter().flatten();
        let each = blobs.zip(&self.base.sizes).zip(&self.base.held);
        each.map(|((digest, size), held)| Need { digest, size: *size, held })
    }

    /// The bytes of all contents.
    pub fn bytes(&self) -> u64 {
        self.contents.iter().fold(0, |sum, content| sum.saturating_add(content.size))
    }

    /// A plan that was read, if it holds together.
    ///
    /// # Errors
    /// A clause that says what does not fit.
    pub(crate) fn checked(self) -> Result<Self, String> {
        let said = self.set.clone();
        let plan = self.seal();
        if plan.set != said {
            return Err("what it says of its set is not what it was made with".to_owned());
        }
        plan.check().map(|()| plan)
    }

    /// What there is too much of for anybody to read.
    pub(crate) fn excess(&self) -> Option<String> {
        let images = self.images.len();
        if images > MAX_IMAGES {
            return Some(format!("the bundle has {images} images, and {MAX_IMAGES} are read"));
        }
        let volumes = self.volumes;
        (volumes > MAX_VOLUMES)
            .then(|| format!("the bundle has {volumes} volumes, and {MAX_VOLUMES} are read"))
    }

    fn check(&self) -> Result<(), String> {
        if let Some(excess) = self.excess() {
            return Err(excess);
        }
        let (base, blobs) = (&self.base, self.base.blobs.unpack()?.count());
        let beyond = |number: &u32| base.named(*number).is_none();
        if base.held.len() != blobs || base.sizes.len() != blobs || base.held.iter().flatten().any(beyond) {
            return Err("it does not say where the blobs of its base may be".to_owned());
        }
        let mut known = BTreeMap::new();
        for content in &self.contents {
            self.check_content(content)?;
            if known.insert(&content.digest, content.is_manifest()).is_some() {
                return Err(format!("it lists {} twice", content.digest));
            }
        }
        self.check_volumes()?;
        match self.images.iter().find(|image| known.get(&image.digest) != Some(&true)) {
            Some(image) => Err(format!("it names the image {}, and has no such manifest", image.digest)),
            None => Ok(()),
        }
    }

    /// Volumes are filled one after the other, and none is left empty.
    fn check_volumes(&self) -> Result<(), String> {
        let mut last = 0_u32;
        for &(volume, _) in self.contents.iter().flat_map(|content| &content.at) {
            if volume != last && Some(volume) != last.checked_add(1) {
                return Err("its volumes are not filled one after the other".to_owned());
            }
            last = volume;
        }
        if last.max(1) == self.volumes {
            Ok(())
        } else {
            Err(format!("it fills {last} of its {} volumes", self.volumes))
        }
    }

    fn check_content(&self, content: &Content) -> Result<(), String> {
        let digest = &content.digest;
        let sum = content.at.iter().try_fold(0_u64, |sum, (_, length)| sum.checked_add(*length));
        if sum != Some(content.size) {
            return Err(format!("the parts of {digest} do not add up to its {} bytes", content.size));
        }
        let in_order = content.at.is_sorted_by(|(one, _), (next, _)| one < next);
        let there = content.at.iter().all(|(volume, _)| (1..=self.volumes).contains(volume));
        let empty = content.at.is_empty() || content.is_split() && content.at.iter().any(|part| part.1 == 0);
        if !in_order || !there || empty {
            return Err(format!("the parts of {digest} are in no volumes, or not in order"));
        }
        let too_large = content.is_manifest() && (content.size > MAX_MANIFEST_BYTES || content.is_split());
        if too_large || content.source >= self.sources.len() {
            return Err(format!("it cannot have been made with {digest} as it stands there"));
        }
        Ok(())
    }
}

impl Base {
    /// A base of these blobs and where they may be, by the word of `inventories`.
    pub(crate) fn new(
        inventories: Vec<Witness>,
        blobs: &BTreeMap<Digest, (u64, BTreeSet<RepositoryName>)>,
    ) -> Self {
        let names: BTreeSet<&RepositoryName> = blobs.values().flat_map(|it| &it.1).collect();
        let positions: BTreeMap<&RepositoryName, u32> = names.iter().copied().zip(0..).collect();
        let held = blobs
            .values()
            .map(|(_, held)| held.iter().filter_map(|name| positions.get(name).copied()).collect());
        Self {
            inventories,
            repositories: names.iter().map(ToString::to_string).collect(),
            blobs: Packed::new(blobs.keys()),
            sizes: blobs.values().map(|it| it.0).collect(),
            held: held.collect(),
        }
    }

    /// How many blobs it is made of.
    pub fn blobs(&self) -> usize {
        self.held.len()
    }

    /// The repository at a position.
    pub(crate) fn repository(&self, number: u32) -> Option<RepositoryName> {
        self.named(number)?.parse().ok()
    }

    fn named(&self, number: u32) -> Option<&String> {
        self.repositories.get(usize::try_from(number).ok()?)
    }
}

/// Hashes what is written to it.
struct Hashing(Hasher);

impl io::Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples_tests::{digest, some};

    #[test]
    fn a_plan_comes_back_as_it_was_and_knows_its_parts() {
        let plan = some();
        let read: Plan = serde_json::from_slice(&serde_json::to_vec(&plan).unwrap()).unwrap();
        assert_eq!(read, plan);
        assert_eq!(read.checked().unwrap(), plan);
        let third = plan.volume(3);
        assert_eq!(third[0], Piece { content: 1, volume: 3, offset: 13_000, length: 10, range: Some(2) });
        assert_eq!(third[1], Piece { content: 2, volume: 3, offset: 0, length: 77, range: None });
        assert_eq!((plan.ranges_up_to(1), plan.ranges_up_to(3)), (1, 3));
        let needs: Vec<Need<'_>> = plan.needs().collect();
        assert_eq!(needs, [Need { digest: digest(9), size: 77, held: &[0] }]);
        assert_eq!((plan.base.repository(0), plan.base.repository(1)), ("app".parse().ok(), None));
    }

    #[test]
    fn a_plan_that_does_not_hold_together_is_refused() {
        type Break = fn(&mut Plan);
        let broken: [(&str, Break); 13] = [
            ("add up", |plan| plan.contents[1].size += 1),
            ("volumes", |plan| plan.volumes = 2),
            ("fills 3 of its 100000", |plan| plan.volumes = 100_000),
            ("4294967295 volumes, and 100000", |plan| plan.volumes = u32::MAX),
            ("100001 images, and 100000", |plan| plan.images = vec![plan.images[0].clone(); 100_001]),
            ("one after the other", |plan| plan.contents[2].at = vec![(2, 77)]),
            ("one after the other", |plan| plan.contents[1].at = vec![(1, 13_000), (3, 10)]),
            ("order", |plan| plan.contents[1].at.swap(0, 1)),
            ("twice", |plan| plan.contents[2].digest = digest(2)),
            ("no such manifest", |plan| plan.images[0].digest = digest(2)),
            ("stands there", |plan| plan.contents[2].source = 1),
            ("base", |plan| plan.base.held.clear()),
            ("stands there", |plan| plan.contents[0].size = 5 << 20),
        ];
        for (word, breaks) in broken {
            let mut plan = some();
            breaks(&mut plan);
            if plan.contents[0].size > 400 {
                plan.contents[0].at = vec![(1, 5 << 20)];
            }
            let why = plan.seal().checked().unwrap_err();
            assert!(why.contains(word), "{why}");
        }
        let mut other = some();
        other.volumes = 4;
        assert!(other.checked().unwrap_err().contains("set"));
    }
}
