//! Foreign layers: their `urls` are asked after the registry, with nothing in hand.
use content::{Descriptor, FaultKind, MediaType, Source};
use futures::StreamExt;

use crate::script::{Script, Seen, answer, blob};

const DATA: &[u8] = b"0123456789";
const FOREIGN: &str = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip";

fn layer(media_type: &str, url: &str) -> Descriptor {
    Descriptor { media_type: MediaType::new(media_type), urls: vec![url.to_owned()], ..blob(DATA) }
}

async fn without_the_layer() -> Script {
    Script::start(|seen: &Seen, _| match seen.header("authorization") {
        Some(_) => answer(404, &[], ""),
        None => answer(401, &["WWW-Authenticate: Basic realm=\"r\""], ""),
    })
    .await
}

#[tokio::test]
async fn a_foreign_layer_comes_from_its_urls_where_the_registry_has_none() {
    let elsewhere = Script::start(|_, _| answer(200, &[], DATA)).await;
    let server = without_the_layer().await;
    let layer = layer(FOREIGN, &format!("http://{}/layer", elsewhere.host));
    let mut incoming = server.repository_as_me("app").open(&layer, 0..10).await.unwrap();
    assert_eq!(incoming.bytes.next().await.unwrap().unwrap(), DATA);
    assert_eq!(elsewhere.lines(), ["GET /layer"]);
}

#[tokio::test]
async fn urls_get_no_credential_even_when_they_ask_for_one() {
    let elsewhere = Script::start(|_, _| answer(401, &["WWW-Authenticate: Basic realm=\"r\""], "")).await;
    let server = without_the_layer().await;
    let layer = layer(FOREIGN, &format!("http://{}/layer", elsewhere.host));
    let fault = server.repository_as_me("app").open(&layer, 0..10).await.unwrap_err();
    assert_eq!(fault.kind(), FaultKind::Authentication);
    assert!(elsewhere.seen().iter().all(|seen| seen.header("authorization").is_none()));
    assert_eq!(elsewhere.lines().len(), 1);
}

#[tokio::test]
async fn any_other_layer_is_the_registrys_to_serve_whatever_urls_it_names() {
    let elsewhere = Script::start(|_, _| answer(200, &[], DATA)).await;
    let server = without_the_layer().await;
    let layer = layer("application/vnd.oci.image.layer.v1.tar", &format!("http://{}/layer", elsewhere.host));
    let fault = server.repository_as_me("app").open(&layer, 0..10).await.unwrap_err();
    assert_eq!((fault.kind(), elsewhere.lines().len()), (FaultKind::Absent, 0));
}
