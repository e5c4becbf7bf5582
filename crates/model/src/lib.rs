//! The credential protocol under a model checker: the machines that run in production, a provider that may lie, messages that
//! are lost or late, and every mechanism taken out in turn to see that it is needed.
//!
//! Pure data and functions: what may happen in a state ([`World::actions`]), what comes of it ([`World::next`]), whether it
//! broke a rule ([`State::broken`]) and whether work goes on from there ([`World::stuck`]). The tests hand them to the checker.
//!
//! - [`seed`]: the policies that this protocol replaces, as machines of the same kind.

mod liveness;
mod ranks;
mod rules;
pub mod seed;
mod state;
mod step;
mod talk;
mod words;
mod world;

pub use state::State;
pub use step::Action;
pub use world::{Limits, Session, Token, Variant, World};
