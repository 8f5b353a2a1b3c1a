//! `transship bundle apply`: volumes, and where they go.
use std::path::PathBuf;

use bundle::{Applied, BundleError, Clobber, Harbour, Set, Sides, Staging, Stock, push, store};
use copier::Engine;
use journal::FileJournal;
use pace::Traffic;
use reference::{Location, Registry, RepositoryName};
use registry::Farewells;

use super::show::open;
use crate::{
    args::ApplyArgs,
    credential,
    failure::Failure,
    render::{Console, Told, bundle as render},
    run::{
        login,
        places::{Keys, Places},
        strays,
    },
    usage::Usage,
};

/// Where a bundle goes.
enum Destination {
    Layout(PathBuf),
    Registry(Registry, Option<RepositoryName>),
}

/// Brings volumes to their destination.
pub(super) async fn apply(
    args: &ApplyArgs,
    console: &Console,
    farewells: &Farewells,
) -> Result<Told, Failure> {
    let Some((last, volumes)) = args.words.split_last() else { return Err(no_destination().into()) };
    let destination = destination(last)?;
    let clobber = if args.no_clobber { Clobber::Refuse } else { Clobber::Move };
    let paths: Vec<PathBuf> = volumes.iter().map(PathBuf::from).collect();
    let applied = match destination {
        Destination::Layout(dir) => {
            if args.staging.is_some() {
                return Err(Usage::about("--staging", "a layout keeps what waits itself")
                    .hint("leave --staging out: it is for registries")
                    .into());
            }
            let set = open(paths).await?;
            store(&set, &dir, clobber).await?
        }
        Destination::Registry(registry, prefix) => {
            let quay = quay(args, registry, prefix, console, farewells).await?;
            let set = open(paths).await?;
            to_registry(args, &set, &quay, clobber, console).await?
        }
    };
    Ok(render::applied(&applied, last))
}

async fn to_registry(
    args: &ApplyArgs,
    set: &Set,
    quay: &Quay,
    clobber: Clobber,
    console: &Console,
) -> Result<Applied, Failure> {
    let traffic = quay.places.traffic();
    let engine = Engine::new(console.observer(), traffic.clone());
    let engine = match FileJournal::of_user().filter(|_| !args.no_journal) {
        Some(journal) => engine.with_journal(std::sync::Arc::new(journal)),
        None => engine,
    };
    let tools = (&engine, &traffic);
    let is_whole = set.missing().is_empty();
    let Some(dir) = &args.staging else {
        if !is_whole {
            return Err(incomplete(set).into());
        }
        return Ok(push(set, Stock::Volumes(set.clone()), quay, tools, clobber).await?);
    };
    if !is_whole {
        // A bundle before its base waits for nothing.
        bundle::look_for_base(&set.plan(), quay, &traffic).await?;
    }
    let staging = Staging::open(dir, &set.plan().set).await?;
    let applied = if is_whole {
        push(set, Stock::Volumes(set.clone()), quay, tools, clobber).await?
    } else {
        by_way_of(&staging, set, quay, tools, clobber).await?
    };
    // Also where all volumes were given at once: some may have waited since another run.
    if !args.keep_staging && applied.missing.is_empty() {
        staging.clear().await?;
    }
    Ok(applied)
}

/// Brings volumes to where they wait for the others, and all of them to the registry once none is missing.
async fn by_way_of(
    staging: &Staging,
    set: &Set,
    quay: &Quay,
    tools: (&Engine, &Traffic),
    clobber: Clobber,
) -> Result<Applied, Failure> {
    // One that has arrived waits for nothing.
    if let Some(applied) = bundle::look_for_all(&set.plan(), quay, tools.1).await? {
        return Ok(applied);
    }
    let intake = staging.store(set).await?;
    if !intake.missing.is_empty() {
        return Ok(intake.tell(Vec::new()));
    }
    Ok(push(set, intake.stock(), quay, tools, clobber).await?)
}

fn incomplete(set: &Set) -> Usage {
    let missing: Vec<String> = set.missing().iter().map(ToString::to_string).collect();
    let message = format!(
        "volumes {} of {} are missing, and a registry cannot hold parts of a bundle",
        missing.join(", "),
        set.plan().volumes
    );
    Usage::about("VOLUME", message)
        .hint("name all volumes, or a directory in which they wait for each other: --staging DIR")
}

fn no_destination() -> Usage {
    Usage::about("DEST", "name a destination behind the volumes").hint("HOST, HOST/PREFIX or oci:DIR")
}

fn destination(word: &str) -> Result<Destination, Usage> {
    if ["oci:", "ocidir:", "oci-archive:"].iter().any(|scheme| word.starts_with(scheme)) {
        return match word.parse().map_err(|why| Usage::parse("DEST", &why))? {
            Location::Layout(location) if location.name.is_none() && word.starts_with("oci:") => {
                Ok(Destination::Layout(location.dir))
            }
            _ => Err(Usage::about("DEST", format!("`{word}` is no place for a whole bundle"))
                .hint("HOST, HOST/PREFIX or oci:DIR; repositories and tags are the bundle's own")),
        };
    }
    let bare = word.strip_prefix("docker://").unwrap_or(word);
    let (host, prefix) = bare.split_once('/').map_or((bare, None), |(host, prefix)| (host, Some(prefix)));
    if prefix.is_none() && std::path::Path::new(word).is_file() {
        return Err(no_destination());
    }
    let registry = host.parse().map_err(|why| Usage::parse("DEST", &why))?;
    let prefix = prefix.filter(|prefix| !prefix.is_empty()).map(str::parse).transpose();
    Ok(Destination::Registry(registry, prefix.map_err(|why| Usage::parse("DEST", &why))?))
}

/// A registry that a bundle is brought to.
struct Quay {
    places: Places,
    keys: Keys,
    registry: Registry,
    prefix: Option<RepositoryName>,
}

async fn quay(
    args: &ApplyArgs,
    registry: Registry,
    prefix: Option<RepositoryName>,
    console: &Console,
    farewells: &Farewells,
) -> Result<Quay, Failure> {
    let places = Places::new(&args.reach, [], farewells)?;
    for warning in strays::all_warnings(&args.reach, &[&registry])? {
        console.warn(&warning);
    }
    let words = login::target(&args.login).await?;
    let keys = places.keys(words.or_else(|| login::environment(credential::Side::Target)), &registry)?;
    Ok(Quay { places, keys, registry, prefix })
}

impl Harbour for Quay {
    fn repository(&self, name: &RepositoryName) -> Result<Sides, BundleError> {
        let repository = std::sync::Arc::new(self.places.repository(&self.registry, name, &self.keys));
        Ok(Sides { source: std::sync::Arc::<registry::Repository>::clone(&repository), target: repository })
    }

    fn prefix(&self) -> Option<&RepositoryName> {
        self.prefix.as_ref()
    }
}
