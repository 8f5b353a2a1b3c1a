//! Trust: when the word of an earlier run is enough.
//!
//! What never moves need not be asked for again, unless the destination was wiped. So each of its repositories has a
//! witness: a tag that would be asked for anyway, or else one of those that never move. When the witness is not as it
//! should be, nothing is believed of that repository.
use std::{collections::BTreeMap, sync::Arc};

use content::Version;
use copier::Side;
use futures::{Stream, StreamExt, stream};
use reference::Digest;

use super::{Outcome, Runner, State, tally::Tally};
use crate::{Item, Site};

/// How many repositories are asked at a time.
const AT_ONCE: usize = 8;

/// The images of one repository that an earlier run has brought.
pub(super) struct Group<'a> {
    /// An image of it that is asked for in any case.
    other: Option<&'a Item>,
    settled: Vec<(&'a Item, Digest)>,
}

/// What the witness of a repository brought about.
pub(super) struct Judged<'a> {
    /// The witness, where it was an image that had to be brought anyway.
    pub(super) witness: Option<(&'a Item, Outcome)>,
    /// Images that are there.
    pub(super) believed: Vec<(&'a Item, Outcome)>,
    /// Images that may be there.
    pub(super) doubted: Vec<&'a Item>,
}

/// Parts those that have to be asked for in any case from those that need a witness only.
pub(super) fn sort<'a>(items: &'a [Item], state: &State) -> (Vec<&'a Item>, Vec<Group<'a>>) {
    let mut groups: BTreeMap<&Site, Group<'_>> = BTreeMap::new();
    for item in items {
        if let Some(digest) = state.digest(item) {
            let site = &item.destination.site;
            let group = groups.entry(site).or_insert_with(|| Group { other: None, settled: Vec::new() });
            group.settled.push((item, digest));
        }
    }
    let mut rest = Vec::new();
    for item in items.iter().filter(|item| state.digest(item).is_none()) {
        match groups.get_mut(&item.destination.site) {
            Some(group) if group.other.is_none() => group.other = Some(item),
            _ => rest.push(item),
        }
    }
    (rest, groups.into_values().collect())
}

/// The same, where nothing is brought: no witness is one that would be.
pub(super) fn apart<'a>(items: &'a [Item], state: &State) -> (Vec<&'a Item>, Vec<Group<'a>>) {
    let (mut rest, mut groups) = sort(items, state);
    rest.extend(groups.iter_mut().filter_map(|group| group.other.take()));
    (rest, groups)
}

/// Asks the witnesses.
pub(super) fn ask<'a>(runner: &'a Runner, groups: Vec<Group<'a>>) -> impl Stream<Item = Judged<'a>> {
    stream::iter(groups).map(|group| judge(runner, group)).buffer_unordered(AT_ONCE)
}

async fn judge<'a>(runner: &Runner, group: Group<'a>) -> Judged<'a> {
    let mut settled = group.settled.into_iter();
    let mut judged = Judged { witness: None, believed: Vec::new(), doubted: Vec::new() };
    let mut there = false;
    if let Some(item) = group.other {
        let outcome = runner.one(item).await;
        there = outcome.result.as_ref().is_ok_and(|delivered| delivered.already_there);
        judged.witness = Some((item, outcome));
    }
    if !there && let Some((item, digest)) = settled.next() {
        // The other tag may have moved, or be new: that says nothing.
        match find(runner, item, &digest).await {
            Some(outcome) => {
                there = true;
                judged.believed.push((item, outcome));
            }
            None => judged.doubted.push(item),
        }
    }
    for (item, digest) in settled {
        if there {
            judged.believed.push((item, Outcome::believed(digest)));
        } else {
            judged.doubted.push(item);
        }
    }
    judged
}

/// Whether an image is at its destination; a destination that does not say is asked again when the image is brought.
async fn find(runner: &Runner, item: &Item, digest: &Digest) -> Option<Outcome> {
    let tally = Arc::<Tally>::default();
    let target = runner.world().target(&item.destination.site).ok()?;
    let version = Version::Name(item.destination.name.clone()?);
    let found = tally.counting(Side::Target, target.find(&version)).await.ok()??;
    let outcome = Outcome::believed(found.digest);
    (outcome.digest.as_ref() == Some(digest)).then(|| Outcome { requests: tally.requests(), ..outcome })
}
