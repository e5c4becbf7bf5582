//! Speaks to providers: the guarded client, one file per dialect, event framing, classification, retry policy.

pub mod amendment;
pub mod authorize;
pub mod batch;
pub mod call;
pub mod classify;
pub mod dialect;
pub mod encoding;
pub mod events;
pub mod excerpt;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
mod provider_error;
pub mod retry;
pub mod transport;
pub mod unreadable;
pub mod warmup;
