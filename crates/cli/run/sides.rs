//! Sides: what locations on the command line say, with the credentials that are meant for them.
use std::sync::Arc;

use content::{Source, Version};
use reference::{LayoutLocation, Location, Registry};

use super::{
    import::{no_login, shown, version_of},
    login, only, places,
    places::{Keys, Places},
};
use crate::{
    args::{SourceLogin, TargetLogin},
    credential::{self, Words},
    failure::Failure,
    import::Origin,
    render::Console,
    usage::Usage,
};

/// A side that is read.
pub(super) struct Read {
    pub(super) source: Arc<dyn Source>,
    pub(super) version: Version,
    pub(super) origin: Origin,
    pub(super) shown: String,
}

/// A location that stands in `field` of the command line.
pub(super) fn location(field: &str, text: &str) -> Result<Location, Usage> {
    text.parse().map_err(|why| Usage::parse(field, &why))
}

/// What the source's name says; none while a layout's only entry is still to be looked up.
pub(super) fn origin(source: &Location) -> Option<Origin> {
    match source {
        Location::Registry(reference) => Some(Origin::of_reference(reference)),
        Location::Layout(LayoutLocation { name, .. }) => {
            name.is_some().then(|| Origin::of_layout(name.as_ref()))
        }
    }
}

/// The registry of a location, where it has one.
pub(super) fn registry(location: &Location) -> Option<&Registry> {
    match location {
        Location::Registry(reference) => Some(&reference.registry),
        Location::Layout(_) => None,
    }
}

/// The credentials that were given for the side that is read.
pub(super) async fn source_words(
    login: &SourceLogin,
    source: &Location,
    console: &Console,
) -> Result<Option<Words>, Failure> {
    let flags = login::source(login, console).await?;
    match source {
        Location::Registry(_) => Ok(flags.or_else(|| login::environment(credential::Side::Source))),
        Location::Layout(_) => match flags {
            Some(words) => Err(no_login(&words, "source", "--target-").into()),
            None => Ok(None),
        },
    }
}

/// The credentials that were given for the other side. They are for one registry, and never tried at a second one.
pub(super) async fn target_words(
    login: &TargetLogin,
    targets: &[Location],
) -> Result<Option<Words>, Failure> {
    let flags = login::target(login).await?;
    let mut registries: Vec<&Registry> = targets.iter().filter_map(registry).collect();
    registries.dedup();
    let given = flags.is_some();
    let words = flags.or_else(|| login::environment(credential::Side::Target));
    match (registries.as_slice(), &words) {
        ([], Some(words)) if given => Err(no_login(words, "target", "--username and --password").into()),
        ([], _) | (_, None) => Ok(None),
        ([_], Some(_)) => Ok(words),
        ([first, second, ..], Some(words)) => {
            let message = format!("these credentials are for one registry, not for {first} and {second}");
            Err(Usage::about(&words.from, message)
                .hint("copy to one registry at a time, or let Docker's configuration hold the credentials")
                .into())
        }
    }
}

/// The keys to all targets: words are for the only registry among them, without words the stores are asked for each.
pub(super) fn target_keys(
    places: &Places,
    words: Option<Words>,
    targets: &[Location],
) -> Result<Keys, Usage> {
    match targets.iter().find_map(registry) {
        Some(registry) => places.keys(words, registry),
        None => Ok(places.stored()),
    }
}

/// The keys to the side that is read.
pub(super) fn source_keys(places: &Places, words: Option<Words>, source: &Location) -> Result<Keys, Usage> {
    target_keys(places, words, std::slice::from_ref(source))
}

/// Opens a location to be read; `field` names it where it says too little.
pub(super) async fn read(
    places: &Places,
    field: &str,
    location: &Location,
    keys: &Keys,
) -> Result<Read, Failure> {
    match location {
        Location::Registry(reference) => Ok(Read {
            source: Arc::new(places.repository(&reference.registry, &reference.repository, keys)),
            version: version_of(reference),
            origin: Origin::of_reference(reference),
            shown: shown(reference),
        }),
        Location::Layout(location) => {
            let layout = places::open_layout(location)?;
            let (version, origin) = only::version(field, &layout, location.name.as_ref()).await?;
            Ok(Read {
                source: places::layout_source(&layout, origin.repository.clone()),
                shown: only::shown(&layout, &version, location.name.as_ref()),
                version,
                origin,
            })
        }
    }
}
