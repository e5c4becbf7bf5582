//! Which headers travel: all of them, as they came, but those that speak about one connection and not about the message.

use actix_web::http::header::{CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING};
use domain::intake::{concerns_credentials, is_auth_header};
use upstream::transport::HeaderMap;

/// Headers about a connection (RFC 9110, 7.6.1), whichever way they go.
const HOP_BY_HOP: [&str; 10] = [
    "connection",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    // What a client and a proxy on the way tell each other. `proxy-status` is for all behind it (RFC 9209).
    "proxy-authenticate",
    "proxy-authentication-info",
    "proxy-authorization",
    "proxy-connection",
];
/// Our own; nobody upstream needs to know that we exist.
const OURS: &str = "x-stillroom-";
/// The transport writes these itself. `expect` is answered by the server before the body comes.
const OF_THE_TRANSPORT: [&str; 3] = ["host", "content-length", "expect"];

/// What of a client's headers goes to the provider, once those that it named are [left behind](leave_named_behind).
pub(crate) fn outgoing(mut headers: HeaderMap) -> HeaderMap {
    let is_dropped =
        |name: &str| OF_THE_TRANSPORT.contains(&name) || name.starts_with(OURS) || is_alias(name);
    headers.retain(|name, _| !is_about_a_hop(name.as_str()) && !is_dropped(name.as_str()));
    headers
}

/// Takes away what a `connection` header says is about the connection, too. It goes no further, so of a request it tells nothing: a credential
/// that the provider never sees is none.
pub(crate) fn leave_named_behind(headers: &mut HeaderMap) {
    for name in named_by_connection(headers) {
        headers.remove(name);
    }
}

/// Whether every credential in `headers` is text. What is not, no provider takes, and no two programs read alike.
pub(crate) fn credentials_are_text(headers: &HeaderMap) -> bool {
    headers
        .iter()
        .filter(|(name, _)| is_auth_header(name.as_str()))
        .all(|(_, value)| value.as_bytes().is_ascii())
}

/// Whether a name is one that decides something here, but with underscores. Some servers take the two for the same; then a
/// provider would see a credential, a length or a host that nobody here has looked at. Names that are no alias of those, such
/// as `session_id`, travel.
fn is_alias(name: &str) -> bool {
    if !name.contains('_') {
        return false;
    }
    let meant = name.replace('_', "-");
    concerns_credentials(&meant)
        || OF_THE_TRANSPORT.contains(&&*meant)
        || meant.starts_with(OURS)
        || is_about_a_hop(&meant)
}

fn is_about_a_hop(name: &str) -> bool {
    HOP_BY_HOP.contains(&name)
}

/// What of a provider's headers goes to the client. Its `content-length` is for the caller to turn into a framing.
pub(crate) fn returning(mut headers: HeaderMap) -> HeaderMap {
    // Where the two are there, the chunks decide (RFC 9112, 6.3).
    if headers.contains_key(TRANSFER_ENCODING) {
        headers.remove(CONTENT_LENGTH);
    }
    leave_named_behind(&mut headers);
    headers.retain(|name, _| !is_about_a_hop(name.as_str()));
    headers
}

/// The length that `headers` give a body, in bytes.
pub(crate) fn length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.trim().parse().ok()
}

/// The headers that `connection` says are about the connection too, besides those that always are.
fn named_by_connection(headers: &HeaderMap) -> Vec<String> {
    let values = headers.get_all(CONNECTION).filter_map(|value| value.to_str().ok());
    let names = values.flat_map(|value| value.split(',')).map(str::trim);
    let unusual = names.filter(|name| !HOP_BY_HOP.iter().any(|usual| name.eq_ignore_ascii_case(usual)));
    unusual.map(str::to_ascii_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::{HeaderName, HeaderValue};

    fn map(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        headers
    }

    fn names(headers: &HeaderMap) -> Vec<&str> {
        let mut names: Vec<&str> = headers.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn what_is_about_the_connection_or_about_us_stays_behind() {
        let mut headers = map(&[
            ("connection", "close, X-Secret-Hop"),
            ("x-secret-hop", "1"),
            ("keep-alive", "timeout=5"),
            ("te", "trailers"),
            ("trailer", "x"),
            ("transfer-encoding", "chunked"),
            ("upgrade", "h2c"),
            ("proxy-authorization", "Basic x"),
            ("proxy-connection", "keep-alive"),
            ("host", "127.0.0.1"),
            ("content-length", "2"),
            ("expect", "100-continue"),
            ("x-stillroom-access", "token"),
            ("x-api-key", "key"),
        ]);
        leave_named_behind(&mut headers);
        assert_eq!(names(&outgoing(headers)), ["x-api-key"]);
    }

    #[test]
    fn what_a_proxy_says_to_all_behind_it_travels_both_ways() {
        let headers = map(&[
            ("proxy-status", "edge; error=http_request_error"),
            ("proxy-agent", "x"),
            ("proxy-authenticate", "Basic"),
            ("proxy-authentication-info", "x"),
            ("proxy-authorization", "Basic x"),
            ("proxy-connection", "keep-alive"),
        ]);
        for passed in [outgoing(headers.clone()), returning(headers)] {
            assert_eq!(names(&passed), ["proxy-agent", "proxy-status"]);
        }
    }

    #[test]
    fn both_credentials_doubled_headers_and_odd_names_travel() {
        let headers = map(&[
            ("authorization", "Bearer a"),
            ("x-api-key", "b"),
            ("session_id", "c"),
            ("x-twice", "1"),
            ("x-twice", "2"),
            ("accept-encoding", "gzip"),
        ]);
        let sent = outgoing(headers.clone());
        let twice: Vec<_> = sent.get_all("x-twice").collect();
        assert_eq!(twice, ["1", "2"]);
        assert_eq!(names(&sent), names(&headers));
    }

    #[test]
    fn an_underscore_in_place_of_a_dash_smuggles_nothing_past_and_a_name_of_its_own_travels() {
        let headers = map(&[
            ("x_api_key", "k"),
            ("x-api_key", "k"),
            ("x_goog_api_key", "k"),
            ("anthropic_beta", "b"),
            ("chatgpt_account_id", "a"),
            ("x_stillroom_access", "t"),
            ("proxy_authorization", "p"),
            ("transfer_encoding", "chunked"),
            ("content_length", "2"),
            ("session_id", "s"),
            ("x_own", "1"),
        ]);
        assert_eq!(names(&outgoing(headers)), ["session_id", "x_own"]);
    }

    #[test]
    fn a_credential_that_is_no_text_is_told_from_one_that_is() {
        let with = |name: &'static str, value: &[u8]| {
            [(HeaderName::from_static(name), HeaderValue::from_bytes(value).unwrap())].into_iter().collect()
        };
        for name in ["authorization", "x-api-key", "x-goog-api-key"] {
            assert!(credentials_are_text(&with(name, b"Bearer a")), "{name}");
            assert!(!credentials_are_text(&with(name, b"Bearer \xc3\xa4")), "{name}");
            assert!(!credentials_are_text(&with(name, b"\x80")), "{name}");
        }
        assert!(credentials_are_text(&with("x-title", b"\xc3\xa4")));
    }

    #[test]
    fn an_answer_keeps_its_length_and_its_limits() {
        let headers = map(&[
            ("content-length", "5"),
            ("connection", "keep-alive"),
            ("retry-after", "2"),
            ("set-cookie", "a"),
            ("set-cookie", "b"),
        ]);
        assert_eq!(names(&returning(headers)), ["content-length", "retry-after", "set-cookie", "set-cookie"]);
    }

    #[test]
    fn an_answer_that_comes_in_chunks_has_no_length_whatever_it_says() {
        let headers = map(&[("content-length", "3"), ("transfer-encoding", "chunked"), ("x", "1")]);
        assert_eq!(names(&returning(headers)), ["x"]);
    }
}
