//! The HTTP edge: relay, session identification, capture, admin API, telemetry.

pub mod admin;
pub mod telemetry;
