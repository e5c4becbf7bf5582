//! Hosts as they stand in URLs.

use std::net::IpAddr;

/// The host without the brackets that an address of IPv6 has in a URL.
#[must_use]
pub fn bare(host: &str) -> &str {
    host.trim_start_matches('[').trim_end_matches(']')
}

/// Whether `host` is this machine, as far as its text alone can promise that: a loopback address, or `localhost`.
#[must_use]
pub fn is_loopback(host: &str) -> bool {
    let bare = bare(host);
    bare.eq_ignore_ascii_case("localhost")
        || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_is_a_loopback_address_or_localhost_and_nothing_that_looks_like_one() {
        for here in ["localhost", "LocalHost", "127.0.0.1", "127.1.2.3", "[::1]", "::1"] {
            assert!(is_loopback(here), "{here}");
        }
        for elsewhere in
            ["", "localhost.example", "127.0.0.1.example", "127.1", "10.0.0.1", "[::2]", "0.0.0.0"]
        {
            assert!(!is_loopback(elsewhere), "{elsewhere}");
        }
    }
}
