//! The actors: performers that turn the machines' effects into calls, and [`wire()`], the one function that connects them all.
//!
//! A newcomer's way in: [`House`] is what the rest of the program holds; [`Recorder`] takes turns in; `credential`,
//! `idle_scheduler`, `distiller`, `curator`, `batch_queue`, `cache_warmer` and `embedder` are one actor each.

mod batch_queue;
mod cache_warmer;
mod caller;
mod credential;
mod curator;
mod distiller;
mod ears;
mod embedder;
mod erasing;
mod errand;
mod forgetting;
mod house;
mod idle_scheduler;
mod job;
mod left_work;
mod notebook;
mod outbox;
mod project;
mod purse;
mod recorder;
mod retention;
#[cfg(test)]
mod samples;
mod shelf;
mod shown;
mod spoken;
mod turn;
mod unkept;
mod upstreams;
mod waiting;
mod wire;

pub use ears::{Alarm, Called, Meter, PassedOver, Witness};
pub use embedder::Embeddings;
pub use house::{Ended, House, Parts, Places, TransportFactory, base_url};
pub use notebook::{Notebook, Standing};
pub use outbox::{Fact, Outbox};
pub use project::Projects;
pub use purse::{Balance, Purse};
pub use recorder::Recorder;
pub use shelf::{KeptRequest, RequestShelf};
pub use spoken::Spoken;
pub use turn::{Speaker, Turn};
pub use upstreams::{Upstreams, upstream_key};
pub use wire::wire;
