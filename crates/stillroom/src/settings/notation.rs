//! How durations, sizes and base URLs are written.

use awc::http::Uri;
use domain::host;
use std::time::Duration;

const TIMES: [(&str, u64); 5] = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];
const SIZES: [(&str, u64); 4] = [("B", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)];

/// `"500ms"`, `"30s"`, `"1m"`, `"2h"` or `"90d"`; never nothing.
pub(crate) fn duration(text: &str) -> Option<Duration> {
    measure(text, &TIMES).map(Duration::from_millis)
}

/// The duration in the largest unit that shows all of it, down to milliseconds.
pub(crate) fn show_duration(duration: Duration) -> String {
    show(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX), &TIMES)
}

/// `"512KiB"`, `"64MiB"`, `"1GiB"` or `"1000B"`, in bytes; never nothing.
pub(crate) fn size(text: &str) -> Option<usize> {
    measure(text, &SIZES).and_then(|bytes| usize::try_from(bytes).ok())
}

/// The size in the largest unit that shows all of it.
pub(crate) fn show_size(bytes: usize) -> String {
    show(u64::try_from(bytes).unwrap_or(u64::MAX), &SIZES)
}

fn measure(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let text = text.trim();
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit())?);
    let (_, factor) = units.iter().find(|(name, _)| *name == unit.trim_start())?;
    number.parse::<u64>().ok()?.checked_mul(*factor).filter(|amount| *amount > 0)
}

fn show(amount: u64, units: &[(&str, u64)]) -> String {
    let whole = units.iter().rev().find(|(_, factor)| amount.is_multiple_of(*factor));
    whole.map_or_else(String::new, |(name, factor)| format!("{}{name}", amount / factor))
}

/// A base URL: `http` or `https`, a host, perhaps a port and a path. Nothing that could hold a secret, and no `/v1`, which
/// every request path begins with already. A slash at the end is dropped.
pub(crate) fn base_url(text: &str) -> Option<String> {
    let text = text.trim().trim_end_matches('/');
    let uri: Uri = text.parse().ok().filter(|_| !text.contains(['?', '#']))?;
    let known = matches!(uri.scheme_str(), Some("http" | "https"));
    (known && has_plain_authority(&uri) && !uri.path().ends_with("/v1")).then(|| text.to_owned())
}

fn has_plain_authority(uri: &Uri) -> bool {
    let host = uri.host().filter(|host| !host.is_empty());
    let plain = host.map(|host| match uri.port_u16() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    });
    plain.as_deref() == uri.authority().map(|authority| authority.as_str())
}

/// Whether `url` leads to this machine, as far as its text alone can promise that.
pub(crate) fn is_loopback_url(url: &str) -> bool {
    url.parse::<Uri>().ok().and_then(|uri| uri.host().map(host::is_loopback)).unwrap_or(false)
}

/// `text` without what may hide in a URL: user, password and query. A proxy's is often written without its scheme.
pub(crate) fn without_url_secrets(text: &str) -> String {
    let without_login =
        |text: &str| text.rsplit_once('@').map_or(text.to_owned(), |(_, host)| format!("…@{host}"));
    let Some((scheme, rest)) = text.split_once("://") else { return without_login(text) };
    let (visible, query) = rest.split_at(rest.find(['?', '#']).unwrap_or(rest.len()));
    format!("{scheme}://{}{}", without_login(visible), if query.is_empty() { "" } else { "?…" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn durations_and_sizes_are_a_number_and_a_unit() {
        assert_eq!(duration("500ms"), Some(Duration::from_millis(500)));
        assert_eq!(duration("2h"), Some(Duration::from_secs(7200)));
        assert_eq!(duration("90d"), Some(Duration::from_secs(90 * 24 * 3600)));
        assert_eq!(size("64MiB"), Some(64 << 20));
        for wrong in
            ["", "30", "s", "-1s", "1.5s", "0s", "30 parsecs", "99999999999999999999s", "10000000000000000h"]
        {
            assert_eq!(duration(wrong), None, "{wrong}");
        }
        for wrong in ["64", "64MB", "0B", "MiB"] {
            assert_eq!(size(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn what_is_shown_reads_back_as_the_same(milliseconds in 1u64..u64::MAX / 2, bytes in 1usize..usize::MAX / 2) {
            let time = Duration::from_millis(milliseconds);
            prop_assert_eq!(duration(&show_duration(time)), Some(time));
            prop_assert_eq!(size(&show_size(bytes)), Some(bytes));
        }

        #[test]
        fn no_text_makes_a_notation_panic(text in ".*") {
            drop((duration(&text), size(&text), base_url(&text), without_url_secrets(&text)));
        }
    }

    #[test]
    fn a_base_url_is_a_scheme_a_host_and_perhaps_a_port_and_a_path() {
        assert_eq!(base_url("https://api.anthropic.com/").as_deref(), Some("https://api.anthropic.com"));
        assert_eq!(base_url("http://[::1]:9100/proxy").as_deref(), Some("http://[::1]:9100/proxy"));
        for wrong in [
            "",
            "api.anthropic.com",
            "ftp://h",
            "https://",
            "https:///path",
            "https://h:",
            "https://h:99999",
            "https://user@h",
            "https://user:pass@h",
            "https://h?key=1",
            "https://h#part",
            "https://h/v1",
            "https://h/v1/",
            "https://h h",
            "file:///etc/passwd",
        ] {
            assert_eq!(base_url(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn only_what_is_plainly_this_machine_counts_as_loopback() {
        for here in ["http://127.0.0.1:9100", "http://LOCALHOST", "http://[::1]:1/x", "http://127.9.9.9"] {
            assert!(is_loopback_url(here), "{here}");
        }
        for elsewhere in [
            "https://127.0.0.1.example.com",
            "http://localhost.example.com",
            "http://0.0.0.0",
            "http://127.1",
            "http://localhost.",
            "http://127.0.0.1@example.com",
            "http://2130706433",
            "http://[::ffff:1.2.3.4]",
            "",
        ] {
            assert!(!is_loopback_url(elsewhere), "{elsewhere}");
        }
    }

    #[test]
    fn a_url_is_shown_without_its_secrets() {
        assert_eq!(without_url_secrets("https://me:word@h/p?k=v"), "https://…@h/p?…");
        assert_eq!(without_url_secrets("127.0.0.1:4141"), "127.0.0.1:4141");
    }
}
