//! What can be typed after `stillroom warming`.

use clap::Subcommand;

/// What to decide about keeping caches warm.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Warming {
    /// Let all sessions be kept warm; ends a pause of all warming.
    #[command(after_help = "Example:\n  stillroom warming on")]
    On,
    /// Keep no session warm.
    #[command(after_help = "Example:\n  stillroom warming off")]
    Off,
    /// Let the rule decide about one session; ends its pauses.
    #[command(after_help = "Example:\n  stillroom warming auto 0199f3a2")]
    Auto {
        /// Which; the beginning of its id is enough.
        id: String,
    },
    /// Keep one session warm as long as one return would pay for it, whatever the rule says; ends its pauses.
    #[command(after_help = "Example:\n  stillroom warming keep 0199f3a2")]
    Keep {
        /// Which; the beginning of its id is enough.
        id: String,
    },
    /// Never keep this session warm.
    #[command(after_help = "Example:\n  stillroom warming stop 0199f3a2")]
    Stop {
        /// Which; the beginning of its id is enough.
        id: String,
    },
}
