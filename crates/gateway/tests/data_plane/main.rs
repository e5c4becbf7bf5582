//! The gateway on a real socket between raw clients and a provider that says exactly the bytes of its script.
//!
//! Clients and provider block on threads of their own; nothing here waits for time to pass but where a limit of the gateway
//! is the subject.

#[cfg(test)]
mod alerts;
#[cfg(test)]
mod breaks;
#[cfg(test)]
mod client;
#[cfg(test)]
mod copy;
#[cfg(test)]
mod dashboard;
#[cfg(test)]
mod destination;
#[cfg(test)]
mod fidelity;
#[cfg(test)]
mod house;
#[cfg(test)]
mod injection;
#[cfg(test)]
mod intake;
#[cfg(test)]
mod leaving;
#[cfg(test)]
mod life;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod load;
#[cfg(test)]
mod mcp;
#[cfg(test)]
mod memory;
#[cfg(test)]
mod provider;
#[cfg(test)]
mod recording;
#[cfg(test)]
mod relay;
#[cfg(test)]
mod replays;
