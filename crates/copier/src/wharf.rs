//! The wharf: the lanes of every place that an engine has met, so that jobs share them.
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use content::Place;
use pace::Lanes;

/// The lanes of every registry and layout that the engine has met.
pub(crate) struct Wharf {
    width: usize,
    lanes: Mutex<HashMap<String, Lanes>>,
}

impl Wharf {
    /// Up to `width` transfers at a time at any one place, at least one.
    pub(crate) fn new(width: usize) -> Self {
        Self { width: width.max(1), lanes: Mutex::default() }
    }

    /// How many transfers may be under way at one place.
    pub(crate) fn width(&self) -> usize {
        self.width
    }

    /// One lane at each place, or one in all when they are one; given back when dropped.
    pub(crate) async fn lanes(&self, source: &Place, target: &Place) -> pace::Pair {
        let (source, target) = (self.at(source), self.at(target));
        pace::pair(&source, &target).await
    }

    /// The lanes of a place.
    pub(crate) fn at(&self, place: &Place) -> Lanes {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        lanes.entry(place.origin().to_owned()).or_insert_with(|| Lanes::new(self.width)).clone()
    }
}
