//! From TLS there is no way to anything less, and from a registry none to addresses that are nobody's business: what is
//! refused is refused before anything connects.
use content::{FaultKind, Source, Target};
use registry::Options;

use crate::{
    script::{Script, Seen, answer, blob},
    tls::authority,
};

const DATA: &[u8] = b"0123456789";

/// A registry behind TLS that names `location` for everything, once its own name stands in it for HOST.
async fn naming(dir: &tempfile::TempDir, location: String) -> (Script, Options) {
    let (acceptor, ca) = authority(dir, &[]);
    let server = Script::start_with(Some(acceptor), move |seen: &Seen, _| {
        let location = location.replace("HOST", seen.header("host").unwrap());
        let status = if seen.method == "POST" { 202 } else { 307 };
        answer(status, &[&format!("Location: {location}")], "")
    })
    .await;
    let mut options = Options::default();
    options.tls = vec![server.host.parse().unwrap()];
    options.ca_files = vec![ca];
    (server, options)
}

#[tokio::test]
async fn neither_a_redirect_nor_an_upload_leaves_tls_or_goes_to_cloud_metadata() {
    let plain = Script::start(|_, _| answer(200, &[], DATA)).await;
    let dir = tempfile::tempdir().unwrap();
    for location in [
        // The registry itself without TLS: a proxy in front of it that forgot X-Forwarded-Proto.
        "http://HOST/v2/app/blobs/uploads/1".to_owned(),
        // The same host, another port.
        format!("http://{}/v2/app/blobs/uploads/1", plain.host),
        "http://169.254.169.254/latest/meta-data".to_owned(),
        "https://169.254.169.254/latest/meta-data".to_owned(),
        "https://[::ffff:169.254.169.254]/latest".to_owned(),
        "https://100.100.100.200/".to_owned(),
    ] {
        let (server, options) = naming(&dir, location.clone()).await;
        let repository = server.repository_with("app", options);
        let fault = repository.open(&blob(DATA), 0..10).await.unwrap_err();
        assert_eq!(fault.kind(), FaultKind::Address, "{location}: {fault}");
        let fault = repository.begin(&blob(DATA), None).await.unwrap_err();
        assert_eq!(fault.kind(), FaultKind::Address, "{location}: {fault}");
        assert_eq!(server.lines().len(), 2, "{location}: {:?}", server.lines());
    }
    assert_eq!(plain.lines(), [""; 0]);
}

#[tokio::test]
async fn a_registry_without_tls_leads_to_no_cloud_metadata_either() {
    for location in ["http://169.254.169.254/upload", "http://[fd00:ec2::254]/upload", "//169.254.169.254/x"]
    {
        let server = Script::start(move |seen: &Seen, _| {
            let status = if seen.method == "POST" { 202 } else { 307 };
            answer(status, &[&format!("Location: {location}")], "")
        })
        .await;
        let repository = server.repository("app");
        for fault in [
            repository.open(&blob(DATA), 0..10).await.unwrap_err(),
            repository.begin(&blob(DATA), None).await.unwrap_err(),
        ] {
            assert_eq!(fault.kind(), FaultKind::Address, "{location}: {fault}");
        }
    }
}
