//! Which bytes of an archive belong to which member, while several are written at once.
//!
//! A region is one member: headers, content, and the rest of the last block. Until its content is whole its first block
//! is the header of a void, a file that means nothing and is as long as all that follows: whatever happens to the
//! member, a reader passes over it. One write of that block makes the member of it, or never does.
use std::collections::{BTreeMap, BTreeSet};

use super::header::{self, BLOCK, Block};

/// The path of a region without a member.
const VOID: &str = ".transship/void";

/// The place of one member.
#[derive(Debug, Clone)]
pub(crate) struct Region {
    /// Where its first header is.
    pub(crate) at: u64,
    pub(crate) headers: Vec<Block>,
    pub(crate) size: u64,
    /// Whether a reader may see it by now: as a void.
    pub(crate) is_shown: bool,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Its content comes.
    Open,
    /// Its content has come.
    Kept,
    /// Nobody wants it: the same member may have it when it comes again.
    Free,
    /// Nobody wants it, and somebody may still write to it.
    Lost,
}

/// The regions that are not finished, and where the next one begins.
#[derive(Debug, Default)]
pub(crate) struct Regions {
    pub(crate) end: u64,
    open: BTreeMap<u64, Region>,
    /// Those of them that are free: few, where an archive may have a hundred thousand.
    free: BTreeSet<u64>,
}

impl Region {
    /// Where its content begins.
    pub(crate) fn content(&self) -> u64 {
        self.at.saturating_add(length(&self.headers))
    }

    /// Where the next region begins.
    pub(crate) fn end(&self) -> u64 {
        self.content().saturating_add(self.size.saturating_add(self.padding()))
    }

    /// How many zeros follow its content.
    pub(crate) fn padding(&self) -> u64 {
        self.size.checked_next_multiple_of(BLOCK).unwrap_or(self.size).saturating_sub(self.size)
    }

    /// What stands in its first block while it is no member.
    pub(crate) fn void(&self) -> Option<Block> {
        let size = self.end().saturating_sub(self.at).saturating_sub(BLOCK);
        header::write(VOID, size)?.first().copied()
    }
}

impl Regions {
    /// Regions from `end` on.
    pub(crate) fn from(end: u64) -> Self {
        Self { end, ..Self::default() }
    }

    /// Room for a member. `None` beyond what a file can be.
    pub(crate) fn reserve(&mut self, headers: Vec<Block>, size: u64) -> Option<Region> {
        let free = self.free_for(&headers).next();
        if let Some(at) = free {
            self.set(at, State::Open);
            return self.open.get(&at).cloned();
        }
        let region = Region { at: self.end, headers, size, is_shown: false, state: State::Open };
        let content = self.end.checked_add(length(&region.headers))?;
        let end = content.checked_add(size)?.checked_next_multiple_of(BLOCK)?;
        // What a file system counts with has a sign.
        i64::try_from(end).ok()?;
        self.end = end;
        self.open.insert(region.at, region.clone());
        Some(region)
    }

    /// The content of a member has come.
    pub(crate) fn keep(&mut self, at: u64) {
        self.set(at, State::Kept);
        let Some(headers) = self.open.get(&at).map(|region| region.headers.clone()) else { return };
        // One that comes once more is to lie behind this one: the later of two wins.
        for other in self.free_for(&headers).collect::<Vec<_>>() {
            self.set(other, State::Lost);
        }
    }

    /// Regions that the member with these headers may have.
    fn free_for(&self, headers: &[Block]) -> impl Iterator<Item = u64> {
        let is_its = move |at: &u64| self.open.get(at).is_some_and(|region| region.headers == headers);
        self.free.iter().copied().filter(is_its)
    }

    /// The content of a member will not come.
    pub(crate) fn give_up(&mut self, at: u64, somebody_writes: bool) {
        self.set(at, if somebody_writes { State::Lost } else { State::Free });
        // What is free at the end is given back whole, so that the archive does not grow by it.
        while let Some(last) = self.open.last_entry() {
            let region = last.get();
            if region.state != State::Free || region.is_shown || region.end() != self.end {
                break;
            }
            self.end = region.at;
            self.free.remove(&region.at);
            last.remove();
        }
    }

    /// Whether there is a member that no reader sees yet.
    pub(crate) fn has_news(&self) -> bool {
        self.open.values().any(|region| region.state == State::Kept)
    }

    /// Ends a part of the archive: the members to show, and the regions that are to be passed over.
    pub(crate) fn close(&mut self) -> (Vec<Region>, Vec<Region>) {
        let all = std::mem::take(&mut self.open).into_iter();
        let (kept, open): (BTreeMap<_, _>, _) = all.partition(|(_, region)| region.state == State::Kept);
        self.open = open;
        let hidden = self.open.values_mut().filter(|region| !region.is_shown);
        let voids = hidden.map(|region| {
            region.is_shown = true;
            region.clone()
        });
        (kept.into_values().collect(), voids.collect())
    }

    fn set(&mut self, at: u64, state: State) {
        if let Some(region) = self.open.get_mut(&at) {
            region.state = state;
            if state == State::Free {
                self.free.insert(at);
            } else {
                self.free.remove(&at);
            }
        }
    }
}

fn length(headers: &[Block]) -> u64 {
    BLOCK.saturating_mul(headers.len() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reserve(regions: &mut Regions, size: u64) -> u64 {
        let header = header::write("member", size).unwrap();
        regions.reserve(header, size).unwrap().at
    }

    #[test]
    fn regions_lie_one_behind_the_other_in_whole_blocks() {
        let mut regions = Regions::default();
        let at = [0, 1, 512, 513].map(|size| reserve(&mut regions, size));
        assert_eq!(at, [0, 512, 1536, 2560]);
        assert_eq!(regions.end, 2560 + 512 + 1024);
        assert!(regions.reserve(vec![[1; 512]], u64::MAX).is_none());
        assert!(regions.reserve(vec![[1; 512]], i64::MAX as u64).is_none());
    }

    #[test]
    fn what_is_given_up_is_used_again_or_given_back_unless_somebody_writes() {
        let mut regions = Regions::default();
        let [first, second, third] = [10, 20, 30].map(|size| reserve(&mut regions, size));
        regions.give_up(first, false);
        assert_eq!(reserve(&mut regions, 10), first, "the same comes again");
        regions.give_up(second, false);
        assert_eq!(regions.end, 3072, "another lies behind it");
        regions.give_up(third, false);
        assert_eq!(regions.end, 1024, "both are given back");
        let last = reserve(&mut regions, 40);
        regions.give_up(last, true);
        assert_eq!(reserve(&mut regions, 40), 2048);
    }

    #[test]
    fn what_comes_again_lies_behind_what_was_kept_of_it() {
        let mut regions = Regions::default();
        let [first, _other, second] = [10, 20, 30].map(|size| reserve(&mut regions, size));
        let again = regions.reserve(header::write("member", 10).unwrap(), 10).unwrap().at;
        regions.give_up(first, false);
        regions.keep(again);
        assert!(reserve(&mut regions, 10) > second);
    }

    #[test]
    fn a_part_shows_what_was_kept_and_hides_the_rest_once() {
        let mut regions = Regions::default();
        let [kept, open] = [10, 2000].map(|size| reserve(&mut regions, size));
        assert!(!regions.has_news());
        regions.keep(kept);
        assert!(regions.has_news());
        let (members, voids) = regions.close();
        assert_eq!((members.len(), members[0].at), (1, kept));
        assert_eq!((voids.len(), voids[0].at), (1, open));
        let void = header::read(&voids[0].void().unwrap()).unwrap();
        assert_eq!((void.path, void.size), (VOID.into(), 2048));
        regions.keep(open);
        let (members, voids) = regions.close();
        assert!(members[0].is_shown && voids.is_empty());
    }
}
