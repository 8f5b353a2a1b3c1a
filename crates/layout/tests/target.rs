//! An archive as a target: what it holds is not written again, what is published is there, and nothing else changes.
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::panic,
    clippy::arithmetic_side_effects,
    reason = "tests assert by panicking"
)]
use std::{fs, path::Path};

use bytes::Bytes;
use content::{
    At, Begun, Descriptor, Fault, FaultKind, Hasher, Lent, Manifest, MediaType, Mode, Step, Target, Upload,
    Verified, Version,
};
use futures::{StreamExt, stream};
use layout::{Archive, ArchiveRepository, Entry, Layout};
use reference::{Algorithm, RefName};

fn blob_of(algorithm: Algorithm, bytes: &[u8]) -> Descriptor {
    let digest = Hasher::digest(algorithm, bytes);
    Descriptor::new(MediaType::new("application/octet-stream"), digest, bytes.len() as u64)
}

fn blob(bytes: &[u8]) -> Descriptor {
    blob_of(Algorithm::Sha256, bytes)
}

fn manifest(seed: &str) -> Manifest {
    let text = format!(
        r#"{{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","layers":[],"annotations":{{"seed":"{seed}"}}}}"#
    );
    Manifest::read(Bytes::from(text), None, None, None).unwrap()
}

fn target(file: &Path) -> ArchiveRepository {
    Archive::at(file).unwrap().repository(None)
}

async fn upload(target: &ArchiveRepository, blob: &Descriptor) -> Box<dyn Upload> {
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

async fn store(target: &ArchiveRepository, bytes: &[u8], blob: &Descriptor) {
    let pieces = bytes.chunks(100_000).map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect();
    let (lent, _home) = Lent::new(fed(blob, pieces));
    upload(target, blob).await.send(lent).await.unwrap();
}

async fn publish(target: &ArchiveRepository, manifest: &Manifest, name: &str) -> Result<(), Fault> {
    target.publish(manifest, At::Name(&RefName::new(name)), Mode::Force).await
}

async fn is_present(target: &ArchiveRepository, blob: &Descriptor) -> bool {
    matches!(target.begin(blob, None).await.unwrap(), Begun::Present)
}

async fn names(file: &Path) -> Vec<String> {
    let entries = Layout::open(file).unwrap().entries().await.unwrap();
    entries.iter().map(|entry| entry.name().unwrap_or_default().to_owned()).collect()
}

async fn read(file: &Path, blob: &Descriptor) -> Bytes {
    Layout::open(file).unwrap().store().read(&blob.digest, 1 << 30).await.unwrap()
}

#[tokio::test]
async fn an_archive_appears_with_its_first_name_and_grows_with_the_next() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("new/x.tar");
    let target = target(&file);
    assert_eq!(target.find(&Version::Name(RefName::new("app:v1"))).await.unwrap(), None);
    assert!(!file.parent().unwrap().exists(), "nothing is written yet");
    let bytes = vec![7; 300_000];
    let (short, long) = (blob(&bytes), blob_of(Algorithm::Sha512, &bytes));
    store(&target, &bytes, &short).await;
    store(&target, &bytes, &long).await;
    assert!(is_present(&target, &short).await && is_present(&target, &long).await);
    target.publish(&manifest("part"), At::Part, Mode::Force).await.unwrap();
    assert!(!file.exists());
    publish(&target, &manifest("a"), "app:v1").await.unwrap();
    assert_eq!(names(&file).await, ["app:v1"]);
    for blob in [&short, &long] {
        assert_eq!(read(&file, blob).await, bytes);
    }
    assert_eq!(read(&file, manifest("part").descriptor()).await, manifest("part").bytes());
    publish(&target, &manifest("b"), "app:v2").await.unwrap();
    assert_eq!(names(&file).await, ["app:v1", "app:v2"]);
    publish(&target, &manifest("c"), "app:v1").await.unwrap();
    assert_eq!(names(&file).await, ["app:v2", "app:v1"]);
    assert_eq!(fs::read_dir(file.parent().unwrap()).unwrap().count(), 1);
}

#[tokio::test]
async fn what_an_archive_holds_is_not_written_again_and_a_run_with_nothing_to_do_touches_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("x.tar");
    store(&target(&file), b"content", &blob(b"content")).await;
    assert!(!file.exists(), "nothing leads to it");
    let first = target(&file);
    store(&first, b"content", &blob(b"content")).await;
    publish(&first, &manifest("a"), "v1").await.unwrap();
    drop(first);
    let before = (fs::read(&file).unwrap(), fs::metadata(&file).unwrap().modified().unwrap());
    let second = target(&file);
    assert!(is_present(&second, &blob(b"content")).await);
    let name = Version::Name(RefName::new("v1"));
    assert_eq!(second.find(&name).await.unwrap().unwrap().digest, *manifest("a").digest());
    publish(&second, &manifest("a"), "v1").await.unwrap();
    drop(second);
    assert_eq!((fs::read(&file).unwrap(), fs::metadata(&file).unwrap().modified().unwrap()), before);
}

#[tokio::test]
async fn damage_is_replaced_and_a_blob_of_another_size_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("x.tar");
    let wanted = blob(b"good bytes");
    let first = target(&file);
    store(&first, b"good bytes", &wanted).await;
    publish(&first, &manifest("a"), "v1").await.unwrap();
    drop(first);
    let whole = fs::read(&file).unwrap();
    let at = whole.windows(10).position(|window| window == b"good bytes").unwrap();
    let mut damaged = whole.clone();
    damaged[at] = b'b';
    fs::write(&file, &damaged).unwrap();
    let second = target(&file);
    assert!(!is_present(&second, &wanted).await);
    store(&second, b"good bytes", &wanted).await;
    publish(&second, &manifest("b"), "v2").await.unwrap();
    assert_eq!(read(&file, &wanted).await, b"good bytes"[..]);
    drop(second);
    let longer = Descriptor { size: 11, ..wanted };
    let fault = target(&file).begin(&longer, None).await.unwrap_err();
    assert_eq!(fault.kind(), FaultKind::Untrue);
    assert!(fault.hint_text().unwrap().contains("new archive"));
}

#[tokio::test]
async fn wrong_bytes_are_not_in_the_archive_and_the_next_try_takes_their_place() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("x.tar");
    let target = target(&file);
    let wanted = blob(b"true bytes");
    let mut upload = upload(&target, &wanted).await;
    let (lent, _home) = Lent::new(fed(&wanted, vec![Ok(Bytes::from_static(b"true byteX"))]));
    assert_eq!(upload.send(lent).await.unwrap_err().kind(), FaultKind::Untrue);
    assert!(!upload.realign().await.unwrap());
    assert_eq!(upload.offset(), 0);
    let cut = Fault::new(FaultKind::Unreachable, Step::ReadBlob, "connection reset").momentary();
    let (lent, home) = Lent::new(fed(&wanted, vec![Ok(Bytes::from_static(b"true ")), Err(cut)]));
    upload.send(lent).await.unwrap_err();
    assert!(!upload.realign().await.unwrap());
    assert_eq!(upload.offset(), 5, "a cut upload goes on where it stood");
    let mut verified = home.await.unwrap();
    verified.rewind(5);
    let rest = Bytes::from_static(b"true bytes").slice(usize::try_from(verified.at()).unwrap()..);
    verified.feed(stream::iter([Ok(rest)]).boxed());
    let (lent, _home) = Lent::new(verified);
    upload.send(lent).await.unwrap();
    assert_eq!(upload.offset(), wanted.size);
    publish(&target, &manifest("a"), "v1").await.unwrap();
    assert_eq!(read(&file, &wanted).await, b"true bytes"[..]);
    let paths = paths(&file);
    assert_eq!(paths.len(), 4, "{paths:?}");
}

fn paths(file: &Path) -> Vec<String> {
    let mut archive = tar::Archive::new(fs::File::open(file).unwrap());
    let entries = archive.entries().unwrap();
    entries.map(|entry| entry.unwrap().path().unwrap().display().to_string()).collect()
}

#[tokio::test]
async fn under_no_force_a_name_that_exists_is_a_conflict_and_is_not_touched() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("x.tar");
    publish(&target(&file), &manifest("a"), "v1").await.unwrap();
    let before = fs::read(&file).unwrap();
    let name = RefName::new("v1");
    for seed in ["a", "b"] {
        let refused = target(&file).publish(&manifest(seed), At::Name(&name), Mode::NoForce).await;
        assert_eq!(refused.unwrap_err().kind(), FaultKind::Conflict);
    }
    assert_eq!(fs::read(&file).unwrap(), before);
}

#[tokio::test]
async fn what_is_published_by_digest_belongs_to_its_repository_only() {
    let dir = tempfile::tempdir().unwrap();
    let archive = Archive::at(&dir.path().join("x.tar")).unwrap();
    let [one, two] = ["one", "two"].map(|name| archive.repository(Some(name.parse().unwrap())));
    one.publish(&manifest("a"), At::Digest, Mode::NoForce).await.unwrap();
    let version = Version::Digest(manifest("a").digest().clone());
    assert!(one.find(&version).await.unwrap().is_some());
    assert!(two.find(&version).await.unwrap().is_none());
    two.publish(&manifest("a"), At::Digest, Mode::NoForce).await.unwrap();
    let entries = Layout::open(&dir.path().join("x.tar")).unwrap().entries().await.unwrap();
    assert_eq!(entries.iter().map(Entry::repository).collect::<Vec<_>>(), [Some("one"), Some("two")]);
}

#[tokio::test]
async fn an_archive_that_is_cut_off_or_a_directory_is_refused_before_anything_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("x.tar");
    publish(&target(&file), &manifest("a"), "v1").await.unwrap();
    let whole = fs::read(&file).unwrap();
    fs::write(&file, &whole[..whole.len() / 2]).unwrap();
    let name = Version::Name(RefName::new("v1"));
    assert_eq!(target(&file).find(&name).await.unwrap_err().kind(), FaultKind::Untrue);
    assert_eq!(fs::read(&file).unwrap(), whole[..whole.len() / 2]);
    let fault = target(dir.path()).find(&name).await.unwrap_err();
    assert!(fault.hint_text().unwrap().contains("oci:/"), "{fault}");
}

/// What is published by several at once is all there, whoever comes first.
#[tokio::test]
async fn several_write_to_one_archive_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("x.tar");
    let archive = Archive::at(&file).unwrap();
    let one = async |number: u32| {
        let target = archive.repository(None);
        let bytes = number.to_string().repeat(20_000);
        store(&target, bytes.as_bytes(), &blob(bytes.as_bytes())).await;
        publish(&target, &manifest(&number.to_string()), &format!("v{number}")).await.unwrap();
    };
    stream::iter(0..20).for_each_concurrent(20, one).await;
    let mut found = names(&file).await;
    found.sort();
    assert_eq!(found.len(), 20);
    for number in 0..20 {
        let bytes = number.to_string().repeat(20_000);
        assert_eq!(read(&file, &blob(bytes.as_bytes())).await, bytes);
    }
}

#[tokio::test]
async fn what_one_archive_holds_is_not_believed_of_another_that_takes_its_place() {
    let dir = tempfile::tempdir().unwrap();
    let (file, other) = (dir.path().join("x.tar"), dir.path().join("y.tar"));
    for (file, content) in [(&file, b"content"), (&other, b"another")] {
        let first = target(file);
        store(&first, content, &blob(content)).await;
        publish(&first, &manifest("a"), "v1").await.unwrap();
    }
    let another = fs::read(&other).unwrap();
    for replace in [true, false] {
        let second = target(&file);
        assert!(is_present(&second, &blob(b"content")).await, "so nobody will send it");
        let kept = fs::read(&file).unwrap();
        // An archive of somebody else's takes its place, or it is removed.
        if replace {
            fs::rename(&other, &file).unwrap();
        } else {
            fs::remove_file(&file).unwrap();
        }
        let fault = publish(&second, &manifest("b"), "v2").await.unwrap_err();
        assert_eq!(fault.kind(), FaultKind::Local);
        let why = if replace { "the archive was replaced" } else { "cannot open the archive" };
        assert!(fault.to_string().contains(why), "{fault}");
        drop(second);
        if replace {
            assert_eq!(fs::read(&file).unwrap(), another);
        } else {
            assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0, "no archive is made that lacks it");
        }
        fs::write(&file, kept).unwrap();
    }
}
