//! Certificates: an authority of the test's own, and what servers on loopback need from it.
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::{
    ServerConfig,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};

/// A private certificate authority, and a certificate of it for `localhost` and the loopback addresses.
#[derive(Debug, Clone)]
pub struct Authority {
    root: String,
    certificate: String,
    key: String,
    chain: Vec<u8>,
    key_der: Vec<u8>,
}

/// Which versions of HTTP a TLS server offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offer {
    /// HTTP/1.1 alone.
    Http1,
    /// HTTP/2 first, HTTP/1.1 for those who cannot.
    Http2,
}

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}

impl Authority {
    /// A new authority that nobody trusts yet.
    pub fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "transship test authority");
        let root = CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("a root");
        let names = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).to_vec();
        let params = CertificateParams::new(names).expect("loopback names");
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &root).expect("a certificate");
        Self {
            root: root.pem(),
            certificate: certificate.pem(),
            key: key.serialize_pem(),
            chain: certificate.der().to_vec(),
            key_der: key.serialize_der(),
        }
    }

    /// The root's certificate, for those who are to trust it.
    pub fn root_pem(&self) -> &str {
        &self.root
    }

    /// The server's certificate.
    pub fn certificate_pem(&self) -> &str {
        &self.certificate
    }

    /// The server's private key.
    pub fn key_pem(&self) -> &str {
        &self.key
    }

    /// Makes ring the cryptography of this process, for clients that bring none of their own.
    pub fn bring_cryptography() {
        // Somebody else may have brought it first.
        drop(rustls::crypto::ring::default_provider().install_default());
    }

    pub(crate) fn server(&self, offer: Offer) -> Arc<ServerConfig> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.key_der.clone()));
        let mut config = builder
            .expect("the default versions")
            .with_no_client_auth()
            .with_single_cert(vec![self.chain.clone().into()], key)
            .expect("a certificate and its key");
        config.alpn_protocols = match offer {
            Offer::Http1 => vec![b"http/1.1".to_vec()],
            Offer::Http2 => vec![b"h2".to_vec(), b"http/1.1".to_vec()],
        };
        Arc::new(config)
    }
}
