//! What the hallway costs: a blob's bytes through `Verified`, against a bare SHA-256 of the same chunks, and the
//! reading of references and manifests.
//!
//! ```sh
//! cargo bench --bench hallway
//! ```
#![allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    reason = "a benchmark fails by panicking"
)]
use bytes::Bytes;
use content::{Descriptor, Hasher, Manifest, MediaType, Verified};
use divan::{Bencher, counter::BytesCount};
use futures::{StreamExt, executor::block_on, stream};
use reference::{Algorithm, Digest, Reference};

/// The size of the blob: 64 MiB.
const BLOB: usize = 64 * 1024 * 1024;
/// Chunk sizes, in bytes: what a socket hands over at once.
const CHUNKS: [usize; 3] = [16 * 1024, 64 * 1024, 256 * 1024];

fn main() {
    divan::main();
}

fn chunks(size: usize) -> Vec<Bytes> {
    vec![Bytes::from(vec![0x5a; size]); BLOB / size]
}

fn whole(chunks: &[Bytes]) -> Digest {
    let mut hasher = Hasher::new(Algorithm::Sha256);
    for chunk in chunks {
        hasher.update(chunk);
    }
    hasher.finish()
}

#[divan::bench(args = CHUNKS)]
fn bare_sha256(bencher: Bencher<'_, '_>, size: usize) {
    let chunks = chunks(size);
    bencher.counter(BytesCount::new(BLOB)).bench(|| whole(&chunks));
}

#[divan::bench(args = CHUNKS)]
fn verified(bencher: Bencher<'_, '_>, size: usize) {
    let chunks = chunks(size);
    let blob = Descriptor::new(MediaType::new("application/octet-stream"), whole(&chunks), BLOB as u64);
    bencher.counter(BytesCount::new(BLOB)).bench(|| {
        let mut verified = Verified::new(&blob);
        verified.feed(stream::iter(chunks.clone().into_iter().map(Ok)).boxed());
        block_on(async { while verified.next().await.transpose().unwrap().is_some() {} });
        assert!(verified.is_true());
    });
}

#[divan::bench]
fn reference() -> Reference {
    let text = "registry.example.com:5000/some/deep/repository:v1.2.3@\
        sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    divan::black_box(text).parse().unwrap()
}

#[divan::bench]
fn index_of_fifty(bencher: Bencher<'_, '_>) {
    let entry = |n: usize| {
        let digest = Hasher::digest(Algorithm::Sha256, &n.to_be_bytes());
        format!(
            r#"{{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"{digest}","size":{n}}}"#
        )
    };
    let entries: Vec<String> = (0..50).map(entry).collect();
    let bytes = Bytes::from(format!(r#"{{"schemaVersion":2,"manifests":[{}]}}"#, entries.join(",")));
    bencher.bench(|| Manifest::read(bytes.clone(), None, None, None).unwrap());
}
