//! Which headers travel: all of them, as they came, but those that speak about one connection and not about the message.

use upstream::transport::HeaderMap;

/// Headers about a connection (RFC 9110, 7.6.1), whichever way they go.
const HOP_BY_HOP: [&str; 6] = ["connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"];
/// What a client and a proxy on the way tell each other.
const PROXY: &str = "proxy-";
/// Our own; nobody upstream needs to know that we exist.
const OURS: &str = "x-stillroom-";
/// The transport writes these itself. `expect` is answered by the server before the body comes.
const OF_THE_TRANSPORT: [&str; 3] = ["host", "content-length", "expect"];

/// What of a client's headers goes to the provider.
pub(crate) fn outgoing(headers: &HeaderMap) -> HeaderMap {
    without(headers, |name| OF_THE_TRANSPORT.contains(&name) || name.starts_with(OURS))
}

/// What of a provider's headers goes to the client. Its `content-length` is for the caller to turn into a framing.
pub(crate) fn returning(headers: &HeaderMap) -> HeaderMap {
    without(headers, |_| false)
}

fn without(headers: &HeaderMap, dropped: impl Fn(&str) -> bool) -> HeaderMap {
    let named = named_by_connection(headers);
    let stays = |name: &str| {
        let hops = HOP_BY_HOP.contains(&name) || name.starts_with(PROXY) || named.iter().any(|it| it == name);
        !hops && !dropped(name)
    };
    let mut kept = HeaderMap::new();
    for (name, value) in headers.iter().filter(|(name, _)| stays(name.as_str())) {
        kept.append(name.clone(), value.clone());
    }
    kept
}

/// The headers that `connection` says are about the connection too.
fn named_by_connection(headers: &HeaderMap) -> Vec<String> {
    let values = headers.get_all("connection").filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(|name| name.trim().to_ascii_lowercase()).collect()
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
        let headers = map(&[
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
        assert_eq!(names(&outgoing(&headers)), ["x-api-key"]);
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
        let sent = outgoing(&headers);
        let twice: Vec<_> = sent.get_all("x-twice").collect();
        assert_eq!(twice, ["1", "2"]);
        assert_eq!(names(&sent), names(&headers));
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
        assert_eq!(
            names(&returning(&headers)),
            ["content-length", "retry-after", "set-cookie", "set-cookie"]
        );
    }
}
