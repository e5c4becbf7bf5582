//! The shell around every machine: mailbox with real admission, timers, crash policy, message trace.
//!
//! This is the one crate that touches actix's actor API, and it knows no business word. A part of
//! the house is written as a pure step and a [`Performer`]; a [`vacancy()`] gives it a [`Mailbox`]
//! before it exists, and [`Vacancy::fill`] puts it on a thread. What the shell promises beyond
//! actix is in `docs/actors.md`, and each promise is a test in this crate's `tests/`.

mod cause;
mod clock;
mod crash;
mod delivery;
mod desk;
mod environment;
mod excerpt;
mod mail;
mod mailbox;
mod observer;
mod performance;
mod performer;
mod role;
mod row;
mod selection;
mod shell;
mod stage;
mod timer;
mod trace;
mod vacancy;

pub use cause::Cause;
pub use clock::Clock;
pub use delivery::{AskError, TellError};
pub use environment::{Environment, Fatal};
pub use mailbox::{Address, Bundle, Mailbox};
pub use observer::{Depth, NoObserver, Observer};
pub use performer::{Factory, Message, Performer};
pub use row::Row;
pub use selection::Selection;
pub use stage::Stage;
pub use trace::Trace;
pub use vacancy::{Place, Vacancy, vacancy};
