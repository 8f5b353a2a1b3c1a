//! Berths: one destination each, and what has happened there.
use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
};

use content::{At, Place};
use reference::{Digest, RefName};

use crate::{
    CopyError, Delivered, Delivery, Destination, Outcome, ahead::Lack, lacking::Wanted, plan::Plan,
    preflight::Standing,
};

/// One destination, and what has happened there.
pub(crate) struct Berth<'a> {
    pub(crate) destination: &'a Destination,
    pub(crate) names: Vec<RefName>,
    pub(crate) rooted: bool,
    /// What is about the image and to be written.
    pub(crate) followers: Vec<Wanted>,
    /// What is known of the blobs that it was asked for.
    pub(crate) lack: Lack,
    plan: &'a Plan,
    log: Mutex<Log>,
}

#[derive(Default)]
struct Log {
    failed: Option<CopyError>,
    already_there: bool,
    /// How each blob of the plan got there, in its order.
    how: Vec<Option<Delivery>>,
    written: Vec<RefName>,
    followers: usize,
}

impl<'a> Berth<'a> {
    pub(crate) fn new(destination: &'a Destination, standing: Standing, plan: &'a Plan) -> Self {
        let mut log = Log { how: vec![None; plan.blobs.len()], ..Log::default() };
        let (names, rooted, followers) = match standing {
            Standing::Open { names, rooted, followers } => (names, rooted, followers),
            Standing::Done => {
                log.already_there = true;
                (Vec::new(), true, Vec::new())
            }
            Standing::Closed(error) => {
                log.failed = Some(error);
                (Vec::new(), false, Vec::new())
            }
        };
        let (lack, log) = (Lack::default(), Mutex::new(log));
        Self { destination, names, rooted, followers, lack, plan, log }
    }

    pub(crate) fn place(&self) -> &'a Place {
        self.destination.target.place()
    }

    /// How the root is written when no name is to be: where all names stand already, they lead to it.
    pub(crate) fn unnamed(&self) -> At<'static> {
        if self.destination.names.is_empty() { At::Digest } else { At::Part }
    }

    pub(crate) fn is_open(&self) -> bool {
        self.note(|log| log.failed.is_none() && !log.already_there)
    }

    /// The first failure is the one that is told.
    pub(crate) fn fail(&self, error: &CopyError) {
        self.note(|log| {
            log.failed.get_or_insert_with(|| error.clone());
        });
    }

    /// The blob with this number in the plan is there. It counts once, as what happened to it last.
    pub(crate) fn took(&self, number: usize, how: Delivery) {
        self.note(|log| {
            if let Some(noted) = log.how.get_mut(number) {
                *noted = Some(how);
            }
        });
    }

    /// One more follower is there.
    pub(crate) fn followed(&self) {
        self.note(|log| log.followers = log.followers.saturating_add(1));
    }

    /// The digests of the blobs that its followers need.
    pub(crate) fn blobs_of_followers(&self) -> HashSet<&'a Digest> {
        let wanted = self.followers.iter().filter_map(|wanted| self.plan.followers.get(wanted.follower));
        wanted.flat_map(|follower| self.plan.leads_to(&follower.manifest)).collect()
    }

    /// The root is there under this name.
    pub(crate) fn named(&self, name: &RefName) {
        self.note(|log| log.written.push(name.clone()));
    }

    pub(crate) fn into_outcome(self) -> Outcome {
        let log = self.log.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut delivered =
            Delivered { already_there: log.already_there, referrers: log.followers, ..Delivered::default() };
        for (blob, how) in self.plan.blobs.iter().zip(log.how) {
            if let Some(how) = how {
                delivered.count(how, blob.size);
            }
        }
        Outcome {
            place: self.destination.target.place().clone(),
            names: self.destination.names.clone(),
            written: log.written,
            result: log.failed.map_or(Ok(delivered), Err),
        }
    }

    fn note<T>(&self, change: impl FnOnce(&mut Log) -> T) -> T {
        // A panic elsewhere leaves the log as it was: every change is one step.
        change(&mut self.log.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
