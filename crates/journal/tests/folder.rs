//! What a journal in files promises: it tells what was written, to one run at a time, and to nobody else.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
use std::{fs, path::Path, time::SystemTime};

use bytes::Bytes;
use content::{Descriptor, Hasher, Journal, Mark, MediaType, Place, Verified};
use futures::{StreamExt, executor::block_on, stream};
use journal::Folder;
use reference::Algorithm;

const MIB: usize = 1024 * 1024;

fn place(origin: &str) -> Place {
    Place::new(origin, origin, Some("app".parse().unwrap()))
}

fn blob() -> (Vec<u8>, Descriptor) {
    let bytes = vec![3; 4 * MIB];
    let digest = Hasher::digest(Algorithm::Sha256, &bytes);
    let descriptor = Descriptor::new(MediaType::new("application/octet-stream"), digest, bytes.len() as u64);
    (bytes, descriptor)
}

/// The marks of the first three MiB.
fn marks() -> Vec<Mark> {
    let (bytes, blob) = blob();
    let (told, marks) = std::sync::mpsc::channel();
    let mut verified = Verified::new(&blob);
    verified.attest(move |mark| told.send(mark.clone()).unwrap());
    let chunks: Vec<_> = bytes.chunks(MIB).take(3).map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect();
    verified.feed(stream::iter(chunks).boxed());
    for _ in 0..3 {
        block_on(verified.next()).unwrap().unwrap();
    }
    drop(verified);
    marks.into_iter().collect()
}

fn files(path: &Path) -> Vec<fs::DirEntry> {
    fs::read_dir(path).map_or_else(|_| Vec::new(), |entries| entries.map(Result::unwrap).collect())
}

#[test]
fn what_is_written_is_there_for_the_next_run() {
    let dir = tempfile::tempdir().unwrap();
    let (bytes, blob) = blob();
    let page = Folder::new(dir.path()).page(&place("https://a"), &blob).unwrap();
    assert!(page.read().is_none());
    page.moved("https://a/1");
    for mark in &marks() {
        page.reached(mark);
    }
    page.moved("https://a/2");
    drop(page);

    let journal = Folder::new(dir.path());
    assert!(journal.page(&place("https://b"), &blob).unwrap().read().is_none());
    let left = journal.page(&place("https://a"), &blob).unwrap().read().unwrap();
    assert_eq!(left.location, "https://a/2");
    let mut verified = Verified::new(&blob).with_marks(left.marks);
    verified.rewind(3 * MIB as u64 + 5);
    assert_eq!(verified.at(), 3 * MIB as u64);
    verified.feed(stream::iter([Ok(Bytes::copy_from_slice(&bytes[3 * MIB..]))]).boxed());
    assert_eq!(block_on(verified.next()).unwrap().unwrap().len(), MIB - 5);
    assert!(verified.is_true());
}

#[test]
fn one_run_at_a_time_has_a_page() {
    let dir = tempfile::tempdir().unwrap();
    let (one, other) = (Folder::new(dir.path()), Folder::new(dir.path()));
    let (place, (_, blob)) = (place("https://a"), blob());
    let page = one.page(&place, &blob).unwrap();
    assert!(other.page(&place, &blob).is_none());
    drop(page);
    assert!(other.page(&place, &blob).is_some());
}

#[test]
fn a_page_that_was_discarded_leaves_nothing_and_can_be_begun_again() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, (_, blob)) = (Folder::new(dir.path()), blob());
    let page = journal.page(&place("https://a"), &blob).unwrap();
    page.moved("https://a/1");
    page.discard();
    assert!(page.read().is_none());
    page.moved("https://a/2");
    assert_eq!(page.read().unwrap().location, "https://a/2");
    page.discard();
    drop(page);
    assert!(files(dir.path()).is_empty());
}

#[test]
fn a_torn_line_spoils_no_other() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, (_, blob)) = (Folder::new(dir.path()), blob());
    let page = journal.page(&place("https://a"), &blob).unwrap();
    page.moved("https://a/1");
    drop(page);
    let file = files(dir.path()).remove(0).path();
    let mut text = fs::read_to_string(&file).unwrap();
    text.push_str("{\"mark\":[1048576,\"AA");
    fs::write(&file, &text).unwrap();
    let page = journal.page(&place("https://a"), &blob).unwrap();
    assert_eq!(page.read().unwrap().location, "https://a/1");
    page.moved("https://a/2");
    drop(page);
    assert_eq!(journal.page(&place("https://a"), &blob).unwrap().read().unwrap().location, "https://a/2");
}

#[cfg(unix)]
#[test]
fn nobody_else_reads_or_redirects_it() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("transship/uploads");
    let (journal, (_, blob)) = (Folder::new(&folder), blob());
    let page = journal.page(&place("https://a"), &blob).unwrap();
    page.moved("https://a/1");
    drop(page);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let file = files(&folder).remove(0).path();
    assert_eq!((mode(&folder), mode(&file)), (0o700, 0o600));

    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(journal.page(&place("https://a"), &blob).is_none(), "a page that others can read is not used");
    fs::remove_file(&file).unwrap();
    let precious = dir.path().join("precious");
    fs::write(&precious, "mine").unwrap();
    symlink(&precious, &file).unwrap();
    assert!(journal.page(&place("https://a"), &blob).is_none());
    assert_eq!(fs::read_to_string(precious).unwrap(), "mine");
}

#[test]
fn old_pages_are_swept_up() {
    let dir = tempfile::tempdir().unwrap();
    let page = Folder::new(dir.path()).page(&place("https://a"), &blob().1).unwrap();
    page.moved("https://a/1");
    drop(page);
    Folder::new(dir.path());
    let file = files(dir.path()).remove(0).path();
    let then = SystemTime::now() - std::time::Duration::from_secs(8 * 24 * 60 * 60);
    fs::File::options().write(true).open(&file).unwrap().set_modified(then).unwrap();
    Folder::new(dir.path());
    assert!(!file.exists());
}
