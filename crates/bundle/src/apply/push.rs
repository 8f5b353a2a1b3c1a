//! Into a registry: an engine copies from the bundle, as from any source; tags wait until everything is there.
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use content::{At, Descriptor, Place, Source, Target, Version};
use copier::{
    Conflict, CopyError, Destination, Engine, Existing, Foreign, Job, Limits, Outcome, Platforms, Referrers,
    Ties,
};
use futures::{StreamExt, TryStreamExt, future::try_join_all, stream};
use pace::{Traffic, travel};
use reference::{Digest, RefName, RepositoryName};

use super::{
    Applied, Arrived, Clobber, Harbour,
    base::{self, below},
    dock::Dock,
    source::{BundleSource, Stock},
};
use crate::{BundleError, Plan, Set, plan::Image};

/// How many images are brought at a time; how many requests that makes is for the lanes to say.
const AT_ONCE: usize = 16;

/// The repositories of a destination while a bundle is brought there.
type Docks = BTreeMap<RepositoryName, Arc<Dock>>;

/// Brings the bundle of `set`, all of which is at hand in `stock`, to a registry.
///
/// # Errors
/// A base that is not there, tags that may not be moved, and whatever fails on the way. No tag is written then, but
/// those that were before one that fails.
pub async fn push(
    set: &Set,
    stock: Stock,
    harbour: &dyn Harbour,
    (engine, traffic): (&Engine, &Traffic),
    clobber: Clobber,
) -> Result<Applied, BundleError> {
    let plan = &set.plan();
    let found = base::find(plan, harbour, traffic).await?;
    let mounts = found.iter().map(|(digest, (name, _))| (digest.clone(), name.clone()));
    let docks = docks(plan, harbour, &Arc::new(mounts.collect()))?;
    let images = berths(plan, &docks);
    if clobber == Clobber::Refuse {
        refuse_to_move(&images, traffic).await?;
    }
    let held = found.into_iter().map(|(digest, (_, sides))| (digest, sides.source));
    let source: Arc<dyn Source> = Arc::new(BundleSource {
        place: Place::new(format!("bundle:{}", plan.set), format!("bundle {}", plan.set), None),
        chart: Arc::clone(set.chart()),
        stock,
        base: Arc::new(held.collect()),
    });
    let copies = stream::iter(&images).map(|(image, dock)| copy(image, dock, &source, plan, engine, clobber));
    let outcomes: Vec<Outcome> = copies.buffered(AT_ONCE).try_collect().await?;
    tag(&docks, &plan.images, traffic).await?;
    Ok(tell(plan, outcomes))
}

/// Looks for the base of a bundle in a registry.
///
/// # Errors
/// [`content::FaultKind::Absent`], with the inventory and the digests, when any of it is missing.
pub async fn look_for_base(plan: &Plan, harbour: &dyn Harbour, traffic: &Traffic) -> Result<(), BundleError> {
    base::find(plan, harbour, traffic).await.map(drop)
}

/// What there is to tell of a bundle whose images are all at a registry, by their roots' digests, already: nothing has
/// to wait for the rest of it then. Of foreign layers a root says nothing: one with them is never known to be there.
///
/// # Errors
/// A registry that does not answer.
pub async fn look_for_all(
    plan: &Plan,
    harbour: &dyn Harbour,
    traffic: &Traffic,
) -> Result<Option<Applied>, BundleError> {
    if plan.foreign {
        return Ok(None);
    }
    let docks = docks(plan, harbour, &Arc::default())?;
    let standing = standing(&berths(plan, &docks), traffic).await?;
    let mut images = plan.images.iter().zip(standing);
    if !images.all(|(image, found)| found.is_some_and(|found| found.digest == image.digest)) {
        return Ok(None);
    }
    let arrived = |image: &Image| Arrived { image: image.clone(), already_there: true };
    Ok(Some(Applied { images: plan.images.iter().map(arrived).collect(), ..Applied::nothing(plan) }))
}

/// Images, and the repositories that they go to.
fn berths<'a>(plan: &'a Plan, docks: &'a Docks) -> Vec<(&'a Image, &'a Arc<Dock>)> {
    plan.images.iter().filter_map(|image| Some((image, docks.get(&image.repository)?))).collect()
}

fn docks(
    plan: &Plan,
    harbour: &dyn Harbour,
    base: &Arc<BTreeMap<Digest, RepositoryName>>,
) -> Result<Docks, BundleError> {
    let mut docks = Docks::new();
    for image in &plan.images {
        if docks.contains_key(&image.repository) {
            continue;
        }
        let name = below(harbour.prefix(), &image.repository).ok_or_else(|| {
            let what = format!("the name of {} becomes too long below this prefix", image.repository);
            BundleError::usage(what, "give a shorter prefix")
        })?;
        let sides = harbour.repository(&name)?;
        let dock = Dock { sides, base: Arc::clone(base), waiting: Mutex::default() };
        docks.insert(image.repository.clone(), Arc::new(dock));
    }
    Ok(docks)
}

/// Finds all tags that would be moved before anything is.
async fn refuse_to_move(images: &[(&Image, &Arc<Dock>)], traffic: &Traffic) -> Result<(), BundleError> {
    let tagged: Vec<_> = images.iter().copied().filter(|(image, _)| image.tag.is_some()).collect();
    let standing = standing(&tagged, traffic).await?;
    let conflicts = tagged.into_iter().zip(standing).filter_map(|((image, dock), found)| {
        let (name, found) = (image.tag.clone()?.into(), found?);
        let place = dock.place().clone();
        (found.digest != image.digest).then_some(Conflict { place, name, digest: found.digest, same: false })
    });
    let conflicts: Vec<Conflict> = conflicts.collect();
    if conflicts.is_empty() { Ok(()) } else { Err(CopyError::TagsExist(conflicts).into()) }
}

/// What stands where each image is to be: under its tag, or by its digest.
async fn standing(
    images: &[(&Image, &Arc<Dock>)],
    traffic: &Traffic,
) -> Result<Vec<Option<Descriptor>>, BundleError> {
    let looks = stream::iter(images).map(async |(image, dock)| {
        let lanes = traffic.at(dock.place().origin());
        let tag = image.tag.clone().map(|tag| Version::Name(tag.into()));
        let version = tag.unwrap_or_else(|| Version::Digest(image.digest.clone()));
        travel(&lanes, &lanes, dock.find(&version)).await.map_err(BundleError::target)
    });
    looks.buffered(AT_ONCE).try_collect().await
}

async fn copy(
    image: &Image,
    dock: &Arc<Dock>,
    source: &Arc<dyn Source>,
    plan: &Plan,
    engine: &Engine,
    clobber: Clobber,
) -> Result<Outcome, BundleError> {
    let job = Job {
        source: Arc::clone(source),
        version: Version::Digest(image.digest.clone()),
        destinations: vec![Destination {
            target: Arc::clone(dock) as Arc<dyn Target>,
            names: image.tag.iter().cloned().map(RefName::from).collect(),
            expect: None,
        }],
        existing: match clobber {
            Clobber::Move => Existing::Move,
            Clobber::Refuse => Existing::RefuseUnlessSame,
        },
        limits: Limits::none(),
        foreign: if plan.foreign { Foreign::Include } else { Foreign::Skip },
        // Each of them is an image of the bundle by itself.
        platforms: Platforms::default(),
        referrers: Referrers::Leave,
        ties: Ties::Apart,
    };
    let mut report = engine.run(&job).await?;
    let outcome =
        report.outcomes.pop().ok_or_else(|| BundleError::usage("no image was copied", "report this"))?;
    match &outcome.result {
        Ok(_) => Ok(outcome),
        Err(error) => Err(error.clone().into()),
    }
}

/// Writes the tags that waited: in each repository in the order of the bundle, so that what belongs to an image is
/// there before it.
async fn tag(docks: &Docks, images: &[Image], traffic: &Traffic) -> Result<(), BundleError> {
    let tags = images.iter().filter_map(|image| Some((&image.repository, image.tag.as_ref()?.as_str())));
    let order: BTreeMap<(&RepositoryName, &str), usize> = tags.zip(0..).collect();
    let each = docks.iter().map(async |(repository, dock)| {
        let mut waiting = dock.take();
        waiting.sort_by_key(|tag| order.get(&(repository, tag.name.as_str())).copied());
        let lanes = traffic.at(dock.place().origin());
        for tag in waiting {
            let written = dock.sides.target.publish(&tag.manifest, At::Name(&tag.name), tag.mode);
            travel(&lanes, &lanes, written).await.map_err(BundleError::target)?;
        }
        Ok::<_, BundleError>(())
    });
    try_join_all(each).await.map(drop)
}

fn tell(plan: &Plan, outcomes: Vec<Outcome>) -> Applied {
    let mut applied = Applied::nothing(plan);
    for (image, outcome) in plan.images.iter().zip(outcomes) {
        let delivered = outcome.result.unwrap_or_default();
        applied.copied = applied.copied.saturating_add(delivered.copied);
        applied.mounted = applied.mounted.saturating_add(delivered.mounted);
        applied.present = applied.present.saturating_add(delivered.present);
        applied.bytes = applied.bytes.saturating_add(delivered.bytes);
        applied.images.push(Arrived { image: image.clone(), already_there: delivered.already_there });
    }
    applied
}
