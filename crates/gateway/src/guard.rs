//! Who may speak to the gateway: decided before routing, for every path alike.
//!
//! A server on loopback is reachable by every web page in the user's browser. Such a page gives itself away by its `Origin`,
//! by `Sec-Fetch-Site`, or, when its own name was made to point here, by its `Host`. Agents send none of these.

use crate::error::Refusal;
use crate::route::{Route, is_admin};
use actix_web::HttpRequest;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{HOST, HeaderMap, HeaderValue, ORIGIN};
use actix_web::middleware::Next;
use domain::secret::Secret;
use sha2::{Digest as _, Sha256};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// Bears the access token of a gateway that other machines can reach.
pub(crate) const ACCESS_HEADER: &str = "x-stillroom-access";
/// What a proxy adds. Behind one, every caller looks like one from this machine.
const FORWARDED: [&str; 5] = ["forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip"];

/// Why a request goes no further.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Denial {
    /// It was sent to a name or address that is not this gateway's.
    Host,
    /// A web page sent it.
    Browser,
    /// It lacks the access token.
    Token,
    /// It may not know that there is an admin plane.
    Hidden,
}

/// The rules of one listening address.
#[derive(Debug, Clone)]
pub(crate) struct Guard {
    listen: IpAddr,
    /// The hash of the access token: comparing hashes takes the same time wherever two tokens differ.
    token: Option<[u8; 32]>,
}

impl Guard {
    /// The rules for a gateway that listens on `listen` and has this access token, if any.
    pub(crate) fn new(listen: SocketAddr, token: Option<&Secret>) -> Self {
        Self { listen: listen.ip(), token: token.map(|token| hash(token.reveal().as_bytes())) }
    }

    /// Whether only this machine can reach the gateway.
    pub(crate) fn is_local(&self) -> bool {
        is_loopback(self.listen)
    }

    /// Judges a request by its head and its sender.
    pub(crate) fn check(&self, request: &HttpRequest) -> Result<(), Denial> {
        let headers = request.headers();
        let host = headers.get(HOST).and_then(|host| host.to_str().ok());
        if !self.may_be_called(host) || !agrees(request.uri().authority().map(|it| it.as_str()), host) {
            return Err(Denial::Host);
        }
        if comes_from_a_page(headers) {
            return Err(Denial::Browser);
        }
        if !self.is_local() && !self.knows_the_token(headers) {
            return Err(Denial::Token);
        }
        if is_admin(request.match_info().as_str()) && !administers(request, host) {
            return Err(Denial::Hidden);
        }
        Ok(())
    }

    /// Where only this machine listens, only names that cannot be made to point elsewhere are ours.
    fn may_be_called(&self, host: Option<&str>) -> bool {
        host.is_some_and(|host| !self.is_local() || is_local_authority(host))
    }

    fn knows_the_token(&self, headers: &HeaderMap) -> bool {
        let mut shown = headers.get_all(ACCESS_HEADER);
        match (self.token, shown.next(), shown.next()) {
            (Some(token), Some(shown), None) => is_same(&token, &hash(shown.as_bytes())),
            _ => false,
        }
    }
}

/// The guard as a middleware, around everything.
pub(crate) async fn guarded(
    guard: Arc<Guard>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    match guard.check(request.request()) {
        Ok(()) => next.call(request).await.map(ServiceResponse::map_into_boxed_body),
        Err(denial) => {
            let head = request.head();
            let provider = Route::of(&head.method, &head.uri, head.headers()).map(|route| route.provider);
            let answer = denial.refusal().answer(provider);
            Ok(request.into_response(answer))
        }
    }
}

impl Denial {
    fn refusal(self) -> Refusal {
        let denied = |code, message| Refusal::new(StatusCode::FORBIDDEN, code, message);
        match self {
            Self::Host => denied(
                "host_denied",
                "Stillroom answers only to the address it listens on, and the request names another host. Use \
                 127.0.0.1 or localhost in the base URL.",
            ),
            Self::Browser => denied(
                "origin_denied",
                "Stillroom does not answer web pages of other sites, and the request comes from one.",
            ),
            Self::Token => denied(
                "access_denied",
                "This Stillroom is open to other machines and asks for its access token. Send it as the header \
                 x-stillroom-access.",
            ),
            Self::Hidden => Refusal::unknown_path(),
        }
    }
}

fn administers(request: &HttpRequest, host: Option<&str>) -> bool {
    let near = request.peer_addr().is_some_and(|peer| is_loopback(peer.ip()));
    let direct = FORWARDED.iter().all(|name| !request.headers().contains_key(*name));
    near && direct && host.is_some_and(is_local_authority)
}

/// An absolute target may not say another host than the `Host` header: who routes by the one and checks the other is fooled.
fn agrees(target: Option<&str>, host: Option<&str>) -> bool {
    target.is_none_or(|target| host.is_some_and(|host| host.eq_ignore_ascii_case(target)))
}

fn comes_from_a_page(headers: &HeaderMap) -> bool {
    let foreign = |origin: &HeaderValue| !origin.to_str().is_ok_and(is_local_origin);
    let crosses = |site: &HeaderValue| matches!(site.as_bytes(), b"cross-site" | b"same-site");
    headers.get_all(ORIGIN).any(foreign) || headers.get_all("sec-fetch-site").any(crosses)
}

fn is_local_origin(origin: &str) -> bool {
    let authority = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    authority.is_some_and(is_local_authority)
}

/// `localhost` or a loopback address as the standards spell it, with or without a port. Other spellings of an address
/// (`127.1`, `0x7f000001`, a dot at the end) are what an attacker writes.
fn is_local_authority(authority: &str) -> bool {
    let Some(name) = without_port(authority) else { return false };
    let bare = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    match bare {
        Some(v6) => v6.parse().is_ok_and(|address| is_loopback(IpAddr::V6(address))),
        None => {
            name.eq_ignore_ascii_case("localhost") || name.parse().is_ok_and(|v4| is_loopback(IpAddr::V4(v4)))
        }
    }
}

fn without_port(authority: &str) -> Option<&str> {
    match authority.rsplit_once(':') {
        Some((name, port)) if !port.contains(']') => port.parse::<u16>().ok().map(|_| name),
        _ => Some(authority),
    }
}

/// A socket for both families shows callers of the older one in the newer one's clothes.
fn is_loopback(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

fn hash(text: &[u8]) -> [u8; 32] {
    Sha256::digest(text).into()
}

fn is_same(one: &[u8; 32], other: &[u8; 32]) -> bool {
    one.iter().zip(other).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    const LOCAL_HOSTS: [&str; 7] =
        ["127.0.0.1:4141", "127.0.0.1", "localhost:1", "LOCALHOST", "[::1]:4141", "[::1]", "127.255.0.9:80"];
    const FOREIGN_HOSTS: [&str; 14] = [
        "evil.example",
        "evil.example:4141",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "localhost.",
        "127.1",
        "0x7f000001",
        "2130706433",
        "0.0.0.0:4141",
        "user@127.0.0.1",
        "127.0.0.1:port",
        "127.0.0.1:",
        "[::1",
        "",
    ];
    const LOCAL_ORIGINS: [Option<&str>; 4] =
        [None, Some("http://localhost:4141"), Some("https://127.0.0.1"), Some("http://[::1]:8080")];
    const FOREIGN_ORIGINS: [Option<&str>; 6] = [
        Some("null"),
        Some(""),
        Some("https://evil.example"),
        Some("http://localhost.evil.example"),
        Some("chrome-extension://abc"),
        Some("http://localhost:4141/path"),
    ];
    const PATHS: [&str; 6] =
        ["/v1/messages", "/v1/responses", "/api/v1/sessions", "/healthz", "/%68ealthz", "/no/such/path"];
    const METHODS: [&str; 5] = ["GET", "POST", "PUT", "OPTIONS", "HEAD"];

    fn local() -> Guard {
        Guard::new("127.0.0.1:4141".parse().unwrap(), None)
    }

    fn open() -> Guard {
        Guard::new("0.0.0.0:4141".parse().unwrap(), Some(&Secret::new("the-token")))
    }

    fn from(peer: &str, host: &str, path: &str) -> TestRequest {
        TestRequest::with_uri(path).peer_addr(peer.parse().unwrap()).insert_header((HOST, host.to_owned()))
    }

    fn near(host: &str, path: &str) -> TestRequest {
        from("127.0.0.1:5000", host, path)
    }

    #[test]
    fn of_all_hosts_origins_methods_and_paths_only_the_local_pairs_pass() {
        let (guard, mut wrong, mut seen) = (local(), Vec::new(), 0);
        let hosts = LOCAL_HOSTS.iter().map(|it| (it, true)).chain(FOREIGN_HOSTS.iter().map(|it| (it, false)));
        for (host, ours) in hosts {
            let origins =
                LOCAL_ORIGINS.iter().map(|it| (it, true)).chain(FOREIGN_ORIGINS.iter().map(|it| (it, false)));
            for (origin, own) in origins {
                for (method, path) in
                    METHODS.iter().flat_map(|method| PATHS.iter().map(move |path| (method, path)))
                {
                    let mut request = near(host, path).method(method.parse().unwrap());
                    if let Some(origin) = origin {
                        request = request.insert_header((ORIGIN, *origin));
                    }
                    seen += 1;
                    if guard.check(&request.to_http_request()).is_ok() != (ours && own) {
                        wrong.push((host, origin, method, path));
                    }
                }
            }
        }
        assert_eq!((seen, wrong), (21 * 10 * 30, Vec::new()));
    }

    #[test]
    fn a_request_without_a_host_is_denied() {
        let request = TestRequest::with_uri("/v1/messages").to_http_request();
        assert_eq!(local().check(&request), Err(Denial::Host));
    }

    #[test]
    fn a_page_of_another_site_is_told_by_its_browser() {
        for (site, verdict) in [
            ("cross-site", Err(Denial::Browser)),
            ("same-site", Err(Denial::Browser)),
            ("same-origin", Ok(())),
            ("none", Ok(())),
        ] {
            let request = near("localhost", "/healthz").insert_header(("sec-fetch-site", site));
            assert_eq!(local().check(&request.to_http_request()), verdict, "{site}");
        }
    }

    #[test]
    fn an_absolute_target_must_say_the_same_host() {
        let check = |target| local().check(&near("127.0.0.1:4141", target).to_http_request());
        assert_eq!(check("http://127.0.0.1:4141/v1/messages"), Ok(()));
        assert_eq!(check("http://evil.example/v1/messages"), Err(Denial::Host));
        assert_eq!(check("http://127.0.0.1:4142/v1/messages"), Err(Denial::Host));
        assert_eq!(check("http://user@127.0.0.1:4141/v1/messages"), Err(Denial::Host));
    }

    #[test]
    fn a_gateway_open_to_others_asks_everybody_for_the_token() {
        let with = |tokens: &[&str]| {
            let request = from("10.0.0.9:5000", "gateway.example:4141", "/v1/messages");
            let shown = |request: TestRequest, token: &&str| request.append_header((ACCESS_HEADER, *token));
            open().check(&tokens.iter().fold(request, shown).to_http_request())
        };
        assert_eq!(with(&["the-token"]), Ok(()));
        for wrong in [&[][..], &[""], &["the-toke"], &["the-token2"], &["the-token", "the-token"]] {
            assert_eq!(with(wrong), Err(Denial::Token), "{wrong:?}");
        }
        assert_eq!(
            open().check(&near("localhost", "/v1/messages").to_http_request()),
            Err(Denial::Token),
            "this machine too"
        );
    }

    #[test]
    fn without_a_token_a_gateway_open_to_others_lets_nobody_in() {
        let guard = Guard::new("0.0.0.0:4141".parse().unwrap(), None);
        let request = near("localhost", "/v1/messages").insert_header((ACCESS_HEADER, ""));
        assert_eq!(guard.check(&request.to_http_request()), Err(Denial::Token));
    }

    #[test]
    fn the_admin_plane_hides_from_other_machines_names_and_proxies() {
        let open_check = |request: TestRequest| {
            open().check(&request.insert_header((ACCESS_HEADER, "the-token")).to_http_request())
        };
        for path in ["/api/v1/credentials", "/healthz", "/%61pi/v1/credentials", "/metrics"] {
            assert_eq!(open_check(near("localhost:4141", path)), Ok(()), "{path}");
            assert_eq!(open_check(from("[::ffff:127.0.0.1]:5", "localhost", path)), Ok(()), "{path}");
            assert_eq!(open_check(from("10.0.0.9:5000", "localhost", path)), Err(Denial::Hidden), "{path}");
            assert_eq!(open_check(near("gateway.example", path)), Err(Denial::Hidden), "{path}");
            for name in FORWARDED {
                let forwarded = near("localhost", path).insert_header((name, "10.0.0.9"));
                assert_eq!(open_check(forwarded), Err(Denial::Hidden), "{name} {path}");
            }
        }
    }
}
