//! Looking up names: which addresses a host's name stands for, and which of them may be connected to.
//!
//! The check is on the address that is then connected to: a name that passed as text may stand for any address.
use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs},
};

use auth::{Origin, RefusalReason};
use tokio::task::spawn_blocking;
use url::Url;

use crate::wire::Reach;

/// The addresses of `host` that may be connected to, on behalf of whoever named it.
pub(crate) async fn addresses(host: String, reach: &Reach) -> Result<Vec<SocketAddr>, NoAddress> {
    let found = look_up(host.clone()).await?;
    match reach {
        Reach::Named => Ok(found),
        Reach::Foreign(registry) => Ok(admissible(found, &host, registry)?),
    }
}

/// The hosts of the proxies that the environment names, from the variables that the HTTP library reads. The user named
/// them: no registry did.
pub(crate) fn proxies() -> Vec<String> {
    let names = ["ALL_PROXY", "all_proxy", "HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"];
    names.iter().filter_map(|name| proxy_host(&std::env::var(name).ok()?)).collect()
}

/// The host of a proxy's URL; the scheme may be left out.
pub(crate) fn proxy_host(value: &str) -> Option<String> {
    let value = value.trim();
    let url = if value.contains("://") { Url::parse(value) } else { Url::parse(&format!("http://{value}")) };
    Some(url.ok()?.host_str().filter(|host| !host.is_empty())?.to_ascii_lowercase())
}

/// RFC 6761, section 6.3: names below `localhost` are loopback, whatever a name server says of them.
async fn look_up(host: String) -> io::Result<Vec<SocketAddr>> {
    if host.to_ascii_lowercase().ends_with(".localhost") {
        let loopback = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
        return Ok(loopback.map(|address| SocketAddr::new(address, 0)).to_vec());
    }
    spawn_blocking(move || (host.as_str(), 0).to_socket_addrs().map(Iterator::collect)).await?
}

/// The addresses to which `registry` may send us; an error when there are only others.
fn admissible(
    found: Vec<SocketAddr>,
    host: &str,
    registry: &Origin,
) -> Result<Vec<SocketAddr>, RefusedAddress> {
    let mut refused = None;
    let mut allowed = found;
    allowed.retain(|socket| match auth::admit_address(socket.ip(), host, registry) {
        Ok(()) => true,
        Err(reason) => {
            refused = Some(RefusedAddress(socket.ip(), reason));
            false
        }
    });
    match refused {
        Some(refused) if allowed.is_empty() => Err(refused),
        _ => Ok(allowed),
    }
}

/// Why a host cannot be connected to.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoAddress {
    /// Its name does not resolve.
    #[error(transparent)]
    Unknown(#[from] io::Error),
    /// It resolves to addresses that are refused.
    #[error(transparent)]
    Refused(#[from] RefusedAddress),
}

/// Only addresses that a registry may not send us to.
#[derive(Debug, thiserror::Error)]
#[error("a host that this registry names stands for {0}, which {1}")]
pub(crate) struct RefusedAddress(IpAddr, RefusalReason);

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn names_below_localhost_are_loopback() {
        let found = look_up("registry.localhost".to_owned()).await.unwrap();
        assert!(!found.is_empty() && found.iter().all(|socket| socket.ip().is_loopback()));
    }

    #[test]
    fn a_proxys_host_is_read_with_and_without_a_scheme() {
        for value in ["http://Proxy.example:3128", "proxy.example:3128", "http://me:pw@proxy.example/"] {
            assert_eq!(proxy_host(value).as_deref(), Some("proxy.example"), "{value}");
        }
        assert_eq!(proxy_host(""), None);
    }

    #[test]
    fn a_public_registry_leads_to_no_loopback_address() {
        let registry = Origin { https: true, host: "registry.example".to_owned(), port: 443 };
        let public: SocketAddr = "93.184.216.34:0".parse().unwrap();
        let local: SocketAddr = "127.0.0.1:0".parse().unwrap();
        assert_eq!(admissible(vec![local, public], "cdn.example", &registry).unwrap(), [public]);
        assert!(admissible(vec![local], "cdn.example", &registry).is_err());
    }
}
