//! Trust: when the word of an earlier run is enough.
//!
//! What never moves need not be asked for again, unless the destination was wiped. So each of its repositories has a
//! witness: a tag that would be asked for anyway, or else one of those that never move. Where no witness is as it
//! should be, nothing is believed of that repository, whatever is selected now and under whatever rules it arrived; and
//! that is noted before anything is written there, since what is written may be the witness of the next run.
use std::{collections::BTreeMap, sync::Arc};

use content::Version;
use copier::Side;
use futures::{Stream, StreamExt, stream};
use reference::Digest;

use super::{Outcome, Runner, tally::Tally};
use crate::{Home, Item};

/// An image that is to be brought, and the requests that were made for it so far.
pub(super) struct Pending<'a> {
    pub(super) item: &'a Item,
    pub(super) tally: Arc<Tally>,
}

/// The images of one repository of which something is noted.
pub(super) struct Group<'a> {
    home: Home,
    /// An image of it that is asked for in any case.
    other: Option<&'a Item>,
    /// Those that an earlier run has brought.
    settled: Vec<(&'a Item, Digest)>,
}

/// What the witnesses of a repository said.
pub(super) struct Judged<'a> {
    /// The repository, where one of them is as it should be.
    pub(super) standing: Option<Home>,
    /// Images that nothing more is to be done for: they are there, or cannot be read.
    pub(super) known: Vec<(&'a Item, Outcome)>,
    /// Images that may have to be brought.
    pub(super) pending: Vec<Pending<'a>>,
}

impl<'a> From<&'a Item> for Pending<'a> {
    fn from(item: &'a Item) -> Self {
        Self { item, tally: Arc::default() }
    }
}

/// Parts those that have to be asked for in any case from those that need a witness only.
pub(super) fn sort<'a>(items: &'a [Item], runner: &Runner) -> (Vec<Pending<'a>>, Vec<Group<'a>>) {
    let mut groups: BTreeMap<Home, Group<'_>> = BTreeMap::new();
    let mut rest = Vec::new();
    for item in items {
        let home = Home::of(&item.destination);
        if !runner.believes(&home) {
            rest.push(item.into());
            continue;
        }
        let new = || Group { home: home.clone(), other: None, settled: Vec::new() };
        let group = groups.entry(home.clone()).or_insert_with(new);
        match runner.arrived(item) {
            Some(digest) => group.settled.push((item, digest)),
            // Where what is about an image is looked for, it takes more than one question to know that all is there.
            None if group.other.is_none() && !item.referrers => group.other = Some(item),
            None => rest.push(item.into()),
        }
    }
    (rest, groups.into_values().collect())
}

/// The same, where nothing is brought: no witness is one that would be.
pub(super) fn apart<'a>(items: &'a [Item], runner: &Runner) -> (Vec<Pending<'a>>, Vec<Group<'a>>) {
    let (mut rest, mut groups) = sort(items, runner);
    rest.extend(groups.iter_mut().filter_map(|group| group.other.take()).map(Pending::from));
    (rest, groups)
}

/// Asks the witnesses, so many at a time.
pub(super) fn ask<'a>(
    runner: &'a Runner,
    groups: Vec<Group<'a>>,
    at_once: usize,
) -> impl Stream<Item = Judged<'a>> {
    stream::iter(groups).map(|group| judge(runner, group)).buffer_unordered(at_once)
}

async fn judge<'a>(runner: &Runner, group: Group<'a>) -> Judged<'a> {
    let (mut known, mut pending) = (Vec::new(), Vec::new());
    let mut there = false;
    if let Some(item) = group.other {
        let tally = Arc::default();
        match runner.stands(item, &tally).await {
            Some(outcome) => {
                there = outcome.result.is_ok();
                known.push((item, outcome));
            }
            None => pending.push(Pending { item, tally }),
        }
    }
    let mut settled = group.settled.into_iter();
    if !there && let Some((item, digest)) = settled.next() {
        // The other tag may have moved, or be new: that says nothing.
        let tally = Arc::default();
        match find(runner, item, &digest, &tally).await {
            Some(outcome) => {
                there = true;
                known.push((item, outcome));
            }
            None => pending.push(Pending { item, tally }),
        }
    }
    for (item, digest) in settled {
        if there {
            known.push((item, Outcome::believed(digest)));
        } else {
            pending.push(item.into());
        }
    }
    Judged { standing: there.then_some(group.home), known, pending }
}

/// Whether an image is at its destination; a destination that does not say is asked again when the image is brought.
async fn find(runner: &Runner, item: &Item, digest: &Digest, tally: &Arc<Tally>) -> Option<Outcome> {
    let target = runner.world().target(&item.destination.site).ok()?;
    let version = Version::Name(item.destination.name.clone()?);
    let found = tally.counting(Side::Target, target.find(&version)).await.ok()??;
    let outcome = Outcome::believed(found.digest);
    (outcome.digest.as_ref() == Some(digest)).then(|| Outcome { requests: tally.requests(), ..outcome })
}
