//! What can be typed after `stillroom forget`.

use super::Json;
use clap::{Args, Subcommand};

/// What to forget, and how surely.
#[derive(Debug, Clone, Args)]
pub(crate) struct Forget {
    #[command(subcommand)]
    pub(crate) what: Doomed,
    /// Forget without asking.
    #[arg(long, global = true)]
    pub(crate) yes: bool,
    /// Only count what would be forgotten.
    #[arg(long, global = true, conflicts_with = "yes")]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) json: ForgetJson,
}

/// As everywhere, but also after what is to be forgotten.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct ForgetJson {
    /// Print JSON.
    #[arg(long, global = true)]
    json: bool,
}

impl From<ForgetJson> for Json {
    fn from(ForgetJson { json }: ForgetJson) -> Self {
        Self { json }
    }
}

/// What to forget.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Doomed {
    /// One session, and the knowledge that came of it.
    #[command(after_help = "Example:\n  stillroom forget session 0199f3a2")]
    Session {
        /// Which; the beginning of its id is enough.
        id: String,
    },
    /// All sessions and all knowledge of a project.
    #[command(after_help = "Example:\n  stillroom forget project github.com/ann/oven --dry-run")]
    Project {
        /// Its name, as `stillroom sessions --json` shows it, or a folder of it.
        name: String,
    },
    /// Everything.
    #[command(after_help = "Example:\n  stillroom forget everything")]
    Everything,
}
