//! Tags: what exists is refused, moved, or counted as done.
use content::{FaultKind, Version};
use copier::{CopyError, Existing, Ties};

use crate::{
    images::{job, run, two_platforms},
    memory::{Memory, sha256},
};

#[tokio::test]
async fn noforce_refuses_before_any_blob_is_opened() {
    let (here, there) = (Memory::new("a"), Memory::new("b"));
    let source = two_platforms(&here);
    let names: &[(&str, &[&str])] = &[("copy", &["v1", "free"]), ("other", &["v1"])];
    two_platforms(&there);
    run(&job(&source, &there, names)).await.unwrap();
    let before = there.ledger().len();
    let Err(CopyError::TagsExist(conflicts)) = run(&job(&source, &there, names)).await else {
        panic!("the tags exist")
    };
    assert_eq!(conflicts.len(), 3, "all conflicts are listed");
    assert!(conflicts.iter().all(|conflict| conflict.same));
    assert!(there.ledger()[before..].iter().all(|line| line.starts_with("HEAD")), "no write was sent");
    assert_eq!(
        here.ledger().iter().filter(|line| line.contains(" from ")).count(),
        5,
        "no blob was opened again"
    );
}

#[tokio::test]
async fn an_equal_root_costs_one_request_on_each_side() {
    for existing in [Existing::Move, Existing::RefuseUnlessSame] {
        let (here, there) = (Memory::new("a"), Memory::new("b"));
        let source = two_platforms(&here);
        two_platforms(&there);
        let mut job = job(&source, &there, &[("app", &["v1"])]);
        job.existing = existing;
        let report = run(&job).await.unwrap();
        assert!(report.outcomes[0].result.clone().unwrap().already_there);
        assert_eq!((here.ledger(), there.ledger()), (vec!["HEAD app/v1".into()], vec!["HEAD app/v1".into()]));
    }
}

#[tokio::test]
async fn a_tag_at_another_digest_is_moved_only_by_force() {
    let (here, there) = (Memory::new("a"), Memory::new("b"));
    let source = two_platforms(&here);
    let old = there.repository("app");
    let blob = old.put_blob(b"old", "text/x");
    old.put_manifest(&crate::images::image(&old, "old", &[blob]), Some("v1"));
    let before = there.tag("app", "v1");
    let mut job = job(&source, &there, &[("app", &["v1"])]);
    job.existing = Existing::RefuseUnlessSame;
    assert!(matches!(run(&job).await, Err(CopyError::TagsExist(_))));
    assert_eq!(there.tag("app", "v1"), before);
    job.existing = Existing::Move;
    run(&job).await.unwrap().outcomes[0].result.clone().unwrap();
    assert_eq!(there.tag("app", "v1"), here.tag("app", "v1"));
}

#[tokio::test]
async fn one_failing_destination_stops_only_those_it_is_tied_to() {
    for (ties, arrived) in [(Ties::Apart, true), (Ties::Together, false)] {
        let (here, there) = (Memory::new("a"), Memory::new("b"));
        let source = two_platforms(&here);
        there.deny("closed");
        let mut job = job(&source, &there, &[("closed", &["v1"]), ("open", &["v1"])]);
        job.existing = Existing::Move;
        job.ties = ties;
        let result = run(&job).await;
        assert_eq!(there.tag("open", "v1").is_some(), arrived);
        match result {
            Ok(report) => assert!(report.outcomes[0].result.is_err() && report.outcomes[1].result.is_ok()),
            Err(error) => assert_eq!(error.kind(), FaultKind::Authentication),
        }
    }
}

#[tokio::test]
async fn a_destination_that_expects_another_digest_is_refused_unwritten() {
    let (here, there) = (Memory::new("a"), Memory::new("b"));
    let source = two_platforms(&here);
    let mut job = job(&source, &there, &[("copy", &["v1"])]);
    job.destinations[0].expect = Some(sha256(b"something else"));
    assert_eq!(run(&job).await.unwrap_err().kind(), FaultKind::Untrue);
    assert!(there.ledger().iter().all(|line| line.starts_with("HEAD")), "{:?}", there.ledger());
}

#[tokio::test]
async fn a_source_that_is_absent_says_so() {
    let (here, there) = (Memory::new("a"), Memory::new("b"));
    let source = two_platforms(&here);
    let mut job = job(&source, &there, &[("copy", &["v1"])]);
    job.version = Version::Name(crate::memory::name("v9"));
    assert_eq!(run(&job).await.unwrap_err().kind(), FaultKind::Absent);
    assert!(there.ledger().is_empty());
}
