//! From a name to a connection: lookup, TCP, perhaps a tunnel through a proxy, TLS; and for HTTP/1.1 the guard above it.

use std::{io, net::SocketAddr};

use actix_http::Uri;
use actix_service::Service;
use actix_tls::connect::{ConnectError, ConnectInfo, Connection, ResolverService};
use domain::host;
use futures_core::future::LocalBoxFuture;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::{detour::Detour, guard::Guard, race, wire::Wire};

/// What opens every connection to a provider, for both versions of the protocol. awc calls it when its pool holds none, and
/// bounds the whole call by its connect limit.
#[derive(Clone)]
pub(super) struct Dialer {
    names: ResolverService,
    tls: Option<TlsConnector>,
    detour: Option<Detour>,
}

impl Dialer {
    /// Connects in the clear, and straight: to a program of this machine, as a rule.
    pub(super) fn plain() -> Self {
        Self { names: ResolverService::default(), tls: None, detour: None }
    }

    /// Connects with TLS, whatever the scheme in the address says, and through the proxy of a `detour`, if that is for it.
    pub(super) fn secure(tls: TlsConnector, detour: Option<Detour>) -> Self {
        Self { tls: Some(tls), detour, ..Self::plain() }
    }

    /// Opens a connection to the host and port of `target`.
    ///
    /// # Errors
    /// When the name has no address, none of its addresses a listener, the proxy no way to it, or the listener no certificate
    /// that is trusted.
    pub(super) fn dial(
        &self,
        target: Uri,
    ) -> impl Future<Output = Result<(Uri, Wire), ConnectError>> + use<> {
        let dialer = self.clone();
        async move {
            let detour = dialer.detour.as_ref().and_then(|detour| detour.towards(&target));
            let socket = match detour {
                None => dialer.connect(target.clone()).await?,
                Some(tunnel) => {
                    let connecting = dialer.connect(tunnel.uri()?);
                    tunnel.opened(connecting).await.map_err(io::Error::other).map_err(ConnectError::Io)?
                }
            };
            let wire = dress(socket, &target, dialer.tls).await.map_err(ConnectError::Io)?;
            Ok((target, wire))
        }
    }

    async fn connect(&self, target: Uri) -> Result<TcpStream, ConnectError> {
        let found = self.names.call(ConnectInfo::new(target)).await?;
        race::won(found.addrs(), TcpStream::connect::<SocketAddr>).await
    }
}

impl Service<ConnectInfo<Uri>> for Dialer {
    type Response = Connection<Uri, Guard>;
    type Error = ConnectError;
    type Future = LocalBoxFuture<'static, Result<Self::Response, Self::Error>>;

    actix_service::always_ready!();

    fn call(&self, target: ConnectInfo<Uri>) -> Self::Future {
        let dialing = self.dial(target.request().clone());
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
    let host = host::bare(uri.host().unwrap_or_default());
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
        let dialer = Dialer { names: ResolverService::custom(Known(addresses.to_vec())), ..Dialer::plain() };
        let target = Uri::from_static("http://provider.example:80/v1");
        let (uri, wire) = dialer.dial(target.clone()).await.unwrap();
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
