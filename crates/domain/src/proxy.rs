//! A proxy that stands between this machine and the providers, as in many companies.

use crate::host;
use crate::secret::Secret;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use percent_encoding::percent_decode_str;
use std::net::IpAddr;

/// The port of a proxy that names none: that of its scheme, which agents take too (curl takes 1080).
const USUAL_PORT: u16 = 80;

/// An HTTP proxy that opens tunnels (`CONNECT`, RFC 9110, 9.3.6), and whom it is asked for.
#[derive(Debug, Clone)]
pub struct Proxy {
    /// Its host and port.
    pub authority: String,
    /// What it wants in `proxy-authorization`.
    pub login: Option<Secret>,
}

impl Proxy {
    /// Reads `http://USER:PASSWORD@HOST:PORT`, of which only the host has to be there; none for anything else. User and password are
    /// percent-encoded.
    #[must_use]
    pub fn read(url: &str) -> Option<Self> {
        let (scheme, rest) = url.trim().split_once("://").unwrap_or(("http", url.trim()));
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (login, host) = rest.rsplit_once('@').map_or((None, rest), |(login, host)| (Some(login), host));
        let authority = with_port(host)?;
        let login = login.map(basic).transpose().ok()?;
        scheme.eq_ignore_ascii_case("http").then_some(Self { authority, login })
    }
}

fn with_port(host: &str) -> Option<String> {
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => (name, port.parse().ok().filter(|port| *port > 0)?),
        _ => (host, USUAL_PORT),
    };
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    let is_address = |name: &str| name.parse::<IpAddr>().is_ok_and(|address| address.is_ipv6());
    let is_host = match name.strip_prefix('[').and_then(|name| name.strip_suffix(']')) {
        Some(bare) => is_address(bare),
        None => !name.is_empty() && name.bytes().all(is_plain),
    };
    is_host.then(|| format!("{name}:{port}"))
}

/// What names user and password to the proxy (RFC 7617).
fn basic(login: &str) -> Result<Secret, std::str::Utf8Error> {
    let (user, password) = login.split_once(':').unwrap_or((login, ""));
    let [user, password] = [user, password].map(|part| percent_decode_str(part).decode_utf8());
    let pair = Secret::new(format!("{}:{}", user?, password?));
    Ok(Secret::new(format!("Basic {}", BASE64_STANDARD.encode(pair.reveal()))))
}

/// Whether `host` is among those that are reached without a proxy, as `NO_PROXY` names them: a domain with all that is below it,
/// an address, a network such as `10.0.0.0/8`, or `*`. A scheme and a port beside a name mean nothing.
#[must_use]
pub fn is_excepted(host: &str, exceptions: &[String]) -> bool {
    let host = host::bare(host);
    exceptions.iter().map(|exception| alone(exception.trim())).any(|exception| {
        let domain = exception.trim_start_matches("*.").trim_start_matches('.');
        exception == "*" || (!domain.is_empty() && is_within(host, domain)) || is_in_network(host, exception)
    })
}

/// What is excepted, without what people write beside it.
fn alone(exception: &str) -> &str {
    let (_, name) = exception.split_once("://").unwrap_or(("", exception));
    let with_port = name.rsplit_once(':').filter(|(_, port)| port.parse::<u16>().is_ok());
    let named = with_port.map(|(name, _)| name).filter(|name| !name.contains(':') || name.ends_with(']'));
    host::bare(named.unwrap_or(name))
}

/// Whether an address begins with the bits of a network, as RFC 4632 writes it.
fn is_in_network(host: &str, network: &str) -> bool {
    let Some((first, bits)) = network.split_once('/') else { return false };
    let (Ok(address), Ok(first), Ok(bits)) = (host.parse(), first.parse(), bits.parse::<u32>()) else {
        return false;
    };
    match (address, first) {
        (IpAddr::V4(address), IpAddr::V4(first)) if bits <= 32 => {
            (address.to_bits() ^ first.to_bits()).leading_zeros() >= bits
        }
        (IpAddr::V6(address), IpAddr::V6(first)) if bits <= 128 => {
            (address.to_bits() ^ first.to_bits()).leading_zeros() >= bits
        }
        _ => false,
    }
}

fn is_within(host: &str, domain: &str) -> bool {
    let Some(start) = host.len().checked_sub(domain.len()) else { return false };
    let ends_alike = host.get(start..).is_some_and(|end| end.eq_ignore_ascii_case(domain));
    let below = start > 0 && host.as_bytes().get(start - 1) == Some(&b'.') && host.parse::<IpAddr>().is_err();
    ends_alike && (start == 0 || below)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_a_host_and_perhaps_a_port_and_a_login() {
        let read = |url: &str| {
            Proxy::read(url)
                .map(|proxy| (proxy.authority, proxy.login.map(|login| login.reveal().to_owned())))
        };
        let plain = |authority: &str| Some((authority.to_owned(), None));
        assert_eq!(read("http://proxy.example:3128"), plain("proxy.example:3128"));
        assert_eq!(read(" HTTP://proxy.example:3128/\n"), plain("proxy.example:3128"));
        assert_eq!(read("proxy.example"), plain("proxy.example:80"));
        assert_eq!(read("http://[::1]:8080"), plain("[::1]:8080"));
        assert_eq!(read("http://[::1]"), plain("[::1]:80"));
        let with_login = Some(("proxy.example:3128".to_owned(), Some("Basic dXNlcjpwQHNz".to_owned())));
        assert_eq!(read("http://user:p%40ss@proxy.example:3128"), with_login);
        assert_eq!(read("user:p@ss@proxy.example:3128"), with_login, "as people write it");
        for wrong in [
            "",
            "http://",
            "socks5://h:1",
            "https://h:1",
            "h:0",
            "h:x",
            "h:99999",
            "h/path",
            "[x]:1",
            "a b:1",
            "%FF@h:1",
        ] {
            assert!(Proxy::read(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn a_login_is_not_shown() {
        let shown = format!("{:?}", Proxy::read("http://user:hunter2@proxy.example:3128"));
        assert!(!shown.contains("hunter2") && !shown.contains("dXNlcj"), "{shown}");
    }

    #[test]
    fn an_exception_is_a_domain_with_what_is_below_it_an_address_or_everything() {
        let excepted = |host: &str, exceptions: &[&str]| {
            is_excepted(host, &exceptions.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>())
        };
        for exception in ["corp.example", ".corp.example", "*.corp.example", " CORP.example ", "*"] {
            assert!(excepted("llm.corp.example", &["a.example", exception]), "{exception}");
        }
        assert!(excepted("corp.example", &["corp.example"]));
        assert!(excepted("10.0.0.1", &["10.0.0.1"]) && excepted("[::1]", &["::1"]));
        for exception in ["example.org", "orp.example", "m.corp.example", "", ".", "llm.corp.example.org"] {
            assert!(!excepted("llm.corp.example", &[exception]), "{exception}");
        }
        assert!(!excepted("10.0.0.1", &["0.0.1"]));
        for exception in ["10.0.0.0/8", "10.9.8.0/22", "10.9.8.7/32", "0.0.0.0/0"] {
            assert!(excepted("10.9.8.7", &[exception]), "{exception}");
        }
        for exception in ["10.9.8.6/32", "10.9.4.0/22", "10.0.0.0/33", "10.0.0.0/", "::/0", "/8"] {
            assert!(!excepted("10.9.8.7", &[exception]), "{exception}");
        }
        assert!(excepted("[fd00::7]", &["fd00::/8"]) && !excepted("[fe00::7]", &["fd00::/8"]));
        for exception in
            ["corp.example:443", "https://corp.example", "http://llm.corp.example:8080", ".corp.example:80"]
        {
            assert!(excepted("llm.corp.example", &[exception]), "{exception}");
        }
        assert!(excepted("[::1]", &["[::1]:443"]) && excepted("[::1]", &["[::1]"]));
        assert!(!excepted("[fd00::443]", &["fd00::"]) && excepted("[fd00::443]", &["fd00::443"]));
    }
}
