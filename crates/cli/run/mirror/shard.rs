//! Which part of a mirror is this process's.
use mirror::{Home, Item, Selection, Shard};

use crate::{
    args::{MirrorArgs, Share},
    usage::Usage,
};

/// How Kubernetes tells a pod of an Indexed Job which one it is, from 0.
const INDEX: &str = "JOB_COMPLETION_INDEX";

/// The share that was asked for.
pub(super) fn of(args: &MirrorArgs) -> Result<Option<Shard>, Usage> {
    args.together.shard.map(|share| given(share, std::env::var(INDEX).ok())).transpose()
}

fn given(share: Share, index: Option<String>) -> Result<Shard, Usage> {
    let of = match share {
        Share::Given(own) => return Ok(own),
        Share::OfPod(of) => of,
    };
    let wrong = |why: String| Usage::about("--shard", why).hint(format!("say which share: --shard 1/{of}"));
    let index =
        index.ok_or_else(|| wrong(format!("{INDEX} is not set: this is no pod of an Indexed Job")))?;
    let number =
        index.trim().parse().map_err(|_| wrong(format!("{INDEX} is {index:?}, which is no number")))?;
    Shard::new(number, of)
        .map_err(|_| wrong(format!("{INDEX} is {number}, and {of} shares have no such one")))
}

/// What is this process's to do.
pub(super) fn items(selection: &Selection, shard: Option<Shard>) -> Vec<Item> {
    let mine = |item: &&Item| shard.is_none_or(|shard| shard.holds(&Home::of(&item.destination).to_string()));
    selection.items.iter().filter(mine).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pod_takes_the_share_of_its_index_which_begins_with_0() {
        let pod = |index: &str| given(Share::OfPod(4), Some(index.to_owned())).map(|shard| shard.to_string());
        assert_eq!(pod("0"), Ok("1/4".to_owned()));
        assert_eq!(pod("3"), Ok("4/4".to_owned()));
        for bad in ["4", "-1", "", "x"] {
            let why = pod(bad).unwrap_err();
            assert!(why.message.contains(INDEX) && why.hint.is_some(), "{why:?}");
        }
        assert!(given(Share::OfPod(4), None).unwrap_err().message.contains("not set"));
        let second = Shard::new(1, 4).unwrap();
        assert_eq!(given(Share::Given(second), Some("0".to_owned())), Ok(second));
    }
}
