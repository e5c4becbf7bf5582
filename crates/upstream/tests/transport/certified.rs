//! Providers under TLS, with a certificate of their own making, and the clients that trust it.

use std::{net::TcpStream, sync::Arc};

use bytes::Bytes;
use rustls::{ServerConfig, ServerConnection, StreamOwned, crypto::ring};
use upstream::transport::{CertificateDer, HttpTransport, Limits, Method, Request, Roots, Trust};

use super::support::{Line, Provider, request};

/// A connection under TLS, as a provider has it.
pub(crate) type Session = StreamOwned<ServerConnection, TcpStream>;

/// A provider with a certificate for `localhost` and `provider.example`.
pub(crate) struct SecureProvider {
    pub(crate) provider: Provider,
    certificate: CertificateDer<'static>,
}

impl SecureProvider {
    /// Has both versions of the protocol, and runs `script` for each connection, by its number.
    pub(crate) fn new(script: impl Fn(usize, &mut Line<Session>) + Send + Sync + 'static) -> Self {
        Self::having(&["h2", "http/1.1"], script)
    }

    /// Has these versions of the protocol, the one it likes best first.
    pub(crate) fn having(
        versions: &[&str],
        script: impl Fn(usize, &mut Line<Session>) + Send + Sync + 'static,
    ) -> Self {
        let (config, certificate) = certified(versions);
        let accept = move |socket| Session::new(ServerConnection::new(Arc::clone(&config)).unwrap(), socket);
        Self { provider: Provider::new(usize::MAX, accept, script), certificate }
    }

    pub(crate) fn saying(answer: &'static [u8], farewell: bool) -> Self {
        Self::new(move |_, line| {
            line.hear();
            line.say(answer);
            if farewell {
                line.stream.conn.send_close_notify();
                line.say(b"");
            }
        })
    }

    pub(crate) fn get(&self, host: &str) -> Request {
        let uri = format!("https://{host}:{}/v1", self.provider.address.port());
        request(Method::GET, &uri, Bytes::new())
    }

    pub(crate) fn post(&self, body: impl Into<Bytes>) -> Request {
        Request { method: Method::POST, body: body.into(), ..self.get("localhost") }
    }

    pub(crate) fn trusting(&self) -> HttpTransport {
        HttpTransport::new(Limits::default(), self.roots()).unwrap()
    }

    pub(crate) fn offering_http2(&self) -> HttpTransport {
        self.offering_http2_within(Limits::default())
    }

    pub(crate) fn offering_http2_within(&self, limits: Limits) -> HttpTransport {
        HttpTransport::offering_http2(limits, self.trust())
    }

    pub(crate) fn trust(&self) -> Trust {
        Trust::new(&self.roots()).unwrap()
    }

    fn roots(&self) -> Roots {
        Roots::Only(vec![self.certificate.clone()])
    }
}

/// What such a provider needs for TLS, and what its clients need.
pub(crate) fn certified(versions: &[&str]) -> (Arc<ServerConfig>, CertificateDer<'static>) {
    let made =
        rcgen::generate_simple_self_signed(["localhost", "provider.example"].map(str::to_owned)).unwrap();
    let certificate = made.cert.der().clone();
    let key = made.signing_key.serialize_der().try_into().unwrap();
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)
        .unwrap();
    config.alpn_protocols = versions.iter().map(|version| version.as_bytes().to_vec()).collect();
    (Arc::new(config), certificate)
}
