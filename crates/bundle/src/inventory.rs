//! Inventories: what a destination holds, as small as it can be said, so that a bundle can leave it out.
use std::collections::BTreeMap;

use content::{Fault, FaultKind, Hasher, Step};
use reference::{Algorithm, Digest, RefName, RepositoryName};
use serde::{Deserialize, Serialize};

use crate::packed::Packed;

/// The version of the format.
const VERSION: u32 = 1;
/// The most bytes of an inventory that are read: that of some five million blobs.
pub const MAX_INVENTORY: u64 = 512 * 1024 * 1024;

/// What a registry, or a layout, held at some moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inventory {
    /// The digest of its content, whenever it was made.
    pub id: Digest,
    /// When it was made, as RFC 3339 writes it.
    pub made: String,
    /// Of what: a registry, or a layout as it was named.
    pub of: String,
    /// Its repositories: of a layout, those that its ref names begin with.
    pub repositories: Vec<Shelf>,
    /// Its manifests, and which repositories hold each: positions in `repositories`.
    pub manifests: BTreeMap<Digest, Vec<usize>>,
    /// Its blobs, and which repositories hold each: positions in `repositories`.
    pub blobs: BTreeMap<Digest, Vec<usize>>,
}

/// One repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shelf {
    /// Its name; none for what a layout holds under names that have no repository in them.
    pub name: Option<RepositoryName>,
    /// Its tags, and what they stand for.
    pub tags: BTreeMap<RefName, Digest>,
}

/// As it stands in the file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    inventory: u32,
    #[serde(with = "crate::text")]
    id: Digest,
    made: String,
    #[serde(flatten)]
    said: Said,
}

/// What its id is the digest of.
#[derive(Serialize, Deserialize)]
struct Said {
    of: String,
    repositories: Vec<WrittenShelf>,
    manifests: Packed,
    kept: Vec<Vec<usize>>,
    blobs: Packed,
    held: Vec<Vec<usize>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenShelf {
    #[serde(with = "crate::text::maybe")]
    name: Option<RepositoryName>,
    /// Positions in `manifests`.
    tags: BTreeMap<String, usize>,
}

impl Inventory {
    /// Puts an inventory together. Tags must stand for manifests that are in it.
    pub fn new(
        (of, made): (String, String),
        repositories: Vec<Shelf>,
        manifests: BTreeMap<Digest, Vec<usize>>,
        blobs: BTreeMap<Digest, Vec<usize>>,
    ) -> Self {
        let mut new = Self { id: Digest::sha256([0; 32]), made, of, repositories, manifests, blobs };
        new.id = id(&new.said());
        new
    }

    /// The inventory as a file.
    pub fn to_bytes(&self) -> Vec<u8> {
        let (id, made) = (self.id.clone(), self.made.clone());
        let mut bytes = json(&Written { inventory: VERSION, id, made, said: self.said() });
        bytes.push(b'\n');
        bytes
    }

    /// Reads an inventory; `shown` is what it is called in messages.
    ///
    /// # Errors
    /// [`FaultKind::Untrue`] for what is no inventory, or none that is whole; [`FaultKind::Refused`] for one of a later
    /// version.
    pub fn read(bytes: &[u8], shown: &str) -> Result<Self, Fault> {
        parse(bytes).map_err(|(kind, what)| {
            Fault::new(kind, Step::ReadManifest, what)
                .at(shown)
                .hint("make it again with `transship inventory`, and bring the file over whole")
        })
    }

    /// What a tag of a repository stood for.
    pub fn tag(&self, repository: &RepositoryName, tag: &RefName) -> Option<&Digest> {
        let mut named = self.repositories.iter().filter(|shelf| shelf.name.as_ref() == Some(repository));
        named.find_map(|shelf| shelf.tags.get(tag))
    }

    /// Whether a repository held a manifest.
    pub fn keeps(&self, repository: &RepositoryName, manifest: &Digest) -> bool {
        let held = self.manifests.get(manifest).into_iter().flatten();
        held.filter_map(|number| self.repositories.get(*number))
            .any(|it| it.name.as_ref() == Some(repository))
    }

    /// The repositories that hold a blob; `None` where no repository does. A layout's blobs have none.
    pub fn holders(&self, blob: &Digest) -> Option<impl Iterator<Item = &RepositoryName>> {
        let held = self.blobs.get(blob)?;
        Some(held.iter().filter_map(|number| self.repositories.get(*number)?.name.as_ref()))
    }

    fn said(&self) -> Said {
        let positions: BTreeMap<&Digest, usize> = self.manifests.keys().zip(0..).collect();
        let shelves = self.repositories.iter().map(|shelf| {
            let tags = shelf.tags.iter();
            let tags = tags.filter_map(|(tag, digest)| Some((tag.to_string(), *positions.get(digest)?)));
            WrittenShelf { name: shelf.name.clone(), tags: tags.collect() }
        });
        Said {
            of: self.of.clone(),
            repositories: shelves.collect(),
            manifests: Packed::new(self.manifests.keys()),
            kept: self.manifests.values().cloned().collect(),
            blobs: Packed::new(self.blobs.keys()),
            held: self.blobs.values().cloned().collect(),
        }
    }
}

fn id(said: &Said) -> Digest {
    Hasher::digest(Algorithm::Sha256, &json(said))
}

/// The same inventory with the id that its content has.
#[cfg(fuzzing)]
pub(crate) fn sealed(bytes: &[u8]) -> Option<Vec<u8>> {
    let written: Written = serde_json::from_slice(bytes).ok()?;
    let id = id(&written.said);
    Some(json(&Written { id, ..written }))
}

fn json(value: &impl Serialize) -> Vec<u8> {
    // Text, numbers, lists and maps with text as keys: nothing that could fail.
    serde_json::to_vec(value).unwrap_or_default()
}

fn parse(bytes: &[u8]) -> Result<Inventory, (FaultKind, String)> {
    #[derive(Deserialize)]
    struct Version {
        inventory: u32,
    }
    let untrue = |what: String| (FaultKind::Untrue, what);
    let version: Version =
        serde_json::from_slice(bytes).map_err(|why| untrue(format!("it is no inventory: {why}")))?;
    if version.inventory != VERSION {
        let what =
            format!("it is an inventory of format {}, this program reads {VERSION}", version.inventory);
        return Err((FaultKind::Refused, what));
    }
    let written: Written =
        serde_json::from_slice(bytes).map_err(|why| untrue(format!("it is no inventory: {why}")))?;
    if id(&written.said) != written.id {
        return Err(untrue(
            "it is not what it was when it was made: its content has another digest".to_owned(),
        ));
    }
    resolve(written).map_err(untrue)
}

fn resolve(written: Written) -> Result<Inventory, String> {
    let Written { id, made, said: Said { of, repositories, manifests, kept, blobs, held }, .. } = written;
    let manifests: Vec<Digest> = manifests.unpack()?.collect();
    let blobs: Vec<Digest> = blobs.unpack()?.collect();
    let beyond = held.iter().chain(&kept).flatten().any(|number| *number >= repositories.len());
    if held.len() != blobs.len() || kept.len() != manifests.len() || beyond {
        return Err("it does not say which repositories hold what".to_owned());
    }
    let shelves = repositories.into_iter().map(|shelf| {
        let tags = shelf.tags.into_iter().map(|(tag, number)| {
            let digest = manifests.get(number).ok_or_else(|| format!("its tag {tag} stands for nothing"))?;
            Ok((RefName::new(tag), digest.clone()))
        });
        Ok(Shelf { name: shelf.name, tags: tags.collect::<Result<_, String>>()? })
    });
    let repositories = shelves.collect::<Result<Vec<_>, String>>()?;
    let blobs = blobs.into_iter().zip(held).collect();
    Ok(Inventory { id, made, of, repositories, manifests: manifests.into_iter().zip(kept).collect(), blobs })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(number: u8) -> Digest {
        Hasher::digest(Algorithm::Sha256, &[number])
    }

    pub(crate) fn some(made: &str) -> Inventory {
        let shelf = |name: &str, tag: &str, number| Shelf {
            name: Some(name.parse().unwrap()),
            tags: [(RefName::new(tag), digest(number))].into(),
        };
        Inventory::new(
            ("registry.example".to_owned(), made.to_owned()),
            vec![shelf("base/one", "v1", 1), shelf("two", "v2", 2)],
            [(digest(1), vec![0]), (digest(2), vec![1])].into(),
            (10..200)
                .map(|number| (digest(number), if number % 2 == 0 { vec![0] } else { vec![0, 1] }))
                .collect(),
        )
    }

    #[test]
    fn an_inventory_comes_back_as_it_was_and_is_compact() {
        let inventory = some("2026-01-02T03:04:05Z");
        let bytes = inventory.to_bytes();
        assert_eq!(Inventory::read(&bytes, "have.json").unwrap(), inventory);
        assert!(bytes.len() < 190 * 52 + 400, "{} bytes for 190 blobs", bytes.len());
        assert_eq!(inventory.tag(&"two".parse().unwrap(), &RefName::new("v2")), Some(&digest(2)));
        assert_eq!(inventory.tag(&"two".parse().unwrap(), &RefName::new("v1")), None);
        let holders: Vec<_> = inventory.holders(&digest(11)).unwrap().map(ToString::to_string).collect();
        assert_eq!(holders, ["base/one", "two"]);
        assert!(inventory.holders(&digest(1)).is_none());
        assert!(inventory.keeps(&"two".parse().unwrap(), &digest(2)));
        assert!(!inventory.keeps(&"two".parse().unwrap(), &digest(1)));
    }

    #[test]
    fn the_same_content_has_the_same_id_whenever_it_was_looked_at() {
        let (one, two) = (some("2026-01-02T03:04:05Z"), some("2026-02-02T03:04:05Z"));
        assert_eq!(one.id, two.id);
        let mut other = one.clone();
        other.blobs.pop_first();
        let other = Inventory::new((other.of, other.made), other.repositories, other.manifests, other.blobs);
        assert_ne!(one.id, other.id);
    }

    #[test]
    fn an_inventory_that_was_altered_cut_or_is_none_is_refused() {
        let bytes = some("now").to_bytes();
        let text = String::from_utf8(bytes.clone()).unwrap();
        let altered = text.replace("base/one", "base/two");
        let fault = Inventory::read(altered.as_bytes(), "have.json").unwrap_err();
        assert_eq!(fault.kind(), FaultKind::Untrue);
        assert!(fault.to_string().starts_with("have.json: "), "{fault}");
        assert!(fault.hint_text().unwrap().contains("transship inventory"));
        for broken in [&bytes[..bytes.len() / 2], b"", b"{}", b"[1]", b"{\"inventory\":1}"] {
            assert_eq!(Inventory::read(broken, "x").unwrap_err().kind(), FaultKind::Untrue);
        }
        let later = text.replace("\"inventory\":1", "\"inventory\":2");
        assert_eq!(Inventory::read(later.as_bytes(), "x").unwrap_err().kind(), FaultKind::Refused);
    }
}
