//! A layout on a real disk: what is promised about bytes, names and writers that meet.
#![allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests"
)]
use std::{fs, path::Path};

use bytes::Bytes;
use content::{
    At, Begun, Descriptor, Fault, FaultKind, Hasher, Lent, Manifest, MediaType, Mode, Source, Step, Target,
    Upload, Verified, Version,
};
use futures::{StreamExt, TryStreamExt, stream};
use layout::{Layout, LayoutRepository};
use reference::{Algorithm, RefName};
use serde_json::Value;

fn blob(bytes: &[u8]) -> Descriptor {
    blob_of(Algorithm::Sha256, bytes)
}

fn blob_of(algorithm: Algorithm, bytes: &[u8]) -> Descriptor {
    let digest = Hasher::digest(algorithm, bytes);
    Descriptor::new(MediaType::new("application/octet-stream"), digest, bytes.len() as u64)
}

fn manifest(seed: &str) -> Manifest {
    let text = format!(
        r#"{{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","layers":[],"annotations":{{"seed":"{seed}"}}}}"#
    );
    Manifest::read(Bytes::from(text), None, None, None).unwrap()
}

async fn upload(target: &LayoutRepository, blob: &Descriptor) -> Box<dyn Upload> {
    match target.begin(blob, None).await.unwrap() {
        Begun::Upload(upload) => upload,
        other => panic!("{other:?} where an upload was due"),
    }
}

fn fed(blob: &Descriptor, pieces: Vec<Result<Bytes, Fault>>) -> Verified {
    let mut verified = Verified::new(blob);
    verified.feed(stream::iter(pieces).boxed());
    verified
}

async fn store(target: &LayoutRepository, bytes: &[u8], blob: &Descriptor) {
    let pieces = bytes.chunks(100_000).map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect();
    let (lent, _home) = Lent::new(fed(blob, pieces));
    upload(target, blob).await.send(lent).await.unwrap();
}

async fn read(source: &LayoutRepository, blob: &Descriptor, from: u64) -> Result<Vec<u8>, Fault> {
    let incoming = source.open(blob, from..blob.size).await?;
    assert_eq!(incoming.at, from);
    let chunks: Vec<Bytes> = incoming.bytes.try_collect().await?;
    assert!(chunks.iter().all(|chunk| chunk.len() <= 256 * 1024));
    Ok(chunks.concat())
}

fn path_of(root: &Path, blob: &Descriptor) -> std::path::PathBuf {
    root.join("blobs").join(blob.digest.algorithm().as_str()).join(blob.digest.hex())
}

fn leftovers(root: &Path) -> usize {
    let ours = fs::read_dir(root.join(".transship")).unwrap();
    ours.filter(|entry| entry.as_ref().unwrap().file_name() != "lock").count()
}

#[tokio::test]
async fn what_goes_in_comes_out_of_both_algorithms_and_from_any_offset() {
    let dir = tempfile::tempdir().unwrap();
    let side = Layout::create_or_open(&dir.path().join("new/deep")).unwrap().repository(None);
    let bytes: Vec<u8> = (0..3_000_000_u32).map(|n| (n % 251) as u8).collect();
    for algorithm in [Algorithm::Sha256, Algorithm::Sha512] {
        let blob = blob_of(algorithm, &bytes);
        store(&side, &bytes, &blob).await;
        assert_eq!(read(&side, &blob, 0).await.unwrap(), bytes);
        assert_eq!(read(&side, &blob, 2_999_999).await.unwrap(), bytes[2_999_999..]);
        assert!(matches!(side.begin(&blob, None).await.unwrap(), Begun::Present));
    }
    let empty = blob(b"");
    store(&side, b"", &empty).await;
    assert_eq!(read(&side, &empty, 0).await.unwrap(), b"");
    assert_eq!(leftovers(&dir.path().join("new/deep")), 0);
}

#[tokio::test]
async fn a_fresh_layout_is_what_image_spec_asks_for() {
    let dir = tempfile::tempdir().unwrap();
    let layout = Layout::create_or_open(dir.path()).unwrap();
    assert_eq!(layout.entries().await.unwrap(), []);
    let marker: Value = serde_json::from_slice(&fs::read(dir.path().join("oci-layout")).unwrap()).unwrap();
    assert_eq!(marker["imageLayoutVersion"], "1.0.0");
    let index: Value = serde_json::from_slice(&fs::read(dir.path().join("index.json")).unwrap()).unwrap();
    assert_eq!(index["schemaVersion"], 2);
    assert!(dir.path().join("blobs").is_dir());
}

#[tokio::test]
async fn wrong_bytes_never_become_a_blob() {
    let dir = tempfile::tempdir().unwrap();
    let side = Layout::create_or_open(dir.path()).unwrap().repository(None);
    let wanted = blob(b"true bytes");
    let mut upload = upload(&side, &wanted).await;
    let (lent, _home) = Lent::new(fed(&wanted, vec![Ok(Bytes::from_static(b"true byteX"))]));
    assert_eq!(upload.send(lent).await.unwrap_err().kind(), FaultKind::Untrue);
    assert!(!path_of(dir.path(), &wanted).exists());
    assert!(!upload.realign().await.unwrap());
    assert_eq!(upload.offset(), 0);
    let (lent, _home) = Lent::new(fed(&wanted, vec![Ok(Bytes::from_static(b"true bytes"))]));
    upload.send(lent).await.unwrap();
    assert_eq!(fs::read(path_of(dir.path(), &wanted)).unwrap(), b"true bytes");
}

#[tokio::test]
async fn a_cut_upload_goes_on_where_it_stood() {
    let dir = tempfile::tempdir().unwrap();
    let side = Layout::create_or_open(dir.path()).unwrap().repository(None);
    let wanted = blob(b"first second");
    let mut upload = upload(&side, &wanted).await;
    let cut = Fault::new(FaultKind::Unreachable, Step::ReadBlob, "connection reset").momentary();
    let (lent, home) = Lent::new(fed(&wanted, vec![Ok(Bytes::from_static(b"first ")), Err(cut)]));
    assert!(upload.send(lent).await.unwrap_err().is_momentary());
    assert!(!upload.realign().await.unwrap());
    assert_eq!(upload.offset(), 6);
    let mut verified = home.await.unwrap();
    verified.rewind(upload.offset());
    let all = Bytes::from_static(b"first second");
    let from = usize::try_from(verified.at()).unwrap();
    verified.feed(stream::iter([Ok(all.slice(from..))]).boxed());
    let (lent, _home) = Lent::new(verified);
    upload.send(lent).await.unwrap();
    assert_eq!(fs::read(path_of(dir.path(), &wanted)).unwrap(), b"first second");
    assert_eq!(upload.offset(), wanted.size);
}

#[tokio::test]
async fn a_dropped_upload_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let side = Layout::create_or_open(dir.path()).unwrap().repository(None);
    let upload = upload(&side, &blob(b"never sent")).await;
    assert_eq!(leftovers(dir.path()), 1);
    drop(upload);
    assert_eq!(leftovers(dir.path()), 0);
}

#[tokio::test]
async fn a_damaged_blob_is_untrue_to_read_and_is_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let side = Layout::create_or_open(dir.path()).unwrap().repository(None);
    let good = blob(b"whole");
    fs::create_dir_all(dir.path().join("blobs/sha256")).unwrap();
    fs::write(path_of(dir.path(), &good), b"").unwrap();
    assert_eq!(read(&side, &good, 0).await.unwrap_err().kind(), FaultKind::Untrue);
    store(&side, b"whole", &good).await;
    assert_eq!(read(&side, &good, 0).await.unwrap(), b"whole");

    let manifest = manifest("m");
    let path = path_of(dir.path(), manifest.descriptor());
    fs::write(&path, vec![b' '; manifest.bytes().len()]).unwrap();
    let name = RefName::new("app:v1");
    side.publish(&manifest, At::Name(&name), Mode::NoForce).await.unwrap();
    assert_eq!(fs::read(path).unwrap(), manifest.bytes()[..]);
}

#[tokio::test]
async fn damage_of_any_size_is_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let target = Layout::create_or_open(dir.path()).unwrap().repository(None);
    let (bytes, wanted) = (b"good bytes", blob(b"good bytes"));
    store(&target, bytes, &wanted).await;
    assert!(matches!(target.begin(&wanted, None).await.unwrap(), Begun::Present));
    for damage in [&b""[..], b"short", b"evil bytes", b"good bytes and more"] {
        fs::write(path_of(dir.path(), &wanted), damage).unwrap();
        store(&target, bytes, &wanted).await;
        assert_eq!(read(&target, &wanted, 0).await.unwrap(), bytes);
    }
}

#[tokio::test]
async fn links_and_directories_below_the_root_are_refused() {
    use std::os::unix::fs::symlink;
    let dir = tempfile::tempdir().unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    fs::write(elsewhere.path().join("secret"), b"secret").unwrap();
    let side = Layout::create_or_open(dir.path()).unwrap().repository(None);
    fs::create_dir_all(dir.path().join("blobs/sha256")).unwrap();
    let (linked, folder) = (blob(b"secret"), blob(b"folder"));
    symlink(elsewhere.path().join("secret"), path_of(dir.path(), &linked)).unwrap();
    fs::create_dir(path_of(dir.path(), &folder)).unwrap();
    for bad in [&linked, &folder] {
        assert_eq!(read(&side, bad, 0).await.unwrap_err().kind(), FaultKind::Local);
        assert_eq!(side.begin(bad, None).await.unwrap_err().kind(), FaultKind::Local);
    }
    symlink(elsewhere.path(), dir.path().join("blobs/sha512")).unwrap();
    let below = blob_of(Algorithm::Sha512, b"x");
    assert_eq!(side.begin(&below, None).await.unwrap_err().kind(), FaultKind::Local);
    fs::remove_file(dir.path().join("index.json")).unwrap();
    symlink(elsewhere.path().join("secret"), dir.path().join("index.json")).unwrap();
    assert_eq!(Layout::open(dir.path()).unwrap_err().kind(), FaultKind::Local);
    // The directory itself may be reached by a link: that is the user's own word.
    let other = tempfile::tempdir().unwrap();
    Layout::create_or_open(&other.path().join("real")).unwrap();
    symlink(other.path().join("real"), other.path().join("link")).unwrap();
    Layout::open(&other.path().join("link")).unwrap();
}

#[tokio::test]
async fn what_a_dead_writer_left_is_removed_by_the_next_writer_and_what_a_living_one_writes_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let side = Layout::create_or_open(dir.path()).unwrap().repository(None);
    let wanted = blob(b"still being written");
    let mut living = upload(&side, &wanted).await;
    fs::write(dir.path().join(".transship/ingest-1-dead-0"), b"half a bl").unwrap();
    assert_eq!(Layout::open(dir.path()).unwrap().entries().await.unwrap(), []);
    assert_eq!(leftovers(dir.path()), 2, "a reader removes nothing");
    Layout::create_or_open(dir.path()).unwrap();
    assert_eq!(leftovers(dir.path()), 1);
    let (lent, _home) = Lent::new(fed(&wanted, vec![Ok(Bytes::from_static(b"still being written"))]));
    living.send(lent).await.unwrap();
    assert_eq!(fs::read(path_of(dir.path(), &wanted)).unwrap(), b"still being written");
}

#[tokio::test]
async fn an_upload_that_is_to_replace_a_damaged_blob_is_not_done_before_it_has() {
    let dir = tempfile::tempdir().unwrap();
    let side = Layout::create_or_open(dir.path()).unwrap().repository(None);
    let wanted = blob(b"good bytes");
    fs::create_dir_all(dir.path().join("blobs/sha256")).unwrap();
    fs::write(path_of(dir.path(), &wanted), b"evil bytes").unwrap();
    let mut upload = upload(&side, &wanted).await;
    let cut = Fault::new(FaultKind::Unreachable, Step::ReadBlob, "connection reset").momentary();
    let (lent, home) = Lent::new(fed(&wanted, vec![Ok(Bytes::from_static(b"good ")), Err(cut)]));
    upload.send(lent).await.unwrap_err();
    assert!(!upload.realign().await.unwrap(), "the size of what is there proves nothing");
    let mut verified = home.await.unwrap();
    verified.rewind(upload.offset());
    let from = usize::try_from(verified.at()).unwrap();
    verified.feed(stream::iter([Ok(Bytes::from_static(b"good bytes").slice(from..))]).boxed());
    let (lent, _home) = Lent::new(verified);
    upload.send(lent).await.unwrap();
    assert_eq!(fs::read(path_of(dir.path(), &wanted)).unwrap(), b"good bytes");
}

#[tokio::test]
async fn names_are_kept_moved_and_refused_to_the_letter() {
    let dir = tempfile::tempdir().unwrap();
    let layout = Layout::create_or_open(dir.path()).unwrap();
    let side = layout.repository(Some("team/app".parse().unwrap()));
    let (one, two) = (manifest("one"), manifest("two"));
    let name = RefName::new("Any text: even/this");
    let version = Version::Name(name.clone());
    assert!(side.find(&version).await.unwrap().is_none());
    side.publish(&one, At::Name(&name), Mode::NoForce).await.unwrap();
    let taken = side.publish(&two, At::Name(&name), Mode::NoForce).await.unwrap_err();
    assert_eq!((taken.kind(), taken.step()), (FaultKind::Conflict, Step::Publish));
    assert_eq!(side.find(&version).await.unwrap().unwrap().digest, *one.digest());
    side.publish(&two, At::Name(&name), Mode::Force).await.unwrap();
    side.publish(&two, At::Name(&name), Mode::Force).await.unwrap();
    side.publish(&one, At::Digest, Mode::NoForce).await.unwrap();
    let entries = layout.entries().await.unwrap();
    let seen: Vec<_> = entries.iter().map(|e| (&e.descriptor.digest, e.name(), e.repository())).collect();
    assert_eq!(seen, [(two.digest(), Some(name.as_str()), None), (one.digest(), None, Some("team/app"))]);
    let read = side.manifest(&version, None).await.unwrap();
    assert_eq!(read.bytes(), two.bytes());
}

#[tokio::test]
async fn a_part_is_stored_without_an_entry_and_found_by_digest() {
    let dir = tempfile::tempdir().unwrap();
    let layout = Layout::create_or_open(dir.path()).unwrap();
    let side = layout.repository(None);
    let part = manifest("part");
    side.publish(&part, At::Part, Mode::NoForce).await.unwrap();
    assert_eq!(layout.entries().await.unwrap(), []);
    let version = Version::Digest(part.digest().clone());
    assert_eq!(side.manifest(&version, None).await.unwrap().bytes(), part.bytes());
    assert_eq!(side.resolve(&version).await.unwrap().size, part.bytes().len() as u64);
}

#[tokio::test]
async fn a_digest_is_there_for_a_repository_only_when_an_entry_keeps_it_for_that_repository() {
    let dir = tempfile::tempdir().unwrap();
    let layout = Layout::create_or_open(dir.path()).unwrap();
    let [one, two] = ["one", "two"].map(|name| layout.repository(Some(name.parse().unwrap())));
    let shared = manifest("shared");
    let version = Version::Digest(shared.digest().clone());
    one.publish(&shared, At::Part, Mode::NoForce).await.unwrap();
    for side in [&one, &two, &layout.repository(None)] {
        assert!(side.find(&version).await.unwrap().is_none(), "no entry keeps the manifest file");
        assert!(side.resolve(&version).await.is_ok(), "it can be read all the same");
    }
    one.publish(&shared, At::Digest, Mode::NoForce).await.unwrap();
    assert!(one.find(&version).await.unwrap().is_some());
    assert!(layout.repository(None).find(&version).await.unwrap().is_some());
    assert!(two.find(&version).await.unwrap().is_none());
    two.publish(&shared, At::Digest, Mode::NoForce).await.unwrap();
    assert!(two.find(&version).await.unwrap().is_some());
    let entries = layout.entries().await.unwrap();
    assert_eq!(entries.iter().map(layout::Entry::repository).collect::<Vec<_>>(), [Some("one"), Some("two")]);

    let team = layout.repository(Some("team".parse().unwrap()));
    for (name, there) in [("team/app:v1", false), ("teammate:v1", false), ("team:v1", true)] {
        team.publish(&shared, At::Name(&RefName::new(name)), Mode::NoForce).await.unwrap();
        assert_eq!(team.find(&version).await.unwrap().is_some(), there, "{name}");
    }
}

#[tokio::test]
async fn what_is_not_there_is_absent_and_the_message_says_what_is() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(Layout::open(&dir.path().join("none")).unwrap_err().kind(), FaultKind::Absent);
    assert_eq!(Layout::open(dir.path()).unwrap_err().kind(), FaultKind::Absent);
    let side = Layout::create_or_open(dir.path()).unwrap().repository(None);
    side.publish(&manifest("m"), At::Name(&RefName::new("app:v1")), Mode::Force).await.unwrap();
    let fault = side.resolve(&Version::Name(RefName::new("app:v2"))).await.unwrap_err();
    assert_eq!(fault.kind(), FaultKind::Absent);
    assert_eq!(fault.hint_text(), Some("the layout has: app:v1"));
    let fault = side.manifest(&Version::Digest(blob(b"x").digest), None).await.unwrap_err();
    assert_eq!(fault.kind(), FaultKind::Absent);
    assert_eq!(read(&side, &blob(b"x"), 0).await.unwrap_err().kind(), FaultKind::Absent);
    fs::write(dir.path().join("oci-layout"), r#"{"imageLayoutVersion":"2.0.0"}"#).unwrap();
    assert_eq!(Layout::open(dir.path()).unwrap_err().kind(), FaultKind::Untrue);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn writers_that_meet_lose_no_entry() {
    let dir = tempfile::tempdir().unwrap();
    let first = Layout::create_or_open(dir.path()).unwrap();
    let second = Layout::open(dir.path()).unwrap();
    let mut tasks = Vec::new();
    for n in 0..8 {
        let side = if n % 2 == 0 { &first } else { &second }.repository(None);
        tasks.push(tokio::spawn(async move {
            for round in 0..4 {
                let name = RefName::new(format!("app:{n}-{round}"));
                side.publish(&manifest(&format!("{n}")), At::Name(&name), Mode::NoForce).await.unwrap();
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    let mut names: Vec<String> =
        second.entries().await.unwrap().iter().map(|entry| entry.name().unwrap().to_owned()).collect();
    names.sort();
    let wanted: Vec<String> =
        (0..8).flat_map(|n| (0..4).map(move |round| format!("app:{n}-{round}"))).collect();
    assert_eq!(names, wanted);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_writers_of_one_name_exactly_one_wins_under_noforce() {
    let dir = tempfile::tempdir().unwrap();
    let first = Layout::create_or_open(dir.path()).unwrap();
    let second = Layout::open(dir.path()).unwrap();
    let mut tasks = Vec::new();
    for n in 0..8 {
        let side = if n % 2 == 0 { &first } else { &second }.repository(None);
        tasks.push(tokio::spawn(async move {
            let name = RefName::new("app:v1");
            side.publish(&manifest(&format!("{n}")), At::Name(&name), Mode::NoForce).await
        }));
    }
    let mut won = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(()) => won += 1,
            Err(fault) => assert_eq!(fault.kind(), FaultKind::Conflict),
        }
    }
    assert_eq!(won, 1);
    assert_eq!(first.entries().await.unwrap().len(), 1);
}

/// The lock, as another process would have it.
fn held_elsewhere(dir: &Path) -> fs::File {
    fs::create_dir_all(dir.join(".transship")).unwrap();
    let lock = fs::File::create(dir.join(".transship/lock")).unwrap();
    lock.lock().unwrap();
    lock
}

#[tokio::test(start_paused = true)]
async fn a_writer_that_hangs_is_waited_for_a_minute_and_then_named() {
    let dir = tempfile::tempdir().unwrap();
    let side = Layout::create_or_open(dir.path()).unwrap().repository(None);
    let lock = held_elsewhere(dir.path());
    let begun = tokio::time::Instant::now();
    let fault = side.publish(&manifest("m"), At::Digest, Mode::Force).await.unwrap_err();
    assert_eq!((fault.kind(), fault.step()), (FaultKind::Local, Step::Publish));
    assert!(fault.to_string().contains("another process is writing to this layout"), "{fault}");
    assert!(fault.hint_text().is_some());
    assert!(begun.elapsed().as_secs() >= 60, "the clock is the test's own");
    drop(lock);
    side.publish(&manifest("m"), At::Digest, Mode::Force).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_writer_that_ends_in_time_is_only_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let side = Layout::create_or_open(dir.path()).unwrap().repository(None);
    let lock = held_elsewhere(dir.path());
    let release = async {
        tokio::time::sleep(std::time::Duration::from_secs(30)).await;
        drop(lock);
    };
    let part = manifest("m");
    let (published, ()) = tokio::join!(side.publish(&part, At::Digest, Mode::Force), release);
    published.unwrap();
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_failing_disk_is_a_local_fault_and_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let layout = Layout::create_or_open(dir.path()).unwrap();
    let side = layout.repository(None);
    let before = fs::read(dir.path().join("index.json")).unwrap();
    // A file where a directory is due: no permission bits involved, so that it also fails for root.
    fs::remove_dir_all(dir.path().join(".transship")).unwrap();
    fs::write(dir.path().join(".transship"), b"").unwrap();
    let fault = side.begin(&blob(b"x"), None).await.unwrap_err();
    assert_eq!(fault.kind(), FaultKind::Local);
    let fault = side.publish(&manifest("m"), At::Digest, Mode::Force).await.unwrap_err();
    assert_eq!(fault.kind(), FaultKind::Local);
    assert_eq!(fs::read(dir.path().join("index.json")).unwrap(), before);
}
