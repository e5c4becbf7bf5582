//! The HTTP edge: relay, session identification, capture, admin API, telemetry.
