//! A layout that somebody changes while it is read, or while it is written by somebody else.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
use std::{fs, io::Write as _, path::PathBuf};

use bytes::Bytes;
use content::{Begun, Descriptor, Fault, FaultKind, Hasher, Lent, MediaType, Source, Target, Verified};
use futures::{StreamExt, stream::BoxStream};
use layout::{Layout, LayoutRepository};
use reference::Algorithm;
use tempfile::TempDir;

/// A layout with one large blob that is being read, and a layout that it is to go to.
struct Reading {
    dir: TempDir,
    blob: Descriptor,
    bytes: Vec<u8>,
    target: LayoutRepository,
    source: LayoutRepository,
}

impl Reading {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let [source, target] =
            ["source", "target"].map(|name| Layout::create_or_open(&dir.path().join(name)).unwrap());
        let bytes: Vec<u8> = (0..3_000_000_u32).map(|n| (n % 251) as u8).collect();
        let digest = Hasher::digest(Algorithm::Sha256, &bytes);
        let blob = Descriptor::new(MediaType::new("any/type"), digest, bytes.len() as u64);
        let new = Self { dir, blob, bytes, target: target.repository(None), source: source.repository(None) };
        fs::create_dir_all(new.path("source").parent().unwrap()).unwrap();
        fs::write(new.path("source"), &new.bytes).unwrap();
        new
    }

    fn path(&self, layout: &str) -> PathBuf {
        self.dir.path().join(layout).join("blobs/sha256").join(self.blob.digest.hex())
    }

    async fn open(&self) -> Result<BoxStream<'static, Result<Bytes, Fault>>, Fault> {
        Ok(self.source.open(&self.blob, 0..self.blob.size).await?.bytes)
    }

    /// Copies the blob, and does `change` once its first chunk has been read.
    async fn copy_and(&self, change: impl FnOnce()) -> Result<(), Fault> {
        let mut chunks = self.open().await.unwrap();
        let first = chunks.next().await.unwrap();
        change();
        let mut verified = Verified::new(&self.blob);
        verified.feed(futures::stream::iter([first]).chain(chunks).boxed());
        let (lent, _home) = Lent::new(verified);
        let Begun::Upload(mut upload) = self.target.begin(&self.blob, None).await.unwrap() else {
            return Ok(());
        };
        upload.send(lent).await
    }

    fn target_has(&self) -> bool {
        self.path("target").exists()
    }
}

#[tokio::test]
async fn a_blob_that_is_overwritten_while_it_is_read_is_untrue_and_never_stored() {
    let reading = Reading::new();
    let overwrite = || {
        // In place and never short: what is read ahead finds the old bytes or the new ones.
        let mut file = fs::File::options().write(true).open(reading.path("source")).unwrap();
        file.write_all(&vec![b'x'; reading.bytes.len()]).unwrap();
    };
    let fault = reading.copy_and(overwrite).await.unwrap_err();
    assert_eq!(fault.kind(), FaultKind::Untrue, "{fault}");
    assert!(!reading.target_has());
}

#[tokio::test]
async fn a_blob_that_shrinks_while_it_is_read_is_cut_short_then_untrue_and_never_stored() {
    let reading = Reading::new();
    let shrink =
        || fs::File::options().write(true).open(reading.path("source")).unwrap().set_len(1_500_000).unwrap();
    let fault = reading.copy_and(shrink).await.unwrap_err();
    assert!(!reading.target_has(), "{fault}");
    assert_eq!(reading.open().await.map(drop).unwrap_err().kind(), FaultKind::Untrue);
}

#[tokio::test]
async fn a_blob_that_is_replaced_or_removed_while_it_is_read_is_read_to_its_end() {
    let reading = Reading::new();
    let other = reading.dir.path().join("other");
    fs::write(&other, b"damaged").unwrap();
    reading.copy_and(|| fs::rename(&other, reading.path("source")).unwrap()).await.unwrap();
    assert_eq!(fs::read(reading.path("target")).unwrap(), reading.bytes);
    assert_eq!(reading.open().await.map(drop).unwrap_err().kind(), FaultKind::Untrue);

    let reading = Reading::new();
    reading.copy_and(|| fs::remove_file(reading.path("source")).unwrap()).await.unwrap();
    assert_eq!(fs::read(reading.path("target")).unwrap(), reading.bytes);
    assert_eq!(reading.open().await.map(drop).unwrap_err().kind(), FaultKind::Absent);
}

#[tokio::test]
async fn an_index_that_another_program_writes_in_place_is_never_half_believed() {
    let dir = tempfile::tempdir().unwrap();
    let layout = Layout::create_or_open(dir.path()).unwrap();
    let whole = fs::read(dir.path().join("index.json")).unwrap();
    for length in 0..whole.len() - 2 {
        fs::write(dir.path().join("index.json"), &whole[..length]).unwrap();
        assert_eq!(layout.index().await.unwrap_err().kind(), FaultKind::Untrue, "{length} bytes");
        let changed = layout.update(|_| Ok(())).await;
        assert_eq!(changed.unwrap_err().kind(), FaultKind::Untrue);
        assert_eq!(
            fs::read(dir.path().join("index.json")).unwrap(),
            whole[..length],
            "it is not written over"
        );
    }
    fs::write(dir.path().join("index.json"), &whole).unwrap();
    layout.index().await.unwrap();
}
