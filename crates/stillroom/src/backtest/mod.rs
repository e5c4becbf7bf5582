//! What cache warming would have earned in recorded sessions. `docs/backtest.md` has the shape of a recording and every
//! definition.

mod choice;
mod claude_code;
mod recording;
mod replay;
mod report;
mod split;
mod step;
#[cfg(test)]
mod tests;

pub(crate) use claude_code::convert;
pub(crate) use recording::{Session, read};
pub(crate) use replay::{fit, replay};
pub(crate) use report::{Report, table};
pub(crate) use split::Half;
