//! The single way out of the house: one request to a provider, one answer back, or one [`Fault`].
//!
//! Everything that talks to a provider goes through [`Transport`], so the simulator can stand in for the network
//! and the HTTP client can be replaced without its callers noticing. [`HttpTransport`] is the real one.
//!
//! What it promises, because a gateway cannot do without it: a truncated body is an error and never an end; an
//! interim answer is never taken for the final one; redirects, decompression and default headers are nobody's
//! business but the caller's; dropping a future or a body closes the connection, or resets the stream in HTTP/2, so
//! that a provider stops generating for somebody who has left.

mod body;
mod clocks;
mod date;
mod detour;
mod dial;
mod fault;
mod guard;
mod head;
mod http;
mod http2;
mod race;
mod route;
mod tls;
mod wire;

use std::{fmt, rc::Rc};

pub use actix_http::{Method, StatusCode, Uri, header::HeaderMap};
use bytes::Bytes;
use futures_core::future::LocalBoxFuture;
pub use rustls::pki_types::CertificateDer;

pub use self::{
    body::{Body, collect},
    fault::{Fault, Phase},
    http::{HttpTransport, Limits, ROUNDS_BEFORE_HTTP2, Trust, Way},
    tls::{Roots, UnusableRoots},
};

/// The single way out. Object safe; the simulator implements it in memory.
pub trait Transport {
    /// Sends `request` and resolves when the head of the final answer is here. Dropping the future, or later the
    /// answer's body, abandons the exchange and closes its connection, or its stream.
    ///
    /// # Errors
    /// A [`Fault`] when there is no answer to return. An answer with an error status is an answer.
    fn send(&self, request: Request) -> LocalBoxFuture<'static, Result<Answer, Fault>>;
}

impl<T: Transport + ?Sized> Transport for Rc<T> {
    fn send(&self, request: Request) -> LocalBoxFuture<'static, Result<Answer, Fault>> {
        (**self).send(request)
    }
}

/// One request to a provider, its body whole in memory.
#[derive(Clone)]
pub struct Request {
    /// The method as the provider shall see it.
    pub method: Method,
    /// Absolute, with the real scheme (`https` or `http`). User information in it is never sent.
    pub uri: Uri,
    /// Sent as they are, duplicates included, except for the framing of the message itself: `connection`,
    /// `content-length`, `transfer-encoding` and `expect` are the transport's own business, and what else is about
    /// one connection is left out in HTTP/2.
    pub headers: HeaderMap,
    /// Sent with a `content-length`, never chunked.
    pub body: Bytes,
}

/// What the provider said: the head whole, the body as it comes.
pub struct Answer {
    /// The status of the final answer; 3xx is returned as it is.
    pub status: StatusCode,
    /// The headers as received, duplicates included.
    pub headers: HeaderMap,
    /// The body, undecoded. It ends with `None` when it is complete, with one `Err` otherwise.
    pub body: Body,
}

impl fmt::Debug for Request {
    /// Names and sizes only: header values, query and body carry credentials and prompts.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Request")
            .field("method", &self.method)
            .field("host", &self.uri.host())
            .field("path", &self.uri.path())
            .field("headers", &names(&self.headers))
            .field("body", &self.body.len())
            .finish()
    }
}

impl fmt::Debug for Answer {
    /// Names only: header values carry cookies and request ids.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Answer")
            .field("status", &self.status)
            .field("headers", &names(&self.headers))
            .finish_non_exhaustive()
    }
}

fn names(headers: &HeaderMap) -> Vec<&str> {
    headers.keys().map(|name| name.as_str()).collect()
}

#[cfg(test)]
mod tests {
    use actix_http::header::{AUTHORIZATION, HeaderValue};

    use super::*;

    #[test]
    fn a_request_prints_no_credential_no_query_and_no_prompt() {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, HeaderValue::from_static("Bearer sk-secret"));
        let request = Request {
            method: Method::POST,
            uri: Uri::from_static("https://user:sk-secret@provider.example/v1/messages?key=sk-secret"),
            headers,
            body: Bytes::from_static(b"sk-secret"),
        };
        let printed = format!("{request:?}");
        assert!(!printed.contains("sk-secret"), "{printed}");
        assert!(printed.contains("provider.example") && printed.contains("authorization"), "{printed}");
    }
}
