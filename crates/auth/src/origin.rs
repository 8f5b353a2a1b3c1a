//! Origins: scheme, host and effective port, which decide where a credential may go.
use std::fmt;

use url::Url;

use crate::address::Class;

/// Scheme, host and port of a server. Two URLs with different origins share no credential.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Origin {
    /// Whether the scheme is `https`; else it is `http`.
    pub https: bool,
    /// Lower-case host name, IPv4 address, or IPv6 address in brackets.
    pub host: String,
    /// The effective port: 443 or 80 when none was written.
    pub port: u16,
}

impl Origin {
    /// The origin of an `http` or `https` URL; `None` for other schemes.
    pub fn of(url: &Url) -> Option<Self> {
        let https = match url.scheme() {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        let host = url.host_str().filter(|host| !host.is_empty())?;
        Some(Self { https, host: host.to_ascii_lowercase(), port: url.port_or_known_default()? })
    }

    /// Whether the host is this machine by its name or address.
    pub fn is_loopback(&self) -> bool {
        Class::of_host(&self.host) == Class::Loopback
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, default) = if self.https { ("https", 443) } else { ("http", 80) };
        write!(f, "{scheme}://{}", self.host)?;
        if self.port == default { Ok(()) } else { write!(f, ":{}", self.port) }
    }
}
