//! Plans: what is measured, and how often.
use std::{num::NonZeroU64, time::Duration};

use content::{Role, Version};
use link::Conditions;

use crate::{
    images::Recipe,
    inventory::Inventory,
    results::{Link, Workload},
};

/// What is measured.
#[derive(Debug, Clone)]
pub struct Plan {
    /// What is moved.
    pub subject: Subject,
    /// Transfers at a time at one registry: one setting after another.
    pub jobs: Vec<usize>,
    /// Ranges of one blob that are read at a time: one setting after another, for each number of jobs.
    pub ranges: Vec<usize>,
    /// How many runs each setting gets.
    pub repeat: usize,
    /// What is put before both registries.
    pub link: Option<Link>,
    /// Only says what would be written.
    pub dry_run: bool,
}

/// What is moved.
#[derive(Debug, Clone)]
pub enum Subject {
    /// Content that is made for the purpose, and written to the source first.
    Made(Recipe),
    /// An image that the source has.
    Image(Version),
}

impl Plan {
    /// The settings, in order: jobs and ranges.
    pub(crate) fn settings(&self) -> impl Iterator<Item = (usize, usize)> {
        self.jobs.iter().flat_map(|jobs| self.ranges.iter().map(|ranges| (*jobs, *ranges)))
    }

    /// How many runs there are in all.
    pub(crate) fn runs(&self) -> usize {
        self.settings().count().saturating_mul(self.repeat)
    }

    /// What one run moves.
    pub(crate) fn workload(&self, inventory: &Inventory) -> Workload {
        let counted = Workload {
            images: inventory.roots.len(),
            layers: inventory.blobs.iter().filter(|blob| blob.media_type.role() != Role::Config).count(),
            layer_bytes: inventory.blobs.iter().map(|blob| blob.size).max().unwrap_or_default(),
            shared: 0,
            seed: None,
            blobs: inventory.blobs.len(),
            manifests: inventory.manifests.len(),
            bytes: inventory.bytes(),
        };
        match &self.subject {
            Subject::Image(_) => counted,
            Subject::Made(Recipe { layers, layer_bytes, shared, seed, .. }) => Workload {
                layers: *layers,
                layer_bytes: *layer_bytes,
                shared: *shared,
                seed: Some(*seed),
                ..counted
            },
        }
    }
}

impl Link {
    /// The conditions before the source: the rate is a registry's, which serves each connection slowly.
    pub(crate) fn of_source(self) -> Conditions {
        Conditions { rate: self.rate.and_then(NonZeroU64::new), ..self.of_target() }
    }

    /// The conditions before the target.
    pub(crate) fn of_target(self) -> Conditions {
        let rtt = Duration::try_from_secs_f64(self.rtt_ms / 1000.0).unwrap_or_default();
        Conditions { rtt, rate: None }
    }
}
