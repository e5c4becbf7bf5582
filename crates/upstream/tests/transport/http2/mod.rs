//! HTTP/2: the same promises, kept to a provider that says exactly the frames of its script.

mod cuts;
mod floods;
mod frames;
pub(crate) mod heads;
mod limits;
mod recorded;
mod refusals;
mod sharing;
