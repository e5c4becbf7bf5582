//! What can be typed after `stillroom recall`.

use super::Json;
use clap::Args;

/// What to look for, where, and of when.
#[derive(Debug, Clone, Args)]
pub(crate) struct Recall {
    /// What to look for; without it, the latest of a time.
    #[arg(required_unless_present_any = ["since", "until"], value_parser = no_blank)]
    pub(crate) words: Vec<String>,
    /// From when on: a day (2026-11-24, today, yesterday), a moment (2026-11-24T10:00:00Z) or how long ago (36h, 7d).
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<String>,
    /// Until when, said in the same ways; a day is in it.
    #[arg(long, value_name = "TIME")]
    pub(crate) until: Option<String>,
    /// How many results at most.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) limit: u32,
    /// Only in this project: its name, as `stillroom sessions --json` shows it, or a folder of it.
    #[arg(long, value_name = "PROJECT")]
    pub(crate) project: Option<String>,
    #[command(flatten)]
    pub(crate) json: Json,
}

/// A word that says something.
fn no_blank(word: &str) -> Result<String, &'static str> {
    if word.trim().is_empty() { Err("there is nothing to look for in a blank") } else { Ok(word.to_owned()) }
}
