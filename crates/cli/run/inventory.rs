//! `transship inventory`, from places to a file.
use std::{collections::BTreeMap, io, path::Path, sync::Arc};

use bundle::{Inventory, Look, survey};
use content::{Catalog, Fault, FaultKind, Source, Step, Version};
use copier::Side;
use layout::{Entry, Layout};
use reference::{LayoutLocation, Location, RefName, Reference, Registry, RepositoryName, Tag};
use registry::Farewells;

use super::{
    apart::apart,
    files, login, places,
    places::{Keys, Places},
    strays,
};
use crate::{
    args::InventoryArgs,
    credential,
    failure::Failure,
    render::{Console, Told, bundle as render},
    usage::Usage,
};

/// What is looked at.
enum Subject {
    /// Repositories of a registry; all of them where none is named.
    Registry(Registry, Vec<RepositoryName>),
    /// A layout, or an archive.
    Layout(LayoutLocation),
}

/// Makes an inventory, and writes it where it was asked for.
pub(crate) async fn inventory(
    args: &InventoryArgs,
    console: &Console,
    farewells: &Farewells,
) -> Result<Told, Failure> {
    let subject = subject(&args.places)?;
    let read = match &subject {
        Subject::Layout(location) => Some(location.dir.as_path()),
        Subject::Registry(..) => None,
    };
    files::distinct(&[("PLACE", read)], &[("--file", args.file.as_deref())])?;
    let places = Places::new(&args.reach, [], farewells)?;
    let (of, looks) = match &subject {
        Subject::Registry(registry, named) => {
            for warning in strays::all_warnings(&args.reach, &[registry])? {
                console.warn(&warning);
            }
            let words = login::source(&args.login, console).await?;
            let words = words.or_else(|| login::environment(credential::Side::Source));
            let keys = places.keys(words, registry)?;
            (registry.to_string(), at_registry(&places, registry, named, &keys, console).await?)
        }
        Subject::Layout(location) => {
            let layout = places::open_layout(location)?;
            (layout.shown().to_owned(), in_layout(&layout).await?)
        }
    };
    let inventory = survey((of, mirror::receipt::now()), looks, &places.traffic()).await;
    let inventory = inventory.map_err(source)?;
    write(args, &inventory).await
}

async fn write(args: &InventoryArgs, inventory: &Inventory) -> Result<Told, Failure> {
    let Some(path) = args.file.clone() else { return Ok(render::inventory_itself(inventory)) };
    let (bytes, to) = (inventory.to_bytes(), path.clone());
    let written = apart(move || files::write(&to, &bytes)).await;
    written.map_err(|why| unwritten(&path, why))?;
    Ok(render::inventory(inventory, &path))
}

fn unwritten(path: &Path, why: io::Error) -> Failure {
    let fault = Fault::new(FaultKind::Local, Step::Publish, format!("cannot write the inventory: {why}"));
    Failure::Neither(fault.at(path.display()).because(why))
}

fn source(fault: Fault) -> Failure {
    Failure::at(Side::Source, fault)
}

fn subject(words: &[String]) -> Result<Subject, Usage> {
    let mut all: Option<Subject> = None;
    for word in words {
        all = Some(match (all.take(), one(word)?) {
            (None, one) => one,
            (Some(Subject::Registry(registry, mut names)), Subject::Registry(other, more))
                if registry == other && !names.is_empty() && !more.is_empty() =>
            {
                names.extend(more);
                Subject::Registry(registry, names)
            }
            _ => {
                return Err(Usage::about("PLACE", "an inventory is of one registry, or of one layout")
                    .hint("make one inventory of each; `bundle create --have` takes several"));
            }
        });
    }
    all.ok_or_else(|| Usage::about("PLACE", "no place was named"))
}

fn one(word: &str) -> Result<Subject, Usage> {
    let bare = word.strip_prefix("docker://").unwrap_or(word);
    if ["oci:", "ocidir:", "oci-archive:"].iter().any(|scheme| word.starts_with(scheme)) {
        return match word.parse().map_err(|why| Usage::parse("PLACE", &why))? {
            Location::Layout(location) if location.name.is_none() => Ok(Subject::Layout(location)),
            _ => Err(whole(word)),
        };
    }
    if !bare.contains('/') {
        let registry = bare.parse().map_err(|why| Usage::parse("PLACE", &why))?;
        return Ok(Subject::Registry(registry, Vec::new()));
    }
    let Reference { registry, repository, tag, digest } =
        bare.parse().map_err(|why| Usage::parse("PLACE", &why))?;
    if tag.is_some() || digest.is_some() {
        return Err(whole(word));
    }
    Ok(Subject::Registry(registry, vec![repository]))
}

fn whole(word: &str) -> Usage {
    let message = format!("`{word}` names one image, and an inventory is of whole repositories or layouts");
    Usage::about("PLACE", message).hint("leave the tag, name or digest out")
}

async fn at_registry(
    places: &Places,
    registry: &Registry,
    named: &[RepositoryName],
    keys: &Keys,
    console: &Console,
) -> Result<Vec<Look>, Failure> {
    let all = match named {
        [] => places.repositories_with(registry, keys).await.map_err(source)?,
        named => named.to_vec(),
    };
    let mut looks = Vec::new();
    for name in all {
        let repository = Arc::new(places.repository(registry, &name, keys));
        let tags = match Catalog::names(&*repository).await {
            // Registries list repositories that have lost their last tag, and forget some that are named.
            Err(fault) if fault.kind() == FaultKind::Absent => Vec::new(),
            tags => tags.map_err(source)?,
        };
        if tags.is_empty() && named.contains(&name) {
            console.warn(&format!(
                "{registry}/{name}: there is no such repository, or it has no tags; the inventory says that it is \
                 empty, which is right before a first bundle, and otherwise a reason to look at the name"
            ));
        }
        let roots = tags.into_iter().map(|tag| (Some(tag.clone()), Version::Name(tag)));
        let (source, roots): (Arc<dyn Source>, _) = (repository, roots.collect());
        looks.push(Look { name: Some(name), source, roots, is_sure: false });
    }
    Ok(looks)
}

/// A layout has one store, and entries that name repositories.
async fn in_layout(layout: &Layout) -> Result<Vec<Look>, Failure> {
    let entries = layout.entries().await.map_err(source)?;
    let mut repositories: BTreeMap<Option<RepositoryName>, Vec<(Option<RefName>, Version)>> = BTreeMap::new();
    for entry in &entries {
        let (repository, root) = root(entry);
        repositories.entry(repository).or_default().push(root);
    }
    let look = |(name, roots)| {
        let source = places::layout_source(layout, None);
        Look { name, source, roots, is_sure: true }
    };
    Ok(repositories.into_iter().map(look).collect())
}

fn root(entry: &Entry) -> (Option<RepositoryName>, (Option<RefName>, Version)) {
    let Some(name) = entry.name() else {
        let repository = entry.repository().and_then(|name| name.parse().ok());
        return (repository, (None, Version::Digest(entry.descriptor.digest.clone())));
    };
    let version = Version::Name(RefName::new(name));
    let parts = name.rsplit_once(':').and_then(|(repository, tag)| {
        Some((repository.parse::<RepositoryName>().ok()?, tag.parse::<Tag>().ok()?))
    });
    match parts {
        Some((repository, tag)) => (Some(repository), (Some(tag.into()), version)),
        None => (None, (Some(RefName::new(name)), version)),
    }
}
