//! `transship copy`, from locations to a report.
use std::sync::Arc;

use content::{Source, Version};
use copier::{Destination, Existing, Job, Ties};
use reference::{LayoutLocation, Location, Registry};
use registry::Farewells;

use super::{
    Telling,
    import::{no_login, shown, version_of},
    login, only, places,
    places::{Keys, Places},
    strays,
};
use crate::{
    args::CopyArgs,
    credential::{self, Words},
    failure::Failure,
    import::Origin,
    landing::{self, Landing, Spot},
    render::{Console, Done},
    usage::Usage,
};

/// Copies one image.
pub(crate) async fn copy(args: &CopyArgs, console: &Console, farewells: &Farewells) -> Result<Done, Failure> {
    let source = location("SRC", &args.source)?;
    let targets =
        args.destinations.iter().map(|text| location("DST", text)).collect::<Result<Vec<_>, _>>()?;
    landing::check(&targets, origin(&source).as_ref())?;
    let from = source_words(args, &source, console).await?;
    let to = target_words(args, &targets).await?;
    let places = Places::new(&args.common.reach, [], farewells)?;
    let sides: Vec<&Registry> = targets.iter().chain([&source]).filter_map(registry).collect();
    for warning in strays::all_warnings(&args.common.reach, &sides)? {
        console.warn(&warning);
    }
    let to = target_keys(&places, to, &targets)?;
    let read = read(&places, &source, from).await?;
    let landings = landing::all(&targets, &read.origin)?;
    let asked = landings.iter().map(|landing| as_given(args, landing)).collect();
    let job = Job {
        source: read.source,
        version: read.version,
        destinations: destinations(&places, &to, landings)?,
        existing: match (args.no_clobber, args.allow_same) {
            (false, _) => Existing::Move,
            (true, true) => Existing::RefuseUnlessSame,
            (true, false) => Existing::Refuse,
        },
        limits: args.common.caps.of_copy(),
        foreign: args.common.foreign(),
        ties: Ties::Apart,
    };
    let telling = Telling { verb: "copied", source: read.shown, asked };
    super::run(&job, args.common.engine(console.observer(), places.traffic()), telling, console).await
}

/// The side that is read.
struct Read {
    source: Arc<dyn Source>,
    version: Version,
    origin: Origin,
    shown: String,
}

/// What the source's name says; none while a layout's only entry is still to be looked up.
fn origin(source: &Location) -> Option<Origin> {
    match source {
        Location::Registry(reference) => Some(Origin::of_reference(reference)),
        Location::Layout(LayoutLocation { name, .. }) => {
            name.is_some().then(|| Origin::of_layout(name.as_ref()))
        }
    }
}

/// A landing in the words of the command line.
fn as_given(args: &CopyArgs, landing: &Landing) -> String {
    let words = landing.given.iter().filter_map(|number| args.destinations.get(*number));
    words.map(String::as_str).collect::<Vec<_>>().join(", ")
}

fn location(field: &str, text: &str) -> Result<Location, Usage> {
    text.parse().map_err(|why| Usage::parse(field, &why))
}

async fn source_words(
    args: &CopyArgs,
    source: &Location,
    console: &Console,
) -> Result<Option<Words>, Failure> {
    let flags = login::source(&args.common.source_login, console).await?;
    match source {
        Location::Registry(_) => Ok(flags.or_else(|| login::environment(credential::Side::Source))),
        Location::Layout(_) => match flags {
            Some(words) => Err(no_login(&words, "source", "--target-").into()),
            None => Ok(None),
        },
    }
}

/// Credentials are for one registry: they are never tried at a second one.
async fn target_words(args: &CopyArgs, targets: &[Location]) -> Result<Option<Words>, Failure> {
    let flags = login::target(&args.common.target_login).await?;
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
fn target_keys(places: &Places, words: Option<Words>, targets: &[Location]) -> Result<Keys, Usage> {
    match targets.iter().find_map(registry) {
        Some(registry) => places.keys(words, registry),
        None => Ok(places.stored()),
    }
}

fn registry(location: &Location) -> Option<&Registry> {
    match location {
        Location::Registry(reference) => Some(&reference.registry),
        Location::Layout(_) => None,
    }
}

async fn read(places: &Places, source: &Location, words: Option<Words>) -> Result<Read, Failure> {
    match source {
        Location::Registry(reference) => {
            let keys = places.keys(words, &reference.registry)?;
            Ok(Read {
                source: Arc::new(places.repository(&reference.registry, &reference.repository, &keys)),
                version: version_of(reference),
                origin: Origin::of_reference(reference),
                shown: shown(reference),
            })
        }
        Location::Layout(location) => {
            let layout = places::open_layout(&location.dir)?;
            let (version, origin) = only::version("SRC", &layout, location.name.as_ref()).await?;
            Ok(Read {
                source: places::layout_source(&layout, origin.repository.clone()),
                shown: only::shown(&layout, &version, location.name.as_ref()),
                version,
                origin,
            })
        }
    }
}

fn destinations(places: &Places, keys: &Keys, landings: Vec<Landing>) -> Result<Vec<Destination>, Failure> {
    let mut destinations = Vec::new();
    for Landing { spot, names, expect, .. } in landings {
        let target = match spot {
            Spot::Registry(registry, repository) => Arc::new(places.repository(&registry, &repository, keys)),
            Spot::Layout(dir, repository) => places::layout_target(&dir, repository)?,
        };
        destinations.push(Destination { target, names, expect });
    }
    Ok(destinations)
}
