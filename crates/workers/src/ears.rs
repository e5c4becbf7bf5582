//! Who hears of what the workers do: counters, the people who run this, and whoever proves that it is right.

use domain::conversation::Usage;
use domain::evidence::Class;
use domain::provider::{Provider, UpstreamKey};
use domain::purpose::Purpose;
use domain::time::{Moment, UnixMillis};
use machines::credential::{Alert, CredentialEffect, CredentialMachine, CredentialMessage, CredentialReply};
use std::time::Duration;
use store::Dropped;

/// A call to a provider for a model's answer, as it went. No word of it, and no credential.
#[derive(Debug, Clone, Copy)]
pub struct Called<'a> {
    /// What for.
    pub purpose: Purpose,
    /// Where.
    pub upstream: &'a UpstreamKey,
    /// The model asked; empty when that is not known.
    pub model: &'a str,
    /// The session it belongs to, as far as known.
    pub session: Option<&'a str>,
    /// When it ended.
    pub ended: UnixMillis,
    /// How long its last attempt took.
    pub took: Duration,
    /// The HTTP status of its answer; 0 when there was none.
    pub status: u16,
    /// What the answer was.
    pub class: Class,
    /// How often it was tried.
    pub attempts: u32,
    /// The provider's count, as far as known.
    pub usage: Option<Usage>,
}

/// What was passed over at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PassedOver {
    /// Messages undistilled, observations unmerged, or sessions uncurated.
    pub kind: &'static str,
    /// How many.
    pub count: u64,
}

/// Counts. Called from any thread; must be quick.
pub trait Meter: Send + Sync {
    /// An attempt at a provider ended with this status; 0 when there was no answer.
    fn upstream_request(&self, purpose: Purpose, provider: Provider, status: u16);
    /// A whole call to a provider has ended, with all its attempts.
    fn called(&self, _call: &Called<'_>) {}
    /// A provider refused a token.
    fn auth_failure(&self, provider: Provider, status: u16);
    /// A background call may go with another session's token.
    fn stand_in(&self, _provider: Provider) {}
    /// An alert went out.
    fn alert(&self, kind: &'static str);
    /// A turn is in the store.
    fn turn_recorded(&self);
    /// A turn could not be taken in, because the recorder's queue was full.
    fn turn_shed(&self);
    /// So much was dropped because it is old; so many bytes of the database are in use.
    fn dropped(&self, _dropped: &Dropped) {}
    /// So much was passed over, because no answer about it was of use.
    fn passed_over(&self, _what: PassedOver) {}
    /// What a return to a warm cache saved, in dollars.
    fn warm_saved(&self, usd: f64);
    /// What a warm-up cost, in dollars.
    fn warm_cost(&self, usd: f64);
}

/// Tells the people who run this. The credential machine limits it to one alert an episode.
pub trait Alarm: Send + Sync {
    /// One alert. Must not wait.
    fn raise(&self, alert: &Alert);
}

/// Watches every step of the CredentialActor from inside: the same machine can be held against what it hears. It must not
/// panic, and whatever it keeps stays in the process.
pub trait Witness: Send + Sync {
    /// The machine was built, at first or after a crash.
    fn built(&self, machine: &CredentialMachine);
    /// At `now` it heard `message`, answered `reply` and wants `effects` done.
    fn stepped(
        &self,
        now: Moment,
        message: &CredentialMessage,
        reply: &CredentialReply,
        effects: &[CredentialEffect],
    );
}
