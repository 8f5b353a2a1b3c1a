//! Registry names: a host and, maybe, a port.
use std::{
    fmt,
    net::{Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

use crate::{ParseError, ParseErrorKind, error::Flaw};

/// What Docker Hub is called here.
const DOCKER_HUB: &str = "docker.io";
/// All names of Docker Hub; with port 443 they are still the same.
const HUB_NAMES: [&str; 4] =
    [DOCKER_HUB, "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"];

/// `host[:port]`, lower-cased; Docker Hub's four names are one value.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Registry {
    host: Box<str>,
    port: Option<u16>,
}

impl Registry {
    /// Docker Hub.
    pub fn docker_hub() -> Self {
        Self { host: DOCKER_HUB.into(), port: None }
    }

    /// Whether this is Docker Hub, under any of its names.
    pub fn is_docker_hub(&self) -> bool {
        self.port.is_none() && &*self.host == DOCKER_HUB
    }

    /// The host without the port: a name, an IPv4 address or a bracketed IPv6 address.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port, when one was written.
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// `host[:port]` of the API: `registry-1.docker.io` for Docker Hub, itself for all others.
    pub fn api_host(&self) -> String {
        if self.is_docker_hub() { "registry-1.docker.io".to_owned() } else { self.to_string() }
    }

    /// The key under which Docker's configuration keeps this registry's credential.
    pub fn credential_key(&self) -> String {
        if self.is_docker_hub() { "https://index.docker.io/v1/".to_owned() } else { self.to_string() }
    }

    /// `localhost`, `*.localhost`, `127.0.0.0/8` or `[::1]`.
    pub fn is_loopback(&self) -> bool {
        let host = &*self.host;
        let address = host.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback());
        host == "localhost" || host.ends_with(".localhost") || host == "[::1]" || address
    }

    /// Whether the first component of a name is a host: it has a dot or a colon, or is `localhost`.
    pub(crate) fn looks_like(component: &str) -> bool {
        component == "localhost" || component.contains(['.', ':', '['])
    }

    pub(crate) fn parse(text: &str) -> Result<Self, Flaw> {
        if text.is_empty() {
            return Err(Flaw::new(0, ParseErrorKind::Empty));
        }
        let end = host_end(text)?;
        let (host, port) = text.split_at_checked(end).unwrap_or((text, ""));
        let host = if host.starts_with('[') { ipv6(host)? } else { name(host)? };
        let port = match port.strip_prefix(':') {
            Some(digits) => Some(number(digits).ok_or(Flaw::new(end, ParseErrorKind::Port).within(1))?),
            None => None,
        };
        if HUB_NAMES.contains(&host.as_str()) && port.is_none_or(|port| port == 443) {
            return Ok(Self::docker_hub());
        }
        if port.is_none() && !Self::looks_like(&host) {
            return Err(Flaw::new(0, ParseErrorKind::NoRegistry));
        }
        Ok(Self { host: host.into(), port })
    }
}

/// Where the host ends: behind its closing bracket, at its colon, or at the end.
fn host_end(text: &str) -> Result<usize, Flaw> {
    if !text.starts_with('[') {
        return Ok(text.find(':').unwrap_or(text.len()));
    }
    let end = text.find(']').ok_or(Flaw::new(text.len(), ParseErrorKind::Ipv6))?.saturating_add(1);
    match text.get(end..).and_then(|rest| rest.chars().next()) {
        None | Some(':') => Ok(end),
        Some(_) => Err(Flaw::new(end, ParseErrorKind::Ipv6)),
    }
}

/// The canonical spelling of an address in brackets, so that equal addresses are equal names.
fn ipv6(host: &str) -> Result<String, Flaw> {
    if let Some(at) = host.find('%') {
        return Err(Flaw::new(at, ParseErrorKind::Zone));
    }
    let inner = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let address = inner.and_then(|inner| inner.parse::<Ipv6Addr>().ok());
    address.map(|address| format!("[{address}]")).ok_or(Flaw::new(1, ParseErrorKind::Ipv6))
}

/// A host name or an IPv4 address, lower-cased.
fn name(host: &str) -> Result<String, Flaw> {
    if host.is_empty() {
        return Err(Flaw::new(0, ParseErrorKind::Host));
    }
    let mut start = 0;
    let mut last = "";
    for label in host.split('.') {
        let odd = label.find(|c: char| !c.is_ascii_alphanumeric() && c != '-');
        let edge = label.starts_with('-').then_some(0);
        let tail = (label.is_empty() || label.ends_with('-')).then(|| label.len().saturating_sub(1));
        if let Some(at) = odd.or(edge).or(tail) {
            return Err(Flaw::new(at, ParseErrorKind::Host).within(start));
        }
        start = start.saturating_add(label.len()).saturating_add(1);
        last = label;
    }
    // URL parsers read `127.1` and `0x7f.1` as addresses; such a name must not mean one thing here and another there.
    let numeric =
        last.bytes().all(|byte| byte.is_ascii_digit()) || last.starts_with("0x") || last.starts_with("0X");
    if numeric && host.parse::<Ipv4Addr>().is_err() {
        return Err(Flaw::new(0, ParseErrorKind::Ipv4));
    }
    Ok(host.to_ascii_lowercase())
}

fn number(digits: &str) -> Option<u16> {
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0');
    digits.parse().ok().filter(|_| plain)
}

impl FromStr for Registry {
    type Err = ParseError;

    /// Reads `host[:port]`; a host without dot and port is refused, except `localhost`.
    fn from_str(text: &str) -> Result<Self, ParseError> {
        Self::parse(text).map_err(|flaw| flaw.of(text))
    }
}

impl fmt::Display for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            Some(port) => write!(f, "{}:{port}", self.host),
            None => f.write_str(&self.host),
        }
    }
}
