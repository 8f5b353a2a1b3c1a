//! Who plans for a queue: finds out which digests are meant, puts one item for each image, and keeps the ledger of what
//! workers did.
use std::{collections::HashMap, future::pending, time::Duration};

use copier::{CopyError, Side};
use futures::{StreamExt, stream};
use mirror::{Home, Item, Outcome, Site, World as _, receipt, receipt::Requests};
use queue::{Note, Planner};

use super::{
    Order, Run,
    hall::{Hall, id},
    ledger::Ledger,
    work,
};
use crate::{args::Role, failure::Failure};

/// Plans, and waits until all is done; copies meanwhile, where that was asked for.
pub(super) async fn plan(
    run: &Run,
    order: &Order<'_>,
    hall: &Hall,
    name: String,
    ledger: &mut Ledger<'_>,
) -> Result<(), Failure> {
    let (there, items) = run.runner.believed(order.items, &run.rest).await;
    for (item, outcome) in there {
        ledger.image(item, &outcome);
    }
    let items = pin(run, items, ledger).await;
    let mut planner = hall.queue.plan(&hall.name, &hall.terms(order.args, name)).await?;
    if planner.joined() {
        tracing::info!("the run {} is open already, and is taken over", planner.run().run);
    }
    let mut open = HashMap::new();
    let mut put = Vec::with_capacity(items.len());
    for (pinned, item) in items {
        let id = id(&item)?;
        // Nothing in an item can fail to be written.
        put.push((id.clone(), serde_json::to_vec(&pinned).unwrap_or_default().into()));
        open.insert(id, item);
    }
    planner.put(put).await?;
    let both = order.args.together.role == Role::Both;
    let working = async {
        if both {
            work::until_over(run, order.anew, hall, |_| ()).await?;
        }
        // Another planner of the same run may have closed it; this one knows when it is over.
        pending::<Result<(), Failure>>().await
    };
    tokio::select! {
        biased;
        done = collect(run, &mut planner, &mut open, ledger) => done?,
        failed = Box::pin(working) => failed?,
    }
    Ok(planner.close().await?)
}

/// Reads all notes; an item without one is left.
async fn collect(
    run: &Run,
    planner: &mut Planner,
    open: &mut HashMap<queue::Item, Item>,
    ledger: &mut Ledger<'_>,
) -> Result<(), Failure> {
    while let Some(Note { item, words }) = planner.next().await? {
        let Some(item) = open.remove(&item) else { continue };
        let image = match serde_json::from_slice::<receipt::Image>(&words) {
            // The digest that the planner found stands in the item; the receipt has the names that users gave, also
            // where a worker could not read its item.
            Ok(image) => {
                let (source, destination) = (item.source.to_string(), item.destination.to_string());
                receipt::Image { source, destination, ..image }
            }
            Err(why) => work::given_up(&item, &format!("its worker wrote what makes no sense: {why}")),
        };
        let arrived = image.digest.as_ref().filter(|_| image.result != receipt::Outcome::Failed);
        if let Some(digest) = arrived.and_then(|digest| digest.parse().ok()) {
            run.runner.note(&item, &digest);
        }
        ledger.noted(&item, image, None);
    }
    Ok(())
}

/// Finds out which digest each source stands for, so that all workers mean the same. The images of a repository stand
/// together: workers that come to them one after the other find there what they share.
async fn pin(run: &Run, mut items: Vec<&Item>, ledger: &mut Ledger<'_>) -> Vec<(Item, Item)> {
    items.sort_by_cached_key(|item| Home::of(&item.destination));
    let resolve = async |item: &Item| {
        let found = async {
            let source = run.world.source(&item.source.site)?;
            source.resolve(&item.version()).await
        };
        (item.clone(), run.rest.counting(Side::Source, found).await)
    };
    let mut found = stream::iter(items).map(resolve).buffered(run.at_once);
    let mut pinned = Vec::new();
    while let Some((item, root)) = found.next().await {
        match root {
            Ok(root) => {
                let mut exact = item.clone();
                // In a layout cosign's tags lie beside the name of the image: whoever is given its digest finds none.
                if matches!(item.source.site, Site::Repository { .. }) {
                    exact.source.digest = Some(root.digest);
                }
                pinned.push((exact, item));
            }
            Err(fault) => {
                let error = CopyError::Failed { side: Side::Source, fault };
                ledger.image(&item, &failed(error));
            }
        }
    }
    pinned
}

/// An image of which nobody knows what it is.
fn failed(error: CopyError) -> Outcome {
    Outcome {
        digest: None,
        manifests: 0,
        skipped: Vec::new(),
        result: Err(error),
        requests: Requests::default(),
        attempts: 1,
        took: Duration::ZERO,
    }
}
