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
    /// How many mounts from the own repository the registry broke down over, one after the other.
    broken_itself: u32,
    /// And from others.
    broken_others: u32,
}

/// So many in a row, and none is asked for any more.
const ENOUGH: u32 = 3;

impl State {
    fn broken(&mut self, itself: bool) -> &mut u32 {
        if itself { &mut self.broken_itself } else { &mut self.broken_others }
    }
}

impl Mounting {
    pub(crate) fn new(facts: &Facts) -> Self {
        Self(Mutex::new(State {
            itself: facts.mounts_itself,
            refused: HashSet::new(),
            broken_itself: 0,
            broken_others: 0,
        }))
    }

    /// Whether a mount of a blob from its own repository tells that it is there.
    pub(crate) fn takes_itself(&self) -> bool {
        let state = self.state();
        state.itself && state.broken_itself < ENOUGH
    }

    /// Whether a mount from `repository` has not been refused for good.
    pub(crate) fn takes(&self, repository: &RepositoryName) -> bool {
        let state = self.state();
        state.broken_others < ENOUGH && !state.refused.contains(repository)
    }

    /// Learns that a mount was answered, in whatever way that was due.
    pub(crate) fn works(&self, itself: bool) {
        *self.state().broken(itself) = 0;
    }

    /// Learns that the registry broke down over a mount: some do over each of them.
    pub(crate) fn breaks(&self, itself: bool) {
        let mut state = self.state();
        let broken = state.broken(itself);
        *broken = broken.saturating_add(1);
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
