//! The HTTP edge: relay, session identification, capture, admin API, telemetry.
//!
//! A newcomer's way in: [`Gateway`] is the whole on a socket, [`configure`] the same as an app for tests and the simulator.
//! A request passes `guard`, `route` and `relay`, and its answer comes back through `relayed`; what is learned on the way goes
//! aside through `session`, `capture` and `examination`.

pub mod admin;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
pub mod telemetry;

mod app;
mod capture;
mod edge;
mod error;
mod examination;
mod framing;
mod guard;
mod headers;
mod injection;
mod mcp;
mod paced;
mod period;
mod relay;
mod relayed;
mod reserve;
mod route;
mod serve;
mod session;
mod stay;
mod ui;
mod upload;

pub use app::configure;
pub use edge::{Edge, EdgeParts, InvalidUpstream, recorded_for};
pub use serve::{Ears, Gateway, ServeError, reach, signals};
