//! Who answers new callers while the gateway comes to its end: the server proper lets its answers end and takes nobody new.

use super::connection::Limits;
use super::listening::server;
use actix_web::dev::ServerHandle;
use actix_web::web::ServiceConfig;
use std::io;
use std::net::TcpListener;

/// The second door of the gateway's address, behind which callers are told that it is closing.
pub(super) struct Farewell<A> {
    door: TcpListener,
    app: A,
    limits: Limits,
}

impl<A: Fn(&mut ServiceConfig) + Clone + Send + 'static> Farewell<A> {
    /// A second door to where `listener` listens. Nobody is let in by it yet.
    ///
    /// # Errors
    /// When there are no more open files.
    pub(super) fn behind(listener: &TcpListener, app: A, limits: Limits) -> io::Result<Self> {
        Ok(Self { door: listener.try_clone()?, app, limits })
    }

    /// From now on callers are let in here. Without it they are turned away by the system, which does as well: only they do not
    /// hear why.
    pub(super) fn begin(self) -> Option<ServerHandle> {
        let begun = server(self.door, self.app, self.limits, 0);
        let server = begun.inspect_err(|error| tracing::debug!(%error, "nobody is told of the end")).ok()?;
        let handle = server.handle();
        actix_rt::spawn(server);
        Some(handle)
    }
}

/// Nobody is let in any more.
pub(super) async fn end(farewell: Option<&ServerHandle>) {
    if let Some(handle) = farewell {
        handle.stop(false).await;
    }
}
