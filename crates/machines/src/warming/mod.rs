//! Whether to refresh a provider's prompt cache now: curves of how long people and tools take, prices, and one decision.
//!
//! - [`Wait`] says what is waited for, and what is at stake.
//! - [`Tally`] counts how waits ended: a life table. [`Habits`] are those of a session, a project or everybody; [`Book`] keeps
//!   them and lets them learn.
//! - [`Curve`] is the chance that an agent is still away: the life tables of its session, its project and everybody, blended.
//! - [`Advice`] is the decision for this one moment, with its numbers.
//!
//! Everything is counted in integers, so that a machine that holds a [`Book`] stays `Eq` and `Hash`.

mod advice;
mod book;
mod curve;
mod decision;
mod habits;
mod known;
mod prior;
mod tally;
mod wait;

#[cfg(test)]
mod tests;

pub use advice::{Advice, Ground};
pub use book::{Book, Place};
pub use curve::Curve;
pub use decision::lead;
pub use habits::{Account, Habits, SHAPE};
pub use known::Change;
pub use prior::prior;
pub use tally::{BINS, Gap, Tally};
pub use wait::{Awaited, Wait};
