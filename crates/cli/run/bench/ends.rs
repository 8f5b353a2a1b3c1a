//! Both ends of a benchmark: the user's own registries, or two of ours.
use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use auth::Given;
use bench::{Counter, Course, End, Ends, Host, Link, Plan, Recipe, Sides, Subject};
use content::{Fault, FaultKind, Step};
use copier::Side;
use reference::{Reference, Registry, RepositoryName};
use registry::{Farewells, Meter};
use tokio::{net::TcpStream, time::timeout};

use super::{crew::Runs, handed::Login};
use crate::{
    args::{BenchArgs, ContentArgs},
    credential::{self, Words},
    failure::Failure,
    limits::Size,
    render::Console,
    run::{
        import::version_of,
        login,
        places::{Keys, Places},
        strays,
    },
    usage::Usage,
};

/// What the embedded registries call their only repository.
const REPOSITORY: &str = "bench";
/// Large enough to be read in ranges.
const LAYER: u64 = 20 << 20;
/// The most layers of all images together: what is known of each is in memory.
const MOST_LAYERS: usize = 100_000;
/// How long a registry may take to be connected to.
const CONNECT: Duration = Duration::from_secs(15);

/// Everything that has to be there before the first request.
pub(super) async fn ready<'a>(
    args: &BenchArgs,
    console: &'a Console,
    farewells: &Farewells,
) -> Result<(Course, Runs<'a>), Failure> {
    let flags = [login::source(&args.source_login, console).await?, login::target(&args.target_login).await?];
    if let (Some(source), Some(target)) = (&args.source, &args.target) {
        let sides = [read("SOURCE", source)?, read("TARGET", target)?];
        return named(args, sides, flags, console, farewells).await;
    }
    if let Some(words) = flags.iter().flatten().next() {
        let message = "the registries are our own, and take no credentials";
        return Err(Usage::about(&words.from, message).hint("name SOURCE and TARGET").into());
    }
    if let Some(flag) = strays::given(&args.access) {
        let message = "the registries are our own, and are reached as they are";
        return Err(Usage::about(flag, message).hint("name SOURCE and TARGET").into());
    }
    embedded(args, console, farewells).await
}

async fn named<'a>(
    args: &BenchArgs,
    [source, target]: [Reference; 2],
    flags: [Option<Words>; 2],
    console: &'a Console,
    farewells: &Farewells,
) -> Result<(Course, Runs<'a>), Failure> {
    let subject = subject(args.content, &source)?;
    check_target(&source, &target)?;
    for warning in strays::warnings(&args.access, &[&source.registry, &target.registry])? {
        console.warn(&warning);
    }
    let [from, to] = flags;
    let from = from.or_else(|| login::environment(credential::Side::Source));
    let to = to.or_else(|| login::environment(credential::Side::Target));
    let logins = [Login::of(from.as_ref()), Login::of(to.as_ref())];
    let plan = plan(args, subject);
    let counters = Sides { source: Arc::<Counter>::default(), target: Arc::default() };
    let end = async |side, reference: &Reference, words, counter: &Arc<Counter>| {
        let places = places(args, counter, farewells)?;
        let keys = places.keys(words, &reference.registry)?;
        let upstream = match plan.link {
            Some(_) => Some(upstream(side, &places, &reference.registry).await?),
            None => None,
        };
        let repository = places.repository(&reference.registry, &reference.repository, &keys);
        let (registry, name) = (reference.registry.clone(), reference.repository.clone());
        Ok::<_, Failure>(End { registry, name, repository, upstream })
    };
    let ends = Ends::Named(Box::new(Sides {
        source: end(Side::Source, &source, from, &counters.source).await?,
        target: end(Side::Target, &target, to, &counters.target).await?,
    }));
    let host = plan.link.map(|_| Host::new(0)).transpose().map_err(Failure::Neither)?;
    let runs = Runs::new(console, args.access.clone(), logins, args.show.verbose);
    Ok((Course::new(plan, ends, host, counters), runs))
}

async fn embedded<'a>(
    args: &BenchArgs,
    console: &'a Console,
    farewells: &Farewells,
) -> Result<(Course, Runs<'a>), Failure> {
    let recipe = recipe(args.content, 1)?;
    // The source's content, and the target's.
    let host = Host::new(recipe.bytes().saturating_mul(2)).map_err(Failure::Neither)?;
    let embedded = host.registry().await.map_err(Failure::Neither)?;
    let registry: Registry =
        embedded.address().to_string().parse().map_err(|why| Usage::parse("registry", &why))?;
    let name: RepositoryName = REPOSITORY.parse().map_err(|why| Usage::parse("repository", &why))?;
    let counters = Sides { source: Arc::<Counter>::default(), target: Arc::default() };
    let places = places(args, &counters.source, farewells)?;
    let nobody = Keys { source: Arc::new(Given(None)), given: false };
    let repository = places.repository(&registry, &name, &nobody);
    let end = End { registry, name, repository, upstream: Some(embedded.address()) };
    let ends = Ends::Embedded(Box::new(end), embedded);
    let logins = [Login::Nobody, Login::Nobody];
    let runs = Runs::new(console, args.access.clone(), logins, args.show.verbose);
    Ok((Course::new(plan(args, Subject::Made(recipe)), ends, Some(host), counters), runs))
}

/// What is said to a side by this process is counted, too.
fn places(args: &BenchArgs, counter: &Arc<Counter>, farewells: &Farewells) -> Result<Places, Failure> {
    let meter = Arc::clone(counter) as Arc<dyn Meter>;
    Places::tuned(&args.access, [], farewells, |options| options.meter = Some(meter))
}

fn read(field: &str, text: &str) -> Result<Reference, Usage> {
    let text = text.strip_prefix("docker://").unwrap_or(text);
    text.parse().map_err(|why| Usage::parse(field, &why))
}

fn check_target(source: &Reference, target: &Reference) -> Result<(), Usage> {
    if target.tag.is_some() || target.digest.is_some() {
        let hint = format!("{}/{}", target.registry, target.repository);
        return Err(Usage::about("TARGET", "a repository, without a tag: nothing is tagged there").hint(hint));
    }
    if source.registry == target.registry {
        let message = "both are one registry, which would not move blobs, but mount them";
        return Err(Usage::about("TARGET", message).hint("name a repository of another registry"));
    }
    Ok(())
}

/// The image that the source is named with, or content that is made.
fn subject(content: ContentArgs, source: &Reference) -> Result<Subject, Usage> {
    if source.tag.is_none() && source.digest.is_none() {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        // Different each time, and short enough to be typed again.
        let seed = u64::from(now.subsec_micros()).saturating_add(now.as_secs().saturating_mul(1_000_000));
        return recipe(content, seed.checked_rem(1_000_000_000).unwrap_or_default()).map(Subject::Made);
    }
    match content.given() {
        Some(flag) => {
            Err(Usage::about(flag, "SOURCE names an image, which is only read: no content is made"))
        }
        None => Ok(Subject::Image(version_of(source))),
    }
}

fn recipe(content: ContentArgs, seed: u64) -> Result<Recipe, Usage> {
    let number = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
    let layers = number(content.layers.unwrap_or(3));
    // Images whose only layer is common to all of them would have nothing else to move.
    let shared = content.shared.map_or(usize::from(layers > 1), number);
    if shared > layers {
        return Err(Usage::about("--shared", format!("an image has {layers} layers: --layers makes more")));
    }
    let images = number(content.images.unwrap_or(2));
    if images.saturating_mul(layers) > MOST_LAYERS {
        let message = format!("{images} images of {layers} layers have more than {MOST_LAYERS} layers");
        return Err(Usage::about("--images", message));
    }
    Ok(Recipe {
        images,
        layers,
        layer_bytes: content.layer_size.map_or(LAYER, |Size(bytes)| bytes),
        shared,
        seed: content.seed.unwrap_or(seed),
    })
}

fn plan(args: &BenchArgs, subject: Subject) -> Plan {
    let link = (args.rtt.is_some() || args.rate.is_some()).then(|| Link {
        rtt_ms: args.rtt.unwrap_or_default().as_secs_f64() * 1000.0,
        rate: args.rate.map(|Size(bytes)| bytes),
    });
    Plan {
        subject,
        jobs: distinct(&args.jobs),
        ranges: distinct(&args.ranges),
        repeat: usize::from(args.repeat),
        link,
        dry_run: args.dry_run,
    }
}

/// Each number once: a setting that is named twice is one setting.
fn distinct(numbers: &[usize]) -> Vec<usize> {
    let mut seen = Vec::new();
    for number in numbers {
        if !seen.contains(number) {
            seen.push(*number);
        }
    }
    seen
}

/// Where a link to a registry leads: to an address that takes connections. It keeps the registry's name, which a
/// certificate is for.
async fn upstream(side: Side, places: &Places, registry: &Registry) -> Result<SocketAddr, Failure> {
    let (host, tls) = (registry.api_host(), places.speaks_tls(registry));
    let address = registry.host().trim_matches(['[', ']']).parse::<IpAddr>();
    if tls && address.is_ok() {
        let message = format!("no link can be put before {registry}, whose certificate is for its address");
        return Err(Usage::new(message)
            .hint("name it by its host name, or leave out --rtt and --rate")
            .into());
    }
    let port = if tls { 443 } else { 80 };
    let text = if registry.port().is_some() { host } else { format!("{host}:{port}") };
    let away = |why: &dyn fmt::Display| {
        let fault = Fault::new(FaultKind::Unreachable, Step::Resolve, format!("no connection: {why}"));
        Failure::at(side, fault.at(registry))
    };
    // A name may stand for several addresses: the one that takes a connection is it.
    let connected = timeout(CONNECT, TcpStream::connect(&text)).await.map_err(|late| away(&late))?;
    connected.and_then(|stream| stream.peer_addr()).map_err(|why| away(&why))
}
