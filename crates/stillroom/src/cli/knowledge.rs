//! What can be typed after `stillroom knowledge`.

use clap::Subcommand;

/// What becomes of an entry.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Knowledge {
    /// Let an entry hold in all of your projects.
    #[command(after_help = "Example:\n  stillroom knowledge promote k12")]
    Promote {
        /// Which.
        id: String,
    },
    /// Let it hold in its own project alone again.
    #[command(after_help = "Example:\n  stillroom knowledge demote k12")]
    Demote {
        /// Which.
        id: String,
    },
}
