//! Who may speak to the gateway: decided before routing, for every path alike.
//!
//! A server on loopback is reachable by every web page in the user's browser. Such a page gives itself away by its `Origin`,
//! by `Sec-Fetch-Site`, or, when its own name was made to point here, by its `Host`. Agents send none of these.

use crate::error::Refusal;
use crate::framing::{ending, fitting};
use crate::route::{Route, is_admin, is_dashboard};
use actix_web::HttpRequest;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{
    AUTHORIZATION, HOST, HeaderMap, HeaderName, HeaderValue, ORIGIN, WWW_AUTHENTICATE,
};
use actix_web::middleware::Next;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use domain::secret::Secret;
use sha2::{Digest as _, Sha256};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use zeroize::Zeroizing;

/// Bears the access token of a gateway that other machines can reach.
pub(crate) static ACCESS_HEADER: HeaderName = HeaderName::from_static("x-stillroom-access");
/// Says whose page sends a request.
static FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
/// How a browser is told to ask for it.
const CHALLENGE: &str = "Basic realm=\"Stillroom\", charset=\"UTF-8\"";
/// What a proxy adds. Behind one, every caller looks like one from this machine.
const FORWARDED: [&str; 5] = ["forwarded", "via", "x-real-ip", "cf-connecting-ip", "true-client-ip"];
/// What most of what a proxy adds begins with.
const FORWARDED_PREFIX: &str = "x-forwarded-";

/// Why a request goes no further.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Denial {
    /// It was sent to a name or address that is not this gateway's.
    Host,
    /// A web page sent it.
    Browser,
    /// It lacks the access token.
    Token,
    /// It lacks the access token, and a browser can ask its person for it.
    Login,
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
    fn is_local(&self) -> bool {
        is_loopback(self.listen)
    }

    /// Judges a request by its head and its sender.
    pub(crate) fn check(&self, request: &HttpRequest) -> Result<(), Denial> {
        let headers = request.headers();
        let host = only(headers, &HOST).and_then(|host| host.to_str().ok());
        if !self.may_be_called(host) || !agrees(request.uri().authority().map(|it| it.as_str()), host) {
            return Err(Denial::Host);
        }
        if comes_from_a_page(headers, host) {
            return Err(Denial::Browser);
        }
        let path = request.match_info().as_str();
        let administers = administers(request, host);
        if !self.is_local() && !self.knows_the_token(headers) {
            // A browser cannot be told to send our header. It may sign in where it may administer, and only there.
            let signs_in = administers && is_admin(path);
            return match signs_in && self.knows_the_password(headers) {
                true => Ok(()),
                false if signs_in && is_dashboard(path) => Err(Denial::Login),
                false => Err(Denial::Token),
            };
        }
        if is_admin(path) && !administers {
            return Err(Denial::Hidden);
        }
        Ok(())
    }

    /// Where only this machine listens, only names that cannot be made to point elsewhere are ours.
    fn may_be_called(&self, host: Option<&str>) -> bool {
        host.is_some_and(|host| !self.is_local() || is_local_authority(host))
    }

    fn knows_the_token(&self, headers: &HeaderMap) -> bool {
        let shown = only(headers, &ACCESS_HEADER).map(|shown| hash(shown.as_bytes()));
        self.token.zip(shown).is_some_and(|(token, shown)| is_same(&token, &shown))
    }

    /// The access token as the password of a login (RFC 7617), under whatever name.
    fn knows_the_password(&self, headers: &HeaderMap) -> bool {
        let shown = only(headers, &AUTHORIZATION).and_then(|login| password(login.to_str().ok()?));
        self.token.zip(shown).is_some_and(|(token, shown)| is_same(&token, &hash(&shown)))
    }
}

/// The guard as a middleware, around everything.
pub(crate) async fn guarded(
    guard: Arc<Guard>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    // Asked before the headers go to the provider.
    let offers_another = request.head().upgrade();
    match guard.check(request.request()) {
        Ok(()) => {
            let answer = fitting(next.call(request).await?.map_into_boxed_body());
            Ok(if offers_another { ending(answer) } else { answer })
        }
        Err(denial) => {
            let head = request.head();
            let provider = Route::of(&head.method, &head.uri, head.headers()).map(|route| route.provider);
            let mut answer = denial.refusal().answer(provider);
            if denial == Denial::Login {
                answer.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static(CHALLENGE));
            }
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
            Self::Login => Refusal::new(
                StatusCode::UNAUTHORIZED,
                "login_wanted",
                "This Stillroom is open to other machines and asks for its access token. Sign in with any name, and the token \
                 as the password.",
            ),
            Self::Hidden => Refusal::unknown_path(),
        }
    }
}

fn administers(request: &HttpRequest, host: Option<&str>) -> bool {
    let near = request.peer_addr().is_some_and(|peer| is_loopback(peer.ip()));
    let direct = !request.headers().keys().any(|name| is_of_a_proxy(name.as_str()));
    near && direct && host.is_some_and(is_local_authority)
}

fn is_of_a_proxy(name: &str) -> bool {
    FORWARDED.contains(&name) || name.starts_with(FORWARDED_PREFIX)
}

/// The value of a header that is there once. Of two, one program reads the first and the next one the last.
fn only<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h HeaderValue> {
    let mut values = headers.get_all(name);
    values.next().filter(|_| values.next().is_none())
}

/// An absolute target may not say another host than the `Host` header: who routes by the one and checks the other is fooled.
fn agrees(target: Option<&str>, host: Option<&str>) -> bool {
    target.is_none_or(|target| host.is_some_and(|host| host.eq_ignore_ascii_case(target)))
}

/// Whether a page of this very gateway sent the request, by what its browser says. A browser that says nothing of where a request
/// comes from is taken for one that hides it.
pub(crate) fn is_from_own_page(headers: &HeaderMap) -> bool {
    let host = only(headers, &HOST).and_then(|host| host.to_str().ok());
    let own = |origin: &HeaderValue| origin.to_str().is_ok_and(|origin| is_own_origin(origin, host));
    let (mut sites, mut origins) =
        (headers.get_all(&FETCH_SITE).peekable(), headers.get_all(ORIGIN).peekable());
    match (sites.peek(), origins.peek()) {
        (Some(_), _) => sites.all(|site| site.as_bytes() == b"same-origin") && origins.all(own),
        (None, Some(_)) => origins.all(own),
        (None, None) => false,
    }
}

/// Only a page of this very gateway is none of another site: one that another program of this machine serves is, too.
fn comes_from_a_page(headers: &HeaderMap, host: Option<&str>) -> bool {
    let foreign = |origin: &HeaderValue| !origin.to_str().is_ok_and(|origin| is_own_origin(origin, host));
    let crosses = |site: &HeaderValue| !matches!(site.as_bytes(), b"same-origin" | b"none");
    headers.get_all(ORIGIN).any(foreign) || headers.get_all(&FETCH_SITE).any(crosses)
}

fn is_own_origin(origin: &str, host: Option<&str>) -> bool {
    let authority = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    authority.is_some_and(|authority| is_local_authority(authority) && agrees(Some(authority), host))
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
        Some((name, port)) if !port.contains(']') => is_port(port).then_some(name),
        _ => Some(authority),
    }
}

fn is_port(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u16>().is_ok()
}

/// A socket for both families shows callers of the older one in the newer one's clothes.
fn is_loopback(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

/// What stands behind the name in a login.
fn password(login: &str) -> Option<Zeroizing<Vec<u8>>> {
    let (scheme, encoded) = login.split_once(' ')?;
    let said = Zeroizing::new(BASE64_STANDARD.decode(encoded.trim()).ok()?);
    let colon = said.iter().position(|byte| *byte == b':')?;
    scheme.eq_ignore_ascii_case("basic").then(|| Zeroizing::new(said[colon + 1..].to_vec()))
}

fn hash(text: &[u8]) -> [u8; 32] {
    Sha256::digest(text).into()
}

fn is_same(one: &[u8; 32], other: &[u8; 32]) -> bool {
    one.iter().zip(other).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    //! All that a sender can say is in the tables of `tests/in_memory`; here is what no table can reach.

    use super::*;
    use actix_web::test::TestRequest;

    #[test]
    fn without_a_token_a_gateway_open_to_others_lets_nobody_in() {
        let guard = Guard::new("0.0.0.0:4141".parse().unwrap(), None);
        for token in [&[""][..], &[]] {
            let request = TestRequest::with_uri("/v1/messages").insert_header((HOST, "localhost"));
            let shown =
                token.iter().fold(request, |request, it| request.insert_header((ACCESS_HEADER.clone(), *it)));
            assert_eq!(guard.check(&shown.to_http_request()), Err(Denial::Token), "{token:?}");
        }
    }

    #[test]
    fn each_denial_says_what_was_wrong() {
        let guard = Guard::new("127.0.0.1:4141".parse().unwrap(), None);
        let check = |host: &str, name: &'static str, value: &'static str, target| {
            let request = TestRequest::with_uri(target).insert_header((HOST, host.to_owned()));
            guard.check(&request.insert_header((name, value)).to_http_request())
        };
        assert_eq!(check("evil.example", "origin", "http://evil.example", "/healthz"), Err(Denial::Host));
        assert_eq!(check("localhost", "origin", "http://evil.example", "/healthz"), Err(Denial::Browser));
        assert_eq!(
            check("localhost", "x-odd", "1", "/healthz"),
            Err(Denial::Hidden),
            "nobody knows the peer"
        );
        assert_eq!(check("localhost", "x-odd", "1", "/v1/messages"), Ok(()));
    }
}
