//! The gateway on a real socket between raw clients and a provider that says exactly the bytes of its script.
//!
//! Clients and provider block on threads of their own; nothing here waits for time to pass but where a limit of the gateway
//! is the subject.

mod breaks;
mod client;
mod house;
mod life;
mod limits;
mod memory;
mod provider;
mod relay;
