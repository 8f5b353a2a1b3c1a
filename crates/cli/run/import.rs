//! `transship import`, from flags to a report.
use std::{path::PathBuf, sync::Arc};

use content::{Source as From, Target as To, Version};
use copier::{Destination, Existing, Job, Limits, Platforms, Referrers, Side, Ties};
use reference::{RefName, Reference, Registry, Tag};
use registry::Farewells;

use super::{
    Telling, login, only, places,
    places::{Keys, Places},
    request, strays,
};
use crate::{
    args::ImportArgs,
    credential::{self, Words},
    failure::Failure,
    import::{Origin, Request, Source, Target, target::Place},
    limits::why_public,
    render::{Console, Done},
    usage::Usage,
};

/// Imports one image.
pub(crate) async fn import(
    args: &ImportArgs,
    console: &Console,
    farewells: &Farewells,
) -> Result<Done, Failure> {
    for note in args.notes()? {
        console.warn(&note);
    }
    let place = args.target.place()?;
    let mut request = request::read(args).await?;
    for warning in &request.warnings {
        console.warn(warning);
    }
    let from = source_words(args, &mut request, console).await?;
    let to = target_words(args, &place).await?;
    let azure = azure(&request.source).into_iter().chain(azure_target(&place));
    let places = Places::new(&args.common.means.reach, azure.cloned(), farewells)?;
    for warning in strays::all_warnings(&args.common.means.reach, &sides(&request.source, &place))? {
        console.warn(&warning);
    }
    let to = Ashore::new(&places, place, to)?;
    let read = read_side(args, &places, &request, from).await?;

    let mut warnings = Vec::new();
    let targets = request.settle(&read.origin, &mut warnings)?;
    for warning in &warnings {
        console.warn(warning);
    }
    let job = Job {
        source: read.source,
        version: read.version,
        destinations: to.destinations(&places, &targets)?,
        existing: match (request.force, args.allow_same) {
            (true, _) => Existing::Move,
            (false, true) => Existing::RefuseUnlessSame,
            (false, false) => Existing::Refuse,
        },
        limits: read.limits,
        foreign: args.common.foreign(),
        referrers: Referrers::Leave,
        platforms: Platforms::All,
        ties: Ties::Together,
    };
    let telling = Telling { verb: "imported", source: read.shown, asked: Vec::new() };
    super::run(&job, args.common.engine(console.observer(), places.traffic()), telling, console).await
}

/// The side that is read, and what follows from where it is.
struct Read {
    source: Arc<dyn From>,
    version: Version,
    origin: Origin,
    limits: Limits,
    shown: String,
}

async fn source_words(
    args: &ImportArgs,
    request: &mut Request,
    console: &Console,
) -> Result<Option<Words>, Failure> {
    let flags = login::source(&args.common.source_login, console).await?;
    let body = request.credentials.take();
    let given = match (flags, body) {
        (Some(_), Some(_)) => {
            return Err(Usage::new("the request has credentials, and so have the flags")
                .hint("keep one of them")
                .into());
        }
        (flags, body) => flags.or(body),
    };
    match &request.source {
        Source::Registry { .. } => Ok(given.or_else(|| login::environment(credential::Side::Source))),
        Source::Layout(_) => match given {
            Some(words) => Err(no_login(&words, "source", "--target-username").into()),
            None => Ok(None),
        },
    }
}

async fn target_words(args: &ImportArgs, place: &Place) -> Result<Option<Words>, Failure> {
    let flags = login::target(&args.common.target_login).await?;
    match place {
        Place::Registry { .. } => Ok(flags.or_else(|| login::environment(credential::Side::Target))),
        Place::Layout(_) | Place::Archive(_) => match flags {
            Some(words) => Err(no_login(&words, "target", "--username").into()),
            None => Ok(None),
        },
    }
}

/// A layout was given credentials, by the flag that the words remember.
pub(super) fn no_login(words: &Words, side: &str, other: &str) -> Usage {
    Usage::about(&words.from, format!("the {side} is a directory, which takes no credentials"))
        .hint(format!("leave them out; those of the other side begin with {other}"))
}

fn azure(source: &Source) -> Option<&Registry> {
    match source {
        Source::Registry { reference, acr: true } => Some(&reference.registry),
        _ => None,
    }
}

fn azure_target(place: &Place) -> Option<&Registry> {
    match place {
        Place::Registry { registry, acr: true } => Some(registry),
        _ => None,
    }
}

fn sides<'a>(source: &'a Source, place: &'a Place) -> Vec<&'a Registry> {
    let from = match source {
        Source::Registry { reference, .. } => Some(&reference.registry),
        Source::Layout(_) => None,
    };
    let to = match place {
        Place::Registry { registry, .. } => Some(registry),
        Place::Layout(_) | Place::Archive(_) => None,
    };
    from.into_iter().chain(to).collect()
}

async fn read_side(
    args: &ImportArgs,
    places: &Places,
    request: &Request,
    words: Option<Words>,
) -> Result<Read, Failure> {
    let location = match &request.source {
        Source::Registry { reference, .. } => return read_registry(args, places, reference, words).await,
        Source::Layout(location) => location,
    };
    let layout = places::open_layout(location)?;
    let (version, origin) = only::version("--source", &layout, location.name.as_ref()).await?;
    Ok(Read {
        source: places::layout_source(&layout, origin.repository.clone()),
        shown: only::shown(&layout, &version, location.name.as_ref()),
        limits: args.common.means.caps.of_import(None),
        version,
        origin,
    })
}

async fn read_registry(
    args: &ImportArgs,
    places: &Places,
    reference: &Reference,
    words: Option<Words>,
) -> Result<Read, Failure> {
    let Reference { registry, repository, .. } = reference;
    let keys = places.keys(words, registry)?;
    // Whether a source counts as public is decided before any request, and so is a credential that cannot be had.
    let has_credential = keys.given || keys.find(Side::Source, registry, repository).await?.is_some();
    Ok(Read {
        source: Arc::new(places.repository(registry, repository, &keys)),
        version: version_of(reference),
        origin: Origin::of_reference(reference),
        limits: args.common.means.caps.of_import(why_public(registry, has_credential)),
        shown: shown(reference),
    })
}

/// The digest, else the tag, else `latest`.
pub(super) fn version_of(reference: &Reference) -> Version {
    match (&reference.digest, &reference.tag) {
        (Some(digest), _) => Version::Digest(digest.clone()),
        (None, tag) => Version::Name(tag.clone().unwrap_or_else(Tag::latest).into()),
    }
}

/// The reference with what stands for an omitted tag.
pub(super) fn shown(reference: &Reference) -> String {
    match (&reference.tag, &reference.digest) {
        (None, None) => format!("{reference}:latest"),
        _ => reference.to_string(),
    }
}

/// Where the image goes, with the key to it.
enum Ashore {
    Registry(Registry, Keys),
    Layout(PathBuf),
    Archive(PathBuf),
}

impl Ashore {
    fn new(places: &Places, place: Place, words: Option<Words>) -> Result<Self, Usage> {
        Ok(match place {
            Place::Registry { registry, .. } => {
                let keys = places.keys(words, &registry)?;
                Self::Registry(registry, keys)
            }
            Place::Layout(dir) => Self::Layout(dir),
            Place::Archive(file) => Self::Archive(file),
        })
    }

    fn destinations(&self, places: &Places, targets: &[Target]) -> Result<Vec<Destination>, Failure> {
        targets.iter().map(|target| self.destination(places, target)).collect()
    }

    fn destination(&self, places: &Places, target: &Target) -> Result<Destination, Failure> {
        let Target { repository, tags } = target;
        let of_tags = || tags.iter().cloned().map(RefName::from).collect();
        let of_both = || tags.iter().map(|tag| RefName::new(format!("{repository}:{tag}"))).collect();
        let (target, names): (Arc<dyn To>, _) = match self {
            Self::Registry(registry, keys) => {
                (Arc::new(places.repository(registry, repository, keys)), of_tags())
            }
            Self::Layout(dir) => (places::layout_target(dir, Some(repository.clone()))?, of_both()),
            Self::Archive(file) => (places.archive_target(file, Some(repository.clone()))?, of_both()),
        };
        Ok(Destination { target, names, expect: None })
    }
}
