//! What the shell promises, one sentence a test. `pitfalls` shows what actix does by itself, on its
//! stock API, beside what the shell does in the same situation; the other modules are the contract.
//!
//! Nothing here depends on how fast the machine is: what is asserted are counts and virtual time.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod clerk;
mod crashes;
mod delivery;
mod draining;
mod logs;
mod performances;
mod pitfalls;
mod records;
mod threads;
mod timers;
