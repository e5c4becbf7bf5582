//! Through a proxy: a tunnel (`CONNECT`, RFC 9110, 9.3.6) to a provider, whose TLS goes on inside it. The proxy learns whom we speak to
//! and how much, and nothing of what is said.

use std::{io, rc::Rc};

use actix_http::Uri;
use actix_tls::connect::ConnectError;
use awc::error::ConnectError as Unconnected;
use domain::{
    host,
    proxy::{Proxy, is_excepted},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use zeroize::Zeroizing;

use super::fault::Fault;

/// The longest head of an answer to `CONNECT`, in bytes; those of real proxies have a few hundred.
const LONGEST_HEAD: usize = 8 * 1024;
/// The most headers in it.
const MOST_HEADERS: usize = 64;

/// A proxy, and for whom it is.
#[derive(Clone)]
pub(super) struct Detour {
    proxy: Rc<Proxy>,
    exceptions: Rc<[String]>,
}

impl Detour {
    /// Through `proxy`, but to none of the `exceptions` and to nobody on this machine.
    pub(super) fn new(proxy: Proxy, exceptions: Vec<String>) -> Self {
        Self { proxy: Rc::new(proxy), exceptions: exceptions.into() }
    }

    /// The way to the host and port of `target`; none for whom is reached straight.
    pub(super) fn towards(&self, target: &Uri) -> Option<Tunnel> {
        let host = target.host().unwrap_or_default();
        let is_straight = host::is_loopback(host) || is_excepted(host, &self.exceptions);
        let target = target.authority().filter(|_| !is_straight)?.to_string();
        Some(Tunnel { proxy: Rc::clone(&self.proxy), target })
    }
}

/// One way through the proxy.
pub(super) struct Tunnel {
    proxy: Rc<Proxy>,
    target: String,
}

/// Why there is no tunnel, for people; nothing of the login is in it.
#[derive(Debug, thiserror::Error)]
#[error("{proxy} {why}")]
pub(super) struct Untunnelled {
    proxy: String,
    why: String,
}

impl Tunnel {
    /// Where the proxy is.
    pub(super) fn uri(&self) -> Result<Uri, ConnectError> {
        let uri = format!("http://{}", self.proxy.authority).parse();
        uri.map_err(|_not_one| ConnectError::Unresolved)
    }

    /// The tunnel through the proxy that `connecting` leads to.
    ///
    /// # Errors
    /// When there is no way to the proxy, or it opens none.
    pub(super) async fn opened(
        &self,
        connecting: impl Future<Output = Result<TcpStream, ConnectError>>,
    ) -> Result<TcpStream, Untunnelled> {
        let mut socket = connecting.await.map_err(|error| self.untunnelled(unreached(error)))?;
        match self.ask(&mut socket).await {
            Ok(()) => Ok(socket),
            Err(why) => Err(self.untunnelled(why)),
        }
    }

    async fn ask(&self, socket: &mut TcpStream) -> Result<(), String> {
        let broken = |error: io::Error| format!("broke off before the tunnel stood: {}", error.kind());
        socket.write_all(self.request().as_bytes()).await.map_err(broken)?;
        let mut head = Vec::new();
        loop {
            if socket.read_buf(&mut head).await.map_err(broken)? == 0 {
                return Err("closed the connection before the tunnel stood".to_owned());
            }
            if let Some(status) = status(&head)? {
                return verdict(status);
            }
        }
    }

    fn request(&self) -> Zeroizing<String> {
        let login = self.proxy.login.as_ref();
        let login = login.map_or_else(Default::default, |login| {
            Zeroizing::new(format!("proxy-authorization: {}\r\n", login.reveal()))
        });
        let target = &self.target;
        format!("CONNECT {target} HTTP/1.1\r\nhost: {target}\r\n{}\r\n", *login).into()
    }

    fn untunnelled(&self, why: String) -> Untunnelled {
        Untunnelled { proxy: self.proxy.authority.clone(), why }
    }
}

/// The status of an answer, once its head is whole. Behind the head there is nothing: a provider waits for our first word.
fn status(answer: &[u8]) -> Result<Option<u16>, String> {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut head = httparse::Response::new(&mut headers);
    match head.parse(answer) {
        Ok(httparse::Status::Complete(_)) => Ok(head.code),
        Ok(httparse::Status::Partial) if answer.len() < LONGEST_HEAD => Ok(None),
        _ => Err("does not answer like an HTTP proxy".to_owned()),
    }
}

fn verdict(status: u16) -> Result<(), String> {
    match status {
        200..300 => Ok(()),
        407 => Err("wants a login, or another one (407): http://USER:PASSWORD@HOST:PORT".to_owned()),
        other => Err(format!("opens no tunnel to the provider; it answered {other}")),
    }
}

fn unreached(error: ConnectError) -> String {
    match Fault::from(&Unconnected::from(error)) {
        Fault::Refused(kind) => format!("cannot be reached: {kind}"),
        Fault::Unresolved => "cannot be reached: its name cannot be resolved".to_owned(),
        other => format!("cannot be reached: {other}"),
    }
}
