//! Redirects: followed for reading, by hand, and with nothing in hand that belongs to the registry.
use content::{Begun, FaultKind, Source, Target};
use futures::StreamExt;

use crate::script::{Act, End, Script, Seen, answer, blob, lend};

const DATA: &[u8] = b"0123456789";

fn to(host: &str, path: &str) -> Act {
    answer(307, &[&format!("Location: http://{host}{path}"), "Set-Cookie: a=b"], "moved")
}

async fn read(server: &Script, from: u64) -> Result<Vec<u8>, content::Fault> {
    let descriptor = blob(DATA);
    let mut incoming = server.repository_as_me("app").open(&descriptor, from..descriptor.size).await?;
    let mut whole = Vec::new();
    while let Some(chunk) = incoming.bytes.next().await {
        whole.extend_from_slice(&chunk?);
    }
    Ok(whole)
}

#[tokio::test]
async fn credentials_do_not_follow_a_redirect() {
    let elsewhere = Script::start(|seen: &Seen, _| match seen.header("range") {
        Some("bytes=4-") => answer(206, &["Content-Range: bytes 4-9/10"], &DATA[4..]),
        _ => answer(200, &[], DATA),
    })
    .await;
    let host = elsewhere.host.clone();
    let server = Script::start(move |seen: &Seen, _| match seen.header("authorization") {
        Some(_) => to(&host, "/blob?sig=1"),
        None => answer(401, &["WWW-Authenticate: Basic realm=\"r\""], ""),
    })
    .await;
    assert_eq!(read(&server, 0).await.unwrap(), DATA);
    assert_eq!(read(&server, 4).await.unwrap(), &DATA[4..]);
    for seen in elsewhere.seen() {
        assert_eq!((seen.header("authorization"), seen.header("cookie")), (None, None));
    }
}

#[tokio::test]
async fn credentials_do_not_come_back_with_a_chain_of_redirects() {
    let home = std::sync::Arc::new(std::sync::OnceLock::<String>::new());
    let back = std::sync::Arc::clone(&home);
    let elsewhere = Script::start(move |_, _| to(back.get().unwrap(), "/final")).await;
    let host = elsewhere.host.clone();
    let server = Script::start(move |seen: &Seen, _| match seen.header("authorization") {
        _ if seen.target == "/final" => answer(200, &[], DATA),
        Some(_) => to(&host, "/b"),
        None => answer(401, &["WWW-Authenticate: Basic realm=\"r\""], ""),
    })
    .await;
    home.set(server.host.clone()).unwrap();
    assert_eq!(read(&server, 0).await.unwrap(), DATA);
    let last = server.seen().pop().unwrap();
    assert_eq!((last.target.as_str(), last.header("authorization")), ("/final", None));
}

#[tokio::test]
async fn a_redirected_hosts_challenge_gets_no_answer() {
    let elsewhere = Script::start(|_, _| answer(401, &["WWW-Authenticate: Basic realm=\"evil\""], "")).await;
    let host = elsewhere.host.clone();
    let server = Script::start(move |_, _| to(&host, "/blob")).await;
    let fault = read(&server, 0).await.unwrap_err();
    assert_eq!(fault.kind(), FaultKind::Authentication);
    assert_eq!(server.lines().len(), 1);
    assert!(elsewhere.seen().iter().all(|seen| seen.header("authorization").is_none()));
}

#[tokio::test]
async fn redirects_end() {
    let server =
        Script::start(|seen: &Seen, index| to(seen.header("host").unwrap(), &format!("/{index}"))).await;
    assert_eq!(read(&server, 0).await.unwrap_err().kind(), FaultKind::Protocol);
    assert_eq!(server.lines().len(), 6);
}

#[tokio::test]
async fn a_redirect_to_cloud_metadata_is_refused_before_it_is_asked() {
    let server = Script::start(|_, _| to("169.254.169.254", "/latest/meta-data")).await;
    assert_eq!(read(&server, 0).await.unwrap_err().kind(), FaultKind::Address);
}

#[tokio::test]
async fn a_link_to_storage_that_has_expired_is_asked_for_anew_at_the_registry() {
    let elsewhere = Script::start(|seen: &Seen, _| match seen.target.as_str() {
        "/new" => answer(200, &[], DATA),
        _ => answer(403, &["Content-Type: application/xml"], "<Error><Code>AccessDenied</Code></Error>"),
    })
    .await;
    let host = elsewhere.host.clone();
    let server = Script::start(move |seen: &Seen, _| match seen.header("range") {
        Some(_) => to(&host, "/expired"),
        None => to(&host, "/new"),
    })
    .await;
    assert_eq!(read(&server, 4).await.unwrap(), DATA);
    assert_eq!((server.lines().len(), elsewhere.lines().len()), (2, 2));
}

#[tokio::test]
async fn a_foreign_layers_urls_never_see_credentials_even_after_a_challenge() {
    let elsewhere = Script::start(|_, _| answer(401, &["WWW-Authenticate: Basic realm=\"evil\""], "")).await;
    let server = Script::start(|seen: &Seen, _| match seen.header("authorization") {
        Some(_) => answer(404, &[], ""),
        None => answer(401, &["WWW-Authenticate: Basic realm=\"r\""], ""),
    })
    .await;
    let mut descriptor = blob(DATA);
    let media_type = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip";
    descriptor.media_type = content::MediaType::new(media_type);
    descriptor.urls = vec![format!("http://{}/layer", elsewhere.host)];
    server.repository_as_me("app").open(&descriptor, 0..10).await.unwrap_err();
    let seen = elsewhere.seen();
    assert_eq!(seen.len(), 1);
    assert_eq!((seen[0].line().as_str(), seen[0].header("authorization")), ("GET /layer", None));
}

#[tokio::test]
async fn a_redirected_hosts_401_starts_no_token_exchange_and_gets_no_token() {
    let elsewhere = Script::start(|seen: &Seen, _| {
        let host = seen.header("host").unwrap();
        answer(401, &[&format!(r#"WWW-Authenticate: Bearer realm="http://{host}/token",service="s""#)], "")
    })
    .await;
    let host = elsewhere.host.clone();
    let server = Script::start(move |seen: &Seen, _| match seen.header("authorization") {
        _ if seen.target.starts_with("/token") => answer(200, &[], r#"{"token":"t0ken"}"#),
        Some("Bearer t0ken") => to(&host, "/blob"),
        _ => {
            let own = seen.header("host").unwrap();
            answer(401, &[&format!(r#"WWW-Authenticate: Bearer realm="http://{own}/token",service="s""#)], "")
        }
    })
    .await;
    let fault = read(&server, 0).await.unwrap_err();
    assert_eq!(fault.kind(), FaultKind::Authentication);
    assert!(fault.to_string().contains("a host that the registry leads to"), "{fault}");
    assert_eq!(server.lines().iter().filter(|line| line.contains("/token")).count(), 1);
    let seen = elsewhere.seen();
    assert_eq!(seen.len(), 1);
    assert!(seen.iter().all(|seen| seen.header("authorization").is_none()));
}

#[tokio::test]
async fn a_host_that_breaks_is_named_where_it_is_not_the_registry() {
    let gone = Script::start(|_, _| answer(200, &[], DATA)).await.host.clone();
    let host = gone.clone();
    let server = Script::start(move |_, _| to(&host, "/blob")).await;
    let mut options = registry::Options::default();
    options.attempts = 1;
    let fault = server.repository_with("app", options).open(&blob(DATA), 0..10).await.unwrap_err();
    assert_eq!(fault.kind(), FaultKind::Unreachable);
    assert!(fault.to_string().contains(&format!("no connection to {gone}")), "{fault}");

    let cutting = Script::start(|_, _| answer(200, &["Content-Length: 10"], "0123").then(End::Close)).await;
    let host = cutting.host.clone();
    let server = Script::start(move |_, _| to(&host, "/blob")).await;
    let fault = read(&server, 0).await.unwrap_err();
    assert!(fault.to_string().contains(&format!("the connection to {} broke", cutting.host)), "{fault}");
}

/// A registry whose gate is closed lets nobody pass for a minute.
#[tokio::test]
async fn what_another_host_asks_for_does_not_close_the_registry() {
    let elsewhere = Script::start(|_, _| answer(503, &["Retry-After: 60"], "")).await;
    let url = format!("http://{}/layer", elsewhere.host);
    let host = elsewhere.host.clone();
    let server = Script::start(move |seen: &Seen, _| match seen.method.as_str() {
        "GET" if seen.target.contains(&blob(DATA).digest.to_string()) => to(&host, "/blob"),
        _ => answer(404, &[], ""),
    })
    .await;
    let mut options = registry::Options::default();
    options.attempts = 1;
    let repository = server.repository_with("app", options);
    let fault = repository.open(&blob(DATA), 0..10).await.unwrap_err();
    assert!(fault.is_momentary() && fault.to_string().contains("leads to"), "{fault}");
    let mut foreign = blob(b"other");
    foreign.media_type = content::MediaType::new("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip");
    foreign.urls = vec![url];
    let fault = repository.open(&foreign, 0..5).await.unwrap_err();
    assert!(fault.is_momentary() && fault.to_string().contains("leads to"), "{fault}");
    let again = tokio::time::timeout(std::time::Duration::from_secs(30), repository.open(&foreign, 0..5));
    again.await.unwrap().unwrap_err();
}

#[tokio::test]
async fn what_an_upload_elsewhere_is_asked_to_wait_for_does_not_close_the_registry() {
    let elsewhere = Script::start(|_, _| answer(503, &["Retry-After: 60"], "")).await;
    let location = format!("Location: http://{}/store/1", elsewhere.host);
    let server = Script::start(move |_, _| answer(202, &[&location], "")).await;
    let (repository, descriptor) = (server.repository("app"), blob(DATA));
    let Begun::Upload(mut upload) = repository.begin(&descriptor, None).await.unwrap() else { panic!() };
    let fault = upload.send(lend(&descriptor, DATA, 3).0).await.unwrap_err();
    assert!(fault.is_momentary() && fault.to_string().contains("leads to"), "{fault}");
    let again = repository.begin(&descriptor, None);
    tokio::time::timeout(std::time::Duration::from_secs(30), again).await.unwrap().unwrap();
}
