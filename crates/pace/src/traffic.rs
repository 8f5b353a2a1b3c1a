//! Traffic: the lanes of every place that a process has met, so that all who go there share them.
use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex},
};

use crate::{Lanes, Level, lock};

/// The lanes of all places, each known by the name of its origin; a clone is the same traffic.
#[derive(Clone, Default)]
pub struct Traffic(Arc<Map>);

#[derive(Default)]
struct Map {
    usual: Level,
    lanes: Mutex<HashMap<String, Lanes>>,
}

impl Traffic {
    /// Traffic whose places have `usual` lanes, each of them.
    pub fn new(usual: Level) -> Self {
        Self(Arc::new(Map { usual, lanes: Mutex::default() }))
    }

    /// The lanes of a place.
    pub fn at(&self, origin: &str) -> Lanes {
        let mut lanes = lock(&self.0.lanes);
        match lanes.get(origin) {
            Some(known) => known.clone(),
            None => lanes.entry(origin.to_owned()).or_insert_with(|| Lanes::new(self.0.usual)).clone(),
        }
    }

    /// Gives one place a level of its own.
    pub fn set(&self, origin: &str, level: Level) {
        self.at(origin).set_level(level);
    }
}

impl fmt::Debug for Traffic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(lock(&self.0.lanes).iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_has_one_set_of_lanes_and_may_have_a_level_of_its_own() {
        let traffic = Traffic::new(Level::exactly(4));
        traffic.set("http://b", Level { start: 1, cap: 2 });
        let number = |origin| (traffic.at(origin).number(), traffic.clone().at(origin).cap());
        assert_eq!((number("http://a"), number("http://b")), ((4, 4), (1, 2)));
        assert!(traffic.at("http://a").is(&traffic.at("http://a")));
        assert!(!traffic.at("http://a").is(&traffic.at("http://b")));
    }
}
