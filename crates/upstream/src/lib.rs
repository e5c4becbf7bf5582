//! Speaks to providers: the guarded client, one file per dialect, event framing, classification, retry policy.

pub mod dialect;
pub mod encoding;
pub mod events;
mod provider_error;
pub mod transport;
pub mod unreadable;
