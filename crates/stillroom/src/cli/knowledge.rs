//! What can be typed after `stillroom knowledge`.

use clap::Subcommand;

/// What becomes of an entry, or which session gets any.
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
    /// Add nothing more to one session's requests.
    #[command(after_help = "Example:\n  stillroom knowledge withhold 0199f3a2")]
    Withhold {
        /// Which session; the beginning of its id is enough.
        session: String,
    },
    /// Let a session's next turn decide again what is added to its requests.
    #[command(after_help = "Example:\n  stillroom knowledge offer 0199f3a2")]
    Offer {
        /// Which session; the beginning of its id is enough.
        session: String,
    },
}
