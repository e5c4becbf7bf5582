//! No detours: what keeps the agent's requests to the gateway away from proxies.
//!
//! The gateway is spoken to in clear text. An agent that obeys `HTTP_PROXY` would hand its credential to the proxy, which could
//! not even reach the gateway of this machine.

use crate::settings::Places;
use std::ffi::OsString;
use std::net::SocketAddr;

/// Programs read one or the other, and disagree on which comes first.
const NAMES: [&str; 2] = ["NO_PROXY", "no_proxy"];
const HOME: [&str; 3] = ["127.0.0.1", "localhost", "::1"];

/// What tells agents to reach `address` directly, besides whatever they were told before.
pub(super) fn variables(address: SocketAddr, places: &Places) -> [(&'static str, OsString); 2] {
    let hosts = hosts(address);
    NAMES.map(|name| (name, extended(told(name, places), &hosts)))
}

/// This machine, and where the gateway is. Some programs compare an address of version 6 with the host as a URL spells it.
fn hosts(address: SocketAddr) -> Vec<String> {
    let ip = address.ip();
    let spelt = ip.is_ipv6().then(|| format!("[{ip}]"));
    let own = Some(ip.to_string()).filter(|own| !HOME.contains(&own.as_str()));
    HOME.into_iter().map(str::to_owned).chain(own).chain(spelt).collect()
}

/// What the variable says. Where it says nothing the other one counts, which it would hide otherwise.
fn told(name: &str, places: &Places) -> OsString {
    let value =
        |name: &str| places.variables.iter().find(|(known, value)| known == name && !value.is_empty());
    let other = || NAMES.iter().find_map(|name| value(name));
    value(name).or_else(other).map(|(_, value)| value.clone()).unwrap_or_default()
}

/// `told` and those of `hosts` that it lacks. A star means everybody, and to some programs only as long as it stands alone.
fn extended(mut told: OsString, hosts: &[String]) -> OsString {
    let known = told.to_string_lossy().into_owned();
    let known: Vec<_> = known.split(',').map(str::trim).collect();
    if known == ["*"] {
        return told;
    }
    for host in hosts.iter().filter(|host| !known.contains(&host.as_str())) {
        if !told.is_empty() {
            told.push(",");
        }
        told.push(host);
    }
    told
}

#[cfg(test)]
mod tests {
    use crate::settings::Places;

    fn direct(address: &str, before: &[(&str, &str)]) -> [String; 2] {
        let variables = before.iter().map(|(name, value)| (name.into(), value.into())).collect();
        let places = Places { variables, ..Places::default() };
        super::variables(address.parse().unwrap(), &places).map(|(_, value)| value.into_string().unwrap())
    }

    #[test]
    fn this_machine_is_reached_without_a_proxy_whichever_name_a_program_reads() {
        let home = "127.0.0.1,localhost,::1";
        assert_eq!(direct("127.0.0.1:4141", &[("HTTP_PROXY", "http://proxy.example")]), [home, home]);
    }

    #[test]
    fn what_was_told_before_still_holds() {
        let both = [("NO_PROXY", "a.example"), ("no_proxy", "b.example, localhost")];
        assert_eq!(
            direct("127.0.0.1:1", &both),
            ["a.example,127.0.0.1,localhost,::1", "b.example, localhost,127.0.0.1,::1"]
        );
    }

    #[test]
    fn the_name_that_is_new_says_what_the_other_one_said() {
        let expected = "a.example,127.0.0.1,localhost,::1";
        for before in [&[("NO_PROXY", "a.example")][..], &[("no_proxy", "a.example"), ("NO_PROXY", "")]] {
            assert_eq!(direct("127.0.0.1:1", before), [expected, expected], "{before:?}");
        }
    }

    #[test]
    fn a_star_stays_alone() {
        assert_eq!(direct("127.0.0.1:1", &[("NO_PROXY", "*")]), ["*", "*"]);
    }

    #[test]
    fn a_gateway_elsewhere_is_reached_directly_too() {
        for (address, expected) in [
            ("192.168.0.2:1", "127.0.0.1,localhost,::1,192.168.0.2"),
            ("127.0.0.2:1", "127.0.0.1,localhost,::1,127.0.0.2"),
            ("[::1]:1", "127.0.0.1,localhost,::1,[::1]"),
            ("[fd00::2]:1", "127.0.0.1,localhost,::1,fd00::2,[fd00::2]"),
        ] {
            assert_eq!(direct(address, &[])[0], expected, "{address}");
        }
    }
}
