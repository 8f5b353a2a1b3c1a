//! A server on a random loopback port, and a client that says exactly what it is told to say.
#![allow(dead_code, reason = "each test program uses its own part")]
use std::net::SocketAddr;

use bytes::Bytes;
use content::Hasher;
use http::{HeaderMap, Request};
use http_body_util::{BodyExt, Full};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use layout::Layout;
use reference::{Algorithm, Digest};
use server::{Options, Server};
use tempfile::TempDir;
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};

pub(crate) const OCTETS: &str = "application/octet-stream";
pub(crate) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub(crate) const INDEX: &str = "application/vnd.oci.image.index.v1+json";

pub(crate) struct Registry {
    pub(crate) dir: TempDir,
    pub(crate) address: SocketAddr,
    client: Client<HttpConnector, Full<Bytes>>,
    stop: oneshot::Sender<()>,
    running: JoinHandle<std::io::Result<()>>,
}

#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Registry {
    pub(crate) async fn start() -> Self {
        Self::start_on(tempfile::tempdir().unwrap(), Options::default()).await
    }

    pub(crate) async fn start_on(dir: TempDir, options: Options) -> Self {
        let layout = Layout::create_or_open(dir.path()).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let server = Server::new(layout, options);
        let running = tokio::spawn(async move {
            let shutdown = async {
                drop(stopped.await);
            };
            server.serve(listener, shutdown).await
        });
        let client = Client::builder(TokioExecutor::new()).build_http();
        Self { dir, address, client, stop, running }
    }

    /// Ends the server and gives back its directory.
    pub(crate) async fn stop(self) -> TempDir {
        drop(self.client);
        self.stop.send(()).unwrap();
        self.running.await.unwrap().unwrap();
        self.dir
    }

    pub(crate) async fn send(
        &self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: Bytes,
    ) -> Reply {
        let uri = format!("http://{}{target}", self.address);
        let mut request = Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = self.client.request(request.body(Full::new(body)).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Reply { status: parts.status.as_u16(), headers: parts.headers, body }
    }

    pub(crate) async fn get(&self, target: &str) -> Reply {
        self.send("GET", target, &[], Bytes::new()).await
    }

    pub(crate) async fn ask(&self, method: &str, target: &str) -> Reply {
        self.send(method, target, &[], Bytes::new()).await
    }

    /// Opens a session; its location.
    pub(crate) async fn session(&self, repository: &str) -> String {
        let reply = self.ask("POST", &format!("/v2/{repository}/blobs/uploads/")).await;
        reply.expect(202).header("location").to_owned()
    }

    /// Pushes a blob the common way: POST, then one PUT.
    pub(crate) async fn push_blob(&self, repository: &str, bytes: &Bytes) -> Digest {
        let digest = Hasher::digest(Algorithm::Sha256, bytes);
        let location = self.session(repository).await;
        let target = format!("{location}?digest={digest}");
        self.send("PUT", &target, &[("content-type", OCTETS)], bytes.clone()).await.expect(201);
        digest
    }

    pub(crate) async fn push_manifest(
        &self,
        repository: &str,
        reference: &str,
        media_type: &str,
        text: &str,
    ) -> Reply {
        let target = format!("/v2/{repository}/manifests/{reference}");
        self.send("PUT", &target, &[("content-type", media_type)], Bytes::copy_from_slice(text.as_bytes()))
            .await
    }
}

impl Reply {
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self:?}");
        self
    }

    #[track_caller]
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("no {name} in {self:?}")).to_str().unwrap()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The code of an error body.
    #[track_caller]
    pub(crate) fn code(&self) -> String {
        self.json()["errors"][0]["code"].as_str().unwrap().to_owned()
    }
}

/// Bytes that look like nothing else, the same every time for one seed.
pub(crate) fn noise(seed: &str, length: usize) -> Bytes {
    let mut bytes = Vec::new();
    let mut block = seed.as_bytes().to_vec();
    while bytes.len() < length {
        block = Hasher::digest(Algorithm::Sha512, &block).to_string().into_bytes();
        bytes.extend_from_slice(&block);
    }
    bytes.truncate(length);
    bytes.into()
}

pub(crate) fn digest_of(bytes: &[u8]) -> Digest {
    Hasher::digest(Algorithm::Sha256, bytes)
}
