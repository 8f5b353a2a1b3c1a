//! An archive that is read while it grows.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]
use std::{
    fs,
    os::unix::fs::FileExt as _,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use bytes::Bytes;
use content::{Descriptor, Hasher, MediaType};
use layout::{ArchiveWriter, Entry, Index, Layout};
use reference::{Algorithm, RefName};

/// An index of so many entries.
fn index(entries: usize) -> Bytes {
    let mut index = Index::default();
    let digest = Hasher::digest(Algorithm::Sha256, b"");
    let descriptor = Descriptor::new(MediaType::new("any/type"), digest, 0);
    for number in 0..entries {
        index.add(&Entry::named(&descriptor, &RefName::new(format!("v{number}"))));
    }
    index.to_bytes().into()
}

async fn create(file: &Path, entries: usize) {
    let writer = ArchiveWriter::create(file).unwrap();
    writer.put("index.json", index(entries)).await.unwrap();
    writer.finish().await.unwrap();
}

#[test]
fn whoever_opens_an_archive_while_it_grows_finds_it_whole() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let (file, done) = (dir.path().join("x.tar"), AtomicBool::new(false));
    runtime.block_on(create(&file, 1));
    thread::scope(|scope| {
        let readers = [(); 2].map(|()| {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    Layout::open(&file).unwrap();
                }
            })
        });
        runtime.block_on(async {
            let (writer, _) = ArchiveWriter::append(&file).unwrap();
            for entries in 2..100 {
                writer.put("index.json", index(entries)).await.unwrap();
                writer.commit().await.unwrap();
            }
        });
        done.store(true, Ordering::Relaxed);
        for reader in readers {
            reader.join().unwrap();
        }
    });
}

#[tokio::test]
async fn what_was_added_is_seen_though_neither_length_nor_clock_tells() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("x.tar");
    create(&file, 1).await;
    let mark = fs::metadata(&file).unwrap().len() - 1024;
    let (writer, _) = ArchiveWriter::append(&file).unwrap();
    writer.put("index.json", index(2)).await.unwrap();
    writer.finish().await.unwrap();
    let whole = fs::read(&file).unwrap();
    // The moment before the last write, which makes all of it visible.
    let seam = usize::try_from(mark).unwrap()..usize::try_from(mark).unwrap() + 512;
    let mut before = whole.clone();
    before[seam.clone()].fill(0);
    fs::write(&file, &before).unwrap();
    let layout = Layout::open(&file).unwrap();
    assert_eq!(layout.entries().await.unwrap().len(), 1);
    let open = fs::File::options().write(true).open(&file).unwrap();
    let modified = open.metadata().unwrap().modified().unwrap();
    open.write_all_at(&whole[seam], mark).unwrap();
    open.set_modified(modified).unwrap();
    assert_eq!(layout.entries().await.unwrap().len(), 2);
}
