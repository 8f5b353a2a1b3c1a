//! `transship bundle create`: images, and what a destination has of them.
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use bundle::{
    BundleError, Created, Inventory, Ledger, LeftOut, Load, MAX_INVENTORY, Origins, Packer, Plan, Tools,
    Unread, Wanted, draft,
};
use content::{Fault, Hasher, Source};
use copier::{CopyError, Engine, Existing, Foreign, Job, Referrers, Side, Ties};
use mirror::{Config, ConfigError, Item, Name, Site, World};
use pace::Traffic;
use reference::{Algorithm, Digest, RepositoryName, Tag};
use registry::Farewells;

use crate::{
    args::CreateArgs,
    failure::Failure,
    render::{Console, Told, bundle as render},
    run::{apart::apart, files, places::Places, world::Everywhere},
    usage::Usage,
};

/// Makes a bundle, or goes on with one, or makes one volume of it again.
pub(super) async fn create(
    args: &CreateArgs,
    console: &Console,
    farewells: &Farewells,
) -> Result<Told, Failure> {
    let places = Places::new(&args.means.reach, [], farewells)?;
    let traffic = places.traffic();
    let world = Everywhere::new(places);
    let engine = Engine::new(console.observer(), traffic.clone()).with_ranges(args.means.ahead.ranges());
    let ledger = Ledger::new(&args.file);
    let at_hand = BTreeMap::new();
    let tools = Tools { origins: &Opened(&world), engine: &engine, traffic: &traffic, manifests: &at_hand };
    if let Some(number) = args.volume {
        let (plan, ranges) = ledger.known().await?;
        let created = Packer::new(&ledger, &Arc::new(plan), ranges, tools).again(number).await?;
        return Ok(render::created(&created, &[]));
    }
    spare(args, &ledger).await?;
    let path = args.config.clone().ok_or_else(|| Usage::about("CONFIG", "no file says which images"))?;
    let text = String::from_utf8_lossy(&read(&path, u64::MAX).await?).into_owned();
    let config = Config::read(&text, &path.display().to_string()).map_err(unread)?;
    let have = inventories(&args.have).await?;
    let request = request(args, &text, &have);
    if let Some((plan, left_out)) = ledger.unfinished(&request).await? {
        let path = ledger.plan_path();
        console.note(&format!(
            "going on with the bundle that was begun; remove {} to have its plan made anew",
            path.display()
        ));
        return pack(&ledger, plan, left_out, tools).await;
    }
    let Gathered { load, left_out } = gather(args, &config, have, &world, &traffic, console).await?;
    if load.is_empty() {
        return Ok(render::nothing_to_bring());
    }
    let plan = draft(&load, args.volume_size.map(|size| size.0))?;
    ledger.write(&request, &plan, &left_out).await?;
    let at_hand = load.manifests();
    drop(load);
    pack(&ledger, plan, left_out, Tools { manifests: &at_hand, ..tools }).await
}

/// Makes sure that no file is lost to the bundle.
async fn spare(args: &CreateArgs, ledger: &Ledger) -> Result<(), Failure> {
    let mut reads = vec![("CONFIG", args.config.as_deref())];
    reads.extend(args.have.iter().map(|path| ("--have", Some(path.as_path()))));
    let plan = ledger.plan_path();
    files::distinct(&reads, &[("--file", Some(&args.file)), ("--file", Some(&plan))])?;
    Ok(ledger.has_place(args.volume_size.is_some()).await?)
}

async fn pack(
    ledger: &Ledger,
    plan: Plan,
    left_out: Vec<LeftOut>,
    tools: Tools<'_>,
) -> Result<Told, Failure> {
    let plan = Arc::new(plan);
    let created: Created = Packer::new(ledger, &plan, Vec::new(), tools).pack().await?;
    ledger.close().await?;
    let told = render::created(&created, &left_out);
    if left_out.is_empty() { Ok(told) } else { Err(Failure::Bundled(Box::new(told))) }
}

/// A file that does not say what to do.
fn unread(why: ConfigError) -> Failure {
    Usage::new(why.to_string()).hint(why.remedy).into()
}

async fn read(path: &Path, limit: u64) -> Result<Vec<u8>, Failure> {
    use std::io::Read as _;
    let file = path.to_owned();
    let bytes = apart(move || {
        let mut bytes = Vec::new();
        std::fs::File::open(file)?.take(limit).read_to_end(&mut bytes)?;
        Ok(bytes)
    });
    bytes.await.map_err(|why| Failure::file(path, why))
}

async fn inventories(paths: &[PathBuf]) -> Result<Vec<Inventory>, Failure> {
    let mut all = Vec::new();
    for path in paths {
        let bytes = read(path, MAX_INVENTORY).await?;
        all.push(Inventory::read(&bytes, &path.display().to_string()).map_err(BundleError::source)?);
    }
    Ok(all)
}

/// The digest of all that a plan is made from but the images themselves: whether a plan that waits is meant.
fn request(args: &CreateArgs, config: &str, have: &[Inventory]) -> Digest {
    let have: Vec<String> = have.iter().map(|inventory| inventory.id.to_string()).collect();
    let CreateArgs { volume_size, extent, include_foreign, fail_fast, means, .. } = args;
    let flags = format!("{volume_size:?} {extent:?} {include_foreign} {fail_fast} {:?}", means.caps);
    Hasher::digest(Algorithm::Sha256, format!("{config}\n{have:?}\n{flags}").as_bytes())
}

/// What a bundle is to hold.
struct Gathered {
    load: Load,
    left_out: Vec<LeftOut>,
}

/// What of the images a destination lacks. Those that cannot be read are left out and named, unless nothing is left
/// then or one such is to be the end.
async fn gather(
    args: &CreateArgs,
    config: &Config,
    have: Vec<Inventory>,
    world: &Everywhere,
    traffic: &Traffic,
    console: &Console,
) -> Result<Gathered, Failure> {
    let selection = mirror::select(config, world, None).await.map_err(unread)?;
    selection.words().for_each(|warning| console.warn(warning));
    let wanted = selection.items.iter().map(|item| want(args, item, world));
    let load = Load::gather(wanted.collect::<Result<_, _>>()?, have, traffic).await;
    let unselected = selection.failures.iter().map(|it| {
        let (source, destination, why) = (it.source.clone(), it.destination.clone(), it.fault.to_string());
        LeftOut { source, destination, why }
    });
    let left_out: Vec<LeftOut> = unselected.chain(load.unread.iter().map(unplanned)).collect();
    for LeftOut { source, why, .. } in &left_out {
        console.warn(&format!("{source}: {why}"));
    }
    let unselected = selection.failures.first().map(|first| Failure::at(Side::Source, first.fault.clone()));
    let first = unselected.or_else(|| Some(CopyError::clone(&load.unread.first()?.error).into()));
    match first {
        Some(first) if args.fail_fast || load.is_empty() => Err(first),
        _ => Ok(Gathered { load, left_out }),
    }
}

/// An image that was selected and could not be read.
fn unplanned(image: &Unread) -> LeftOut {
    let tag = image.tag.as_ref().map(|tag| format!(":{tag}")).unwrap_or_default();
    let destination = format!("{}{tag}", image.repository);
    LeftOut { source: image.origin.clone(), destination, why: image.error.to_string() }
}

fn want(args: &CreateArgs, item: &Item, world: &Everywhere) -> Result<Wanted, Failure> {
    let (repository, tag) = destination(&item.destination)?;
    // What an entry says of itself counts before what is said of all.
    let platforms = match item.platforms.as_slice() {
        [] => args.extent.platforms(),
        own => own.join(",").parse().map_err(|why: String| Usage::about("CONFIG", why))?,
    };
    let source = world.source(&item.source.site).map_err(BundleError::source)?;
    Ok(Wanted {
        origin: item.source.site.to_string(),
        repository,
        tag,
        job: Job {
            source,
            version: item.version(),
            destinations: Vec::new(),
            existing: Existing::Move,
            limits: args.means.caps.of_copy(),
            foreign: if args.include_foreign { Foreign::Include } else { Foreign::Skip },
            platforms,
            referrers: if item.referrers { Referrers::Follow } else { args.extent.referrers() },
            ties: Ties::Apart,
        },
    })
}

/// Where an image is to be, whichever registry or layout that is in.
fn destination(name: &Name) -> Result<(RepositoryName, Option<Tag>), Usage> {
    let refused = || {
        Usage::about("CONFIG", format!("`{name}` names no repository and tag, which a bundle needs"))
            .hint("write a destination such as HOST/{repository}:{tag}")
    };
    let text = name.name.as_ref().map(reference::RefName::as_str);
    match &name.site {
        Site::Repository { repository, .. } => {
            let tag = text.map(|tag| tag.parse().map_err(|_| refused())).transpose()?;
            Ok((repository.clone(), tag))
        }
        Site::Layout { .. } => {
            let (repository, tag) = text.and_then(|text| text.rsplit_once(':')).ok_or_else(refused)?;
            let (Ok(repository), Ok(tag)) = (repository.parse(), tag.parse()) else { return Err(refused()) };
            Ok((repository, Some(tag)))
        }
    }
}

/// Sources by the names that a plan has for them.
struct Opened<'a>(&'a Everywhere);

impl Origins for Opened<'_> {
    fn open(&self, name: &str) -> Result<Arc<dyn Source>, BundleError> {
        let source = name.parse::<Name>().map_err(|why| {
            BundleError::source(Fault::new(
                content::FaultKind::Untrue,
                content::Step::OpenLayout,
                format!("the plan names a source that is none: {why}"),
            ))
        })?;
        self.0.source(&source.site).map_err(BundleError::source)
    }
}
