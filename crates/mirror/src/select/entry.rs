//! What one entry selects.
use std::{cmp::Reverse, collections::BTreeMap};

use content::{Fault, FaultKind, Step, Version};
use futures::{StreamExt, stream};
use jiff::Timestamp;
use reference::{RefName, RepositoryName};

use super::{AT_ONCE, Selection, Unselected, created::Known};
use crate::{
    Item, Name, Pattern, Site,
    config::{Entry, Origin},
    item, version,
};

/// A tag that may be meant, and the image that it stands for.
struct Candidate {
    tag: String,
    name: Name,
}

/// What an entry selects; what cannot be asked stands in the result.
pub(super) async fn select(entry: &Entry, world: &Known<'_>) -> Selection {
    let mut selection = Selection::default();
    match &entry.from {
        Origin::Image(name) => add(&mut selection, entry, name.clone()),
        Origin::Repository(site) => repository(&mut selection, entry, world, site).await,
        Origin::Registry { registry, repositories } => {
            let all = match world.world.repositories(registry).await {
                Ok(all) => all,
                Err(fault) => {
                    fail(&mut selection, entry, registry, fault);
                    return selection;
                }
            };
            let meant =
                all.into_iter().filter(|name| repositories.iter().any(|glob| glob.is_match(name.as_str())));
            let sites = meant.map(|repository| Site::Repository { registry: registry.clone(), repository });
            let parts = stream::iter(sites).map(async |site| {
                let mut part = Selection::default();
                repository(&mut part, entry, world, &site).await;
                part
            });
            let parts: Vec<Selection> = parts.buffered(AT_ONCE).collect().await;
            if parts.is_empty() {
                let line = entry.spot.line;
                selection.empty.push(format!("{registry} has no repository that line {line} means"));
            }
            for part in parts {
                selection.items.extend(part.items);
                selection.note(part.failures, part.empty, part.warnings);
            }
        }
        Origin::Layout { form, path, repositories } => {
            let site = Site::Layout { form: *form, path: path.clone() };
            match world.world.names(&site).await {
                Ok(names) => {
                    let meant = |name: &Option<RepositoryName>| {
                        let matches = |name: &RepositoryName| {
                            repositories.iter().any(|glob| glob.is_match(name.as_str()))
                        };
                        repositories.is_empty() || name.as_ref().is_some_and(matches)
                    };
                    layout(&mut selection, entry, world, &site, names, meant).await;
                }
                Err(fault) => fail(&mut selection, entry, &site, fault),
            }
        }
    }
    selection
}

/// The tags of one repository that are meant.
async fn repository(selection: &mut Selection, entry: &Entry, world: &Known<'_>, site: &Site) {
    let name = |tag: &str| Name { site: site.clone(), name: Some(RefName::new(tag)), digest: None };
    let excluded = |tag: &str| entry.exclude.iter().any(|pattern| pattern.matches(tag));
    let literals: Vec<&str> =
        entry.tags.iter().filter_map(Pattern::literal).filter(|tag| !excluded(tag)).collect();
    for tag in &literals {
        add(selection, entry, name(tag));
    }
    let line = entry.spot.line;
    if entry.tags.iter().all(|pattern| pattern.literal().is_some()) {
        if literals.is_empty() {
            selection.empty.push(format!("line {line} excludes every tag that it names"));
        }
        return;
    }
    let listed = match world.world.names(site).await {
        Ok(listed) => listed,
        Err(fault) => return fail(selection, entry, site, fault),
    };
    let meant = |tag: &str| {
        let by = |pattern: &Pattern| pattern.literal().is_none() && pattern.matches(tag);
        entry.tags.iter().any(by) && !excluded(tag) && !is_about_another(tag)
    };
    let found = listed.iter().map(RefName::as_str).filter(|tag| meant(tag));
    // A tag that is named too was added above, and was found all the same.
    let (named, found): (Vec<&str>, Vec<&str>) = found.partition(|tag| literals.contains(tag));
    let candidate = |tag: &str| Candidate { tag: tag.to_owned(), name: name(tag) };
    let found = found.into_iter().map(candidate).collect();
    if narrow(selection, entry, world, site, found).await == 0 && named.is_empty() {
        selection.empty.push(format!("{site} has no tag that the patterns of line {line} mean"));
    }
}

/// Whether a tag is no image's own, but leads to what belongs to another: cosign's `sha256-HEX.sig`, and the list of
/// referrers at `sha256-HEX`. They come with what they are about, or not at all.
pub(crate) fn is_about_another(tag: &str) -> bool {
    let hex = tag.strip_prefix("sha256-").and_then(|rest| rest.get(..64));
    hex.is_some_and(|hex| hex.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// The entries of a layout that are meant: `repository:tag`, or tags alone.
async fn layout(
    selection: &mut Selection,
    entry: &Entry,
    world: &Known<'_>,
    site: &Site,
    names: Vec<RefName>,
    meant: impl Fn(&Option<RepositoryName>) -> bool,
) {
    let mut found: BTreeMap<Option<RepositoryName>, Vec<Candidate>> = BTreeMap::new();
    for name in names {
        let (repository, tag) = item::in_parts(name.as_str());
        let tag = tag.unwrap_or_default().to_owned();
        let by = |pattern: &Pattern| {
            pattern.matches(&tag) && (pattern.literal().is_some() || !is_about_another(&tag))
        };
        let wanted = entry.tags.is_empty() || entry.tags.iter().any(by);
        if wanted && !entry.exclude.iter().any(|pattern| pattern.matches(&tag)) && meant(&repository) {
            let name = Name { site: site.clone(), name: Some(name), digest: None };
            found.entry(repository).or_default().push(Candidate { tag, name });
        }
    }
    let mut kept = 0_usize;
    for (_, found) in found {
        kept = kept.saturating_add(narrow(selection, entry, world, site, found).await);
    }
    if kept == 0 {
        selection.empty.push(format!("{site} has no entry that line {} means", entry.spot.line));
    }
}

/// Those since a date, and the newest of them. How many came of it, those that cannot be judged among them.
async fn narrow(
    selection: &mut Selection,
    entry: &Entry,
    world: &Known<'_>,
    site: &Site,
    mut found: Vec<Candidate>,
) -> usize {
    let versions = found.iter().all(|candidate| version::read(&candidate.tag).is_some());
    let few = entry.newest.is_none_or(|newest| found.len() <= newest);
    let mut failed = 0_usize;
    if entry.since.is_some() || !(versions || few) {
        let mut dated = Vec::new();
        for (candidate, made) in dates(world, site, found).await {
            match made {
                Ok(None) => {
                    let words = format!("{} does not say when it was made", candidate.name);
                    selection.warnings.push(words);
                    dated.push((candidate, None));
                }
                Ok(made) => dated.push((candidate, made)),
                Err(fault) => {
                    failed = failed.saturating_add(1);
                    fail(selection, entry, &candidate.name, fault);
                }
            }
        }
        dated.retain(|(_, created)| {
            entry.since.is_none_or(|since| created.is_some_and(|created| created >= since))
        });
        // Those of one instant by their names, so that every run chooses the same.
        dated.sort_by(|(a, made_a), (b, made_b)| (made_b, &a.tag).cmp(&(made_a, &b.tag)));
        found = dated.into_iter().map(|(candidate, _)| candidate).collect();
    }
    if versions {
        found.sort_by_cached_key(|candidate| (Reverse(version::read(&candidate.tag)), candidate.tag.clone()));
    }
    found.truncate(entry.newest.unwrap_or(usize::MAX));
    let kept = found.len();
    for candidate in found {
        add(selection, entry, candidate.name);
    }
    kept.saturating_add(failed)
}

/// When each was made.
async fn dates(
    world: &Known<'_>,
    site: &Site,
    found: Vec<Candidate>,
) -> Vec<(Candidate, Result<Option<Timestamp>, Fault>)> {
    let source = world.world.source(site);
    let ask = async |candidate: Candidate| {
        let name = candidate.name.name.clone().unwrap_or_else(|| RefName::new(""));
        let made = match &source {
            Ok(source) => world.created(source, Version::Name(name)).await,
            Err(fault) => Err(fault.clone()),
        };
        (candidate, made)
    };
    stream::iter(found).map(ask).buffered(AT_ONCE).collect().await
}

fn add(selection: &mut Selection, entry: &Entry, source: Name) {
    match item::destination(&entry.to, &source) {
        Ok(destination) => {
            let tag = source.name.as_ref().map(|name| item::in_parts(name.as_str()).1.unwrap_or_default());
            let immutable = tag.is_some_and(|tag| entry.is_immutable(tag));
            selection.items.push(Item {
                source,
                destination,
                immutable,
                platforms: entry.platforms.clone(),
                referrers: entry.referrers,
                spot: entry.spot,
            });
        }
        Err(what) => {
            let fault = Fault::new(FaultKind::Refused, Step::Resolve, what).about(&source);
            fail(selection, entry, &source, fault.hint("give the entry a `to` that fits all it selects"));
        }
    }
}

fn fail(selection: &mut Selection, entry: &Entry, source: &impl ToString, fault: Fault) {
    let (source, destination) = (source.to_string(), entry.to.to_string());
    selection.failures.push(Unselected { source, destination, spot: entry.spot, fault });
}
