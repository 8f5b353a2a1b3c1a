//! Detours: a registry that is reached through something that forwards to it, under its own name.
use std::net::SocketAddr;

use auth::Origin;
use http::{HeaderValue, header::HOST};
use url::Url;

use crate::{Options, wire::Request};

/// Which origins are reached through what.
#[derive(Debug)]
pub(crate) struct Detours(Vec<(Origin, SocketAddr)>);

impl Detours {
    pub(crate) fn new(options: &Options) -> Self {
        Self(options.via.iter().map(|(registry, via)| (options.origin(registry), *via)).collect())
    }

    /// Where a request to `url` goes instead.
    pub(crate) fn of(&self, url: &Url) -> Option<SocketAddr> {
        let origin = if self.0.is_empty() { None } else { Origin::of(url) };
        self.0.iter().find(|(known, _)| Some(known) == origin.as_ref()).map(|(_, via)| *via)
    }
}

/// Sends `request` to `via`. Its URL keeps the name that the certificate is for; what it stands for is looked up
/// elsewhere. The `Host` stays the registry's, which puts it into the URLs that it answers with.
pub(crate) fn divert(request: &mut Request, via: SocketAddr) {
    let url = &mut request.url;
    let host = match (url.host_str().unwrap_or_default(), url.port()) {
        (host, Some(port)) => format!("{host}:{port}"),
        (host, None) => host.to_owned(),
    };
    // Neither fails for http and https, which have hosts.
    let _ = url.set_port(Some(via.port()));
    if url.scheme() == "http" {
        let _ = url.set_ip_host(via.ip());
    }
    if let Ok(host) = HeaderValue::from_str(&host) {
        request.headers.insert(HOST, host);
    }
}
