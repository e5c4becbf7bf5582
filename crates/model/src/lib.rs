//! The credential protocol under a model checker: the machines that run in production, a provider that may lie, messages that
//! are lost or late, and every mechanism taken out in turn to see that it is needed.
//!
//! - [`seed`]: the policies that this protocol replaces, as machines of the same kind.

pub mod seed;
