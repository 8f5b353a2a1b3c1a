//! Mounting: what this run has learnt of the mounts that a registry takes, so that a refusal is paid for once.
use std::{
    collections::HashSet,
    sync::{Mutex, MutexGuard, PoisonError},
};

use reference::RepositoryName;

use crate::facts::Facts;

/// What a registry lets be mounted.
#[derive(Debug)]
pub(crate) struct Mounting(Mutex<State>);

#[derive(Debug)]
struct State {
    itself: bool,
    refused: HashSet<RepositoryName>,
}

impl Mounting {
    pub(crate) fn new(facts: &Facts) -> Self {
        Self(Mutex::new(State { itself: facts.mounts_itself, refused: HashSet::new() }))
    }

    /// Whether a mount of a blob from its own repository tells that it is there.
    pub(crate) fn takes_itself(&self) -> bool {
        self.state().itself
    }

    /// Whether a mount from `repository` has not been refused for good.
    pub(crate) fn takes(&self, repository: &RepositoryName) -> bool {
        !self.state().refused.contains(repository)
    }

    /// Learns that a mount of a blob from its own repository is refused.
    pub(crate) fn refuses_itself(&self) {
        self.state().itself = false;
    }

    /// Learns that mounts from `repository` are refused.
    pub(crate) fn refuses(&self, repository: &RepositoryName) {
        self.state().refused.insert(repository.clone());
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
