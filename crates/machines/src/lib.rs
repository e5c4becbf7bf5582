//! One pure state machine per actor.
//!
//! A machine is plain data with one function, `on(message, now, effects) -> reply`: it reads no clock, draws no random
//! number, waits for nothing and touches nothing. What should happen goes out as effects; what came of it comes back as
//! messages. So the same machine runs in production, in the simulator's virtual time and under a model checker.
//!
//! - [`credential`]: what is known of each token, and who may use it.
//! - [`job`]: the steps every background job takes between asking for a lease and being done: the machine of Distiller and
//!   Curator.
//! - [`cache_warmer`]: jobs, and when they are due.
//! - [`batch_queue`]: work that lies in a provider's batch.
//! - [`embedder`]: when texts get their vectors.
//! - [`idle_scheduler`]: which session is due for what.
//! - [`health`]: how well a worker does for a session.
//! - [`warming`]: no machine of its own, but what the cache warmer decides by.

pub mod batch_queue;
pub mod cache_warmer;
pub mod credential;
pub mod embedder;
pub mod health;
pub mod idle_scheduler;
pub mod job;
pub mod warming;

#[cfg(test)]
mod samples;
