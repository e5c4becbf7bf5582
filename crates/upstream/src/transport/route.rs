//! Where a request goes, said once for both versions of the protocol.

use actix_http::{Uri, header::HeaderValue};

use super::{Fault, Request};

/// Where a request goes, in awc's terms.
pub(super) struct Route {
    /// Under TLS?
    pub(super) secure: bool,
    /// With the scheme `http` always: TLS is the dialer's, and awc must not look for its own. With its port always.
    pub(super) uri: Uri,
    /// What the provider is called in a request: without the port that the scheme implies.
    pub(super) host: HeaderValue,
}

impl Route {
    /// The way to the address of `request`.
    pub(super) fn of(request: &Request) -> Result<Self, Fault> {
        let secure = match request.uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(Fault::Unsendable("its scheme is neither https nor http")),
        };
        Self::to(&request.uri, secure).ok_or(Fault::Unsendable("its address has no usable host"))
    }

    fn to(uri: &Uri, secure: bool) -> Option<Self> {
        let usual = if secure { 443 } else { 80 };
        let name = uri.host().filter(|name| !name.is_empty())?;
        let port = uri.port_u16().unwrap_or(usual);
        let said = uri.authority().filter(|said| said.port().is_some() && !said.as_str().contains('@'));
        let authority = match said {
            Some(all_and_no_more) => all_and_no_more.clone(),
            None => format!("{name}:{port}").try_into().ok()?,
        };
        let host = if port == usual { name } else { authority.as_str() }.parse().ok()?;
        // What was read once, the path above all, is neither written nor read again.
        let mut parts = uri.clone().into_parts();
        (parts.scheme, parts.authority) = ("http".parse().ok(), Some(authority));
        Some(Self { secure, host, uri: parts.try_into().ok()? })
    }

    /// Whom to call: host and port.
    pub(super) fn authority(&self) -> &str {
        self.uri.authority().map_or("", |authority| authority.as_str())
    }
}

#[cfg(test)]
mod tests {
    use actix_http::header::HeaderMap;

    use super::*;

    fn route(uri: &'static str) -> Route {
        let request = Request {
            method: super::super::Method::GET,
            uri: Uri::from_static(uri),
            headers: HeaderMap::new(),
            body: bytes::Bytes::new(),
        };
        Route::of(&request).unwrap_or_else(|fault| panic!("{uri}: {fault}"))
    }

    #[test]
    fn a_host_carries_its_port_unless_the_scheme_implies_it() {
        assert_eq!(route("https://provider.example/v1").host, "provider.example");
        assert_eq!(route("https://provider.example:443/v1").host, "provider.example");
        assert_eq!(route("https://provider.example:80/v1").host, "provider.example:80");
        assert_eq!(route("http://provider.example:443/v1").host, "provider.example:443");
        assert_eq!(route("http://[::1]:8080/v1").host, "[::1]:8080");
    }

    #[test]
    fn path_and_query_go_out_as_they_came_and_user_information_does_not() {
        let route = route("https://user:pass@provider.example/a%2Fb//../c?key=1&key=2");
        assert_eq!(route.uri, "http://provider.example:443/a%2Fb//../c?key=1&key=2");
        let with_port = self::route("http://user:pass@provider.example:8080?key=1");
        assert_eq!(
            (with_port.uri, with_port.host),
            (
                Uri::from_static("http://provider.example:8080/?key=1"),
                HeaderValue::from_static("provider.example:8080")
            )
        );
    }
}
