//! Speaks to providers: the guarded client, one file per dialect, event framing, classification, retry policy.

pub mod transport;
