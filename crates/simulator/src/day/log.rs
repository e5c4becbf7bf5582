//! What is written down of a policy's day.

use super::policy::Job;
use super::schedule::{Exchange, Token};
use std::time::Duration;

/// A call for background work.
#[derive(Debug, Clone, Copy)]
pub struct Call {
    /// For what.
    pub job: Job,
    /// To learn whether the token works.
    pub probe: bool,
    /// What was sent and how it was answered.
    pub exchange: Exchange,
}

/// Work that was done, but not at the first sweep that found it due.
#[derive(Debug, Clone, Copy)]
pub struct Late {
    /// From when it was due until it was done.
    pub since_due: Duration,
    /// From the first proof that its session's token works until its call left; none when it was done without such proof.
    pub since_proof: Option<Duration>,
}

/// All that is to be known of a policy's day.
#[derive(Debug, Default)]
pub struct Log {
    /// All calls for background work.
    pub calls: Vec<Call>,
    /// The token of each alert.
    pub alerts: Vec<Token>,
    /// Work that was done late.
    pub late: Vec<Late>,
    /// Work that is undone at midnight.
    pub lost: Vec<Job>,
}
