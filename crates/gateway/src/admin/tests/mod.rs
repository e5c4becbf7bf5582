//! The admin plane as its callers see it: real actors, a real store, and a provider on a real socket.

mod asking;
mod forgetting;
mod looking;
mod refusing;
pub(crate) mod support;
mod tracing;
mod transferring;
mod warming;
