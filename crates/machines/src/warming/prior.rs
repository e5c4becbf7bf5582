//! What is believed of waits before any was seen: counts from recorded sessions, see `docs/backtest.md`.

use super::habits::Habits;
use serde::Deserialize;
use std::sync::LazyLock;

/// The data file: whence and when, for people, and the counts.
#[derive(Debug, Default, Deserialize)]
struct Prior {
    habits: Habits,
}

/// A test sees to it that the file can be read.
static PRIOR: LazyLock<Prior> =
    LazyLock::new(|| serde_json::from_str(include_str!("prior.json")).unwrap_or_default());

/// The habits that this build brings along.
#[must_use]
pub fn prior() -> Habits {
    PRIOR.habits.clone()
}
