//! The misbehaving fake, byte by byte: what it does on purpose, and what it must not do by mistake.
#![allow(clippy::unwrap_used, clippy::panic, clippy::string_slice, reason = "a test fails by panicking")]
use std::time::Duration;

use http::Method;
use testkit::{Byte, Content, End, Fake, Image, Mishap, Misrange};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::Instant,
};

const SECOND: Duration = Duration::from_secs(1);

/// A client that knows nothing: bytes out, bytes in.
struct Peer(TcpStream);

impl Peer {
    async fn to(fake: &Fake) -> Self {
        Self(TcpStream::connect(fake.host()).await.unwrap())
    }

    async fn say(&mut self, head: &str, body: &[u8]) {
        let text = format!("{head} HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n", body.len());
        self.0.write_all(text.as_bytes()).await.unwrap();
        // Whoever does not want all of it hangs up.
        let _ = self.0.write_all(body).await;
    }

    async fn ask(&mut self, head: &str, line: &str) {
        self.0.write_all(format!("{head} HTTP/1.1\r\nHost: x\r\n{line}\r\n\r\n").as_bytes()).await.unwrap();
    }

    /// Everything up to the end of the connection, and whether that was a reset.
    async fn rest(&mut self) -> (String, bool) {
        let mut bytes = Vec::new();
        let reset = self.0.read_to_end(&mut bytes).await.is_err();
        (String::from_utf8_lossy(&bytes).into_owned(), reset)
    }

    /// One answer with a `Content-Length`: status, head and body.
    async fn answer(&mut self) -> (u16, String, Vec<u8>) {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(self.0.read_u8().await.unwrap());
        }
        let head = String::from_utf8(head).unwrap();
        let length = value(&head, "Content-Length").map_or(0, |value| value.parse().unwrap());
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).await.unwrap();
        (head[9..12].parse().unwrap(), head, body)
    }
}

fn value<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

/// A fake that holds one blob, and the path of the blob.
fn one_blob(mishap: Mishap) -> (Fake, String) {
    let mut content = Content::new();
    let blob = content.add("application/octet-stream", "0123456789");
    let root = content.image(1, std::slice::from_ref(&blob));
    let fake = Fake::setup().seed(&content, &root, "app:v1").mishap(mishap).start();
    (fake, format!("/v2/app/blobs/{}", blob.digest))
}

#[tokio::test]
async fn an_honest_fake_takes_a_blob_and_a_manifest_and_gives_them_back() {
    let Image { content, root, .. } = Image::of(1000);
    let fake = Fake::start();
    let mut peer = Peer::to(&fake).await;
    for digest in content.digests().filter(|digest| **digest != root.digest) {
        peer.say("POST /v2/app/blobs/uploads/", b"").await;
        let (status, head, _) = peer.answer().await;
        assert_eq!(status, 202);
        let bytes = content.get(digest).unwrap();
        let (first, second) = bytes.split_at(bytes.len() / 2);
        peer.say(&format!("PATCH {}", value(&head, "Location").unwrap()), first).await;
        let (status, head, _) = peer.answer().await;
        assert_eq!((status, value(&head, "Range").unwrap()), (202, &*format!("0-{}", first.len() - 1)));
        peer.say(&format!("PUT {}?digest={digest}", value(&head, "Location").unwrap()), second).await;
        assert_eq!(peer.answer().await.0, 201);
    }
    assert_eq!((fake.tag("app", "v1"), fake.open_sessions()), (None, 0));
    peer.say("PUT /v2/app/manifests/v1", content.get(&root.digest).unwrap()).await;
    assert_eq!(peer.answer().await.0, 201);
    assert_eq!(fake.tag("app", "v1"), Some(root.digest.clone()));
    assert!(fake.wrong().is_empty());
    peer.ask("GET /v2/app/manifests/v1", "Accept: */*").await;
    assert_eq!(peer.answer().await.2, *content.get(&root.digest).unwrap());
    let writes = fake.ledger().writes();
    assert_eq!(
        (writes.len(), writes[1].received),
        (7, content.get(&writes_digest(&writes[2])).unwrap().len() as u64 / 2)
    );
}

/// The digest that a commit names.
fn writes_digest(put: &testkit::Request) -> reference::Digest {
    put.query.strip_prefix("digest=").unwrap().parse().unwrap()
}

#[tokio::test]
async fn only_a_careless_fake_takes_bytes_for_what_they_are_not() {
    let digest = content::Hasher::digest(reference::Algorithm::Sha256, b"right");
    for careless in [false, true] {
        let setup = if careless { Fake::setup().careless() } else { Fake::setup() };
        let fake = setup.start();
        let mut peer = Peer::to(&fake).await;
        peer.say("POST /v2/app/blobs/uploads/", b"").await;
        let (_, head, _) = peer.answer().await;
        peer.say(&format!("PUT {}?digest={digest}", value(&head, "Location").unwrap()), b"wrong").await;
        assert_eq!(peer.answer().await.0, if careless { 201 } else { 400 });
        assert_eq!(fake.wrong().len(), usize::from(careless));
        assert_eq!(fake.is_empty(), !careless);
    }
}

#[tokio::test]
async fn a_careful_fake_takes_no_manifest_whose_parts_it_lacks() {
    let mut content = Content::new();
    let root = content.image(1, &[]);
    let fake = Fake::start();
    let mut peer = Peer::to(&fake).await;
    peer.say("PUT /v2/app/manifests/v1", content.get(&root.digest).unwrap()).await;
    let (status, _, body) = peer.answer().await;
    assert_eq!(status, 404);
    assert!(String::from_utf8(body).unwrap().contains("MANIFEST_BLOB_UNKNOWN"));
}

#[tokio::test]
async fn a_body_is_cut_by_reset_or_by_fin_at_the_byte_that_was_named() {
    for end in [End::Reset, End::Fin] {
        let (fake, blob) = one_blob(Mishap::on(Method::GET, "/blobs/").nth(1).cut(4, end));
        let mut peer = Peer::to(&fake).await;
        peer.ask(&format!("GET {blob}"), "Accept: */*").await;
        let (text, reset) = peer.rest().await;
        assert_eq!(reset, end == End::Reset);
        if !reset {
            assert!(text.ends_with("\r\n\r\n0123") && text.contains("Content-Length: 10"), "{text}");
        }
        let request = fake.ledger().all().remove(0);
        assert_eq!((request.status, request.sent), (Some(200), 4));
        // The second is not struck.
        let mut peer = Peer::to(&fake).await;
        peer.ask(&format!("GET {blob}"), "Accept: */*").await;
        assert_eq!(peer.answer().await.2, b"0123456789");
        assert_eq!(fake.struck(), 1);
    }
}

#[tokio::test]
async fn a_broken_upload_leaves_what_came_or_nothing() {
    for keeps in [true, false] {
        let cut = Mishap::on(Method::PATCH, "").cut_request(3, End::Reset);
        let fake = Fake::setup().keeps_partial(keeps).mishap(cut).start();
        let mut peer = Peer::to(&fake).await;
        peer.say("POST /v2/app/blobs/uploads/", b"").await;
        let (_, head, _) = peer.answer().await;
        let session = value(&head, "Location").unwrap().to_owned();
        peer.say(&format!("PATCH {session}"), b"abcdefgh").await;
        assert!(peer.rest().await.0.is_empty());
        let mut peer = Peer::to(&fake).await;
        peer.ask(&format!("GET {session}"), "Accept: */*").await;
        let (status, head, _) = peer.answer().await;
        assert_eq!((status, value(&head, "Range")), (204, Some(if keeps { "0-2" } else { "0-0" })));
        assert_eq!(fake.ledger().all()[1].received, 3);
    }
}

#[tokio::test]
async fn a_commit_may_be_done_and_its_answer_lost() {
    let fake = Fake::setup().mishap(Mishap::on(Method::PUT, "digest=").cut_head(0, End::Reset)).start();
    let digest = content::Hasher::digest(reference::Algorithm::Sha256, b"right");
    let mut peer = Peer::to(&fake).await;
    peer.say("POST /v2/app/blobs/uploads/", b"").await;
    let (_, head, _) = peer.answer().await;
    peer.say(&format!("PUT {}?digest={digest}", value(&head, "Location").unwrap()), b"right").await;
    assert!(peer.rest().await.0.is_empty());
    assert_eq!(fake.piece("app", &digest).unwrap(), "right");
    assert_eq!(fake.ledger().all()[1].status, None);
}

#[tokio::test(start_paused = true)]
async fn a_trickle_takes_its_time_and_a_stall_all_of_it() {
    let (fake, blob) = one_blob(Mishap::on(Method::GET, "/blobs/").trickle(2, SECOND));
    let mut peer = Peer::to(&fake).await;
    let start = Instant::now();
    peer.ask(&format!("GET {blob}"), "Accept: */*").await;
    assert_eq!(peer.answer().await.2, b"0123456789");
    assert_eq!(start.elapsed().as_secs(), 5);
    fake.behave();
    fake.mishap(Mishap::on(Method::GET, "/blobs/").cut(3, End::Stall));
    peer.ask(&format!("GET {blob}"), "Accept: */*").await;
    let stalled = tokio::time::timeout(3600 * SECOND, peer.answer()).await;
    assert!(stalled.is_err());
    assert_eq!(fake.ledger().all()[1].sent, 3);
}

#[tokio::test]
async fn lengths_and_chunks_lie_as_they_are_told() {
    let cases = [
        (Mishap::any("").length(5), "Content-Length: 15\r\n", "0123456789"),
        (Mishap::any("").length(-5), "Content-Length: 5\r\n", "0123456789"),
        (Mishap::any("").unended(), "chunked\r\n", "a\r\n0123456789\r\n"),
        (Mishap::any("").chunked().cut(4, End::Fin), "chunked\r\n", "4\r\n0123\r\n"),
        (Mishap::any("").corrupt(Byte::Last).length(0), "Content-Length: 10\r\n", "0123456788"),
    ];
    for (mishap, head, body) in cases {
        let (fake, blob) = one_blob(mishap);
        let mut peer = Peer::to(&fake).await;
        peer.ask(&format!("GET {blob}"), "Accept: */*").await;
        let (text, reset) = peer.rest().await;
        assert!(text.contains(head) && text.ends_with(&format!("\r\n\r\n{body}")) && !reset, "{text}");
    }
}

#[tokio::test]
async fn a_part_is_misunderstood_in_every_way() {
    let cases = [
        (None, 206, Some("bytes 4-9/10"), "456789"),
        (Some(Misrange::Whole), 200, None, "0123456789"),
        (Some(Misrange::Elsewhere), 206, Some("bytes 3-9/10"), "3456789"),
        (Some(Misrange::Liar), 206, Some("bytes 4-9/10"), "345678"),
        (Some(Misrange::Short), 206, Some("bytes 4-6/10"), "456"),
        (Some(Misrange::Unsaid), 206, None, "456789"),
    ];
    for (how, status, range, body) in cases {
        let mishap = Mishap::on(Method::GET, "/blobs/");
        let (fake, blob) = one_blob(how.map_or(mishap.clone(), |how| mishap.misrange(how)));
        let mut peer = Peer::to(&fake).await;
        peer.ask(&format!("GET {blob}"), "Range: bytes=4-9").await;
        let (got, head, bytes) = peer.answer().await;
        assert_eq!((got, value(&head, "Content-Range")), (status, range), "{how:?}");
        assert_eq!(
            &bytes[..body.len().min(bytes.len())],
            body.as_bytes().split_at(bytes.len().min(body.len())).0
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_ticket_runs_out_and_another_is_given() {
    let fake = Fake::setup().bearer(10 * SECOND).start();
    let mut peer = Peer::to(&fake).await;
    peer.ask("GET /v2/app/manifests/v1", "Accept: */*").await;
    let (status, head, _) = peer.answer().await;
    let challenge = value(&head, "WWW-Authenticate").unwrap();
    assert_eq!(status, 401);
    assert!(challenge.contains(&format!("realm=\"{}/token\"", fake.origin())), "{challenge}");
    peer.ask("GET /token", "Accept: */*").await;
    let (_, _, body) = peer.answer().await;
    assert_eq!(body, br#"{"expires_in":10,"token":"ticket-1"}"#);
    for (wait, status) in [(9, 404), (1, 401)] {
        tokio::time::sleep(wait * SECOND).await;
        peer.ask("GET /v2/app/manifests/v1", "Authorization: Bearer ticket-1").await;
        assert_eq!(peer.answer().await.0, status);
    }
}

#[tokio::test]
async fn a_twin_has_the_same_content_and_is_led_to() {
    let (fake, blob) = one_blob(Mishap::on(Method::DELETE, "never"));
    let twin = fake.twin();
    fake.mishap(Mishap::on(Method::GET, "/blobs/").redirect(&twin.origin()));
    let mut peer = Peer::to(&fake).await;
    peer.ask(&format!("GET {blob}"), "Accept: */*").await;
    let (status, head, _) = peer.answer().await;
    assert_eq!((status, value(&head, "Location").unwrap()), (307, &*format!("{}{blob}", twin.origin())));
    let mut peer = Peer::to(&twin).await;
    peer.ask(&format!("GET {blob}"), "Accept: */*").await;
    assert_eq!(peer.answer().await.2, b"0123456789");
}

#[tokio::test]
async fn an_early_answer_comes_before_the_body_is_read() {
    let mishap = Mishap::on(Method::PUT, "").status(413).early(2);
    let fake = Fake::setup().mishap(mishap).start();
    let mut peer = Peer::to(&fake).await;
    let head = "PUT /v2/app/blobs/uploads/u1 HTTP/1.1\r\nContent-Length: 100\r\n\r\nab";
    peer.0.write_all(head.as_bytes()).await.unwrap();
    assert_eq!(peer.answer().await.0, 413);
    assert_eq!(fake.ledger().all()[0].received, 2);
}

#[test]
fn a_fake_on_a_thread_serves_those_who_block() {
    use std::io::{Read, Write};
    let fake = Fake::setup().on_a_thread();
    let mut peer = std::net::TcpStream::connect(fake.host()).unwrap();
    peer.write_all(b"GET /v2/ HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let mut start = [0; 12];
    peer.read_exact(&mut start).unwrap();
    assert_eq!(&start, b"HTTP/1.1 200");
}

#[tokio::test]
async fn a_strict_fake_fails_the_test_when_something_else_comes() {
    let fake = Fake::setup().only(Method::GET, "/v2/app/blobs/").start();
    let mut peer = Peer::to(&fake).await;
    peer.ask("GET /v2/app/manifests/v1", "Accept: */*").await;
    assert_eq!(peer.answer().await.0, 404);
    let failed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(fake))).unwrap_err();
    assert!(failed.downcast_ref::<String>().unwrap().contains("GET /v2/app/manifests/v1"));
}
