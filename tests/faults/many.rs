//! Many: blobs that several images share cross once, whoever carries them and whatever happens to it.
use std::{collections::HashMap, time::Duration};

use http::Method;
use testkit::{Content, End, Fake, Mishap};
use tokio::time::timeout;

use crate::world::{Image, copy, copy_into, target};

/// How often each blob was read.
fn reads(source: &Fake) -> HashMap<String, usize> {
    let mut reads = HashMap::new();
    for read in source.ledger().pick(|request| request.method == Method::GET && request.is_blob()) {
        *reads.entry(read.path).or_default() += 1;
    }
    reads
}

#[tokio::test(start_paused = true)]
async fn a_layer_that_a_manifest_names_three_times_crosses_once() {
    let mut content = Content::new();
    let layer = content.layer(1, 1000);
    let root = content.image(1, &[layer.clone(), layer.clone(), layer.clone()]);
    let image = Image { content, root, layer };
    let (source, target) = (image.source([]), target([]));
    copy(&source, &target).await.unwrap();
    image.is_at(&target);
    assert_eq!(image.reads(&source).len(), 1, "{}", source.ledger());
    assert_eq!(target.ledger().count(|r| r.method == Method::PUT && r.is_blob()), 2, "{}", target.ledger());
}

/// Eight images that share five layers.
fn shared() -> (Content, content::Descriptor) {
    let mut content = Content::new();
    let layers: Vec<_> = (0..5).map(|seed| content.layer(seed, 500)).collect();
    let images: Vec<_> = (0..8).map(|seed| content.image(seed, &layers)).collect();
    let root = content.index(&images);
    (content, root)
}

/// One request of a blob, of thirteen, goes wrong in one of many ways: at the source, or at the target.
fn mishap(random: &mut fastrand::Rng) -> (bool, Mishap) {
    let at_source = random.bool();
    let (method, path) = match (at_source, random.u8(..3)) {
        (true, _) => (Method::GET, "/blobs/"),
        (false, 0) => (Method::PUT, "/blobs/uploads/"),
        (false, 1) => (Method::POST, "/two/*from=one"),
        (false, _) => (Method::POST, "/blobs/uploads/"),
    };
    let one = Mishap::on(method, path).nth(random.usize(1..=13));
    let after = random.u64(..500);
    let struck = match random.u8(..6) {
        0 => one.status(500),
        1 => one.status(503).with("Retry-After", "1"),
        2 => one.cut(after, End::Reset),
        3 => one.cut_head(random.u64(..20), End::Fin),
        4 => one.cut_request(after, End::Reset),
        _ => one.cut(after, End::Stall),
    };
    (at_source, struck)
}

#[tokio::test(start_paused = true)]
async fn one_failure_of_whoever_carries_a_shared_blob_blocks_nobody_in_a_thousand_runs() {
    let (content, root) = shared();
    for seed in 0..1000 {
        let (at_source, mishap) = mishap(&mut fastrand::Rng::with_seed(seed));
        let repositories: &[&str] = if seed % 2 == 0 { &["one"] } else { &["one", "two"] };
        let (source, target) = (Fake::with(&content, &root, "app:v1"), Fake::start());
        (if at_source { &source } else { &target }).mishap(mishap);
        let copied = timeout(Duration::from_secs(3600), copy_into(&source, &target, repositories));
        let copied = copied.await.unwrap_or_else(|_| panic!("seed {seed} hangs:\n{}", target.ledger()));
        copied.unwrap_or_else(|failure| panic!("seed {seed}: {failure:?}\n{}", target.ledger()));
        assert!(repositories.iter().all(|name| target.holds(name, &content)), "seed {seed}");
        let reads = reads(&source);
        assert_eq!(reads.len(), 13, "seed {seed}");
        // Once each, and once more for what went wrong.
        assert!(reads.values().sum::<usize>() <= 14, "seed {seed}: {}", source.ledger());
    }
}
