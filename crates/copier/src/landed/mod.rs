//! Landed: what this run has brought to which registry, so that a blob crosses to it once.
//!
//! Whoever comes first for a blob carries it; all others wait, and then mount it from where it lies. Whoever waits
//! holds no lane: lanes belong to those whom they wait for. One that fails, or is dropped, hands over to the next. All
//! that is known here is a hint: a mount that is refused becomes an upload, and a blob that is gone by the time its
//! manifest is written is sent again (`mend.rs`).
mod known;
mod turns;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use content::Place;
use reference::{Digest, RepositoryName};

use self::{
    known::{Blob, Known, Spot},
    turns::{Turn, Turns},
};
use crate::Delivery;

/// What there is a turn for: to be the first that brings a blob to the registry, or the one that brings it to a
/// repository.
type Errand = (Blob, Option<Spot>);

/// The registries and layouts that an engine has written to. All of its jobs share it.
#[derive(Default)]
pub(crate) struct Landed(Mutex<HashMap<String, Arc<Shore>>>);

/// One of them.
#[derive(Default)]
struct Shore {
    known: Mutex<Known>,
    turns: Turns<Errand>,
}

/// Where a blob lies, as far as is known.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Lies {
    /// In the repository itself: there is nothing to do.
    Here,
    /// In another repository of the registry; `None` in a layout that has no repositories.
    There(Option<RepositoryName>),
    /// Nowhere yet.
    Nowhere,
}

/// The turn to bring one blob to one repository. Dropping it hands over to the next who waits.
pub(crate) struct Approach {
    pub(crate) lies: Lies,
    shore: Arc<Shore>,
    blob: Blob,
    spot: Spot,
    _turns: (Turn<Errand>, Option<Turn<Errand>>),
}

impl Landed {
    /// Waits until nobody else brings the blob there, nor the registry's first copy of it to anywhere.
    pub(crate) async fn approach(&self, place: &Place, digest: &Digest) -> Approach {
        let (shore, blob) = (self.shore(place), Blob::of(digest));
        let spot = shore.known().spot(place);
        // One order for all, so that nobody waits in a ring: first the repository's turn, then the registry's.
        let here = shore.turns.take((blob.clone(), Some(spot))).await;
        let lies = shore.known().look(&blob, spot);
        let (lies, first) = match lies {
            Lies::Nowhere => {
                let first = shore.turns.take((blob.clone(), None)).await;
                match shore.known().look(&blob, spot) {
                    Lies::Nowhere => (Lies::Nowhere, Some(first)),
                    known => (known, None),
                }
            }
            known => (known, None),
        };
        Approach { lies, shore, blob, spot, _turns: (here, first) }
    }

    /// Learns that a blob which was to be there is not.
    pub(crate) fn lost(&self, place: &Place, digest: &Digest) {
        let shore = self.shore(place);
        let mut known = shore.known();
        let spot = known.spot(place);
        known.forget(&Blob::of(digest), spot);
    }

    fn shore(&self, place: &Place) -> Arc<Shore> {
        let mut shores = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match shores.get(place.origin()) {
            Some(shore) => Arc::clone(shore),
            None => Arc::clone(shores.entry(place.origin().to_owned()).or_default()),
        }
    }
}

impl Shore {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Approach {
    /// The blob is there now. What was sent is mounted from there from now on: a mount from elsewhere was refused, or
    /// there was none.
    pub(crate) fn landed(self, how: Delivery) {
        self.shore.known().note(self.blob, self.spot, how == Delivery::Copied);
    }
}

#[cfg(test)]
mod tests {
    use futures::{FutureExt, poll};
    use reference::Algorithm;

    use super::*;

    fn place(repository: &str) -> Place {
        Place::new("http://r", format!("r/{repository}"), Some(repository.parse().unwrap()))
    }

    fn digest(number: u8) -> Digest {
        content::Hasher::digest(Algorithm::Sha256, &[number])
    }

    fn there(repository: &str) -> Lies {
        Lies::There(Some(repository.parse().unwrap()))
    }

    /// Who comes when nobody else is on the way.
    fn come(landed: &Landed, repository: &str) -> Approach {
        landed.approach(&place(repository), &digest(1)).now_or_never().unwrap()
    }

    #[tokio::test]
    async fn whoever_comes_second_waits_and_then_mounts() {
        let landed = Landed::default();
        let owner = come(&landed, "a");
        assert_eq!(owner.lies, Lies::Nowhere);
        let (place, digest) = (place("b"), digest(1));
        let mut waiter = Box::pin(landed.approach(&place, &digest));
        assert!(poll!(&mut waiter).is_pending());
        owner.landed(Delivery::Copied);
        assert_eq!(waiter.await.lies, there("a"));
        assert_eq!(come(&landed, "a").lies, Lies::Here);
    }

    #[tokio::test]
    async fn an_owner_that_fails_or_is_dropped_hands_over_to_one_while_the_others_wait_on() {
        let landed = Landed::default();
        let owner = come(&landed, "a");
        let (b, c, digest) = (place("b"), place("c"), digest(1));
        let (mut second, mut third) =
            (Box::pin(landed.approach(&b, &digest)), Box::pin(landed.approach(&c, &digest)));
        assert!(poll!(&mut second).is_pending() && poll!(&mut third).is_pending());
        drop(owner);
        let second = second.await;
        assert_eq!(second.lies, Lies::Nowhere);
        assert!(poll!(&mut third).is_pending());
        second.landed(Delivery::Present);
        assert_eq!(third.await.lies, there("b"));
    }

    #[tokio::test]
    async fn two_that_want_the_same_repository_do_not_both_bring_it_when_mounts_fail() {
        let landed = Landed::default();
        come(&landed, "a").landed(Delivery::Copied);
        let owner = come(&landed, "b");
        assert_eq!(owner.lies, there("a"));
        let (b, digest) = (place("b"), digest(1));
        let mut waiter = Box::pin(landed.approach(&b, &digest));
        assert!(poll!(&mut waiter).is_pending());
        // Another repository is nobody's business.
        assert_eq!(come(&landed, "c").lies, there("a"));
        owner.landed(Delivery::Copied);
        assert_eq!(waiter.await.lies, Lies::Here);
        // What had to be sent although it could have been mounted, is where the next mounts it from.
        assert_eq!(come(&landed, "c").lies, there("b"));
    }

    #[tokio::test]
    async fn a_blob_that_was_lost_is_brought_again() {
        let landed = Landed::default();
        come(&landed, "a").landed(Delivery::Copied);
        landed.lost(&place("a"), &digest(1));
        assert_eq!(come(&landed, "a").lies, Lies::Nowhere);
    }

    #[tokio::test]
    async fn another_registry_knows_nothing_of_it() {
        let landed = Landed::default();
        come(&landed, "a").landed(Delivery::Copied);
        let elsewhere = Place::new("http://other", "other/a", Some("a".parse().unwrap()));
        assert_eq!(landed.approach(&elsewhere, &digest(1)).await.lies, Lies::Nowhere);
    }

    #[tokio::test]
    async fn nothing_is_left_of_turns_that_were_had_or_given_up() {
        let landed = Landed::default();
        let owner = come(&landed, "a");
        let (b, digest) = (place("b"), digest(1));
        let mut waiter = Box::pin(landed.approach(&b, &digest));
        assert!(poll!(&mut waiter).is_pending());
        drop(waiter);
        assert_eq!(landed.shore(&b).turns.number(), 2);
        drop(owner);
        assert_eq!(landed.shore(&b).turns.number(), 0);
    }
}
