//! The base of a bundle: what its inventories said is there, looked for before anything is written.
use std::collections::{BTreeMap, BTreeSet};

use content::{Descriptor, Fault, FaultKind, MediaType, Step};
use futures::{StreamExt, TryStreamExt, stream};
use layout::Layout;
use pace::{Traffic, travel};
use reference::{Digest, RepositoryName};

use super::{Harbour, Sides};
use crate::{BundleError, Plan, plan::Need};

/// How many blobs are asked for at a time; how many requests that makes is for the lanes to say.
const AT_ONCE: usize = 32;
/// How many missing digests a message lists.
const LISTED: usize = 8;

/// Where each blob of the base lies in a registry.
pub(super) type Found = BTreeMap<Digest, (RepositoryName, Sides)>;

/// Looks for the base in a registry, by HEAD.
///
/// # Errors
/// [`FaultKind::Absent`], with the inventory and the digests, when any of it is missing.
pub(super) async fn find(
    plan: &Plan,
    harbour: &dyn Harbour,
    traffic: &Traffic,
) -> Result<Found, BundleError> {
    let looks = stream::iter(plan.needs()).map(async |need| {
        let found = look(&need, plan, harbour, traffic).await?;
        Ok::<_, BundleError>((need.digest, found))
    });
    let looked: Vec<_> = looks.buffered(AT_ONCE).try_collect().await?;
    let missing: Vec<&Digest> = looked.iter().filter(|it| it.1.is_none()).map(|it| &it.0).collect();
    if !missing.is_empty() {
        return Err(lacking(plan, &missing, "the registry"));
    }
    Ok(looked.into_iter().filter_map(|(digest, found)| Some((digest, found?))).collect())
}

async fn look(
    need: &Need<'_>,
    plan: &Plan,
    harbour: &dyn Harbour,
    traffic: &Traffic,
) -> Result<Option<(RepositoryName, Sides)>, BundleError> {
    let blob = Descriptor::new(MediaType::new(""), need.digest.clone(), need.size);
    let mut asked = BTreeSet::new();
    // An inventory has names as they are; what is needed by images of the bundle is below the prefix.
    let named = need.held.iter().filter_map(|number| plan.base.repository(*number));
    let places = named.flat_map(|name| {
        let within = below(harbour.prefix(), &name);
        [Some(name), within]
    });
    for name in places.flatten() {
        if !asked.insert(name.clone()) {
            continue;
        }
        let sides = harbour.repository(&name)?;
        let lanes = traffic.at(sides.source.place().origin());
        let held = travel(&lanes, &lanes, sides.source.held(&blob)).await;
        let held = match held {
            Err(fault) if fault.kind() == FaultKind::Absent => None,
            held => held.map_err(BundleError::target)?,
        };
        if held == Some(need.size) {
            return Ok(Some((name, sides)));
        }
    }
    Ok(None)
}

/// A repository below the prefix that a destination was named with.
pub(super) fn below(prefix: Option<&RepositoryName>, name: &RepositoryName) -> Option<RepositoryName> {
    match prefix {
        Some(prefix) => format!("{prefix}/{name}").parse().ok(),
        None => Some(name.clone()),
    }
}

/// Looks for the base in a layout.
///
/// # Errors
/// As [`find`].
pub(super) fn find_in(plan: &Plan, layout: Option<&Layout>, shown: &str) -> Result<(), BundleError> {
    let mut missing = Vec::new();
    for need in plan.needs() {
        let held = match layout {
            Some(layout) => layout.store().size(&need.digest).map_err(BundleError::target)?,
            None => None,
        };
        if held != Some(need.size) {
            missing.push(need.digest);
        }
    }
    if missing.is_empty() { Ok(()) } else { Err(lacking(plan, &missing.iter().collect::<Vec<_>>(), shown)) }
}

fn lacking(plan: &Plan, missing: &[&Digest], shown: &str) -> BundleError {
    let base = plan.base.inventories.iter().map(|it| format!("{} of {}, made {}", it.id, it.of, it.made));
    let mut listed: Vec<String> = missing.iter().take(LISTED).map(ToString::to_string).collect();
    let more = missing.len().saturating_sub(listed.len());
    if more > 0 {
        listed.push(format!("and {more} more"));
    }
    let what = format!(
        "the bundle was made for a destination with the inventory {}; {} of the {} blobs that it relies on are not \
         there: {}",
        base.collect::<Vec<_>>().join(", and "),
        missing.len(),
        plan.base.blobs(),
        listed.join(", "),
    );
    let fault = Fault::new(FaultKind::Absent, Step::CheckBlob, what).at(shown);
    BundleError::target(fault.hint(
        "apply the bundles that were made before this one first, or make one against a new `transship inventory`",
    ))
}
