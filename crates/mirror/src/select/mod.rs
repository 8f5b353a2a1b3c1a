//! Selection: from a configuration to images.
mod created;
mod entry;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, btree_map};

use created::Known;
pub(crate) use entry::is_about_another;

use content::Fault;
use futures::{StreamExt, stream};

use crate::{Config, ConfigError, Item, Notes, World, config::Spot, item};

/// How many repositories are asked for their tags at a time.
const AT_ONCE: usize = 8;

/// What a configuration selects now.
#[derive(Debug, Default)]
pub struct Selection {
    /// Images, in the order of the configuration; each once.
    pub items: Vec<Item>,
    /// Entries, or repositories of entries, of which nobody can say what they select.
    pub failures: Vec<Unselected>,
    /// Where something was to be found, and nothing was: that is so, or a source is not itself just now.
    pub empty: Vec<String>,
    /// What else users should know.
    pub warnings: Vec<String>,
}

/// Something that could not be selected. The rest is not held back by it.
#[derive(Debug, Clone)]
pub struct Unselected {
    /// What was to be read: a registry, a repository, a layout or an image.
    pub source: String,
    /// Where it was to be written, as the configuration says.
    pub destination: String,
    /// Where its entry stands in the configuration.
    pub spot: Spot,
    /// Why not.
    pub fault: Fault,
}

/// Finds out which images a configuration means. Only patterns, `newest` and `since` ask anybody anything; what `notes`
/// know is not asked for again.
///
/// # Errors
/// Two images for one destination, which patterns may bring about.
pub async fn select(
    config: &Config,
    world: &dyn World,
    notes: Option<&Notes>,
) -> Result<Selection, ConfigError> {
    let known = Known { world, notes };
    let mut all = Selection::default();
    let mut parts = stream::iter(&config.entries).map(|entry| entry::select(entry, &known)).buffered(AT_ONCE);
    let mut taken = BTreeMap::new();
    while let Some(part) = parts.next().await {
        for item in part.items {
            keep(&mut all.items, &mut taken, item).map_err(|flaw| flaw.of(&config.file))?;
        }
        all.note(part.failures, part.empty, part.warnings);
    }
    Ok(all)
}

impl Selection {
    /// All that users should know.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        self.empty.iter().chain(&self.warnings).map(String::as_str)
    }

    /// Takes up all of another but its images.
    fn note(&mut self, failures: Vec<Unselected>, empty: Vec<String>, warnings: Vec<String>) {
        self.failures.extend(failures);
        self.empty.extend(empty);
        self.warnings.extend(warnings);
    }
}

/// Takes an image up, unless it is there already.
fn keep(
    items: &mut Vec<Item>,
    taken: &mut BTreeMap<crate::Name, usize>,
    item: Item,
) -> Result<(), crate::config::Flaw> {
    match taken.entry(item::seat(&item.destination, &item.source)) {
        btree_map::Entry::Vacant(free) => {
            free.insert(items.len());
            items.push(item);
        }
        btree_map::Entry::Occupied(taken) => {
            let Some(first) = items.get_mut(*taken.get()) else { return Ok(()) };
            if first.source != item.source || first.platforms != item.platforms {
                let sources = [&first.source, &item.source];
                return Err(item::collision(&item.destination, sources, [first.spot, item.spot]));
            }
            first.immutable |= item.immutable;
            first.referrers |= item.referrers;
        }
    }
    Ok(())
}
