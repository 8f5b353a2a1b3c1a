//! The door of a registry: where it is, who may come in, and who may listen.
use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use server::{Htpasswd, HtpasswdError, Tls, TlsError};

use crate::{args::ServeArgs, failure::Failure, usage::Usage};

/// Refuses what is no address to listen on.
pub(super) fn is_address(text: &str) -> Result<(), Usage> {
    let parts = text.rsplit_once(':').filter(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok());
    if parts.is_some() {
        return Ok(());
    }
    let hint = "write 127.0.0.1:5000; 0.0.0.0:5000 is every address of this machine";
    Err(Usage::about("--listen", format!("{text:?} is no ADDR:PORT")).hint(hint))
}

/// What stands in the files of a certificate and its key.
pub(super) struct Pair {
    pub(super) certificate: Vec<u8>,
    pub(super) key: Vec<u8>,
}

/// The files of the certificate and its key, if there are any.
pub(super) fn files(args: &ServeArgs) -> Option<(PathBuf, PathBuf)> {
    args.tls_cert.clone().zip(args.tls_key.clone())
}

pub(super) fn read_pair(certificate: &Path, key: &Path) -> Result<Pair, Failure> {
    Ok(Pair { certificate: read(certificate)?, key: read(key)? })
}

/// The certificate and its key, if there are any, and what they were made from.
pub(super) fn tls(args: &ServeArgs) -> Result<Option<(Tls, Pair)>, Failure> {
    let Some((certificate, key)) = files(args) else { return Ok(None) };
    let pair = read_pair(&certificate, &key)?;
    let made = Tls::new(&pair.certificate, &pair.key);
    made.map(|tls| Some((tls, pair))).map_err(|why| misfit(args, &why).into())
}

/// What is wrong with a certificate or its key.
pub(super) fn misfit(args: &ServeArgs, why: &TlsError) -> Usage {
    let shown = |path: &Option<PathBuf>| path.as_deref().unwrap_or(Path::new("")).display().to_string();
    let (certificate, key) = (shown(&args.tls_cert), shown(&args.tls_key));
    match why {
        TlsError::Certificate(_) => Usage::about("--tls-cert", format!("{certificate}: {why}"))
            .hint("it holds certificates in PEM: the server's own, then those of who signed it"),
        TlsError::Key(_) => Usage::about("--tls-key", format!("{key}: {why}"))
            .hint("it holds one private key in PEM: openssl pkey -in FILE writes one without a password"),
        TlsError::Mismatch => Usage::about("--tls-key", format!("{key}: {why}"))
            .hint(format!("name the key that {certificate} was made with")),
    }
}

/// Who may come in, if not everybody.
pub(super) fn htpasswd(args: &ServeArgs) -> Result<Option<Htpasswd>, Failure> {
    let Some(path) = &args.htpasswd else { return Ok(None) };
    let text = String::from_utf8_lossy(&read(path)?).into_owned();
    Htpasswd::read(&text).map(Some).map_err(|HtpasswdError { line, what, hint }| {
        let line = if line == 0 { String::new() } else { format!(":{line}") };
        Usage::about("--htpasswd", format!("{}{line}: {what}", path.display())).hint(hint).into()
    })
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    fs::read(path).map_err(|why| Failure::file(path, why))
}

/// What somebody elsewhere may do who was perhaps not meant to.
pub(super) fn ajar(
    address: SocketAddr,
    (encrypted, guarded, writable): (bool, bool, bool),
) -> Option<String> {
    if address.ip().is_loopback() {
        return None;
    }
    let everybody = if writable { "read, push and delete" } else { "read" };
    match (encrypted, guarded) {
        (false, false) => Some(format!(
            "whoever can reach {address} may {everybody} all of it, and nothing is encrypted; --htpasswd, --tls-cert \
             and --tls-key change that"
        )),
        (false, true) => Some(format!(
            "passwords cross the network to {address} unencrypted; --tls-cert and --tls-key change that"
        )),
        (true, false) if writable => {
            Some(format!("whoever can reach {address} may push and delete; --htpasswd changes that"))
        }
        (true, _) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_open_door_is_told_of_and_a_shut_one_is_not() {
        let told = |address: &str, state| ajar(address.parse().unwrap(), state);
        for state in [(false, false, true), (false, true, false)] {
            assert_eq!(told("127.0.0.1:5000", state), None);
            assert_eq!(told("[::1]:5000", state), None);
            assert!(told("0.0.0.0:5000", state).is_some());
        }
        assert!(told("[::]:5000", (false, false, true)).unwrap().contains("push"));
        assert!(!told("192.0.2.1:5000", (false, false, false)).unwrap().contains("push"));
        assert!(told("192.0.2.1:5000", (true, false, true)).unwrap().contains("push"));
        assert_eq!(told("192.0.2.1:5000", (true, false, false)), None);
        assert_eq!(told("192.0.2.1:5000", (true, true, true)), None);
    }

    #[test]
    fn an_address_has_a_host_and_a_port() {
        for good in ["127.0.0.1:5000", "[::]:0", "localhost:5000", "0.0.0.0:80"] {
            assert!(is_address(good).is_ok(), "{good}");
        }
        for bad in ["5000", ":5000", "localhost", "127.0.0.1:", "127.0.0.1:70000", ""] {
            assert!(is_address(bad).is_err(), "{bad}");
        }
    }
}
