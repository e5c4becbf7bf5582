//! From a name to a connection: lookup, TCP, TLS; and for HTTP/1.1 the guard above it.

use std::{io, net::SocketAddr};

use actix_http::Uri;
use actix_service::Service;
use actix_tls::connect::{ConnectError, ConnectInfo, Connection, ResolverService};
use futures_core::future::LocalBoxFuture;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::{guard::Guard, race, wire::Wire};

/// What opens every connection to a provider, for both versions of the protocol. awc calls it when its pool holds none, and
/// bounds the whole call by its connect limit.
#[derive(Clone)]
pub(super) struct Dialer {
    names: ResolverService,
    tls: Option<TlsConnector>,
}

impl Dialer {
    /// Connects with TLS when `tls` is given, whatever the scheme in the address says.
    pub(super) fn new(tls: Option<TlsConnector>) -> Self {
        Self { names: ResolverService::default(), tls }
    }

    /// Opens a connection to the host and port of `target`.
    ///
    /// # Errors
    /// When the name has no address, none of its addresses a listener, or the listener no certificate that is trusted.
    pub(super) fn dial(
        &self,
        target: ConnectInfo<Uri>,
    ) -> impl Future<Output = Result<(Uri, Wire), ConnectError>> + use<> {
        let lookup = self.names.call(target);
        let tls = self.tls.clone();
        async move {
            let found = lookup.await?;
            let socket = race::won(found.addrs(), TcpStream::connect::<SocketAddr>).await?;
            let uri = found.request().clone();
            let wire = dress(socket, &uri, tls).await.map_err(ConnectError::Io)?;
            Ok((uri, wire))
        }
    }
}

impl Service<ConnectInfo<Uri>> for Dialer {
    type Response = Connection<Uri, Guard>;
    type Error = ConnectError;
    type Future = LocalBoxFuture<'static, Result<Self::Response, Self::Error>>;

    actix_service::always_ready!();

    fn call(&self, target: ConnectInfo<Uri>) -> Self::Future {
        let dialing = self.dial(target);
        Box::pin(async move {
            let (uri, wire) = dialing.await?;
            Ok(Connection::new(uri, Guard::new(wire)))
        })
    }
}

async fn dress(socket: TcpStream, uri: &Uri, tls: Option<TlsConnector>) -> io::Result<Wire> {
    // A request goes out in several writes; none shall wait for an acknowledgement of the one before.
    socket.set_nodelay(true)?;
    match tls {
        None => Ok(Wire::Plain(socket)),
        Some(tls) => Ok(Wire::Secure(Box::new(tls.connect(server_name(uri)?, socket).await?))),
    }
}

/// The name that the provider's certificate must carry.
fn server_name(uri: &Uri) -> io::Result<ServerName<'static>> {
    let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    ServerName::try_from(host.to_owned()).map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use actix_tls::connect::Resolve;

    use super::*;

    /// A resolver that knows one name.
    struct Known(Vec<SocketAddr>);

    impl Resolve for Known {
        fn lookup<'a>(
            &'a self,
            _: &'a str,
            _: u16,
        ) -> LocalBoxFuture<'a, Result<Vec<SocketAddr>, Box<dyn Error>>> {
            Box::pin(std::future::ready(Ok(self.0.clone())))
        }
    }

    #[tokio::test]
    async fn a_name_is_reached_at_whichever_of_its_addresses_takes_connections() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addresses = [&closed, &listener].map(|listener| listener.local_addr().unwrap());
        drop(closed);
        let dialer = Dialer { names: ResolverService::custom(Known(addresses.to_vec())), tls: None };
        let target = Uri::from_static("http://provider.example:80/v1");
        let (uri, wire) = dialer.dial(ConnectInfo::new(target.clone())).await.unwrap();
        assert_eq!((uri, wire.socket().peer_addr().unwrap()), (target, addresses[1]));
    }

    #[test]
    fn a_certificate_is_checked_against_the_bare_host() {
        let name = |uri| server_name(&Uri::from_static(uri)).unwrap();
        assert_eq!(name("http://provider.example:443/v1"), ServerName::try_from("provider.example").unwrap());
        assert_eq!(name("http://[::1]:8443/"), ServerName::try_from("::1").unwrap());
    }

    #[tokio::test]
    async fn a_request_in_pieces_waits_for_no_acknowledgement() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let socket = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let wire = dress(socket, &Uri::from_static("http://localhost"), None).await.unwrap();
        assert!(wire.socket().nodelay().unwrap());
    }
}
