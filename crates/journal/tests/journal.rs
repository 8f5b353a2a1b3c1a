//! What a journal in files promises: it tells what was written, to one run at a time, and to nobody else.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
use std::{fs, path::Path, sync::Arc, time::SystemTime};

use bytes::Bytes;
use content::{Descriptor, Hasher, Journal, Mark, MediaType, Page, Place, Verified, Witness};
use futures::{StreamExt, executor::block_on, stream};
use journal::FileJournal;
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

/// Writes down that the first `quarters` of a MiB of the blob were read, and the upload's places on the way.
fn fill(page: &Arc<dyn Page>, quarters: usize, locations: &[&str]) {
    struct Pen(Arc<dyn Page>);
    impl Witness for Pen {
        fn reached(&mut self, mark: &Mark) {
            self.0.reached(mark);
        }

        fn went_back(&mut self, offset: u64) {
            self.0.went_back(offset);
        }
    }
    let (bytes, blob) = blob();
    let mut verified = Verified::new(&blob);
    verified.attest(Pen(Arc::clone(page)));
    let chunks: Vec<_> = bytes.chunks(MIB / 4).map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect();
    verified.feed(stream::iter(chunks).boxed());
    for location in locations {
        page.moved(location);
    }
    for _ in 0..quarters {
        block_on(verified.next()).unwrap().unwrap();
    }
}

fn files(path: &Path) -> Vec<fs::DirEntry> {
    fs::read_dir(path).map_or_else(|_| Vec::new(), |entries| entries.map(Result::unwrap).collect())
}

#[test]
fn what_is_written_is_there_for_the_next_run() {
    let dir = tempfile::tempdir().unwrap();
    let (bytes, blob) = blob();
    let page = FileJournal::new(dir.path()).page(&place("https://a"), &blob).unwrap();
    assert!(page.read().is_none());
    fill(&page, 12, &["https://a/1", "https://a/2"]);
    drop(page);

    let journal = FileJournal::new(dir.path());
    assert!(journal.page(&place("https://b"), &blob).unwrap().read().is_none());
    let left = journal.page(&place("https://a"), &blob).unwrap().read().unwrap();
    assert_eq!(left.location, "https://a/2");
    assert!(left.vouches_for(3 * MIB as u64) && !left.vouches_for(3 * MIB as u64 + 1));
    let mut verified = Verified::new(&blob).going_on(left.marks, left.reached);
    verified.rewind(2 * MIB as u64 + 5);
    assert_eq!(verified.at(), 2 * MIB as u64);
    verified.feed(stream::iter([Ok(Bytes::copy_from_slice(&bytes[2 * MIB..]))]).boxed());
    assert_eq!(block_on(verified.next()).unwrap().unwrap().len(), 2 * MIB - 5);
    assert!(verified.is_true());
}

#[test]
fn after_going_back_no_more_is_vouched_for_until_the_reading_is_there_again() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, (_, blob)) = (FileJournal::new(dir.path()), blob());
    let page = journal.page(&place("https://a"), &blob).unwrap();
    fill(&page, 12, &["https://a/1"]);
    page.went_back(MIB as u64);
    let left = page.read().unwrap();
    assert!(left.vouches_for(MIB as u64) && !left.vouches_for(MIB as u64 + 1));
    assert!(left.marks.before(u64::MAX).unwrap().at() <= MIB as u64);
    page.reached(&left.reached);
    assert!(page.read().unwrap().vouches_for(3 * MIB as u64));
}

#[test]
fn one_run_at_a_time_has_a_page() {
    let dir = tempfile::tempdir().unwrap();
    let (one, other) = (FileJournal::new(dir.path()), FileJournal::new(dir.path()));
    let (place, (_, blob)) = (place("https://a"), blob());
    let page = one.page(&place, &blob).unwrap();
    assert!(other.page(&place, &blob).is_none());
    drop(page);
    assert!(other.page(&place, &blob).is_some());
}

#[test]
fn a_page_that_was_discarded_leaves_nothing_and_can_be_begun_again() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, (_, blob)) = (FileJournal::new(dir.path()), blob());
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
    let (journal, (_, blob)) = (FileJournal::new(dir.path()), blob());
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
    let (journal, (_, blob)) = (FileJournal::new(&folder), blob());
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
    let page = FileJournal::new(dir.path()).page(&place("https://a"), &blob().1).unwrap();
    page.moved("https://a/1");
    drop(page);
    FileJournal::new(dir.path());
    let file = files(dir.path()).remove(0).path();
    let then = SystemTime::now() - std::time::Duration::from_secs(8 * 24 * 60 * 60);
    fs::File::options().write(true).open(&file).unwrap().set_modified(then).unwrap();
    FileJournal::new(dir.path());
    assert!(!file.exists());
}
