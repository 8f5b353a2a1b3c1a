//! The journal: what a run leaves to the next one, should it be killed.
//!
//! A hint, never believed: where an upload stands is the target's word, and whether its bytes are right the digest's.
use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{Descriptor, Mark, Marks, Place};

/// Where an upload is, in its target's own words: a secret, for whoever knows it can write there. It may move with
/// every request; clones speak of the same upload.
#[derive(Clone)]
pub struct Claim(Arc<Mutex<Option<String>>>);

impl Claim {
    /// Of an upload at `location`, or at one that is not to be written down.
    pub fn new(location: Option<String>) -> Self {
        Self(Arc::new(Mutex::new(location)))
    }

    /// Where it is now; `None` once there is nothing to go on with.
    pub fn location(&self) -> Option<String> {
        self.lock().clone()
    }

    /// It is there from now on, or nowhere.
    pub fn moved(&self, location: Option<String>) {
        *self.lock() = location;
    }

    fn lock(&self) -> MutexGuard<'_, Option<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Claim(..)")
    }
}

/// Where uploads under way are written down. Called while bytes move: it must return soon, and nothing fails when it
/// cannot write.
pub trait Journal: Send + Sync {
    /// The page of one blob on its way to one place; `None` while another run writes on it, or where none can be kept.
    fn page(&self, place: &Place, blob: &Descriptor) -> Option<Arc<dyn Page>>;
}

/// What is written down of one upload.
pub trait Page: Send + Sync {
    /// What an earlier run left.
    fn read(&self) -> Option<Unfinished>;

    /// The upload is there from now on.
    fn moved(&self, location: &str);

    /// See [`crate::Witness::reached`].
    fn reached(&self, mark: &Mark);

    /// See [`crate::Witness::went_back`].
    fn went_back(&self, offset: u64);

    /// There is nothing to go on with.
    fn discard(&self);
}

/// An upload that an earlier run left.
#[derive(Clone)]
pub struct Unfinished {
    /// Its [`Claim`]'s last location.
    pub location: String,
    /// Marks on the way.
    pub marks: Marks,
    /// How far the blob was read: the target holds no more.
    pub reached: Mark,
    /// So many bytes, at most, are vouched for, where the last reading had gone back.
    pub bound: Option<u64>,
}

impl Unfinished {
    /// Whether a target that holds `offset` bytes can have them from what was read.
    pub fn vouches_for(&self, offset: u64) -> bool {
        offset <= self.reached.at() && self.bound.is_none_or(|bound| offset <= bound)
    }
}

impl fmt::Debug for Unfinished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unfinished").field("marks", &self.marks).finish_non_exhaustive()
    }
}
