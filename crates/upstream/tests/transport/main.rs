//! The HTTP transport against a provider made of raw sockets: each pitfall of the stock client is shown first, then
//! that ours does not have it.

#[cfg(test)]
mod certified;
#[cfg(test)]
mod clocks;
#[cfg(test)]
mod http2;
#[cfg(test)]
mod interim;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod proxied;
#[cfg(test)]
mod relay;
#[cfg(test)]
mod secure;
#[cfg(test)]
mod stale;
#[cfg(test)]
mod support;
#[cfg(test)]
mod truncation;
#[cfg(test)]
mod upload;
