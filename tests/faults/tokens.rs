//! Tokens that end while something is written: renewed once for all who need one, and never in a storm of refusals.
use std::time::Duration;

use http::Method;
use testkit::{Content, Fake, Mishap};
use tokio::time::Instant;

use crate::world::{Image, copy};

const SECOND: Duration = Duration::from_secs(1);

/// A target that wants a token, good for so long.
fn guarded(life: Duration, mishaps: impl IntoIterator<Item = Mishap>) -> Fake {
    mishaps.into_iter().fold(Fake::setup().bearer(life), testkit::FakeSetup::mishap).start()
}

fn sending(method: Method) -> Mishap {
    Mishap::on(method, "/blobs/uploads/")
}

/// How many tokens it was asked for, and how many requests it turned away.
fn asked(target: &Fake) -> (usize, usize) {
    let tokens = target.ledger().count(|request| request.path == "/token");
    (tokens, target.ledger().count(|request| request.status == Some(401)))
}

#[tokio::test(start_paused = true)]
async fn a_token_of_three_seconds_carries_an_upload_of_twenty() {
    let image = Image::of(1_000_000);
    let target = guarded(3 * SECOND, [sending(Method::PUT).read(50_000, SECOND)]);
    let start = Instant::now();
    copy(&image.source([]), &target).await.unwrap();
    assert!(start.elapsed() >= 19 * SECOND, "{:?}", start.elapsed());
    image.is_at(&target);
    // One to begin with, and one for the manifest. The first request of all had none.
    assert_eq!(asked(&target), (2, 1), "{}", target.ledger());
}

#[tokio::test(start_paused = true)]
async fn a_token_of_three_seconds_carries_an_upload_in_chunks() {
    let image = Image::of(20_000_000);
    // The configuration and the layer.
    let large = |method| sending(method).times(2).status(413);
    let slow = sending(Method::PATCH).read(1_200_000, SECOND);
    let target = guarded(3 * SECOND, [large(Method::PUT), large(Method::PATCH), slow]);
    let start = Instant::now();
    copy(&image.source([]), &target).await.unwrap();
    assert!(start.elapsed() >= 16 * SECOND, "{:?}", start.elapsed());
    image.is_at(&target);
    let chunks = target.ledger().count(|r| r.method == Method::PATCH && r.status == Some(202));
    let (tokens, refused) = asked(&target);
    assert!(chunks >= 3 && tokens <= 2 + chunks && refused == 1, "{}", target.ledger());
}

#[tokio::test(start_paused = true)]
async fn a_token_that_is_refused_once_while_something_is_written_costs_one_more() {
    let image = Image::of(1_000_000);
    let whole = [sending(Method::PUT).nth(2).expire_tokens()];
    let patch = [sending(Method::PUT).nth(1).status(413), sending(Method::PATCH).nth(1).expire_tokens()];
    let manifest = [Mishap::on(Method::PUT, "/manifests/").nth(1).expire_tokens()];
    for mishaps in [Vec::from(whole), Vec::from(patch), Vec::from(manifest)] {
        let target = guarded(300 * SECOND, mishaps);
        copy(&image.source([]), &target).await.unwrap();
        image.is_at(&target);
        assert_eq!(asked(&target), (2, 2), "{}", target.ledger());
    }
}

#[tokio::test(start_paused = true)]
async fn eight_transfers_renew_a_token_once_each_time_it_ends() {
    let (content, root) = Content::fleet(1, 40, 1000);
    let source = Fake::with(&content, &root, "app:v1");
    let target = guarded(3 * SECOND, [sending(Method::PUT).delay(4 * SECOND)]);
    let start = Instant::now();
    copy(&source, &target).await.unwrap();
    assert_eq!(target.lacks("app", &content), []);
    let lives = start.elapsed().as_secs() / 3;
    let (tokens, refused) = asked(&target);
    assert!(lives >= 5 && tokens as u64 <= 1 + lives, "{tokens} in {lives} lives: {}", target.ledger());
    assert!(refused <= 1, "{}", target.ledger());
}
