//! The decision for one moment, with its numbers.

/// Why a session is, or is not, refreshed now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Ground {
    /// What is expected to be saved is more than what it costs.
    Pays,
    /// It is not.
    #[default]
    DoesNotPay,
    /// It is, but the bet is one that only money which warming has earned in this project may be put on.
    NotEarned,
    /// The session is too young to be known.
    TooFewTurns,
    /// Nobody knows what its model costs.
    NoPrice,
    /// The prefix is too small to be worth a call.
    TooSmall,
}

/// Whether to refresh a session's cache now. Holds integers, so that it can be a part of a machine's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Advice {
    /// Why.
    pub ground: Ground,
    /// The chance that the agent returns while only this warm-up keeps its cache, in thousandths.
    pub chance: u16,
    /// What one warm-up costs, in millionths of a dollar.
    pub hold: u64,
    /// What a return to an expired cache would cost more, in millionths of a dollar.
    pub loss: u64,
}

impl Advice {
    /// Whether to refresh it.
    #[must_use]
    pub fn is_to_warm(&self) -> bool {
        self.ground == Ground::Pays
    }
}
