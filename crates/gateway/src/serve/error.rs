//! Why the gateway does not serve, one variant for each thing a person would do about it.

use crate::edge::InvalidUpstream;
use embedding::UnusableFolder;
use std::io;
use std::net::SocketAddr;
use store::StoreError;
use upstream::transport::UnusableRoots;

/// Why the gateway does not serve, or no longer does.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Other machines could use it without proof.
    #[error(
        "listen is {0}, which other machines can reach, and access.token is not set: anybody there could use the \
         credentials that pass here. Set access.token, or listen on 127.0.0.1"
    )]
    Unprotected(SocketAddr),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}. {hint}", hint = hint(source))]
    Bind {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// A base URL is none.
    #[error(transparent)]
    Upstream(#[from] InvalidUpstream),
    /// No provider could be trusted.
    #[error(transparent)]
    Roots(#[from] UnusableRoots),
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The folder of `recall.embeddings` has no model that can be used.
    #[error(transparent)]
    Embeddings(#[from] UnusableFolder),
    /// An actor crashed again and again.
    #[error(
        "{0} cannot be kept alive, so the gateway stopped. The log says where it crashed; please report it"
    )]
    Actor(&'static str),
    /// The server itself gave up.
    #[error("the HTTP server stopped: {0}")]
    Server(#[source] io::Error),
}

fn hint(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            "Another program uses the port: stop it, or set listen to another one (port 0 picks a free one)"
        }
        io::ErrorKind::PermissionDenied => "Ports below 1024 are for the system: set listen to another one",
        _ => "Set listen to an address of this machine",
    }
}
