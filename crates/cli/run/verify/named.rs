//! Cases of one or two locations on the command line.
use std::sync::Arc;

use content::{Source, Version};
use copier::{Foreign, Referrers, Side};
use layout::Layout;
use reference::{LayoutName, Location, RefName, Registry};
use verify::{Case, Expected, Remedies};

use super::super::{
    places::{Keys, Places},
    sides::{Read, location, origin, read, registry, source_keys, source_words, target_keys, target_words},
    strays,
};
use crate::{
    args::VerifyArgs,
    failure::Failure,
    landing::{self, Landing, Spot},
    render::Console,
};

/// The cases of one or two locations.
pub(super) async fn cases(
    args: &VerifyArgs,
    source: &str,
    places: &Places,
    console: &Console,
) -> Result<Vec<Case>, Failure> {
    let source = location("SRC", source)?;
    let target = args.destination.as_ref().map(|text| location("DST", text)).transpose()?;
    let targets: Vec<Location> = target.into_iter().collect();
    if let Some(origin) = origin(&source) {
        landing::all(&targets, &origin)?;
    }
    let from = source_words(&args.source_login, &source, console).await?;
    let to = target_words(&args.target_login, &targets).await?;
    let sides: Vec<&Registry> = targets.iter().chain([&source]).filter_map(registry).collect();
    for warning in strays::all_warnings(&args.reach, &sides)? {
        console.warn(&warning);
    }
    let to = target_keys(places, to, &targets)?;
    let from = source_keys(places, from, &source)?;
    let read = read(places, if targets.is_empty() { "LOCATION" } else { "SRC" }, &source, &from).await?;
    match landing::all(&targets, &read.origin)?.pop() {
        Some(landing) => compared(args, places, &to, &read, landing),
        None => Ok(vec![alone(args, &source, read)]),
    }
}

/// One location, which is to be whole.
fn alone(args: &VerifyArgs, location: &Location, read: Read) -> Case {
    let pinned = match location {
        Location::Registry(reference) => {
            reference.tag.clone().map(RefName::from).zip(reference.digest.clone())
        }
        Location::Layout(location) => match &location.name {
            Some(LayoutName::Pinned(name, digest)) => Some((name.clone(), digest.clone())),
            _ => None,
        },
    };
    let (version, expected) = match pinned {
        Some((name, digest)) => {
            (Version::Name(name), Expected::Digest { digest, said_by: "the command line".to_owned() })
        }
        None => (read.version, Expected::Whole),
    };
    let referrers = also(args);
    let remedies = Remedies {
        copy: format!("copy it there again: transship copy{referrers} SRC {}", read.shown),
        repair: format!("copy it there again: transship copy --repair{referrers} SRC {}", read.shown),
    };
    let referrers = args.referrers();
    Case { name: read.shown, place: read.source, version, expected, referrers, remedies }
}

/// What a copy has to be told so that it brings all that was looked for.
fn also(args: &VerifyArgs) -> String {
    let platform = args.platform.as_ref().map(|platforms| format!(" --platform {platforms}"));
    let referrers = if args.referrers() == Referrers::Follow { " --referrers" } else { "" };
    let foreign = if args.foreign() == Foreign::Include { " --include-foreign" } else { "" };
    format!("{referrers}{foreign}{}", platform.unwrap_or_default())
}

/// The cases of a destination that is to have what a source has.
fn compared(
    args: &VerifyArgs,
    places: &Places,
    keys: &Keys,
    read: &Read,
    landing: Landing,
) -> Result<Vec<Case>, Failure> {
    let (place, shown) = opened(places, keys, &landing.spot)?;
    let (source, destination) = (&read.shown, args.destination.as_deref().unwrap_or_default());
    let referrers = also(args);
    let remedies = Remedies {
        copy: format!("transship copy{referrers} {source} {destination}"),
        repair: format!("transship copy --repair{referrers} {source} {destination}"),
    };
    let version = match (landing.names.into_iter().next(), &read.version) {
        (Some(name), _) => Version::Name(name),
        // Without a name it is written by its digest, which the source was named by.
        (None, version) => version.clone(),
    };
    let name = match &version {
        Version::Name(name) => format!("{shown}:{name}"),
        Version::Digest(digest) => format!("{shown}@{digest}"),
    };
    let case = |expected| Case {
        name: name.clone(),
        place: Arc::clone(&place),
        version: version.clone(),
        expected,
        referrers: args.referrers(),
        remedies: remedies.clone(),
    };
    let as_source = Expected::Source {
        source: Arc::clone(&read.source),
        version: read.version.clone(),
        platforms: args.platforms(),
        name: read.shown.clone(),
    };
    let pinned = landing
        .expect
        .map(|digest| Expected::Digest { digest, said_by: "the destination's name".to_owned() });
    Ok([Some(as_source), pinned].into_iter().flatten().map(case).collect())
}

/// A destination, to be read, and how it is shown.
fn opened(places: &Places, keys: &Keys, spot: &Spot) -> Result<(Arc<dyn Source>, String), Failure> {
    Ok(match spot {
        Spot::Registry(registry, repository) => {
            let place = places.repository(registry, repository, keys);
            (Arc::new(place), format!("{registry}/{repository}"))
        }
        Spot::Layout(path, repository) | Spot::Archive(path, repository) => {
            let layout = Layout::open(path).map_err(|fault| Failure::at(Side::Target, fault))?;
            let shown = layout.shown().to_owned();
            (Arc::new(layout.repository(repository.clone())), shown)
        }
    })
}
