//! What is said when the gateway serves.

use crate::client::reachable;
use crate::settings::Loaded;
use domain::settings::{ClientCredentials, WorkerSettings};
use std::net::SocketAddr;

/// Where it is and its dashboard, how to use it, what it does with credentials, and what deserves a second look; a line each.
pub(super) fn text(loaded: &Loaded, address: SocketAddr) -> String {
    let reached = reachable(address);
    let url = format!("http://{reached}");
    // The dashboard answers this machine only, so at an address that others share there is none.
    let dashboard = is_loopback(reached).then(|| format!("look inside: {url}/ui"));
    let use_of_it = [
        format!("point an agent at it: ANTHROPIC_BASE_URL={url} claude"),
        background(&loaded.settings().worker),
    ];
    let first = [format!("Stillroom serves at {url}")].into_iter().chain(dashboard).chain(use_of_it);
    let others = (!is_loopback(address))
        .then(|| format!("other machines reach it at {address}; whoever calls it, agents of this machine too, must present access.token in the header x-stillroom-access"));
    let notes = loaded.notes().into_iter().map(|note| format!("note: {note}"));
    first.chain(others).chain(notes).collect::<Vec<_>>().join("\n")
}

fn is_loopback(address: SocketAddr) -> bool {
    address.ip().to_canonical().is_loopback()
}

fn background(worker: &WorkerSettings) -> String {
    let kinds = match worker.use_client_credentials {
        ClientCredentials { api_key: true, bearer: true } => "API keys and bearer tokens",
        ClientCredentials { api_key: true, bearer: false } => "API keys",
        ClientCredentials { api_key: false, bearer: true } => "bearer tokens",
        ClientCredentials { api_key: false, bearer: false } => return without_client_credentials(worker),
    };
    match worker.api_key {
        Some(_) => without_client_credentials(worker),
        None => format!(
            "background work uses your agents' {kinds}: check your provider's terms for subscriptions, or give it a key of \
             its own (worker.api_key)"
        ),
    }
}

fn without_client_credentials(worker: &WorkerSettings) -> String {
    match worker.provider.filter(|_| worker.api_key.is_some()) {
        Some(provider) => format!("background work uses its own key for {provider}"),
        None => {
            "background work is off: worker.use_client_credentials is empty, and it has no key of its own"
                .to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{Flags, Places, load};

    fn greeting(
        values: &[(&'static str, &'static str, &str)],
        variables: &[(&str, &str)],
        address: &str,
    ) -> String {
        let values = values.iter().map(|(flag, key, value)| (*flag, *key, (*value).to_owned())).collect();
        let variables = variables.iter().map(|(name, value)| (name.into(), value.into())).collect();
        let places = Places { variables, working_directory: "/nowhere".into() };
        let flags = Flags { config: None, values };
        let loaded = load(&places, &flags).map_err(crate::failure::Failure::from).unwrap();
        text(&loaded, address.parse().unwrap())
    }

    const DATA: (&str, &str, &str) = ("--data-dir", "data_dir", "/data");
    const KEY: (&str, &str) = ("STILLROOM_WORKER__API_KEY", "sk-ant-canary");
    const NO_KINDS: (&str, &str) = ("STILLROOM_WORKER__USE_CLIENT_CREDENTIALS", "");

    #[test]
    fn the_start_says_where_it_is_how_to_use_it_and_what_credentials_are_used_for() {
        insta::assert_snapshot!(greeting(&[DATA], &[], "127.0.0.1:4141"));
    }

    #[test]
    fn what_other_machines_must_do_is_said_too() {
        let listen = ("--listen", "listen", "0.0.0.0:0");
        let variables = [("STILLROOM_ACCESS__TOKEN", "canary")];
        let text = greeting(&[DATA, listen], &variables, "0.0.0.0:50000");
        assert!(!text.contains("canary"), "{text}");
        insta::assert_snapshot!(text);
    }

    #[test]
    fn at_an_address_of_the_network_there_is_no_dashboard_to_point_to() {
        let listen = ("--listen", "listen", "10.0.0.9:1");
        let text = greeting(&[DATA, listen], &[("STILLROOM_ACCESS__TOKEN", "canary")], "10.0.0.9:1");
        assert!(!text.contains("/ui"), "{text}");
    }

    #[test]
    fn background_work_with_a_key_of_its_own_or_without_any_says_so() {
        let line = |variables: &[_]| {
            greeting(&[DATA], variables, "127.0.0.1:1").lines().nth(3).unwrap_or_default().to_owned()
        };
        assert_eq!(line(&[KEY]), "background work uses its own key for anthropic");
        assert_eq!(line(&[KEY, NO_KINDS]), "background work uses its own key for anthropic");
        assert!(line(&[NO_KINDS]).starts_with("background work is off"));
        let bearer = ("STILLROOM_WORKER__USE_CLIENT_CREDENTIALS", "bearer");
        assert!(line(&[bearer]).starts_with("background work uses your agents' bearer tokens: check"));
    }
}
