//! What entries do to each other: two images for one destination, and mirrors that lead back to where they began.
use std::collections::BTreeMap;

use super::{Entry, Flaw, Origin};
use crate::{Name, Pattern, Site, item};

/// Checks what can be known before anybody is asked.
pub(super) fn all(entries: &[Entry]) -> Result<(), Flaw> {
    collisions(entries)?;
    cycles(entries)
}

/// Two images for one destination.
fn collisions(entries: &[Entry]) -> Result<(), Flaw> {
    let mut taken: BTreeMap<Name, (Name, &Entry)> = BTreeMap::new();
    for entry in entries {
        for source in named(entry) {
            let Ok(destination) = item::destination(&entry.to, &source) else { continue };
            let seat = item::seat(&destination, &source);
            match taken.get(&seat) {
                Some((other, _)) if *other == source => {}
                Some((other, first)) => {
                    return Err(item::collision(&destination, [other, &source], [first.spot, entry.spot]));
                }
                None => drop(taken.insert(seat, (source, entry))),
            }
        }
    }
    Ok(())
}

/// The images that an entry names one by one.
fn named(entry: &Entry) -> Vec<Name> {
    match &entry.from {
        Origin::Image(name) => vec![name.clone()],
        Origin::Repository(site) => {
            let literals = entry.tags.iter().filter_map(Pattern::literal);
            let wanted = literals.filter(|tag| !entry.exclude.iter().any(|pattern| pattern.matches(tag)));
            let name = |tag: &str| Name {
                site: site.clone(),
                name: Some(reference::RefName::new(tag)),
                digest: None,
            };
            wanted.map(name).collect()
        }
        Origin::Registry { .. } | Origin::Layout { .. } => Vec::new(),
    }
}

/// A way from an entry over others back to itself.
fn cycles(entries: &[Entry]) -> Result<(), Flaw> {
    for (start, entry) in entries.iter().enumerate() {
        let mut seen = vec![false; entries.len()];
        let mut next = vec![start];
        while let Some(at) = next.pop() {
            let Some(from) = entries.get(at) else { continue };
            let led = entries.iter().enumerate().filter(|(_, other)| leads(from, other));
            for (to, _) in led {
                if to == start {
                    let what = format!("what is mirrored to `{}` comes back to where it began", entry.to);
                    let other =
                        if at == start { String::new() } else { format!(", by line {}", from.spot.line) };
                    let remedy =
                        format!("mirror in one direction only{other}, or name tags that do not meet");
                    return Err(Flaw::new(entry.spot, what, remedy));
                }
                if let Some(seen) = seen.get_mut(to).filter(|seen| !**seen) {
                    *seen = true;
                    next.push(to);
                }
            }
        }
    }
    Ok(())
}

/// Whether what one entry writes, another may read.
fn leads(from: &Entry, to: &Entry) -> bool {
    let begins = from.to.prefix();
    match (&from.from, &to.from) {
        // Both are named as a whole: the names tell.
        (Origin::Image(_) | Origin::Repository(_), Origin::Image(_) | Origin::Repository(_)) => {
            let source = |name: &Name| sites(to).any(|site| site == name.site);
            destinations(from).iter().any(|name| source(name) && tags_meet(from, name, to))
        }
        (_, Origin::Image(Name { site, .. }) | Origin::Repository(site)) => {
            site.to_string().starts_with(begins)
        }
        (Origin::Image(_) | Origin::Repository(_), _) => {
            destinations(from).iter().any(|name| may_read(to, &name.site))
        }
        (_, _) => {
            beginnings(to).iter().any(|source| source.starts_with(begins) || begins.starts_with(source))
        }
    }
}

fn sites(entry: &Entry) -> impl Iterator<Item = Site> {
    let site = match &entry.from {
        Origin::Image(name) => Some(name.site.clone()),
        Origin::Repository(site) => Some(site.clone()),
        Origin::Registry { .. } | Origin::Layout { .. } => None,
    };
    site.into_iter()
}

/// Where the images of an entry go; where only patterns name them, one stands for all.
fn destinations(entry: &Entry) -> Vec<Name> {
    let mut sources = named(entry);
    if entry.tags.iter().any(|pattern| pattern.literal().is_none()) {
        sources.extend(sites(entry).map(|site| Name {
            site,
            name: Some(reference::RefName::new(ANY)),
            digest: None,
        }));
    }
    sources.iter().filter_map(|source| item::destination(&entry.to, source).ok()).collect()
}

/// Stands for the tags that a pattern finds.
const ANY: &str = "any";

/// Whether a tag that is written may be one that is read.
fn tags_meet(from: &Entry, written: &Name, to: &Entry) -> bool {
    let patterns = from.tags.iter().any(|pattern| pattern.literal().is_none());
    let tag = written.name.as_ref().map(reference::RefName::as_str);
    match &to.from {
        Origin::Image(name) if name.digest.is_some() => false,
        Origin::Image(name) if !patterns => name.name == written.name,
        Origin::Image(name) => {
            let read = name.name.as_ref().map(reference::RefName::as_str).unwrap_or_default();
            !from.to.keeps_tag() || from.tags.iter().any(|pattern| pattern.matches(read))
        }
        _ if patterns => true,
        _ => tag.is_some_and(|tag| to.tags.iter().any(|pattern| pattern.matches(tag))),
    }
}

/// Whether the repositories of an entry may be this one.
fn may_read(entry: &Entry, site: &Site) -> bool {
    match (&entry.from, site) {
        (Origin::Registry { registry, repositories }, Site::Repository { registry: other, repository }) => {
            registry == other && repositories.iter().any(|glob| glob.is_match(repository.as_str()))
        }
        (Origin::Layout { path, .. }, Site::Layout { path: other, .. }) => path == other,
        _ => false,
    }
}

/// What the names of an entry's sources begin with: up to the first character of a glob that stands for others.
fn beginnings(entry: &Entry) -> Vec<String> {
    match &entry.from {
        Origin::Registry { registry, repositories } => {
            let before = |glob: &str| glob.split(['*', '?', '[', '{']).next().unwrap_or_default().to_owned();
            repositories.iter().map(|glob| format!("{registry}/{}", before(glob.glob().glob()))).collect()
        }
        Origin::Layout { form, path, .. } => vec![format!("{}{}", form.scheme(), path.display())],
        Origin::Image(Name { site, .. }) | Origin::Repository(site) => vec![site.to_string()],
    }
}
