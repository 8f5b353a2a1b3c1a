//! Waits: a registry that says "later" is asked again when it says, whatever was asked of it and however it says so.
use std::time::Duration;

use content::FaultKind;
use http::Method;
use testkit::{Fake, Mishap};
use tokio::time::Instant;

use crate::world::{Image, copy};

/// What back-off and the spread of those who waited may add, at most.
const JITTER: Duration = Duration::from_millis(600);

#[derive(Clone, Copy, Debug, PartialEq)]
enum At {
    Source,
    Target,
}

/// Every kind of request that a copy makes: where, and which.
const REQUESTS: [(At, Method, &str); 8] = [
    (At::Source, Method::HEAD, "/manifests/v1"),
    (At::Source, Method::GET, "/manifests/sha256"),
    (At::Source, Method::GET, "/blobs/sha256"),
    (At::Target, Method::HEAD, "/manifests/v1"),
    (At::Target, Method::POST, "/blobs/uploads/"),
    (At::Target, Method::PUT, "/blobs/uploads/"),
    (At::Target, Method::PUT, "/manifests/v1"),
    (At::Target, Method::GET, "/token"),
];

/// The first such request is answered so; how long the copy took, and how often that request came.
async fn delayed(
    (at, method, path): (At, Method, &str),
    times: usize,
    act: impl Fn(Mishap) -> Mishap,
) -> (Result<(), crate::world::Failure>, Duration, usize) {
    let image = Image::of(1000);
    let source = image.source([]);
    let target = Fake::setup().bearer(Duration::from_secs(3600)).start();
    let here = if at == At::Source { &source } else { &target };
    here.mishap(act(Mishap::on(method.clone(), path).nth(1).times(times)));
    let start = Instant::now();
    let outcome = copy(&source, &target).await;
    let took = start.elapsed();
    if outcome.is_ok() {
        image.is_at(&target);
    } else {
        image.is_not_at(&target);
    }
    let pattern = path.trim_start_matches('/');
    let came = here.ledger().count(|r| r.method == method && r.path.contains(pattern));
    (outcome, took, came)
}

/// Headers that ask for two seconds, or for nothing.
fn forms() -> [(Vec<(&'static str, &'static str)>, u64); 7] {
    let date = ("Date", "Sun, 06 Nov 1994 08:49:37 GMT");
    [
        (vec![("Retry-After", "2")], 2),
        (vec![("Retry-After", "Sun, 06 Nov 1994 08:49:39 GMT"), date], 2),
        // The seconds since 1970, two seconds after the server's own date.
        (vec![("Retry-After", "1746136940"), ("Date", "Thu, 01 May 2025 22:02:18 GMT")], 2),
        (vec![("Retry-After", "1746136938")], 0),
        (vec![], 0),
        (vec![("Retry-After", "-1")], 0),
        (vec![("Retry-After", "soon")], 0),
    ]
}

#[tokio::test(start_paused = true)]
async fn every_request_waits_as_long_as_it_is_asked_to_in_every_form() {
    for request in REQUESTS {
        for status in [429, 503] {
            for (headers, seconds) in forms() {
                let act = |mishap: Mishap| {
                    headers
                        .iter()
                        .fold(mishap.status(status), |mishap, (name, value)| mishap.with(name, value))
                };
                let (outcome, took, _) = delayed(request.clone(), 1, act).await;
                let shown = format!("{request:?} {status} {headers:?}: {took:?}");
                outcome.unwrap_or_else(|failure| panic!("{shown}: {failure:?}"));
                let due = Duration::from_secs(seconds);
                assert!(took >= due && took <= due + JITTER, "{shown}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_wait_beyond_the_cap_fails_at_once_and_names_the_time_wherever_it_is_asked_for() {
    for request in REQUESTS {
        let act = |mishap: Mishap| mishap.status(429).with("Retry-After", "1000000");
        let (outcome, took, came) = delayed(request.clone(), 1, act).await;
        let failure = outcome.unwrap_err();
        assert_eq!(failure.kind, FaultKind::Unreachable, "{request:?}: {failure:?}");
        assert!(failure.text.contains("1000000 s"), "{request:?}: {failure:?}");
        assert!(took < Duration::from_secs(1), "{request:?}: {took:?}");
        assert!(came <= 2, "{request:?}: {came}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_burst_of_failures_passes_whatever_request_it_hits() {
    for request in REQUESTS {
        for status in [500, 502, 503, 504, 522] {
            let (outcome, _, _) = delayed(request.clone(), 3, |mishap| mishap.status(status)).await;
            outcome.unwrap_or_else(|failure| panic!("{request:?} {status}: {failure:?}"));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn failures_without_end_are_given_up_after_a_few_requests() {
    for request in REQUESTS {
        let (outcome, took, came) = delayed(request.clone(), 1_000_000, |mishap| mishap.status(503)).await;
        let failure = outcome.unwrap_err();
        assert_eq!(failure.kind, FaultKind::Unreachable, "{request:?}: {failure:?}");
        assert!(came <= 40, "{request:?}: {came}");
        assert!(took < Duration::from_secs(300), "{request:?}: {took:?}");
    }
}

/// Eight transfers meet one registry that wants to be left alone for a minute: all of them leave it alone.
#[tokio::test(start_paused = true)]
async fn who_is_told_to_wait_keeps_all_others_back() {
    let (content, root) = testkit::Content::fleet(1, 8, 1000);
    let source = Fake::with(&content, &root, "app:v1");
    let target = Fake::start();
    target.mishap(Mishap::on(Method::POST, "/uploads/").nth(1).status(429).with("Retry-After", "60"));
    let looking = async {
        tokio::time::sleep(Duration::from_secs(30)).await;
        let before = target.ledger().all().len();
        tokio::time::sleep(Duration::from_secs(29)).await;
        (before, target.ledger().all().len())
    };
    let start = Instant::now();
    let (copied, (before, after)) = futures::join!(copy(&source, &target), looking);
    copied.unwrap();
    assert_eq!(before, after, "{}", target.ledger());
    assert!(start.elapsed() >= Duration::from_secs(60));
}
