//! What earlier runs have brought that never moves: a hint, which saves its requests, and is never believed alone.
use std::collections::BTreeMap;

use reference::Digest;
use serde::{Deserialize, Serialize};

use crate::Item;

/// The version of the form.
const VERSION: u32 = 1;

/// Images that arrived in earlier runs and were declared immutable, by destination.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    state: u32,
    images: BTreeMap<String, Seen>,
}

/// One image that arrived.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Seen {
    source: String,
    digest: String,
}

impl Default for State {
    fn default() -> Self {
        Self { state: VERSION, images: BTreeMap::new() }
    }
}

impl State {
    /// Reads what an earlier run wrote. What cannot be read says nothing: then everything is asked for.
    pub fn read(text: &str) -> Self {
        let read: Option<Self> = serde_json::from_str(text).ok();
        read.filter(|state| state.state == VERSION).unwrap_or_default()
    }

    /// The text for the next run.
    pub fn text(&self) -> String {
        // Nothing in it can fail to be written.
        serde_json::to_string(self).unwrap_or_default() + "\n"
    }

    /// The digest that arrived, where the image came from the same name and can only be the same today.
    pub(crate) fn digest(&self, item: &Item) -> Option<Digest> {
        let seen = self.images.get(&item.destination.to_string())?;
        let same = seen.source == item.source.to_string() && settled(item);
        same.then(|| seen.digest.parse().ok()).flatten()
    }

    /// Notes that an image has arrived; of one that may move tomorrow, nothing.
    pub(crate) fn arrived(&mut self, item: &Item, digest: &Digest) {
        self.forget(item);
        if settled(item) {
            let seen = Seen { source: item.source.to_string(), digest: digest.to_string() };
            self.images.insert(item.destination.to_string(), seen);
        }
    }

    /// Forgets that an image has arrived.
    pub(crate) fn forget(&mut self, item: &Item) {
        self.images.remove(&item.destination.to_string());
    }
}

/// Whether what the source's name stands for never changes. Something without a name at its destination has nothing
/// to be looked for by.
fn settled(item: &Item) -> bool {
    (item.immutable || item.source.digest.is_some()) && item.destination.name.is_some()
}
