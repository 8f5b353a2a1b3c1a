//! What a mirror removes, and what it says about it.
use std::collections::BTreeSet;

use content::Untagged;
use copier::Side;
use mirror::{
    Name, Prune, Pruning, Spared, Why, World as _,
    receipt::{self, Image},
};
use reference::RefName;

use super::{
    Order, Run,
    ledger::{self, Ledger},
};
use crate::{
    exit,
    render::{Console, Foreseen, Planned},
};

/// Removes what the configuration no longer means; each removal, and what did not work, is a line of the receipt.
pub(super) async fn prune(run: &Run, order: &Order<'_>, ledger: &mut Ledger<'_>, console: &Console) {
    let failed = ledger.failed().clone();
    let pruning = look(run, order, &failed, ledger.left()).await;
    if let Some(notes) = &run.notes {
        // Should it be meant again, it is to be brought again.
        notes.doubt(pruning.stale.iter(), |_| true);
    }
    for of_one_place in pruning.stale.chunk_by(|one, next| one.site == next.site) {
        let leaving: Vec<RefName> = of_one_place.iter().filter_map(|name| name.name.clone()).collect();
        let mut kept = Vec::new();
        for name in of_one_place {
            match remove(run, name, &leaving).await {
                image if image.error.is_some() => kept.push(name),
                image => ledger.add(image, None),
            }
        }
        // What an index held that has gone since may go now.
        for name in kept {
            let image = remove(run, name, &leaving).await;
            ledger.add(image, None);
        }
    }
    for spared in pruning.spared {
        match refused(&spared) {
            Some(why) => ledger.add(ledger::failed(String::new(), spared.home, why), None),
            None => console.warn(&left(&spared)),
        }
    }
}

/// Says what would be removed.
pub(super) async fn foresee(run: &Run, order: &Order<'_>, planned: &mut Planned, console: &Console) {
    // What would fail is known by its destination only to a run.
    let pruning = look(run, order, &planned.failed_destinations(), 0).await;
    for name in pruning.stale {
        planned.images.push(Foreseen::pruned(name.to_string()));
    }
    for spared in pruning.spared {
        match refused(&spared) {
            Some(why) => {
                planned.images.push(Foreseen::failed(String::new(), spared.home, why.message));
                planned.codes.insert(why.code);
            }
            None => console.warn(&left(&spared)),
        }
    }
}

async fn look(run: &Run, order: &Order<'_>, failed: &BTreeSet<Name>, left: u64) -> Pruning {
    let prune = Prune {
        config: order.config,
        selection: order.selection,
        failed,
        left,
        shard: order.shard,
        most: order.args.pruning.prune_most,
    };
    run.rest.counting(Side::Target, Box::pin(prune.look(&*run.world))).await
}

async fn remove(run: &Run, name: &Name, leaving: &[RefName]) -> Image {
    let removed = async {
        let Some(tag) = &name.name else { return Ok(Untagged::Absent) };
        run.world.catalog(&name.site)?.untag(tag, leaving).await
    };
    let why = match run.rest.counting(Side::Target, Box::pin(removed)).await {
        Ok(Untagged::Done | Untagged::Absent) => None,
        Ok(Untagged::Refused(words)) => Some(refusal(format!("it is not removed: {words}"))),
        Err(fault) => Some(ledger::why(&fault, Side::Target)),
    };
    let result = if why.is_some() { receipt::Outcome::Failed } else { receipt::Outcome::Pruned };
    let gone = ledger::failed(String::new(), name.to_string(), refusal(String::new()));
    Image { result, error: why, ..gone }
}

fn refusal(message: String) -> receipt::Failure {
    let kind = content::FaultKind::Refused;
    receipt::Failure {
        kind: exit::name_of(kind).to_owned(),
        side: Some(Side::Target.as_str().to_owned()),
        step: Some(content::Step::Remove.as_str().to_owned()),
        message,
        code: exit::of_kind(kind),
    }
}

/// Why a repository was spared, where that is a failure.
fn refused(spared: &Spared) -> Option<receipt::Failure> {
    match &spared.why {
        Why::Unknown(_) => None,
        Why::Fault(fault) => Some(ledger::why(fault, Side::Target)),
        Why::Most { stale, of } => Some(refusal(format!(
            "{stale} of {of} tags are no longer meant: more than half is removed only with --prune-most"
        ))),
    }
}

/// Why a repository was spared, where another failure, or nothing, is behind it.
fn left(spared: &Spared) -> String {
    match &spared.why {
        Why::Unknown(why) => format!("nothing is removed at {}: {why}", spared.home),
        _ => String::new(),
    }
}
