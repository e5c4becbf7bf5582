//! Heads in both directions. Names and values pass as they are; what HTTP/2 says elsewhere or not at all is left out.

use actix_http::{
    StatusCode,
    header::{HOST, HeaderMap, HeaderName, HeaderValue},
};
use http_of_h2 as http;

use super::super::{Fault, Request, head::MOST_FIELDS, route::Route};

/// About one hop, or the transport's own business; a request with such a field is malformed, or its length is ours to say
/// (RFC 9113, 8.2.2). The host stands in `:authority` instead.
const LEFT_OUT: [&str; 9] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "proxy-connection",
    "te",
    "transfer-encoding",
    "upgrade",
];

/// The head of `request` as HTTP/2 has it.
///
/// # Errors
/// When HTTP/2 has no way to say it.
pub(super) fn request(route: &Route, request: &Request) -> Result<http::Request<()>, Fault> {
    outgoing(route, request).ok_or(Fault::Unsendable("HTTP/2 cannot say its method, its address or a header"))
}

fn outgoing(route: &Route, request: &Request) -> Option<http::Request<()>> {
    let mut outgoing = http::Request::new(());
    *outgoing.method_mut() = method(&request.method)?;
    *outgoing.uri_mut() = uri(route, request.headers.get(HOST).unwrap_or(&route.host))?;
    *outgoing.version_mut() = http::Version::HTTP_2;
    let headers = outgoing.headers_mut();
    for (name, said) in request.headers.iter().filter(|(name, _)| !LEFT_OUT.contains(&name.as_str())) {
        headers.append(http::HeaderName::from_bytes(name.as_str().as_bytes()).ok()?, value(said)?);
    }
    if !(request.body.is_empty() && request.method.is_safe()) {
        headers.insert(http::header::CONTENT_LENGTH, request.body.len().into());
    }
    Some(outgoing)
}

/// `CONNECT` has no path in HTTP/2, and asks for a tunnel, which this is none.
fn method(method: &actix_http::Method) -> Option<http::Method> {
    let other = http::Method::from_bytes(method.as_str().as_bytes()).ok()?;
    (other != http::Method::CONNECT).then_some(other)
}

fn uri(route: &Route, host: &HeaderValue) -> Option<http::Uri> {
    let path = route.uri.path_and_query()?.as_str();
    http::Uri::builder().scheme("https").authority(host.as_bytes()).path_and_query(path).build().ok()
}

/// Never to be put into the table of the connection's compression: several owners' requests go over one connection, and whoever
/// can choose a part of a table and see lengths may guess the rest (RFC 7541, 7.1).
fn value(value: &HeaderValue) -> Option<http::HeaderValue> {
    let mut value = http::HeaderValue::from_bytes(value.as_bytes()).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// The head of an answer, as the rest of the house has it.
///
/// # Errors
/// When it has more fields than an answer in HTTP/1.1 may have.
pub(super) fn answer(parts: &http::response::Parts) -> Result<(StatusCode, HeaderMap), Fault> {
    if parts.headers.len() > MOST_FIELDS {
        return Err(Fault::Protocol("head too large"));
    }
    incoming(parts).ok_or(Fault::Protocol("malformed head"))
}

fn incoming(parts: &http::response::Parts) -> Option<(StatusCode, HeaderMap)> {
    let mut headers = HeaderMap::with_capacity(parts.headers.len());
    for (name, value) in &parts.headers {
        let name = HeaderName::from_bytes(name.as_str().as_bytes()).ok()?;
        headers.append(name, HeaderValue::from_bytes(value.as_bytes()).ok()?);
    }
    Some((StatusCode::from_u16(parts.status.as_u16()).ok()?, headers))
}
