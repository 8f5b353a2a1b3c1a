//! A dry run: what would be copied, with sizes. Nothing is written anywhere.
use std::collections::HashSet;

use copier::CopyError;
use futures::{StreamExt, stream};
use mirror::{Item, Prospect, Site};

use super::{Order, Run, prune};
use crate::{
    exit,
    failure::Failure,
    render::{Console, Finished, Foreseen, Planned},
};

/// Looks at all that was selected.
pub(super) async fn run(run: &Run, order: &Order<'_>, console: &Console) -> Result<Finished, Failure> {
    let selection = order.selection;
    for warning in selection.words() {
        console.warn(warning);
    }
    let mut planned = Planned::default();
    for unselected in &selection.failures {
        let (source, destination) = (unselected.source.clone(), unselected.destination.clone());
        planned.images.push(Foreseen::failed(source, destination, unselected.fault.to_string()));
        planned.codes.insert(exit::of_kind(unselected.fault.kind()));
    }
    let looks = stream::iter(order.items).map(async |item| (item, run.runner.look(item).await));
    let mut looks = looks.buffered(run.at_once);
    let mut counted = HashSet::new();
    while let Some((item, look)) = looks.next().await {
        let foreseen = foresee(&mut planned, &mut counted, item, look);
        planned.images.push(foreseen);
    }
    if order.args.pruning.prune {
        prune::foresee(run, order, &mut planned, console).await;
    }
    if planned.codes.is_empty() {
        Ok(Finished::Planned(Box::new(planned)))
    } else {
        Err(Failure::Planned(Box::new(planned)))
    }
}

/// What would come of one image. A blob that an image before it brings to the same registry counts once.
fn foresee(
    planned: &mut Planned,
    counted: &mut HashSet<(String, reference::Digest)>,
    item: &Item,
    look: Result<Prospect, CopyError>,
) -> Foreseen {
    let (source, destination) = (item.source.to_string(), item.destination.to_string());
    let prospect = match look {
        Ok(prospect) => prospect,
        Err(error) => {
            planned.codes.insert(exit::of_kind(error.kind()));
            return Foreseen::failed(source, destination, error.to_string());
        }
    };
    let place = match &item.destination.site {
        Site::Repository { registry, .. } => registry.to_string(),
        layout @ Site::Layout { .. } => layout.to_string(),
    };
    let new = prospect.missing.iter().filter(|blob| counted.insert((place.clone(), blob.digest.clone())));
    let (blobs, bytes) = new.fold((0_u64, 0_u64), |(blobs, bytes), blob| {
        (blobs.saturating_add(1), bytes.saturating_add(blob.size))
    });
    planned.blobs = planned.blobs.saturating_add(blobs);
    planned.bytes = planned.bytes.saturating_add(bytes);
    Foreseen {
        source,
        destination,
        digest: Some(prospect.root.digest.to_string()),
        what: if prospect.there { "unchanged" } else { "copy" },
        manifests: prospect.manifests,
        blobs,
        bytes,
        error: None,
    }
}
