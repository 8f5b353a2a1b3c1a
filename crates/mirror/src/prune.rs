//! What may go: tags at a destination that the configuration no longer means.
//!
//! Removing is the one thing that a mirror cannot take back by running again, so whatever is doubtful stays: see
//! [`Prune::look`].
use std::collections::{BTreeMap, BTreeSet};

use content::{Fault, FaultKind};
use reference::RefName;

use crate::{Config, Home, Name, Selection, Shard, World, select::is_about_another};

/// A run that is over, and what is known of it.
#[derive(Debug, Clone, Copy)]
pub struct Prune<'a> {
    /// What the run was to do.
    pub config: &'a Config,
    /// Everything that the configuration selects, of all shards.
    pub selection: &'a Selection,
    /// The destinations that failed.
    pub failed: &'a BTreeSet<Name>,
    /// How many images were not begun.
    pub left: u64,
    /// Whose repositories are looked at; without one, all.
    pub shard: Option<Shard>,
    /// Whether more than half of a repository's tags may go.
    pub most: bool,
}

/// What may go, and what stays though it seems to be too much.
#[derive(Debug, Default)]
pub struct Pruning {
    /// These are to be removed.
    pub stale: Vec<Name>,
    /// Here nothing is removed, though something might have been.
    pub spared: Vec<Spared>,
}

/// A repository, or a whole destination, that is left as it is.
#[derive(Debug)]
pub struct Spared {
    /// Which.
    pub home: String,
    /// Why.
    pub why: Why,
}

/// Why nothing is removed.
#[derive(Debug)]
pub enum Why {
    /// Not everything is known that this depends on; the next run may do it.
    Unknown(String),
    /// More than half would go: that is asked for, or a mistake.
    Most {
        /// How many.
        stale: usize,
        /// Of how many.
        of: usize,
    },
    /// The destination does not say what it has.
    Fault(Fault),
}

/// What a repository is to have.
struct Wanted {
    /// As it is spelled first.
    home: Home,
    names: BTreeSet<RefName>,
    by_digest: bool,
    failed: bool,
}

impl Wanted {
    fn at(home: Home) -> Self {
        Self { home, names: BTreeSet::new(), by_digest: false, failed: false }
    }
}

impl Prune<'_> {
    /// Finds out what may go: in each repository that the configuration fills, the tags that it no longer means. But
    /// nothing where an image of that repository failed; nothing anywhere, where images were not begun, or an
    /// entry could not be selected, or finds nothing where it looks, since its images would all seem to be gone;
    /// nothing where more than half would go, unless that was asked for; nothing where images are kept by digest alone,
    /// since some registries remove a tag with its manifest; and no signatures and lists of referrers, which belong to
    /// others.
    pub async fn look(&self, world: &dyn World) -> Pruning {
        let mut pruning = Pruning::default();
        if let Some(why) = self.doubt() {
            pruning.spared.push(Spared { home: self.config.file.clone(), why: Why::Unknown(why) });
            return pruning;
        }
        for wanted in self.homes().into_values() {
            match look_at(&wanted, self.most, world).await {
                Ok(stale) => pruning.stale.extend(stale),
                Err(why) => pruning.spared.push(Spared { home: wanted.home.to_string(), why }),
            }
        }
        pruning
    }

    /// Why the selection may lack something.
    fn doubt(&self) -> Option<String> {
        if let Some(failure) = self.selection.failures.first() {
            return Some(format!("nobody knows what {} has", failure.source));
        }
        if self.left > 0 {
            return Some(format!("{} images were not begun", self.left));
        }
        self.selection.empty.first().cloned()
    }

    /// Every repository that is filled, by what it is: some are spelled in more ways than one.
    fn homes(&self) -> BTreeMap<Home, Wanted> {
        let mut homes: BTreeMap<Home, Wanted> = BTreeMap::new();
        for item in &self.selection.items {
            let home = Home::of(&item.destination);
            let wanted = homes.entry(home.plain()).or_insert_with(|| Wanted::at(home));
            wanted.failed |= self.failed.contains(&item.destination);
            match &item.destination.name {
                Some(name) => drop(wanted.names.insert(name.clone())),
                None => wanted.by_digest = true,
            }
        }
        // By the name that it has first: of several spellings, only one decides whose it is.
        homes.retain(|_, wanted| self.shard.is_none_or(|shard| shard.holds(&wanted.home.to_string())));
        homes
    }
}

async fn look_at(wanted: &Wanted, most: bool, world: &dyn World) -> Result<Vec<Name>, Why> {
    let home = &wanted.home;
    if wanted.failed {
        return Err(Why::Unknown("some of its images failed".to_owned()));
    }
    if wanted.by_digest {
        return Err(Why::Unknown("some of its images are kept by digest alone".to_owned()));
    }
    let listed = match world.names(&home.site).await {
        Ok(listed) => listed,
        Err(fault) if fault.kind() == FaultKind::Absent => return Ok(Vec::new()),
        Err(fault) => return Err(Why::Fault(fault)),
    };
    let own = |name: &&RefName| home.tag_of(name).is_some_and(|tag| !is_about_another(tag));
    let own: Vec<&RefName> = listed.iter().filter(own).collect();
    let stale: Vec<Name> = own
        .iter()
        .filter(|name| !wanted.names.contains(**name))
        .map(|name| Name { site: home.site.clone(), name: Some((*name).clone()), digest: None })
        .collect();
    if !most && stale.len().saturating_mul(2) > own.len() {
        return Err(Why::Most { stale: stale.len(), of: own.len() });
    }
    Ok(stale)
}

#[cfg(test)]
mod tests;
