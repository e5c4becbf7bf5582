//! The gateway's own address, and the ways to the providers.

use super::Finding;
use crate::failure::Failure;
use crate::settings::{Loaded, is_loopback_url};
use domain::provider::Provider;
use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};

/// Whether the address is free, or ours already.
pub(super) fn address(listen: SocketAddr, serves: bool) -> Finding {
    if serves {
        return Ok(format!("a gateway answers at {listen}"));
    }
    match TcpListener::bind(listen) {
        Ok(_freed_at_once) => Ok(format!("{listen} is free; no gateway runs")),
        Err(cause) if cause.kind() == ErrorKind::AddrInUse => Err(Failure::new(
            format!("{listen} is somebody else's"),
            "a program that is no gateway, or not with these settings, has it",
            "stop that one, or listen elsewhere: --listen 127.0.0.1:4242",
        )),
        Err(cause) => {
            let remedy = "listen on an address of this machine, on a port from 1024: --listen 127.0.0.1:4242";
            Err(Failure::new(format!("{listen} cannot be had"), cause, remedy))
        }
    }
}

/// Whether credentials may go there, and, if `online`, whether anybody answers there.
pub(super) async fn upstream(loaded: &Loaded, provider: Provider, online: bool) -> Finding {
    let url = loaded.settings().upstream.of(provider);
    if !url.starts_with("https://") && !is_loopback_url(url) {
        return Err(Failure::new(
            format!("{url} is not encrypted"),
            "credentials would cross the network in the clear",
            "use https://",
        ));
    }
    if !online {
        return Ok(format!("{url} (not asked; --online asks)"));
    }
    match gateway::reach(loaded.settings(), provider).await {
        Ok(status) => Ok(format!("{url} answers (with {status}, and no credential was sent)")),
        Err(why) => {
            let remedy = format!(
                "look at the network, at upstream.{provider} and at upstream.proxy ({})",
                proxied(loaded)
            );
            Err(Failure::new(format!("{url} does not answer"), why, remedy))
        }
    }
}

fn proxied(loaded: &Loaded) -> String {
    let proxy = loaded.settings().upstream.proxy.as_ref();
    proxy.map_or_else(|| "not set, nor HTTPS_PROXY".to_owned(), |proxy| format!("http://{}", proxy.authority))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_free_ours_or_somebody_elses() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let listen = taken.local_addr().unwrap();
        assert!(address(listen, true).is_ok());
        assert!(address(listen, false).is_err_and(|wrong| wrong.what.contains("somebody else's")));
        drop(taken);
        assert!(address(listen, false).is_ok());
        let elsewhere = "192.0.2.1:4141".parse().unwrap();
        assert!(address(elsewhere, false).is_err_and(|wrong| wrong.what.contains("cannot be had")));
    }
}
