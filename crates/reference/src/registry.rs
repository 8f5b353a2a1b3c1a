//! Registry names: a host and, maybe, a port.
use std::{fmt, str::FromStr};

use crate::ParseError;

/// `host[:port]`, lower-cased; Docker Hub's four names are one value.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Registry {
    host: Box<str>,
    port: Option<u16>,
}

impl Registry {
    /// Docker Hub.
    pub fn docker_hub() -> Self {
        Self { host: "docker.io".into(), port: None }
    }

    /// Whether this is Docker Hub, under any of its names.
    pub fn is_docker_hub(&self) -> bool {
        todo!()
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
        todo!()
    }

    /// The key under which Docker's configuration keeps this registry's credential.
    pub fn credential_key(&self) -> String {
        todo!()
    }

    /// `localhost`, `*.localhost`, `127.0.0.0/8` or `[::1]`.
    pub fn is_loopback(&self) -> bool {
        todo!()
    }
}

impl FromStr for Registry {
    type Err = ParseError;
    fn from_str(_text: &str) -> Result<Self, ParseError> {
        todo!()
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
