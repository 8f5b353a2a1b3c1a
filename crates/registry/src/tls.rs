//! TLS: whom we trust. One configuration is built at the first https URL and shared by all connections.
use std::{path::Path, sync::Arc};

use content::{Fault, FaultKind, Step};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};

use crate::wire::{Broken, Why};

/// The certificates of a PEM file that a user names.
pub(crate) fn read_pem(file: &Path) -> Result<Vec<CertificateDer<'static>>, Fault> {
    let local = |what: String| Fault::new(FaultKind::Local, Step::Authenticate, what).about(file.display());
    let entries = CertificateDer::pem_file_iter(file).map_err(|why| local(why.to_string()))?;
    let certificates: Result<Vec<_>, _> = entries.collect();
    match certificates {
        Ok(list) if list.is_empty() => Err(local("it holds no certificate in PEM form".to_owned())),
        Ok(list) => Ok(list),
        Err(why) => Err(local(why.to_string())),
    }
}

/// Trusts the platform's roots, or the files that `SSL_CERT_FILE` and `SSL_CERT_DIR` name instead of them, and `extra`.
/// A machine without any gets the roots that this program was built with.
pub(crate) fn trusting(extra: &[CertificateDer<'static>], http2: bool) -> Result<ClientConfig, Broken> {
    let mut roots = RootCertStore::empty();
    let native = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(native.certs);
    if roots.is_empty() {
        let chosen = ["SSL_CERT_FILE", "SSL_CERT_DIR"].iter().find(|name| std::env::var_os(name).is_some());
        if let Some(name) = chosen {
            return Err(Broken::new(Why::Setup, format!("no certificate can be read from {name}")));
        }
        roots.add_parsable_certificates(webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().cloned());
    }
    roots.add_parsable_certificates(extra.iter().cloned());
    let mut config = config(roots)?;
    config.alpn_protocols =
        if http2 { vec![b"h2".to_vec(), b"http/1.1".to_vec()] } else { vec![b"http/1.1".to_vec()] };
    Ok(config)
}

/// Trusts nobody: for clients that only speak plain HTTP, which then need not read any roots.
pub(crate) fn trusting_nobody() -> Result<ClientConfig, Broken> {
    config(RootCertStore::empty())
}

fn config(roots: RootCertStore) -> Result<ClientConfig, Broken> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|why| Broken::new(Why::Setup, why.to_string()))?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}
