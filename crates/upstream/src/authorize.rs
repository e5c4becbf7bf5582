//! The one place that reveals a secret: where a leased credential is put on a request, if it goes to the right upstream, and
//! where it is taken out of what the upstream says.

use crate::excerpt::MASK;
use crate::transport::{HeaderMap, Request, Uri};
use actix_http::header::{HeaderName, HeaderValue};
use domain::credential::Lease;
use domain::provider::{Dialect, UpstreamKey};
use std::iter;

/// Headers that bear credentials. One request bears one.
const BEARERS: [&str; 3] = ["authorization", "x-api-key", "api-key"];

/// A shorter token keeps no secret, and stands in many a word.
const SHORTEST_SECRET: usize = 4;

/// Why a credential was not put on a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WrongUpstream {
    /// The request goes to another scheme, host or port than the credential was captured for.
    #[error("the request goes to another origin than its credential")]
    Origin,
    /// The request speaks another vendor's dialect.
    #[error("the request is for another provider than its credential")]
    Provider,
    /// The credential or one of its companions is no header value, so that no upstream would take it.
    #[error("the credential cannot be sent as a header")]
    Header,
}

/// Puts the leased credential on `request` exactly as it was captured, and its companions where the request does not already
/// have them. Any other credential on the request gives way.
///
/// # Errors
/// [`WrongUpstream`] when the request is not for the lease's upstream; nothing is set then.
pub fn authorize(request: &mut Request, lease: &Lease) -> Result<(), WrongUpstream> {
    check(&request.uri, &lease.upstream)?;
    let headers = revealed(lease).ok_or(WrongUpstream::Header)?;
    BEARERS.iter().for_each(|bearer| drop(request.headers.remove(*bearer)));
    let mut headers = headers.into_iter();
    if let Some((name, value)) = headers.next() {
        request.headers.insert(name, value);
    }
    headers.for_each(|(name, value)| set_if_absent(&mut request.headers, name, value));
    Ok(())
}

fn check(uri: &Uri, upstream: &UpstreamKey) -> Result<(), WrongUpstream> {
    let origin = origin(uri).ok_or(WrongUpstream::Origin)?;
    if UpstreamKey::new(upstream.provider(), &origin) != *upstream {
        return Err(WrongUpstream::Origin);
    }
    // Two vendors may live at one origin; the path tells them apart where it can.
    match Dialect::of_path(uri.path()) {
        Some(dialect) if dialect.provider() != upstream.provider() => Err(WrongUpstream::Provider),
        _ => Ok(()),
    }
}

/// Built from the parsed parts, so that user information or anything else in the address cannot pose as the host.
fn origin(uri: &Uri) -> Option<String> {
    let port = uri.port_u16().map(|port| format!(":{port}")).unwrap_or_default();
    Some(format!("{}://{}{port}", uri.scheme_str()?, uri.host()?))
}

/// The text with the leased token masked wherever it is quoted.
pub(crate) fn without_secret(lease: &Lease, text: &str) -> String {
    let token = lease.credential.value.reveal().split_whitespace().next_back().unwrap_or_default();
    if token.len() < SHORTEST_SECRET { text.to_owned() } else { text.replace(token, MASK) }
}

/// The credential's header, then its companions.
fn revealed(lease: &Lease) -> Option<Vec<(HeaderName, HeaderValue)>> {
    let credential = &lease.credential;
    let own = (credential.header, credential.value.reveal());
    let all = iter::once(own).chain(credential.companions.iter());
    all.map(|(name, value)| header(name, value)).collect()
}

fn header(name: &str, value: &str) -> Option<(HeaderName, HeaderValue)> {
    let mut value = HeaderValue::from_str(value).ok()?;
    // Companions name accounts: they are nobody's business in a log either.
    value.set_sensitive(true);
    Some((HeaderName::from_bytes(name.as_bytes()).ok()?, value))
}

fn set_if_absent(headers: &mut HeaderMap, name: HeaderName, value: HeaderValue) {
    if !headers.contains_key(&name) {
        headers.insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::Method;
    use bytes::Bytes;
    use domain::companions::Companions;
    use domain::credential::{Credential, CredentialKind};
    use domain::fingerprint::Fingerprint;
    use domain::ids::{Generation, LeaseId, Principal};
    use domain::provider::Provider;
    use domain::secret::Secret;
    use std::sync::Arc;

    fn lease(provider: Provider, origin: &str, header: &'static str, value: &str) -> Lease {
        let credential = Credential {
            header,
            value: Secret::new(value),
            kind: CredentialKind::Bearer,
            fingerprint: Fingerprint::of_number(1),
            companions: Companions::from_iter([
                ("anthropic-version", "2023-06-01"),
                ("anthropic-beta", "oauth-2025-04-20"),
            ]),
            ends: None,
        };
        let owner = (Principal::local(), UpstreamKey::new(provider, origin));
        #[expect(clippy::disallowed_methods, reason = "a test's own lease")]
        Lease::grant(LeaseId(1), owner, Arc::new(credential), Generation(1), false)
    }

    fn bearer(origin: &str) -> Lease {
        lease(Provider::Anthropic, origin, "authorization", "Bearer sk-ant-oat01-x")
    }

    fn request(uri: &str) -> Request {
        Request {
            method: Method::POST,
            uri: uri.parse().unwrap(),
            headers: HeaderMap::new(),
            body: Bytes::new(),
        }
    }

    fn header_of<'r>(request: &'r Request, name: &str) -> Option<&'r str> {
        request.headers.get(name).map(|value| value.to_str().unwrap())
    }

    #[test]
    fn the_credential_is_set_as_it_was_captured_and_marked_as_sensitive() {
        let mut request = request("https://API.example:443/v1/messages?beta=true");
        authorize(&mut request, &bearer("https://api.example")).unwrap();
        assert_eq!(header_of(&request, "authorization"), Some("Bearer sk-ant-oat01-x"));
        assert!(request.headers.iter().all(|(_, value)| value.is_sensitive()));
        assert!(!format!("{:?} {request:?}", request.headers.get("authorization")).contains("sk-ant"));
    }

    #[test]
    fn companions_fill_gaps_and_replace_nothing() {
        let mut request = request("https://api.example/v1/messages");
        request.headers.insert(HeaderName::from_static("anthropic-beta"), HeaderValue::from_static("mine"));
        authorize(&mut request, &bearer("https://api.example")).unwrap();
        assert_eq!(header_of(&request, "anthropic-beta"), Some("mine"));
        assert_eq!(header_of(&request, "anthropic-version"), Some("2023-06-01"));
    }

    #[test]
    fn a_credential_that_was_there_before_gives_way() {
        let mut request = request("https://api.example/v1/messages");
        request
            .headers
            .insert(HeaderName::from_static("authorization"), HeaderValue::from_static("Bearer other"));
        let lease = lease(Provider::Anthropic, "https://api.example", "x-api-key", "sk-ant-api03-x");
        authorize(&mut request, &lease).unwrap();
        assert_eq!(header_of(&request, "authorization"), None);
        assert_eq!(header_of(&request, "x-api-key"), Some("sk-ant-api03-x"));
    }

    #[test]
    fn a_lease_for_another_origin_is_refused_and_nothing_is_set() {
        for uri in [
            "http://api.example/v1/messages",
            "https://api.example:8443/v1/messages",
            "https://api.example.evil.test/v1/messages",
            "https://api.example@evil.test/v1/messages",
            "https://api.example./v1/messages",
            "https://evil.test/https://api.example/v1/messages",
            "/v1/messages",
        ] {
            let mut request = request(uri);
            assert_eq!(
                authorize(&mut request, &bearer("https://api.example")),
                Err(WrongUpstream::Origin),
                "{uri}"
            );
            assert!(request.headers.is_empty(), "{uri}");
        }
    }

    #[test]
    fn a_lease_of_another_vendor_at_the_same_origin_is_refused_and_nothing_is_set() {
        for (uri, provider) in [
            ("http://127.0.0.1:9100/v1/messages", Provider::OpenAi),
            ("http://127.0.0.1:9100/x/v1/responses", Provider::Anthropic),
            ("http://127.0.0.1:9100/v1/chat/completions", Provider::Anthropic),
        ] {
            let mut request = request(uri);
            let lease = lease(provider, "http://127.0.0.1:9100", "authorization", "Bearer x");
            assert_eq!(authorize(&mut request, &lease), Err(WrongUpstream::Provider), "{uri}");
            assert!(request.headers.is_empty(), "{uri}");
        }
    }

    #[test]
    fn a_value_that_is_no_header_is_refused_without_being_named() {
        let mut request = request("https://api.example/v1/messages");
        let lease = lease(Provider::Anthropic, "https://api.example", "authorization", "Bearer a\r\nx: b");
        let refused = authorize(&mut request, &lease).unwrap_err();
        assert_eq!(refused, WrongUpstream::Header);
        assert!(request.headers.is_empty());
    }

    #[test]
    fn the_leased_token_is_taken_out_of_what_is_said_whatever_it_looks_like() {
        for (header, value) in [("x-api-key", "my-proxy-7"), ("authorization", "Bearer my-proxy-7")] {
            let lease = lease(Provider::Anthropic, "https://api.example", header, value);
            let told = without_secret(&lease, "no key my-proxy-7, /v1?key=my-proxy-7x");
            assert_eq!(told, "no key [masked], /v1?key=[masked]x");
        }
        let local = lease(Provider::OpenAi, "http://localhost", "authorization", "Bearer x");
        assert_eq!(without_secret(&local, "an example"), "an example");
    }
}
