//! The program itself, as a user calls it.

mod refusals;
mod support;
