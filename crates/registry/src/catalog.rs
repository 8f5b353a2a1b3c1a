//! A repository's tags: listed, and taken away one by one.
use content::{Catalog, Descriptor, Fault, Place, Role, Shape, Source, Step, Untagged, Version};
use futures::future::BoxFuture;
use reference::{Digest, RefName};

use crate::{Removal, Repository, publish::tag};

const STEP: Step = Step::Remove;
/// How deep indexes are looked into, for what they hold.
const MAX_DEPTH: u32 = 8;

impl Catalog for Repository {
    fn place(&self) -> &Place {
        Source::place(self)
    }

    fn names(&self) -> BoxFuture<'_, Result<Vec<RefName>, Fault>> {
        self.step(Step::List, &"tags", self.list_tags())
    }

    /// Removes the tag, where the registry can; else the manifest, when no tag that stays leads to that. To know this,
    /// every tag is asked for.
    fn untag<'a>(
        &'a self,
        name: &'a RefName,
        leaving: &'a [RefName],
    ) -> BoxFuture<'a, Result<Untagged, Fault>> {
        self.step(STEP, name, self.remove_tag(name, leaving))
    }
}

impl Repository {
    async fn remove_tag(&self, name: &RefName, leaving: &[RefName]) -> Result<Untagged, Fault> {
        let tag = tag(name, STEP)?;
        let words = match self.remove(format!("manifests/{tag}")).await? {
            Removal::Done => return Ok(Untagged::Done),
            Removal::Refused(words) => Some(words),
            // Registries that remove by digest only may not find the tag that they have.
            Removal::Absent => None,
        };
        let version = Version::Name(name.clone());
        let Some(found) = self.find_version(&version, self.pull(), STEP).await? else {
            return Ok(Untagged::Absent);
        };
        if let Some(other) = self.another_way_to(&found.digest, name, leaving).await? {
            let digest = found.digest;
            let what = format!("it removes manifests only, not tags, and the tag {other} needs {digest} too");
            return Ok(Untagged::Refused(words.map_or(what.clone(), |words| format!("{words}; {what}"))));
        }
        Ok(match self.remove(format!("manifests/{}", found.digest)).await? {
            Removal::Done => Untagged::Done,
            Removal::Absent => Untagged::Absent,
            Removal::Refused(words) => Untagged::Refused(words),
        })
    }

    /// A tag beside `name` that leads to `digest`; at that digest itself, only one that is not `leaving`.
    async fn another_way_to(
        &self,
        digest: &Digest,
        name: &RefName,
        leaving: &[RefName],
    ) -> Result<Option<RefName>, Fault> {
        for other in self.list_tags().await?.into_iter().filter(|other| other != name) {
            let version = Version::Name(other.clone());
            let found = self.find_version(&version, self.pull(), STEP).await?;
            // An index that is leaving has to go first: without what it holds, it would be left in part.
            let goes_along = |found: &Descriptor| found.digest == *digest && leaving.contains(&other);
            if let Some(found) = found
                && !goes_along(&found)
                && self.leads_to(found, digest).await?
            {
                return Ok(Some(other));
            }
        }
        Ok(None)
    }

    /// Whether `from` is that manifest, or an index that holds it.
    async fn leads_to(&self, from: Descriptor, digest: &Digest) -> Result<bool, Fault> {
        let mut level = vec![from];
        for _ in 0..MAX_DEPTH {
            if level.iter().any(|one| one.digest == *digest) {
                return Ok(true);
            }
            let mut next = Vec::new();
            for index in level.into_iter().filter(|one| one.media_type.role() == Role::Index) {
                let version = Version::Digest(index.digest);
                let manifest = self.read_manifest(&version, None, self.pull()).await?;
                if let Shape::Index { entries } = manifest.shape() {
                    next.extend(entries.iter().cloned());
                }
            }
            level = next;
        }
        Ok(!level.is_empty())
    }
}
