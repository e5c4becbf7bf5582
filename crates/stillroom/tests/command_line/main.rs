//! The program itself, as a user calls it.

#[cfg(test)]
mod backtest;
// Raw clients and a provider that plays a script, as for the gateway itself.
#[cfg(target_os = "linux")]
#[cfg(test)]
#[expect(dead_code, reason = "less is needed here")]
#[path = "../../../gateway/tests/data_plane/client.rs"]
mod client;
#[cfg(unix)]
#[cfg(test)]
mod exchanging;
#[cfg(target_os = "linux")]
#[cfg(test)]
mod faults;
#[cfg(unix)]
#[cfg(test)]
mod forgetting;
#[cfg(target_os = "linux")]
#[cfg(test)]
#[expect(dead_code, reason = "less is needed here")]
#[path = "../../../gateway/tests/data_plane/provider.rs"]
mod provider;
#[cfg(test)]
mod refusals;
#[cfg(unix)]
#[cfg(test)]
mod running;
#[cfg(target_os = "linux")]
#[cfg(test)]
mod secure;
#[cfg(unix)]
#[cfg(test)]
mod serving;
#[cfg(test)]
mod support;
#[cfg(unix)]
#[cfg(test)]
mod tracing;
#[cfg(unix)]
#[cfg(test)]
mod transferring;
#[cfg(target_os = "linux")]
#[cfg(test)]
mod writing;
