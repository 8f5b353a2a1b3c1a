//! Bytes: they arrive as they were, or not at all.
use content::FaultKind;
use copier::{CopyError, Existing, Side};

use crate::{
    images::{LAYER, MANIFEST, extent, image, job, run, two_platforms},
    memory::{Memory, sha256},
};

#[tokio::test]
async fn what_arrives_is_what_was_sent() {
    let (here, there) = (Memory::new("a"), Memory::new("b"));
    let source = two_platforms(&here);
    let report = run(&job(&source, &there, &[("copy", &["v1"])])).await.unwrap();
    let delivered = report.outcomes[0].result.clone().unwrap();
    assert_eq!((extent(&report), delivered.copied), ((3, 5), 5));
    assert_eq!(there.tag("copy", "v1"), here.tag("app", "v1"));
    let root = here.tag("app", "v1").unwrap();
    assert_eq!(there.manifest_bytes(&root), here.manifest_bytes(&root));
    assert_eq!(there.blob(&sha256(&[7; 200])), here.blob(&sha256(&[7; 200])));
}

#[tokio::test(start_paused = true)]
async fn wrong_last_byte_never_completes_at_the_target() {
    let (here, there) = (Memory::new("a"), Memory::new("b"));
    let source = two_platforms(&here);
    let wrong = sha256(&[7; 200]);
    here.corrupt(&wrong);
    let report = run(&job(&source, &there, &[("copy", &["v1"])])).await.unwrap();
    let error = report.outcomes[0].result.clone().unwrap_err();
    assert_eq!((error.kind(), error.side()), (FaultKind::Untrue, Side::Source));
    assert_eq!(there.blob(&wrong), None);
    assert_eq!(there.tag("copy", "v1"), None);
    assert_eq!(here.count(&format!("GET {wrong} from 0")), 2, "one full retry, then stop");
}

#[tokio::test(start_paused = true)]
async fn a_broken_read_goes_on_where_it_broke() {
    let (here, there) = (Memory::new("a"), Memory::new("b"));
    let source = here.repository("app");
    let layer = source.put_blob(&[9; 500], LAYER);
    source.put_manifest(&image(&source, "x", &[layer]), Some("v1"));
    let mut job = job(&source, &there, &[("copy", &["v1"])]);
    job.existing = Existing::Move;
    there.repository("copy").put_blob(b"{\"seed\":\"x\"}", MANIFEST);
    here.break_reads(&[70, 140]);
    run(&job).await.unwrap().outcomes[0].result.clone().unwrap();
    let digest = sha256(&[9; 500]);
    let reads: Vec<String> = here.ledger().into_iter().filter(|line| line.contains(" from ")).collect();
    let expected = [0, 70, 210].map(|from| format!("GET {digest} from {from}"));
    assert_eq!(reads, expected);
    assert_eq!(there.count("POST"), 1, "the upload stayed open");
    assert_eq!(there.blob(&digest).unwrap(), vec![9; 500]);
}

#[tokio::test(start_paused = true)]
async fn a_broken_upload_goes_on_where_the_target_stands() {
    let (here, there) = (Memory::new("a"), Memory::new("b"));
    let source = here.repository("app");
    let layer = source.put_blob(&[9; 500], LAYER);
    source.put_manifest(&image(&source, "x", &[layer]), Some("v1"));
    there.repository("copy").put_blob(b"{\"seed\":\"x\"}", MANIFEST);
    there.break_uploads(&[400, 100]);
    run(&job(&source, &there, &[("copy", &["v1"])])).await.unwrap().outcomes[0].result.clone().unwrap();
    assert_eq!(there.count("POST"), 1);
    assert_eq!(there.blob(&sha256(&[9; 500])).unwrap(), vec![9; 500]);
}

#[tokio::test(start_paused = true)]
async fn an_upload_that_never_gets_further_is_given_up() {
    let (here, there) = (Memory::new("a"), Memory::new("b"));
    let source = here.repository("app");
    let layer = source.put_blob(&vec![9; 3_000_000], LAYER);
    source.put_manifest(&image(&source, "x", &[layer]), Some("v1"));
    there.repository("copy").put_blob(b"{\"seed\":\"x\"}", MANIFEST);
    there.forget_uploads_after(2_000_000);
    let report = run(&job(&source, &there, &[("copy", &["v1"])])).await.unwrap();
    let error = report.outcomes[0].result.clone().unwrap_err();
    assert_eq!((error.kind(), error.side()), (FaultKind::Unreachable, Side::Target));
    assert_eq!(here.ledger().iter().filter(|line| line.contains(" from ")).count(), 6);
    assert_eq!(there.tag("copy", "v1"), None);
}

#[tokio::test(start_paused = true)]
async fn what_a_source_without_ranges_sends_twice_is_thrown_away() {
    let (here, there) = (Memory::new("a"), Memory::new("b"));
    let source = here.repository("app");
    let layer = source.put_blob(&[9; 500], LAYER);
    source.put_manifest(&image(&source, "x", &[layer]), Some("v1"));
    there.repository("copy").put_blob(b"{\"seed\":\"x\"}", MANIFEST);
    here.ignore_ranges();
    here.break_reads(&[70, 140]);
    run(&job(&source, &there, &[("copy", &["v1"])])).await.unwrap().outcomes[0].result.clone().unwrap();
    assert_eq!(there.blob(&sha256(&[9; 500])).unwrap(), vec![9; 500], "what came twice is thrown away");
}

#[tokio::test(start_paused = true)]
async fn a_source_that_never_recovers_is_given_up() {
    let (here, there) = (Memory::new("a"), Memory::new("b"));
    let source = two_platforms(&here);
    here.break_reads(&[0; 100]);
    let report = run(&job(&source, &there, &[("copy", &["v1"])])).await.unwrap();
    let Err(CopyError::Failed { side, fault }) = &report.outcomes[0].result else { panic!("it failed") };
    assert_eq!((*side, fault.kind()), (Side::Source, FaultKind::Unreachable));
    assert_eq!(there.tag("copy", "v1"), None);
}

#[tokio::test]
async fn an_empty_blob_is_copied() {
    let (here, there) = (Memory::new("a"), Memory::new("b"));
    let source = here.repository("app");
    let layer = source.put_blob(b"", LAYER);
    source.put_manifest(&image(&source, "x", &[layer]), Some("v1"));
    run(&job(&source, &there, &[("copy", &["v1"])])).await.unwrap().outcomes[0].result.clone().unwrap();
    assert_eq!(there.blob(&sha256(b"")).unwrap(), "");
}

#[tokio::test]
async fn one_read_serves_every_repository_of_a_registry() {
    let (here, there) = (Memory::new("a"), Memory::new("b"));
    let source = two_platforms(&here);
    let names: &[(&str, &[&str])] = &[("one", &["v1", "latest"]), ("two", &["v1"]), ("three", &[])];
    let report = run(&job(&source, &there, names)).await.unwrap();
    let delivered: Vec<_> = report.outcomes.iter().map(|outcome| outcome.result.clone().unwrap()).collect();
    assert_eq!(
        delivered.iter().map(|one| (one.copied, one.mounted)).collect::<Vec<_>>(),
        [(5, 0), (0, 5), (0, 5)]
    );
    assert_eq!(here.ledger().iter().filter(|line| line.contains(" from ")).count(), 5);
    assert_eq!(there.tag("one", "latest"), here.tag("app", "v1"));
    assert_eq!(there.tag("three", "v1"), None);
}

#[tokio::test]
async fn blobs_are_mounted_within_one_registry() {
    let here = Memory::new("a");
    let source = two_platforms(&here);
    run(&job(&source, &here, &[("copy", &["v1"])])).await.unwrap().outcomes[0].result.clone().unwrap();
    assert_eq!((here.count("MOUNT"), here.count("POST")), (5, 0));
}

#[tokio::test]
async fn a_new_tag_in_the_same_repository_writes_nothing_but_the_tag() {
    let here = Memory::new("a");
    let source = two_platforms(&here);
    run(&job(&source, &here, &[("app", &["v2"])])).await.unwrap().outcomes[0].result.clone().unwrap();
    assert_eq!(here.tag("app", "v2"), here.tag("app", "v1"));
    assert_eq!(
        (here.count("PUT"), here.count("POST"), here.count("MOUNT"), here.count("PRESENT")),
        (1, 0, 0, 0)
    );
}
