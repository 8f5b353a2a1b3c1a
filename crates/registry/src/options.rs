//! Options: what a user may set about talking to registries. The default is the safe choice everywhere.
use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use auth::Origin;
use pace::Traffic;
use reference::Registry;
use url::Url;

use crate::Meter;

/// How registries are talked to.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Options {
    /// Registries that speak plain HTTP although they are not on loopback.
    pub plain_http: Vec<Registry>,
    /// Registries on loopback that speak TLS.
    pub tls: Vec<Registry>,
    /// Registries that take part in ACR's token exchange although their name does not say so.
    pub acr: Vec<Registry>,
    /// PEM files of certificates that are trusted beside the system's.
    pub ca_files: Vec<PathBuf>,
    /// Offers HTTP/2 in the TLS handshake. HTTP/1.1 alone is faster for blobs.
    pub http2: bool,
    /// How long peers are waited for.
    pub timeouts: Timeouts,
    /// How often a request that is safe to repeat is sent, the first time included.
    pub attempts: u32,
    /// The lanes of every registry, which become fewer when it answers 429 or 503, or takes no connection. For this to
    /// have an effect, whoever takes the lanes (the engine) is given the same traffic.
    pub traffic: Traffic,
    /// The `User-Agent` of every request.
    pub user_agent: String,
    /// Who is told of every request; nobody by default.
    pub meter: Option<Arc<dyn Meter>>,
    /// Registries that are reached through something that forwards to them, and where that listens: requests and
    /// certificates are the registry's all the same. Proxies are passed by. A registry that is named by its address
    /// cannot be reached so over TLS.
    pub via: Vec<(Registry, SocketAddr)>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            plain_http: Vec::new(),
            tls: Vec::new(),
            acr: Vec::new(),
            ca_files: Vec::new(),
            http2: false,
            timeouts: Timeouts::default(),
            attempts: 6,
            traffic: Traffic::default(),
            user_agent: concat!("transship/", env!("CARGO_PKG_VERSION")).to_owned(),
            meter: None,
            via: Vec::new(),
        }
    }
}

impl Options {
    /// Whether `registry` is spoken to over TLS: all but loopback, unless told otherwise.
    pub fn speaks_tls(&self, registry: &Registry) -> bool {
        if self.plain_http.contains(registry) {
            return false;
        }
        self.tls.contains(registry) || !registry.is_loopback()
    }

    /// The registry's origin as a URL spells it: every URL that the registry names is compared with it.
    pub(crate) fn origin(&self, registry: &Registry) -> Origin {
        let (https, host) = (self.speaks_tls(registry), registry.api_host());
        let scheme = if https { "https" } else { "http" };
        let url = Url::parse(&format!("{scheme}://{host}/")).ok();
        let port = if https { 443 } else { 80 };
        url.and_then(|url| Origin::of(&url)).unwrap_or(Origin { https, host, port })
    }
}

/// How long a peer may keep us waiting. There is no limit on a whole transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timeouts {
    /// Name, connection and TLS handshake together.
    pub connect: Duration,
    /// From the end of a request to the headers of its answer.
    pub headers: Duration,
    /// From the last byte of a blob to the answer: a registry may hash and store it first.
    pub commit: Duration,
    /// Between two pieces of a body, counted only while that side is waited on.
    pub idle: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(15),
            headers: Duration::from_secs(60),
            commit: Duration::from_secs(300),
            idle: Duration::from_secs(60),
        }
    }
}
