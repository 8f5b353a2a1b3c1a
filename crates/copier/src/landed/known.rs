//! Known: which repositories of one registry hold which blobs. Some sixty bytes a blob, and a few for each repository
//! beyond the first that hold it.
use std::{
    collections::{HashMap, HashSet},
    num::NonZeroU32,
};

use content::Place;
use reference::{Algorithm, Digest, RepositoryName};

use super::Lies;

/// How many repositories are remembered of one blob in its own row: enough to mount from one of them.
const MOST: usize = 4;

/// All of a digest, in as few bytes as it has: two of whose digests only a part is alike are two blobs.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Blob {
    Sha256([u8; 32]),
    /// The rare ones, elsewhere: they would make room for all others.
    Sha512(Box<[u8]>),
}

/// A repository, by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Spot(NonZeroU32);

/// What is known of one registry.
#[derive(Default)]
pub(super) struct Known {
    spots: HashMap<Option<RepositoryName>, Spot>,
    /// By number, from 1.
    names: Vec<Option<RepositoryName>>,
    blobs: HashMap<Blob, [Option<Spot>; MOST]>,
    /// Further holders, of the few blobs that many share. A mount that is made twice may spoil what reads the first:
    /// distribution 2.8 writes its link anew, and finds it empty meanwhile.
    crowds: HashMap<Blob, HashSet<Spot>>,
}

impl Blob {
    pub(super) fn of(digest: &Digest) -> Self {
        let pairs = digest.hex().as_bytes().chunks_exact(2);
        let mut bytes = pairs.map(|pair| pair.iter().fold(0, |value, digit| (value << 4) | nibble(*digit)));
        match digest.algorithm() {
            Algorithm::Sha256 => Self::Sha256(std::array::from_fn(|_| bytes.next().unwrap_or_default())),
            Algorithm::Sha512 => Self::Sha512(bytes.collect()),
        }
    }
}

/// A digit of a digest, which has been checked to be one.
fn nibble(digit: u8) -> u8 {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok()).unwrap_or_default()
}

impl Known {
    /// The number of a place's repository.
    pub(super) fn spot(&mut self, place: &Place) -> Spot {
        let name = place.repository().cloned();
        if let Some(spot) = self.spots.get(&name) {
            return *spot;
        }
        self.names.push(name.clone());
        // Nobody writes to four billion repositories.
        let number = u32::try_from(self.names.len()).ok().and_then(NonZeroU32::new);
        let spot = Spot(number.unwrap_or(NonZeroU32::MAX));
        self.spots.insert(name, spot);
        spot
    }

    /// Where a blob lies, seen from `spot`.
    pub(super) fn look(&self, blob: &Blob, spot: Spot) -> Lies {
        let Some(holders) = self.blobs.get(blob) else { return Lies::Nowhere };
        let crowd = || self.crowds.get(blob).is_some_and(|crowd| crowd.contains(&spot));
        if holders.contains(&Some(spot)) || crowd() {
            return Lies::Here;
        }
        let first = holders.iter().flatten().next();
        first.map_or(Lies::Nowhere, |first| Lies::There(self.name(*first)))
    }

    /// Remembers that `spot` holds it: before all others, or behind them as long as there is room.
    pub(super) fn note(&mut self, blob: Blob, spot: Spot, before_others: bool) {
        if let Some(crowd) = self.crowds.get_mut(&blob) {
            crowd.remove(&spot);
        }
        let holders = self.blobs.entry(blob.clone()).or_default();
        let mut pushed = None;
        if before_others {
            let known = holders.iter().position(|holder| holder.is_none_or(|known| known == spot));
            let end = known.unwrap_or(MOST.saturating_sub(1));
            let moved = holders.get_mut(..=end).unwrap_or_default();
            moved.rotate_right(1);
            if let Some(first) = moved.first_mut() {
                pushed = first.replace(spot).filter(|last| *last != spot);
            }
        } else if let Some(free) = holders.iter_mut().find(|holder| holder.is_none_or(|known| known == spot))
        {
            *free = Some(spot);
        } else {
            pushed = Some(spot);
        }
        if let Some(pushed) = pushed {
            self.crowds.entry(blob).or_default().insert(pushed);
        }
    }

    /// Forgets that `spot` holds it.
    pub(super) fn forget(&mut self, blob: &Blob, spot: Spot) {
        if let Some(crowd) = self.crowds.get_mut(blob) {
            crowd.remove(&spot);
        }
        let Some(holders) = self.blobs.get_mut(blob) else { return };
        let mut left = holders.iter().flatten().copied().filter(|known| *known != spot);
        let mut kept = [None; MOST];
        kept.fill_with(|| left.next());
        *holders = kept;
    }

    fn name(&self, spot: Spot) -> Option<RepositoryName> {
        let index = usize::try_from(spot.0.get()).ok()?.checked_sub(1)?;
        self.names.get(index)?.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spots(known: &mut Known, names: &[&str]) -> Vec<Spot> {
        let place = |name: &&str| Place::new("http://r", *name, Some(name.parse().unwrap()));
        names.iter().map(|name| known.spot(&place(name))).collect()
    }

    fn seen(known: &Known, spots: &[Spot]) -> Vec<Lies> {
        spots.iter().map(|spot| known.look(&blob(), *spot)).collect()
    }

    fn blob() -> Blob {
        Blob::of(&Digest::sha256([7; 32]))
    }

    fn there(name: &str) -> Lies {
        Lies::There(Some(name.parse().unwrap()))
    }

    #[test]
    fn a_blob_is_all_of_its_digest() {
        let bytes: [u8; 32] = std::array::from_fn(|at| u8::try_from(at * 8).unwrap());
        assert_eq!(Blob::of(&Digest::sha256(bytes)), Blob::Sha256(bytes));
        let mut longer = [9; 64];
        let one = Blob::of(&Digest::sha512(longer));
        longer[63] = 8;
        assert_ne!(one, Blob::of(&Digest::sha512(longer)), "alike but for the last byte");
        assert_ne!(one, Blob::of(&Digest::sha256([9; 32])), "another algorithm");
        assert!(size_of::<(Blob, [Option<Spot>; MOST])>() <= 56);
    }

    #[test]
    fn the_first_holder_is_mounted_from_until_another_one_had_to_be_sent_to() {
        let mut known = Known::default();
        let spots = spots(&mut known, &["a", "b", "c"]);
        known.note(blob(), spots[0], true);
        known.note(blob(), spots[1], false);
        assert_eq!(seen(&known, &spots), [Lies::Here, Lies::Here, there("a")]);
        known.note(blob(), spots[1], true);
        assert_eq!(seen(&known, &spots), [Lies::Here, Lies::Here, there("b")]);
        known.forget(&blob(), spots[1]);
        assert_eq!(seen(&known, &spots), [Lies::Here, there("a"), there("a")]);
        known.forget(&blob(), spots[0]);
        assert_eq!(seen(&known, &spots), [Lies::Nowhere, Lies::Nowhere, Lies::Nowhere]);
    }

    #[test]
    fn many_holders_are_all_remembered() {
        let mut known = Known::default();
        let spots = spots(&mut known, &["a", "b", "c", "d", "e", "f"]);
        for spot in &spots {
            known.note(blob(), *spot, false);
        }
        assert!(spots.iter().all(|spot| known.look(&blob(), *spot) == Lies::Here));
        known.note(blob(), spots[5], true);
        assert!(spots.iter().all(|spot| known.look(&blob(), *spot) == Lies::Here));
        for lost in &spots[..5] {
            known.forget(&blob(), *lost);
            assert_eq!(known.look(&blob(), *lost), there("f"));
        }
    }
}
