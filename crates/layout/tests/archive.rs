//! An archive is read where it lies, and what is none is refused with a word on what to do.
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::panic,
    clippy::arithmetic_side_effects,
    reason = "tests assert by panicking"
)]
use std::{fs, io::Write as _};

use bytes::Bytes;
use content::{Descriptor, Fault, FaultKind, Hasher, MediaType, Source as _, Step};
use futures::TryStreamExt as _;
use layout::{Entry, Index, Layout};
use proptest::prelude::*;
use reference::{Algorithm, RefName};
use tar::{Builder, EntryType, Header};
use tempfile::NamedTempFile;

const MARKER: &[u8] = br#"{"imageLayoutVersion":"1.0.0"}"#;

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

fn index_of(names: &[&str]) -> Vec<u8> {
    let mut index = Index::default();
    for name in names {
        index.add(&Entry::named(&blob(name.as_bytes()), &RefName::new(*name)));
    }
    index.to_bytes()
}

fn add(tar: &mut Builder<Vec<u8>>, mut header: Header, path: &str, bytes: &[u8]) {
    header.set_size(bytes.len() as u64);
    header.set_mode(0o644);
    tar.append_data(&mut header, path, bytes).unwrap();
}

/// An archive of these files.
fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut tar = Builder::new(Vec::new());
    for (path, bytes) in files {
        add(&mut tar, Header::new_ustar(), path, bytes);
    }
    tar.into_inner().unwrap()
}

fn open(bytes: &[u8]) -> Result<(Layout, NamedTempFile), Fault> {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    Ok((Layout::open(file.path())?, file))
}

async fn read(layout: &Layout, blob: &Descriptor, from: u64) -> Result<Vec<u8>, Fault> {
    let incoming = layout.repository(None).open(blob, from..blob.size).await?;
    let chunks: Vec<Bytes> = incoming.bytes.try_collect().await?;
    assert!(chunks.iter().all(|chunk| chunk.len() <= 256 * 1024));
    Ok(chunks.concat())
}

async fn names(layout: &Layout) -> Vec<String> {
    let entries = layout.entries().await.unwrap();
    entries.iter().filter_map(|entry| entry.name().map(str::to_owned)).collect()
}

#[tokio::test]
async fn blobs_are_read_where_they_lie_from_any_offset_and_of_both_algorithms() {
    let bytes: Vec<u8> = (0..3_000_000_u32).map(|n| (n % 251) as u8).collect();
    let (short, long) = (blob(&bytes), blob_of(Algorithm::Sha512, &bytes));
    let mut tar = Builder::new(Vec::new());
    add(&mut tar, Header::new_ustar(), "./oci-layout", MARKER);
    add(&mut tar, Header::new_gnu(), &format!("./{}", path_of(&short)), &bytes);
    // Too long for a header: the crate writes a GNU long name before it.
    add(&mut tar, Header::new_gnu(), &path_of(&long), &bytes);
    add(&mut tar, Header::new_gnu(), "./index.json", &index_of(&["app:v1"]));
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("x.tar");
    fs::write(&file, tar.into_inner().unwrap()).unwrap();
    let layout = Layout::open(&file).unwrap();
    assert!(!layout.is_writable());
    assert_eq!(layout.shown(), format!("oci-archive:{}", file.display()));
    assert_eq!(names(&layout).await, ["app:v1"]);
    for blob in [&short, &long] {
        assert_eq!(read(&layout, blob, 0).await.unwrap(), bytes);
        assert_eq!(read(&layout, blob, 2_999_999).await.unwrap(), bytes[2_999_999..]);
    }
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing was unpacked");
    let fault = read(&layout, &blob(b"another"), 0).await.unwrap_err();
    assert_eq!(fault.kind(), FaultKind::Absent);
}

#[tokio::test]
async fn a_pax_header_gives_path_and_size_of_the_member_behind_it() {
    let (bytes, wanted) = (b"some bytes", blob(b"some bytes"));
    let mut tar = Builder::new(Vec::new());
    add(&mut tar, Header::new_ustar(), "oci-layout", MARKER);
    let path = path_of(&wanted);
    let said = [("comment", &b"two\nlines"[..]), ("path", path.as_bytes()), ("size", b"10")];
    tar.append_pax_extensions(said).unwrap();
    let mut header = Header::new_ustar();
    header.set_path("short").unwrap();
    header.set_size(0);
    header.set_cksum();
    tar.get_mut().extend_from_slice(header.as_bytes());
    tar.get_mut().extend_from_slice(bytes);
    tar.get_mut().extend_from_slice(&[0; 502]);
    // What was said is about one member only.
    add(&mut tar, Header::new_ustar(), "index.json", &index_of(&["v1"]));
    let (layout, _file) = open(&tar.into_inner().unwrap()).unwrap();
    assert_eq!(read(&layout, &wanted, 0).await.unwrap(), bytes);
    assert_eq!(names(&layout).await, ["v1"]);
}

#[tokio::test]
async fn the_later_of_two_members_wins() {
    let (first, second) = (index_of(&["old"]), index_of(&["new"]));
    let files =
        [("oci-layout", MARKER), ("index.json", &first), ("./index.json", &second), ("notes", b"\xff")];
    let (layout, _file) = open(&archive(&files)).unwrap();
    assert_eq!(names(&layout).await, ["new"]);
}

#[tokio::test]
async fn what_is_added_or_put_in_its_place_is_seen_and_what_was_open_is_read_on() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("x.tar");
    let (old, new) = (blob(b"old content"), blob(b"new content!"));
    let write = |blob: &Descriptor, bytes: &[u8], name: &str| {
        let index = index_of(&[name]);
        let files = [("oci-layout", MARKER), ("index.json", &index), (&path_of(blob), bytes)];
        fs::write(dir.path().join("next"), archive(&files)).unwrap();
        fs::rename(dir.path().join("next"), &file).unwrap();
    };
    write(&old, b"old content", "v1");
    let layout = Layout::open(&file).unwrap();
    let reading = layout.repository(None).open(&old, 0..old.size).await.unwrap();
    write(&new, b"new content!", "v2");
    assert_eq!(names(&layout).await, ["v2"]);
    assert_eq!(read(&layout, &new, 0).await.unwrap(), b"new content!");
    assert_eq!(read(&layout, &old, 0).await.unwrap_err().kind(), FaultKind::Absent);
    let chunks: Vec<Bytes> = reading.bytes.try_collect().await.unwrap();
    assert_eq!(chunks.concat(), b"old content");
}

#[tokio::test]
async fn nothing_is_written_to_an_archive_that_is_open_for_reading() {
    let (file, index) = (NamedTempFile::new().unwrap(), index_of(&["v1"]));
    let before = archive(&[("oci-layout", MARKER), ("index.json", &index)]);
    fs::write(file.path(), &before).unwrap();
    let layout = Layout::open(file.path()).unwrap();
    let ingest = layout.store().ingest().await.unwrap_err();
    let update = layout.update(|_| Ok(())).await.unwrap_err();
    for fault in [ingest, update] {
        assert_eq!(fault.kind(), FaultKind::Refused);
        assert!(fault.hint_text().is_some());
    }
    assert_eq!(fs::read(file.path()).unwrap(), before);
}

#[test]
fn what_is_no_archive_is_refused_with_a_word_on_what_to_do() {
    let index = index_of(&["v1"]);
    let good = archive(&[("oci-layout", MARKER), ("index.json", &index)]);
    let middle = good.len() - 1024 - 500;
    let cases: [(&[u8], FaultKind, &str, &str); 13] = [
        (b"", FaultKind::Untrue, "empty file", ""),
        (b"\x1f\x8b\x08\0\0\0\0", FaultKind::Refused, "compressed (gzip)", "gunzip"),
        (b"\x28\xb5\x2f\xfd\0", FaultKind::Refused, "compressed (zstd)", "zstd -d"),
        (b"BZh91AY", FaultKind::Refused, "compressed (bzip2)", "bunzip2"),
        (b"\xfd7zXZ\0\0", FaultKind::Refused, "compressed (xz)", "unxz"),
        (&[b'x'; 4096], FaultKind::Untrue, "no tar file", "file FILE"),
        (b"some lines of text", FaultKind::Untrue, "no tar file", "file FILE"),
        (&good[..middle], FaultKind::Untrue, "cut off inside index.json", "fetch it again"),
        (&good[..good.len() - 1024], FaultKind::Untrue, "no end", "fetch it again"),
        (&archive(&[("manifest.json", b"[]")]), FaultKind::Refused, "archive of docker", "skopeo copy"),
        (&archive(&[("a", b"b")]), FaultKind::Absent, "no oci-layout", "image layout"),
        (&archive(&[("oci-layout", MARKER)]), FaultKind::Absent, "no index.json", "image layout"),
        (
            &archive(&[("oci-layout", br#"{"imageLayoutVersion":"2.0.0"}"#), ("index.json", &index)]),
            FaultKind::Untrue,
            "layout version 1",
            "",
        ),
    ];
    for (bytes, kind, what, hint) in cases {
        let fault = open(bytes).unwrap_err();
        assert_eq!((fault.kind(), fault.step()), (kind, Step::OpenLayout), "{fault}");
        assert!(fault.to_string().starts_with("oci-archive:/"), "{fault}");
        assert!(fault.to_string().contains(what), "{fault}");
        assert!(fault.hint_text().unwrap_or_default().contains(hint), "{fault}: {:?}", fault.hint_text());
    }
}

#[test]
fn links_and_holes_are_refused() {
    let member = |kind: EntryType, path: &str| {
        let mut tar = Builder::new(Vec::new());
        add(&mut tar, Header::new_ustar(), "oci-layout", MARKER);
        add(&mut tar, Header::new_ustar(), "index.json", &index_of(&[]));
        let mut header = Header::new_gnu();
        header.set_entry_type(kind);
        header.set_size(0);
        match kind {
            EntryType::GNUSparse => tar.append_data(&mut header, path, &b""[..]).unwrap(),
            _ => tar.append_link(&mut header, path, "elsewhere").unwrap(),
        }
        tar.into_inner().unwrap()
    };
    for (kind, word) in [
        (EntryType::Symlink, "a symbolic link"),
        (EntryType::Link, "a hard link"),
        (EntryType::GNUSparse, "a sparse file"),
    ] {
        let fault = open(&member(kind, &path_of(&blob(b"x")))).unwrap_err();
        assert_eq!(fault.kind(), FaultKind::Refused);
        assert!(fault.to_string().contains(word), "{fault}");
    }
    open(&member(EntryType::Symlink, "latest")).unwrap();
}

#[test]
fn a_long_name_without_end_and_members_without_end_take_no_memory() {
    let mut tar = Builder::new(Vec::new());
    let mut header = Header::new_gnu();
    header.set_entry_type(EntryType::GNULongName);
    add(&mut tar, header, "name", &vec![b'a'; 1 << 20]);
    let fault = open(&tar.into_inner().unwrap()).unwrap_err();
    assert_eq!(fault.kind(), FaultKind::Refused);

    let mut header = Header::new_ustar();
    header.set_path("a").unwrap();
    header.set_size(0);
    header.set_cksum();
    let fault = open(&header.as_bytes().repeat(300_000)).unwrap_err();
    assert_eq!(fault.kind(), FaultKind::Refused);
    assert!(fault.to_string().contains("more than 262144 members"), "{fault}");
}

fn some_archive() -> Vec<u8> {
    let (small, large) = (blob(b"small"), blob(&[7; 3000]));
    let mut tar = Builder::new(Vec::new());
    add(&mut tar, Header::new_ustar(), "oci-layout", MARKER);
    add(&mut tar, Header::new_gnu(), &path_of(&small), b"small");
    add(&mut tar, Header::new_gnu(), &path_of(&blob_of(Algorithm::Sha512, b"small")), b"small");
    add(&mut tar, Header::new_ustar(), "index.json", &index_of(&["v1"]));
    add(&mut tar, Header::new_gnu(), &path_of(&large), &[7; 3000]);
    tar.into_inner().unwrap()
}

#[test]
fn an_archive_that_is_cut_off_anywhere_is_refused_or_whole() {
    let whole = some_archive();
    for length in 0..whole.len() {
        let opened = open(&whole[..length]);
        // One block of zeros is an end as well.
        assert_eq!(opened.is_ok(), length >= whole.len() - 512, "{length}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// A block of other bytes is a fault, or leaves a layout that can be read; it is never a panic.
    #[test]
    fn an_archive_with_a_block_of_other_bytes_is_refused_or_read(
        at in 0..40_usize, bytes in proptest::collection::vec(any::<u8>(), 1..600)
    ) {
        let mut damaged = some_archive();
        let at = (at * 512).min(damaged.len());
        let end = (at + bytes.len()).min(damaged.len());
        damaged[at..end].copy_from_slice(&bytes[..end - at]);
        if let Ok((layout, _file)) = open(&damaged) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(layout.entries()).ok();
        }
    }
}
