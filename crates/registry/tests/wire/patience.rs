//! How long, and how often: retries, Retry-After, idle peers.
use std::time::Duration;

use content::{Begun, FaultKind, Source, Target, Version};
use futures::{StreamExt, stream};
use reference::RefName;
use registry::{Options, Timeouts};

use crate::script::{Act, End, Script, Seen, answer, blob, lend, silence};

fn v1() -> Version {
    Version::Name(RefName::new("v1"))
}

fn found() -> Act {
    let digest = format!("Docker-Content-Digest: {}", blob(b"x").digest);
    let media_type = "Content-Type: application/vnd.oci.image.manifest.v1+json";
    answer(200, &[media_type, &digest, "Content-Length: 100"], "")
}

#[tokio::test]
async fn what_may_pass_is_sent_again() {
    for status in [408, 429, 500, 502, 503, 504, 522] {
        let server = Script::start(move |_, index| match index {
            0 => answer(status, &["Retry-After: 0"], ""),
            1 => silence(0, End::Reset),
            _ => found(),
        })
        .await;
        server.repository("app").resolve(&v1()).await.unwrap();
        assert_eq!(server.lines().len(), 3, "{status}");
    }
}

#[tokio::test]
async fn what_will_not_pass_is_sent_once() {
    for status in [403, 410, 418] {
        let server = Script::start(move |_, _| answer(status, &[], "")).await;
        server.repository("app").resolve(&v1()).await.unwrap_err();
        assert_eq!(server.lines().len(), 1, "{status}");
    }
}

#[tokio::test]
async fn attempts_are_bounded() {
    let server = Script::start(|_, _| answer(503, &["Retry-After: 0"], "")).await;
    let mut options = Options::default();
    assert_eq!(options.attempts, 6);
    options.attempts = 4;
    let fault = server.repository_with("app", options).resolve(&v1()).await.unwrap_err();
    assert_eq!(fault.kind(), FaultKind::Unreachable);
    assert_eq!(server.lines().len(), 4);
}

#[tokio::test]
async fn a_range_that_cannot_be_served_now_is_not_asked_for_in_another_way() {
    for status in [408, 429, 500, 501, 503] {
        let server = Script::start(move |_, _| answer(status, &[], "")).await;
        let mut options = Options::default();
        options.attempts = 2;
        let outcome = server.repository_with("app", options).open(&blob(b"0123456789"), 4..10).await;
        assert!(outcome.unwrap_err().is_momentary(), "{status}");
        assert!(server.seen().iter().all(|seen| seen.header("range").is_some()), "{status}");
    }
}

#[tokio::test]
async fn a_wait_beyond_the_cap_fails_at_once_and_says_when() {
    let server = Script::start(|_, _| answer(429, &["Retry-After: 3600"], "")).await;
    let fault = server.repository("app").resolve(&v1()).await.unwrap_err();
    assert_eq!(fault.kind(), FaultKind::Unreachable);
    assert!(fault.to_string().contains("3600 s"), "{fault}");
    assert_eq!(server.lines().len(), 1);
}

#[tokio::test]
async fn a_host_that_is_down_is_unreachable() {
    let server = Script::start(|_, _| found()).await;
    let mut options = Options::default();
    options.attempts = 2;
    let repository = server.repository_with("app", options);
    drop(server);
    tokio::task::yield_now().await;
    let fault = repository.resolve(&v1()).await.unwrap_err();
    assert_eq!(fault.kind(), FaultKind::Unreachable);
    assert!(fault.is_momentary());
}

fn impatient() -> Options {
    let mut options = Options::default();
    let mut timeouts = Timeouts::default();
    // More than a machine stalls, while most of these requests are to be answered.
    let short = Duration::from_millis(500);
    (timeouts.connect, timeouts.headers) = (short, short);
    (timeouts.commit, timeouts.idle) = (short, short);
    (options.timeouts, options.attempts) = (timeouts, 1);
    options
}

#[tokio::test]
async fn a_registry_that_does_not_answer_is_given_up() {
    let server = Script::start(|_, _| silence(0, End::Hang)).await;
    let fault = server.repository_with("app", impatient()).resolve(&v1()).await.unwrap_err();
    assert_eq!(fault.kind(), FaultKind::Unreachable);
}

#[tokio::test]
async fn a_blob_that_stops_coming_is_momentary() {
    let server = Script::start(|_, _| answer(200, &["Content-Length: 10"], "0123").then(End::Hang)).await;
    let descriptor = blob(b"0123456789");
    let repository = server.repository_with("app", impatient());
    let incoming = repository.open(&descriptor, 0..10).await.unwrap();
    let chunks: Vec<_> = incoming.bytes.collect().await;
    let fault = chunks.into_iter().find_map(Result::err).unwrap();
    assert!(fault.is_momentary());
}

/// On Linux it is the kernel that gives up, at the idle limit of real time.
#[tokio::test]
async fn a_target_that_stops_taking_bytes_is_given_up_and_the_body_comes_home() {
    let server = Script::start(|seen: &Seen, _| match seen.method.as_str() {
        "POST" => answer(202, &["Location: /v2/app/blobs/uploads/1"], ""),
        "PUT" => silence(1, End::Hang),
        _ => answer(204, &[], ""),
    })
    .await;
    let data = vec![1; 30_000_000];
    let descriptor = blob(&data);
    let repository = server.repository_with("app", impatient());
    let Begun::Upload(mut upload) = repository.begin(&descriptor, None).await.unwrap() else { panic!() };
    let (body, home) = lend(&descriptor, &data, 100_000);
    assert!(upload.send(body).await.unwrap_err().is_momentary());
    assert!(home.await.unwrap().fault().is_none());
}

/// Four times the target's idle limit passes while the source is waited on.
#[tokio::test]
async fn a_slow_source_is_not_the_targets_fault() {
    let server = Script::start(|seen: &Seen, _| match seen.method.as_str() {
        "POST" => answer(202, &["Location: /v2/app/blobs/uploads/1"], ""),
        _ => answer(201, &[], ""),
    })
    .await;
    let descriptor = blob(b"0123456789");
    let repository = server.repository_with("app", impatient());
    let Begun::Upload(mut upload) = repository.begin(&descriptor, None).await.unwrap() else { panic!() };
    let slow = stream::once(async {
        tokio::time::sleep(Duration::from_secs(2)).await;
        Ok(bytes::Bytes::from_static(b"0123456789"))
    });
    let mut verified = content::Verified::new(&descriptor);
    verified.feed(slow.boxed());
    upload.send(content::Lent::new(verified).0).await.unwrap();
}

/// A body of which every byte comes in time, and that never ends.
fn endless(status: u16, extra: &[&str]) -> Act {
    let lines: Vec<_> = extra.iter().copied().chain(["Content-Length: 60000"]).collect();
    answer(status, &lines, "").then(End::Trickle)
}

/// Fails a test that would otherwise never end.
async fn in_the_end<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(120), work).await.unwrap()
}

#[tokio::test]
async fn a_redirect_whose_body_never_ends_is_followed() {
    let server = Script::start(|seen: &Seen, _| match seen.target.as_str() {
        "/elsewhere" => answer(200, &[], "0123456789"),
        _ => endless(307, &["Location: /elsewhere"]),
    })
    .await;
    let descriptor = blob(b"0123456789");
    in_the_end(server.repository("app").open(&descriptor, 0..10)).await.unwrap();
    assert_eq!(server.lines().len(), 2);
}

#[tokio::test]
async fn a_refusal_a_manifest_and_a_token_that_never_end_are_given_up() {
    let media_type = "Content-Type: application/vnd.oci.image.manifest.v1+json";
    let refusing = Script::start(|_, _| endless(403, &[])).await;
    let repository = refusing.repository_with("app", impatient());
    let fault = in_the_end(Source::manifest(&repository, &v1(), None)).await.unwrap_err();
    assert_eq!(fault.kind(), FaultKind::Authentication);

    let reading = Script::start(move |_, _| endless(200, &[media_type])).await;
    let repository = reading.repository_with("app", impatient());
    let fault = in_the_end(Source::manifest(&repository, &v1(), None)).await.unwrap_err();
    assert_eq!(fault.kind(), FaultKind::Unreachable);

    let asking = Script::start(|seen: &Seen, _| {
        if seen.target.starts_with("/token") {
            return endless(200, &["Content-Type: application/json"]);
        }
        let host = seen.header("host").unwrap();
        answer(401, &[&format!(r#"WWW-Authenticate: Bearer realm="http://{host}/token",service="s""#)], "")
    })
    .await;
    let repository = asking.repository_with("app", impatient());
    let fault = in_the_end(Source::manifest(&repository, &v1(), None)).await.unwrap_err();
    assert_eq!(fault.kind(), FaultKind::Unreachable);
}
