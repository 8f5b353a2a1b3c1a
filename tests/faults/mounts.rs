//! Mounts: what a registry holds in one repository need not cross again, and what it says to a mount costs no session.
use std::time::Duration;

use http::Method;
use testkit::{Content, Fake, Mishap, Request};

use crate::world::{Image, Yard, copy_into};

/// Bodies of blobs that came.
fn sent(target: &Fake) -> usize {
    target.ledger().count(|request| request.method == Method::PUT && request.is_blob())
}

/// Copies from one repository to another of one registry; the registry, in which the copy is whole.
async fn within(fake: Fake) -> Fake {
    let image = Image::of(1000);
    fake.put(&image.content, &image.root, "app:v1");
    copy_into(&fake, &fake, &["copy"]).await.unwrap();
    assert!(fake.holds("copy", &image.content), "{}", fake.ledger());
    assert_eq!(fake.open_sessions(), 0, "{}", fake.ledger());
    fake
}

/// What is asked of the repository that the copy goes to.
fn mounting() -> Mishap {
    Mishap::on(Method::POST, "/v2/copy/*mount=*from=app")
}

#[tokio::test(start_paused = true)]
async fn a_mount_that_works_moves_no_byte() {
    let fake = within(Fake::start()).await;
    let moved = fake.ledger().count(|r| r.is_blob() && (r.method == Method::GET || r.received > 0));
    assert_eq!((moved, fake.ledger().count(Request::is_blob)), (0, 2), "{}", fake.ledger());
}

#[tokio::test(start_paused = true)]
async fn a_mount_that_opens_a_session_has_it_used() {
    let fake = within(Fake::setup().mounts(false).start()).await;
    let posts = fake.ledger().count(|request| request.method == Method::POST);
    assert_eq!((posts, sent(&fake)), (2, 2), "{}", fake.ledger());
}

#[tokio::test(start_paused = true)]
async fn a_mount_that_is_refused_becomes_an_upload_and_leaves_no_session() {
    for status in [400, 401, 403, 404, 405, 500, 503] {
        let fake = Fake::start();
        fake.mishap(mounting().status(status));
        let fake = within(fake).await;
        assert_eq!(sent(&fake), 2, "{status}: {}", fake.ledger());
        // One for each blob, and no repeat of what is not worth one.
        assert!(fake.ledger().count(|r| r.query.contains("from=app")) <= 2, "{status}: {}", fake.ledger());
    }
}

#[tokio::test(start_paused = true)]
async fn a_registry_that_breaks_down_over_every_mount_is_asked_for_few() {
    let (content, root) = Content::fleet(1, 20, 1000);
    let fake = Fake::with(&content, &root, "app:v1");
    fake.mishap(Mishap::on(Method::POST, "mount=").status(500));
    let yard = Yard::new(1);
    yard.run(&yard.job(&fake, "app", &fake, &["copy"])).await.unwrap();
    assert!(fake.holds("copy", &content), "{}", fake.ledger());
    let mounts = |from: &str| fake.ledger().count(|r| r.query.contains(&format!("from={from}")));
    assert_eq!((mounts("app"), mounts("copy")), (3, 3), "{}", fake.ledger());
}

/// The token is good for the target alone: the mount wants more, and is not given it.
#[tokio::test(start_paused = true)]
async fn a_token_that_does_not_open_the_source_becomes_an_upload() {
    let fake = Fake::setup().bearer(Duration::from_secs(3600)).start();
    let challenge = format!(
        r#"Bearer realm="{}/token",service="fake",scope="repository:app:pull repository:copy:pull,push",error="insufficient_scope""#,
        fake.origin()
    );
    fake.mishap(mounting().error(401, "UNAUTHORIZED").with("WWW-Authenticate", &challenge));
    let fake = within(fake).await;
    assert_eq!(sent(&fake), 2, "{}", fake.ledger());
    let tokens = fake.ledger().count(|request| request.path == "/token");
    assert!(tokens <= 6, "{}", fake.ledger());
}
