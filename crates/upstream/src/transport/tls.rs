//! Whom we trust, and the TLS that follows from it.

use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore, crypto::ring, pki_types::CertificateDer};
use tokio_rustls::TlsConnector;

/// What HTTP/2 is called when protocols are agreed on (RFC 9113, 3.1).
pub(super) const HTTP_2: &[u8] = b"h2";

/// The authorities whose word a provider's certificate needs.
#[derive(Clone, Debug)]
pub enum Roots {
    /// Those of the operating system, or Mozilla's when it has none (a bare container).
    System,
    /// Only these: a company's own authority, or that of a test.
    Only(Vec<CertificateDer<'static>>),
}

/// The trusted roots, or the TLS set-up built on them, cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the trusted roots cannot be used: {0}")]
pub struct UnusableRoots(#[from] rustls::Error);

/// A connector that trusts `roots` and offers HTTP/1.1 only.
///
/// The provider of cryptography is named here instead of installed for the process: nothing then depends on who
/// was first. ALPN is pinned because the guard reads HTTP/1.1; HTTP/2 has a way of its own ([`offering_http2`]), for awc's
/// stalls a third stream behind two unread ones.
pub(super) fn connector(roots: &Roots) -> Result<TlsConnector, UnusableRoots> {
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(store(roots)?)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsConnector::from(Arc::new(config)))
}

/// The same trust, offering HTTP/2 before HTTP/1.1: for a client that reads both.
pub(super) fn offering_http2(connector: &TlsConnector) -> TlsConnector {
    let mut config = ClientConfig::clone(connector.config());
    config.alpn_protocols.insert(0, HTTP_2.to_vec());
    TlsConnector::from(Arc::new(config))
}

fn store(roots: &Roots) -> Result<RootCertStore, rustls::Error> {
    match roots {
        Roots::System => Ok(system()),
        Roots::Only(certificates) => {
            let mut store = RootCertStore::empty();
            certificates.iter().try_for_each(|certificate| store.add(certificate.clone()))?;
            Ok(store)
        }
    }
}

fn system() -> RootCertStore {
    let found = rustls_native_certs::load_native_certs();
    let mut store = RootCertStore::empty();
    // System stores often hold a few ancient certificates; those that cannot be parsed are left out.
    let (usable, ignored) = store.add_parsable_certificates(found.certs);
    if usable > 0 {
        tracing::debug!(usable, ignored, unreadable = found.errors.len(), "trusting the system's roots");
        return store;
    }
    tracing::warn!("the system has no usable roots: trusting the built-in ones");
    RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_root_that_is_no_certificate_is_refused() {
        let nonsense = Roots::Only(vec![CertificateDer::from(vec![1, 2, 3])]);
        assert!(connector(&nonsense).is_err());
    }

    #[test]
    fn there_are_always_some_roots_to_trust() {
        assert!(!system().is_empty());
    }

    #[test]
    fn only_http_1_1_is_offered_unless_more_is_wanted() {
        let connector = connector(&Roots::System).unwrap();
        assert_eq!(connector.config().alpn_protocols, [b"http/1.1".to_vec()]);
    }

    #[test]
    fn http_2_is_offered_first_and_http_1_1_with_it() {
        let both = offering_http2(&connector(&Roots::System).unwrap());
        assert_eq!(both.config().alpn_protocols, [b"h2".to_vec(), b"http/1.1".to_vec()]);
    }
}
