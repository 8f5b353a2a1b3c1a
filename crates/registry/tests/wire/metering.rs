//! Meters are told of all that goes over the wire; and a registry behind something that forwards keeps its name.
use std::sync::{Arc, Mutex};

use content::{Begun, Source, Target};
use futures::TryStreamExt;
use registry::{Exchange, Meter, Options, Registries, Removal};

use crate::script::{End, Script, Seen, answer, blob, lend, silence};

/// What a meter was told, on one line each.
#[derive(Default)]
struct Told {
    connections: Mutex<Vec<String>>,
    exchanges: Mutex<Vec<String>>,
}

impl Meter for Told {
    fn connected(&self, origin: &str) {
        self.connections.lock().unwrap().push(origin.to_owned());
    }

    fn exchanged(&self, exchange: &Exchange<'_>) {
        assert!(exchange.to_head.is_none_or(|to_head| to_head <= exchange.whole));
        let Exchange { method, status, sent, received, .. } = exchange;
        let line = format!("{method} {} {sent} {received}", status.unwrap_or_default());
        self.exchanges.lock().unwrap().push(line);
    }
}

impl Told {
    fn options(self: &Arc<Self>) -> Options {
        let mut options = Options::default();
        options.meter = Some(Arc::clone(self) as Arc<dyn Meter>);
        options
    }

    fn exchanges(&self) -> Vec<String> {
        self.exchanges.lock().unwrap().clone()
    }
}

#[tokio::test]
async fn every_request_is_counted_with_the_bytes_of_both_bodies() {
    let told = Arc::new(Told::default());
    let server = Script::start(|seen, _| match seen.method.as_str() {
        "GET" => answer(200, &[], [7; 1000]),
        "POST" => answer(202, &["Location: /up"], ""),
        _ => answer(201, &[], "thanks"),
    })
    .await;
    let repository = server.repository_with("app", told.options());
    let layer = blob(&[7; 1000]);
    let incoming = repository.open(&layer, 0..1000).await.unwrap();
    assert_eq!(
        incoming.bytes.try_fold(0, |sum, bytes| async move { Ok(sum + bytes.len()) }).await.unwrap(),
        1000
    );
    let Begun::Upload(mut upload) = repository.begin(&layer, None).await.unwrap() else { panic!() };
    let (lent, _home) = lend(&layer, &[7; 1000], 300);
    upload.send(lent).await.unwrap();
    assert_eq!(told.exchanges(), ["GET 200 0 1000", "POST 202 0 0", "PUT 201 1000 6"]);
    assert_eq!(*told.connections.lock().unwrap(), [format!("http://{}", server.host)]);
}

#[tokio::test]
async fn a_body_that_is_not_read_to_its_end_counts_as_far_as_it_was_read() {
    let told = Arc::new(Told::default());
    let server = Script::start(|_, _| answer(200, &["Content-Length: 500"], [1; 100]).then(End::Hang)).await;
    let repository = server.repository_with("app", told.options());
    let mut incoming = repository.open(&blob(&[1; 500]), 0..500).await.unwrap();
    assert_eq!(incoming.bytes.try_next().await.unwrap().unwrap().len(), 100);
    assert!(told.exchanges().is_empty());
    drop(incoming);
    assert_eq!(told.exchanges(), ["GET 200 0 100"]);
}

#[tokio::test]
async fn a_request_without_an_answer_is_counted_and_one_that_reached_nobody_is_not() {
    let told = Arc::new(Told::default());
    let server = Script::start(|_, _| silence(0, End::Reset)).await;
    let mut options = told.options();
    options.attempts = 1;
    let layer = blob(b"x");
    assert!(server.repository_with("app", options.clone()).open(&layer, 0..1).await.is_err());
    assert_eq!(told.exchanges(), ["GET 0 0 0"]);
    let host = server.host.clone();
    drop(server);
    let registries = Registries::new(options).unwrap();
    let nobody =
        registries.repository(&host.parse().unwrap(), "app".parse().unwrap(), Arc::new(auth::Given(None)));
    assert!(nobody.open(&layer, 0..1).await.is_err());
    assert_eq!(told.exchanges().len(), 1);
    assert_eq!(told.connections.lock().unwrap().len(), 1);
}

/// The registry's name goes into the URLs that it answers with, so it must not be the forwarder's.
#[tokio::test]
async fn a_registry_behind_a_forwarder_is_asked_by_its_own_name() {
    let told = Arc::new(Told::default());
    let server = Script::start(|seen: &Seen, _| match seen.method.as_str() {
        "POST" => answer(202, &[&format!("Location: http://{}/up", seen.header("host").unwrap())], ""),
        _ => answer(201, &[], ""),
    })
    .await;
    let mut options = told.options();
    options.plain_http = vec!["registry.test:5000".parse().unwrap()];
    options.via = vec![("registry.test:5000".parse().unwrap(), server.host.parse().unwrap())];
    let registries = Registries::new(options).unwrap();
    let repository = registries.repository(
        &"registry.test:5000".parse().unwrap(),
        "app".parse().unwrap(),
        Arc::new(auth::Given(None)),
    );
    let layer = blob(b"a layer");
    let Begun::Upload(mut upload) = repository.begin(&layer, None).await.unwrap() else { panic!() };
    let (lent, _home) = lend(&layer, b"a layer", 300);
    upload.send(lent).await.unwrap();
    let hosts: Vec<_> = server.seen().iter().map(|seen| seen.header("host").unwrap().to_owned()).collect();
    assert_eq!(hosts, ["registry.test:5000", "registry.test:5000"]);
    assert_eq!(*told.connections.lock().unwrap(), ["http://registry.test:5000"]);
}

#[tokio::test]
async fn what_a_registry_does_not_remove_is_an_answer() {
    let unsupported = r#"{"errors":[{"code":"UNSUPPORTED","message":"no"}]}"#;
    let server = Script::start(move |_, index| match index {
        0 => answer(202, &[], ""),
        1 => answer(404, &[], ""),
        2 => answer(405, &[], unsupported),
        _ => answer(403, &[], ""),
    })
    .await;
    let repository = server.repository("app");
    let digest = blob(b"x").digest;
    assert_eq!(repository.remove_blob(&digest).await.unwrap(), Removal::Done);
    assert_eq!(repository.remove_manifest(&digest).await.unwrap(), Removal::Absent);
    for words in ["405 Method Not Allowed: UNSUPPORTED", "403"] {
        let Removal::Refused(why) = repository.remove_manifest(&digest).await.unwrap() else { panic!() };
        assert!(why.contains(words), "{why}");
    }
    assert_eq!(
        server.lines()[..2],
        [format!("DELETE /v2/app/blobs/{digest}"), format!("DELETE /v2/app/manifests/{digest}")]
    );
}
