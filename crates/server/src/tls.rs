//! TLS: a certificate and its key, as servers are given them.
use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

use rustls::{
    Error, InconsistentKeys, ServerConfig,
    crypto::ring,
    pki_types::{
        CertificateDer, PrivateKeyDer,
        pem::{self, PemObject},
    },
};
use tokio_rustls::TlsAcceptor;

/// What a server proves itself with. Clones are one.
#[derive(Clone)]
pub struct Tls(Arc<RwLock<Arc<ServerConfig>>>);

/// Why there can be no TLS with what was given.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TlsError {
    /// About the certificates.
    #[error("{0}")]
    Certificate(String),
    /// About the key.
    #[error("{0}")]
    Key(String),
    /// Each is in order, but the key is another certificate's.
    #[error("the key does not belong to the first certificate")]
    Mismatch,
}

impl Tls {
    /// From a chain of certificates, the server's own first, and its key, all in PEM.
    ///
    /// # Errors
    /// A clause for each that says what is wrong with it.
    pub fn new(certificates: &[u8], key: &[u8]) -> Result<Self, TlsError> {
        Ok(Self(Arc::new(RwLock::new(config(certificates, key)?))))
    }

    /// Takes others in place of what it was made from: connections from now on have these.
    ///
    /// # Errors
    /// Those of [`Self::new`]; then it stays what it was.
    pub fn renew(&self, certificates: &[u8], key: &[u8]) -> Result<(), TlsError> {
        let renewed = config(certificates, key)?;
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = renewed;
        Ok(())
    }

    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

fn config(certificates: &[u8], key: &[u8]) -> Result<Arc<ServerConfig>, TlsError> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(certificates).collect();
    let chain = chain.map_err(|why| TlsError::Certificate(format!("it is no PEM: {why}")))?;
    if chain.is_empty() {
        return Err(TlsError::Certificate("there is no certificate in it".to_owned()));
    }
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|why| TlsError::Key(no_key(key, &why)))?;
    let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions();
    let builder = builder.map_err(|why| TlsError::Key(why.to_string()))?;
    let config = builder.with_no_client_auth().with_single_cert(chain, key);
    let mut config = config.map_err(|why| match why {
        Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => TlsError::Mismatch,
        Error::InvalidCertificate(why) => TlsError::Certificate(format!("it cannot be used: {why:?}")),
        why => TlsError::Key(format!("it cannot be used: {why}")),
    })?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// Never shows the key.
impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tls")
    }
}

fn no_key(text: &[u8], why: &pem::Error) -> String {
    let has = |label: &str| text.windows(label.len()).any(|part| part == label.as_bytes());
    if has("BEGIN ENCRYPTED PRIVATE KEY") || has("Proc-Type: 4,ENCRYPTED") {
        return "it is encrypted, and there is nobody to ask for its password".to_owned();
    }
    match why {
        pem::Error::NoItemsFound => "there is no private key in it".to_owned(),
        why => format!("it is no PEM: {why}"),
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertifiedKey, generate_simple_self_signed};

    use super::*;

    fn made() -> (String, String) {
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        (cert.pem(), signing_key.serialize_pem())
    }

    #[test]
    fn what_is_wrong_with_a_certificate_or_a_key_is_said() {
        let ((certificate, key), (_, stray)) = (made(), made());
        let said = |certificate: &str, key: &str| {
            Tls::new(certificate.as_bytes(), key.as_bytes()).map(|_| ()).unwrap_err().to_string()
        };
        assert!(Tls::new(certificate.as_bytes(), key.as_bytes()).is_ok());
        assert_eq!(said(&certificate, &stray), "the key does not belong to the first certificate");
        assert_eq!(said("", &key), "there is no certificate in it");
        assert_eq!(said(&key, &key), "there is no certificate in it");
        assert_eq!(said(&certificate, ""), "there is no private key in it");
        assert_eq!(said(&certificate, &certificate), "there is no private key in it");
        let encrypted = key.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
        assert!(said(&certificate, &encrypted).starts_with("it is encrypted"));
        let torn = certificate.replace("-----END CERTIFICATE-----", "");
        assert!(said(&torn, &key).starts_with("it is no PEM"), "{}", said(&torn, &key));
        let garbage = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert!(said(garbage, &key).starts_with("it cannot be used"), "{}", said(garbage, &key));
        let garbage = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
        assert!(said(&certificate, garbage).starts_with("it cannot be used"));
    }
}
