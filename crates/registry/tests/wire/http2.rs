//! The same promises over HTTP/2, where a body that ends early is a reset stream.
use std::{
    convert::Infallible,
    sync::{Arc, Mutex},
};

use auth::Given;
use bytes::Bytes;
use content::{Begun, Target};
use http_body_util::{BodyExt, Empty};
use hyper::{Request, Response, Version, body::Incoming, server::conn::http2, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use registry::{Options, Registries};
use tokio::net::TcpListener;

use crate::{
    script::{blob, lend},
    tls::authority,
};

/// What became of each PUT: whether its body came to its end.
type Ledger = Arc<Mutex<Vec<(Version, bool)>>>;

async fn handle(request: Request<Incoming>, ledger: Ledger) -> Result<Response<Empty<Bytes>>, Infallible> {
    let answer = Response::builder();
    if request.method() == "POST" {
        let location = "/v2/app/blobs/uploads/1";
        return Ok(answer.status(202).header("location", location).body(Empty::new()).unwrap());
    }
    if request.method() != "PUT" {
        return Ok(answer.status(404).body(Empty::new()).unwrap());
    }
    let version = request.version();
    let whole = request.into_body().collect().await.is_ok();
    ledger.lock().unwrap().push((version, whole));
    Ok(answer.status(201).body(Empty::new()).unwrap())
}

async fn serve(dir: &tempfile::TempDir) -> (Options, reference::Registry, Ledger) {
    let (acceptor, ca) = authority(dir, &[b"h2"]);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let registry: reference::Registry = listener.local_addr().unwrap().to_string().parse().unwrap();
    let ledger = Ledger::default();
    let seen = Arc::clone(&ledger);
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let stream = acceptor.accept(stream).await.unwrap();
        let service = service_fn(move |request| handle(request, Arc::clone(&seen)));
        let connection = http2::Builder::new(TokioExecutor::new());
        connection.serve_connection(TokioIo::new(stream), service).await.unwrap();
    });
    let mut options = Options::default();
    (options.tls, options.ca_files, options.http2) = (vec![registry.clone()], vec![ca], true);
    (options, registry, ledger)
}

#[tokio::test]
async fn wrong_last_byte_never_completes_at_the_target_over_http2() {
    let dir = tempfile::tempdir().unwrap();
    let (options, registry, ledger) = serve(&dir).await;
    let registries = Registries::new(options).unwrap();
    let repository = registries.repository(&registry, "app".parse().unwrap(), Arc::new(Given(None)));
    let good = vec![7_u8; 30_000];
    let descriptor = blob(&good);
    let Begun::Upload(mut upload) = repository.begin(&descriptor, None).await.unwrap() else { panic!() };
    let mut wrong = good.clone();
    *wrong.last_mut().unwrap() = 8;
    assert!(upload.send(lend(&descriptor, &wrong, 1_000).0).await.is_err());
    assert!(!upload.realign().await.unwrap());
    upload.send(lend(&descriptor, &good, 1_000).0).await.unwrap();
    let seen = ledger.lock().unwrap().clone();
    assert_eq!(seen, [(Version::HTTP_2, false), (Version::HTTP_2, true)]);
}
