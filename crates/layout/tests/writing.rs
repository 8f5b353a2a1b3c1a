//! An archive is written in one pass, grows without a moment at which it is less than it was, and two never write it.
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::panic,
    clippy::arithmetic_side_effects,
    reason = "tests assert by panicking"
)]
use std::{fs, path::Path};

use bytes::Bytes;
use content::{Descriptor, FaultKind, Hasher, MediaType};
use layout::{ArchiveWriter, Entry, Index, Layout};
use reference::{Algorithm, RefName};

fn blob_of(algorithm: Algorithm, bytes: &[u8]) -> Descriptor {
    let digest = Hasher::digest(algorithm, bytes);
    Descriptor::new(MediaType::new("application/octet-stream"), digest, bytes.len() as u64)
}

fn blob(bytes: &[u8]) -> Descriptor {
    blob_of(Algorithm::Sha256, bytes)
}

fn path_of(blob: &Descriptor) -> String {
    format!("blobs/{}/{}", blob.digest.algorithm().as_str(), blob.digest.hex())
}

/// An index that names blobs by their content.
fn index_of(contents: &[&[u8]]) -> Bytes {
    let mut index = Index::default();
    for content in contents {
        index.add(&Entry::named(&blob(content), &RefName::new(String::from_utf8_lossy(content))));
    }
    index.to_bytes().into()
}

async fn add(writer: &ArchiveWriter, bytes: &[u8]) {
    writer.put(&path_of(&blob(bytes)), Bytes::copy_from_slice(bytes)).await.unwrap();
}

/// A new archive of these blobs.
async fn create(file: &Path, contents: &[&[u8]]) {
    let writer = ArchiveWriter::create(file).unwrap();
    for content in contents {
        add(&writer, content).await;
    }
    writer.put("index.json", index_of(contents)).await.unwrap();
    let size = writer.size();
    writer.finish().await.unwrap();
    assert_eq!(fs::metadata(file).unwrap().len(), size);
}

/// Adds a blob to what is there.
async fn append(file: &Path, all: &[&[u8]], more: &[u8]) {
    let (writer, _) = ArchiveWriter::append(file).unwrap();
    add(&writer, more).await;
    writer.put("index.json", index_of(all)).await.unwrap();
    writer.finish().await.unwrap();
}

/// The names of an archive; every one is that of a blob with its name as content.
async fn contents(file: &Path) -> Vec<String> {
    let layout = Layout::open(file).unwrap();
    let mut names = Vec::new();
    for entry in layout.entries().await.unwrap() {
        let name = entry.name().unwrap().to_owned();
        let bytes = layout.store().read(&entry.descriptor.digest, 1 << 20).await.unwrap();
        assert_eq!(bytes, name.as_bytes());
        names.push(name);
    }
    names
}

/// Every member as another reader sees it: path, and content.
fn members(file: &Path) -> Vec<(String, Vec<u8>)> {
    let mut archive = tar::Archive::new(fs::File::open(file).unwrap());
    let entries = archive.entries().unwrap().map(|entry| {
        let mut entry = entry.unwrap();
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut entry, &mut bytes).unwrap();
        (entry.path().unwrap().display().to_string(), bytes)
    });
    entries.collect()
}

fn files(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_new_archive_appears_whole_and_is_the_same_each_time() {
    let dir = tempfile::tempdir().unwrap();
    let [one, two] = ["deep/one.tar", "deep/two.tar"].map(|name| dir.path().join(name));
    for file in [&one, &two] {
        let writer = ArchiveWriter::create(file).unwrap();
        let mut member = writer.member("blobs/note", 700_000).unwrap();
        for _ in 0..7 {
            member.write(vec![b'n'; 100_000].into()).await.unwrap();
        }
        member.keep().await.unwrap();
        writer.put("index.json", index_of(&[])).await.unwrap();
        assert!(!file.exists());
        writer.finish().await.unwrap();
        assert!(file.exists());
    }
    assert_eq!(fs::read(&one).unwrap(), fs::read(&two).unwrap());
    assert_eq!(files(&dir.path().join("deep")), ["one.tar", "two.tar"]);
    let found = members(&one);
    let paths: Vec<_> = found.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(paths, ["oci-layout", "blobs/note", "index.json"]);
    assert_eq!(found[1].1, vec![b'n'; 700_000]);
    assert_eq!(fs::metadata(&one).unwrap().len() % 512, 0);
}

#[tokio::test]
async fn several_members_are_written_at_once_and_one_that_is_given_up_is_not_there() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("x.tar");
    let writer = ArchiveWriter::create(&file).unwrap();
    let mut first = writer.member("first", 3_000_000).unwrap();
    let mut second = writer.member("second", 5).unwrap();
    let mut third = writer.member("third", 3_000_000).unwrap();
    for _ in 0..30 {
        first.write(vec![1; 100_000].into()).await.unwrap();
        third.write(vec![3; 100_000].into()).await.unwrap();
    }
    second.write(Bytes::from_static(b"never")).await.unwrap();
    drop(second);
    third.keep().await.unwrap();
    first.keep().await.unwrap();
    writer.finish().await.unwrap();
    let found = members(&file);
    let paths: Vec<_> = found.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(paths, ["oci-layout", "first", ".transship/void", "third"]);
    assert!(found[1].1.iter().all(|byte| *byte == 1) && found[3].1.iter().all(|byte| *byte == 3));
}

#[tokio::test]
async fn what_is_added_is_there_and_what_was_there_is_not_moved() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("x.tar");
    create(&file, &[b"one"]).await;
    let before = fs::read(&file).unwrap();
    append(&file, &[b"one", b"two"], b"two").await;
    append(&file, &[b"one", b"two", b"three"], b"three").await;
    assert_eq!(contents(&file).await, ["one", "two", "three"]);
    let after = fs::read(&file).unwrap();
    assert_eq!(before[..before.len() - 1024], after[..before.len() - 1024]);
    let (indexes, seams): (Vec<_>, Vec<_>) =
        members(&file).into_iter().partition(|(path, _)| path == "index.json");
    assert_eq!(indexes.len(), 3);
    assert_eq!(indexes[2].1, index_of(&[b"one", b"two", b"three"]));
    assert_eq!(seams.iter().filter(|(path, _)| path == ".transship/seam").count(), 2);
    assert_eq!(files(dir.path()), ["x.tar"]);
}

#[tokio::test]
async fn a_member_that_outlives_a_commit_is_there_after_the_next() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("x.tar");
    let writer = ArchiveWriter::create(&file).unwrap();
    // Its path takes three headers; all of them are a void's content until it is whole.
    let long = format!("blobs/sha512/{}", blob_of(Algorithm::Sha512, b"slow").digest.hex());
    let mut slow = writer.member(&long, 4).unwrap();
    slow.write(Bytes::from_static(b"sl")).await.unwrap();
    add(&writer, b"fast").await;
    writer.put("index.json", index_of(&[b"fast"])).await.unwrap();
    writer.commit().await.unwrap();
    assert_eq!(contents(&file).await, ["fast"]);
    assert!(members(&file).iter().all(|(path, _)| *path != long));
    slow.write(Bytes::from_static(b"ow")).await.unwrap();
    slow.keep().await.unwrap();
    add(&writer, b"other").await;
    writer.put("index.json", index_of(&[b"fast", b"other"])).await.unwrap();
    writer.commit().await.unwrap();
    assert_eq!(contents(&file).await, ["fast", "other"]);
    let found = members(&file);
    assert!(found.iter().any(|(path, bytes)| *path == long && bytes == b"slow"));
    let size = fs::metadata(&file).unwrap().len();
    drop(writer);
    assert_eq!(fs::metadata(&file).unwrap().len(), size);
}

#[tokio::test]
async fn what_is_not_committed_leaves_the_archive_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("x.tar");
    drop(ArchiveWriter::create(&file).unwrap());
    assert_eq!(files(dir.path()), [""; 0]);
    create(&file, &[b"one"]).await;
    // As GNU tar leaves it: padded to a whole record.
    let mut padded = fs::read(&file).unwrap();
    padded.resize(padded.len().next_multiple_of(10_240), 0);
    fs::write(&file, &padded).unwrap();
    let (writer, index) = ArchiveWriter::append(&file).unwrap();
    assert_eq!(index.entries().count(), 1);
    add(&writer, b"two").await;
    drop(writer);
    assert_eq!(fs::read(&file).unwrap(), padded);
    append(&file, &[b"one", b"two"], b"two").await;
    assert_eq!(contents(&file).await, ["one", "two"]);
}

/// Every state of the file that a kill can leave, as far as the order of writes says: all but the seam, and any number
/// of blocks less than that.
#[tokio::test]
async fn killed_at_any_moment_of_an_append_the_old_archive_is_there_and_the_next_append_works() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("x.tar");
    create(&file, &[b"one"]).await;
    let old = fs::read(&file).unwrap();
    append(&file, &[b"one", b"two"], b"two").await;
    let mut torn = fs::read(&file).unwrap();
    torn[old.len() - 1024..old.len() - 512].fill(0);
    let lengths = (old.len()..=torn.len()).step_by(512);
    for length in lengths {
        fs::write(&file, &torn[..length]).unwrap();
        assert_eq!(contents(&file).await, ["one"], "{length}");
        append(&file, &[b"one", b"three"], b"three").await;
        assert_eq!(contents(&file).await, ["one", "three"], "{length}");
        assert!(members(&file).iter().all(|(_, bytes)| bytes != b"two"), "{length}");
    }
}

#[tokio::test]
async fn two_never_write_one_archive() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("x.tar");
    let is_taken = |fault: content::Fault| {
        assert_eq!(fault.kind(), FaultKind::Local);
        assert!(fault.to_string().contains("another process is writing to this archive"), "{fault}");
    };
    let first = ArchiveWriter::create(&file).unwrap();
    is_taken(ArchiveWriter::create(&file).unwrap_err());
    first.put("index.json", index_of(&[])).await.unwrap();
    first.commit().await.unwrap();
    is_taken(ArchiveWriter::append(&file).unwrap_err());
    is_taken(ArchiveWriter::create(&file).unwrap_err());
    drop(first);
    let (second, _) = ArchiveWriter::append(&file).unwrap();
    is_taken(ArchiveWriter::append(&file).unwrap_err());
    drop(second);
    ArchiveWriter::create(&file).unwrap();
}

#[tokio::test]
async fn what_a_dead_writer_left_is_used_or_removed_by_the_next() {
    let dir = tempfile::tempdir().unwrap();
    let (file, left) = (dir.path().join("x.tar"), dir.path().join(".x.tar.transship"));
    fs::write(&left, vec![7; 100_000]).unwrap();
    create(&file, &[b"one"]).await;
    assert_eq!(files(dir.path()), ["x.tar"]);
    fs::write(&left, b"half an archive").unwrap();
    append(&file, &[b"one", b"two"], b"two").await;
    assert_eq!(files(dir.path()), ["x.tar"]);
    assert_eq!(contents(&file).await, ["one", "two"]);
}

#[tokio::test]
async fn an_archive_with_something_behind_its_end_is_not_added_to() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("x.tar");
    create(&file, &[b"one"]).await;
    let whole = fs::read(&file).unwrap();
    let mut both = whole.clone();
    both.extend_from_slice(&whole);
    fs::write(&file, &both).unwrap();
    let fault = ArchiveWriter::append(&file).unwrap_err();
    assert_eq!(fault.kind(), FaultKind::Refused);
    let remedy = format!("truncate --size={} FILE", whole.len());
    assert!(fault.hint_text().unwrap().contains(&remedy), "{:?}", fault.hint_text());
    assert_eq!(fs::read(&file).unwrap(), both);
}

#[tokio::test]
async fn half_a_mark_at_the_end_is_made_whole() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("x.tar");
    create(&file, &[b"one"]).await;
    let whole = fs::read(&file).unwrap();
    fs::write(&file, &whole[..whole.len() - 512]).unwrap();
    append(&file, &[b"one", b"two"], b"two").await;
    assert_eq!(contents(&file).await, ["one", "two"]);
}

#[tokio::test]
async fn a_member_has_the_size_that_it_was_given() {
    let dir = tempfile::tempdir().unwrap();
    let writer = ArchiveWriter::create(&dir.path().join("x.tar")).unwrap();
    let mut long = writer.member("long", 3).unwrap();
    assert_eq!(long.write(Bytes::from_static(b"four")).await.unwrap_err().kind(), FaultKind::Protocol);
    let short = writer.member("short", 3).unwrap();
    assert_eq!(short.keep().await.unwrap_err().kind(), FaultKind::Protocol);
    for path in ["", "/absolute", "../above"] {
        assert_eq!(writer.member(path, 0).unwrap_err().kind(), FaultKind::Refused, "{path}");
    }
    assert_eq!(writer.member("huge", u64::MAX).unwrap_err().kind(), FaultKind::Refused);
}

#[tokio::test]
async fn the_room_of_members_adds_up_to_the_size_of_the_archive() {
    let dir = tempfile::tempdir().unwrap();
    let writer = ArchiveWriter::create(&dir.path().join("x.tar")).unwrap();
    let mut expected = writer.size();
    for size in [0_usize, 1, 512, 513, 100_000] {
        for blob in [blob(&vec![0; size]), blob_of(Algorithm::Sha512, &vec![0; size])] {
            writer.put(&path_of(&blob), vec![0; size].into()).await.unwrap();
            expected += ArchiveWriter::room(&path_of(&blob), size as u64);
        }
    }
    assert_eq!(writer.size(), expected);
    writer.finish().await.unwrap();
    assert_eq!(fs::metadata(dir.path().join("x.tar")).unwrap().len(), expected);
}

#[tokio::test]
async fn an_archive_that_is_replaced_while_it_is_written_to_is_a_failure_and_the_other_stays() {
    let dir = tempfile::tempdir().unwrap();
    let (file, other) = (dir.path().join("x.tar"), dir.path().join("y.tar"));
    create(&file, &[b"one"]).await;
    create(&other, &[b"two"]).await;
    let (writer, _) = ArchiveWriter::append(&file).unwrap();
    add(&writer, b"three").await;
    fs::rename(&other, &file).unwrap();
    writer.put("index.json", index_of(&[b"one", b"three"])).await.unwrap();
    let fault = writer.commit().await.unwrap_err();
    assert_eq!(fault.kind(), FaultKind::Local);
    assert!(fault.to_string().contains("replaced or removed meanwhile"), "{fault}");
    drop(writer);
    assert_eq!(contents(&file).await, ["two"]);
}

/// What a kill at this moment leaves is an archive with these names, and can be added to.
async fn is_killed(file: &Path, names: &[&str]) {
    let left = file.with_file_name("left.tar");
    fs::copy(file, &left).unwrap();
    assert_eq!(contents(&left).await, names);
    let all: Vec<&[u8]> = names.iter().map(|name| name.as_bytes()).chain([&b"more"[..]]).collect();
    append(&left, &all, b"more").await;
    assert_eq!(contents(&left).await, [names, &["more"]].concat());
    let known = |path: &str| path.starts_with("blobs/") || path.starts_with(".transship/");
    let known = |path: &str| known(path) || ["oci-layout", "index.json"].contains(&path);
    assert!(members(&left).iter().all(|(path, _)| known(path)));
}

#[tokio::test]
async fn a_disk_that_had_no_room_for_a_while_leaves_nothing_that_a_kill_brings_to_light() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("x.tar");
    create(&file, &[b"one"]).await;
    let (writer, _) = ArchiveWriter::append(&file).unwrap();
    let half = vec![7; 2_500_000];
    let mut cut = writer.member(&path_of(&blob(&half)), half.len() as u64).unwrap();
    cut.write(Bytes::copy_from_slice(&half[..2_000_000])).await.unwrap();
    // What comes behind this one lies where no disk has room.
    let beyond = writer.member("blobs/sha256/none", 1 << 62).unwrap();
    let mut full = writer.member(&path_of(&blob(b"two")), 3).unwrap();
    full.write(Bytes::from_static(b"two")).await.unwrap();
    assert_eq!(full.keep().await.unwrap_err().kind(), FaultKind::Local);
    drop((beyond, cut));
    is_killed(&file, &["one"]).await;
    add(&writer, b"three").await;
    is_killed(&file, &["one"]).await;
    writer.put("index.json", index_of(&[b"one", b"three"])).await.unwrap();
    writer.commit().await.unwrap();
    add(&writer, b"four").await;
    is_killed(&file, &["one", "three"]).await;
    drop(writer);
    assert_eq!(contents(&file).await, ["one", "three"]);
}
