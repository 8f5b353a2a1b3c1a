//! TLS: whom we trust, and what a wrong guess looks like.
use std::{path::PathBuf, sync::Arc};

use auth::Given;
use content::{FaultKind, Source, Version};
use reference::RefName;
use registry::{Options, Registries};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, crypto::ring, pki_types::PrivateKeyDer},
};

use crate::script::{Act, Script, answer, blob};

fn v1() -> Version {
    Version::Name(RefName::new("v1"))
}

fn found() -> Act {
    let digest = format!("Docker-Content-Digest: {}", blob(b"x").digest);
    let media_type = "Content-Type: application/vnd.oci.image.manifest.v1+json";
    answer(200, &[media_type, &digest, "Content-Length: 100"], "")
}

/// An acceptor with a certificate of its own for 127.0.0.1, and that certificate in a file.
pub(crate) fn authority(dir: &tempfile::TempDir, protocols: &[&[u8]]) -> (TlsAcceptor, PathBuf) {
    let signed = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let file = dir.path().join("ca.pem");
    std::fs::write(&file, signed.cert.pem()).unwrap();
    let key = PrivateKeyDer::try_from(signed.signing_key.serialize_der()).unwrap();
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![signed.cert.der().clone()], key)
        .unwrap();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    (TlsAcceptor::from(Arc::new(config)), file)
}

fn speaking_tls(server: &Script, ca: Option<PathBuf>) -> Options {
    let mut options = Options::default();
    options.tls = vec![server.host.parse().unwrap()];
    options.ca_files = ca.into_iter().collect();
    options.attempts = 1;
    options
}

#[tokio::test]
async fn a_private_authority_is_trusted_when_it_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let (acceptor, ca) = authority(&dir, &[]);
    let server = Script::start_with(Some(acceptor), |_, _| found()).await;
    let options = speaking_tls(&server, Some(ca));
    server.repository_with("app", options).resolve(&v1()).await.unwrap();
    assert_eq!(server.lines().len(), 1);
}

#[tokio::test]
async fn an_untrusted_certificate_names_the_host_and_the_way_out() {
    let dir = tempfile::tempdir().unwrap();
    let (acceptor, _) = authority(&dir, &[]);
    let server = Script::start_with(Some(acceptor), |_, _| found()).await;
    let (_, wrong) = authority(&dir, &[]);
    let options = speaking_tls(&server, Some(wrong));
    let fault = server.repository_with("app", options).resolve(&v1()).await.unwrap_err();
    assert_eq!(fault.kind(), FaultKind::Authentication);
    assert!(fault.to_string().contains(&server.host), "{fault}");
    assert!(fault.hint_text().unwrap().contains("--ca-file"));
}

#[tokio::test]
async fn a_server_that_speaks_the_other_protocol_is_told_apart() {
    let dir = tempfile::tempdir().unwrap();
    let (acceptor, _) = authority(&dir, &[]);
    let plain = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = plain.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        let (mut stream, _) = plain.accept().await.unwrap();
        stream.read_u8().await.unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n").await.unwrap();
        std::future::pending::<()>().await;
    });
    let registry: reference::Registry = host.parse().unwrap();
    let mut options = Options::default();
    (options.tls, options.attempts) = (vec![registry.clone()], 1);
    let registries = Registries::new(options).unwrap();
    let repository = registries.repository(&registry, "app".parse().unwrap(), Arc::new(Given(None)));
    let fault = repository.resolve(&v1()).await.unwrap_err();
    assert_eq!(fault.kind(), FaultKind::Unreachable);
    assert!(fault.hint_text().unwrap_or_default().contains("leave it out"), "{fault:?}");
    let secure = Script::start_with(Some(acceptor), |_, _| found()).await;
    let mut options = Options::default();
    options.attempts = 1;
    let fault = secure.repository_with("app", options).resolve(&v1()).await.unwrap_err();
    assert_eq!(fault.kind(), FaultKind::Unreachable);
    assert!(fault.hint_text().unwrap_or_default().contains("--tls"), "{fault:?}");
}

#[tokio::test]
async fn a_file_without_certificates_is_said_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("empty.pem");
    std::fs::write(&file, "nothing").unwrap();
    let mut options = Options::default();
    options.ca_files = vec![file];
    assert_eq!(Registries::new(options).unwrap_err().kind(), FaultKind::Local);
}
