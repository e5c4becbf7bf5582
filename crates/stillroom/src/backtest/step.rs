//! One wait of a recording: what was known when it began, and how it ended.

use super::recording::{Call, Kind, Session};
use domain::conversation::CacheTtl;
use domain::price::Price;
use machines::warming::{Awaited, Gap, Wait};
use std::time::Duration;

/// See the module.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    /// What is waited for; the time to live is only right where something is cached.
    pub(crate) wait: Wait,
    /// Whether there is a cache whose time to live is known.
    pub(crate) is_cached: bool,
    /// How it ended.
    pub(crate) gap: Gap,
    /// What the next call would have read, had the cache been kept: nothing when another model was called, or when the
    /// conversation was rewritten.
    pub(crate) regained: u64,
    /// Whether it says something about those who are waited for.
    pub(crate) teaches: bool,
}

/// A prompt that shrank by more than this share was rewritten: what is left in common is the instructions.
const SHRUNK: f64 = 0.9;

/// The waits of a session, one after each call.
pub(crate) fn steps(session: &Session) -> Vec<Step> {
    let mut ttl = None;
    let next = session.calls.iter().skip(1).map(Some).chain([None]);
    let pairs = session.calls.iter().zip(next).zip(1..);
    pairs
        .map(|((call, next), turns)| {
            ttl = marked(call).or(ttl);
            step(session, call, next, ttl, turns)
        })
        .collect()
}

/// The time to live that the client marks, as the provider billed it.
fn marked(call: &Call) -> Option<CacheTtl> {
    match (call.cache_write_1h, call.cache_write_5m) {
        (0, 0) => None,
        (0, _) => Some(CacheTtl::FiveMinutes),
        _ => Some(CacheTtl::OneHour),
    }
}

fn step(session: &Session, call: &Call, next: Option<&Call>, ttl: Option<CacheTtl>, turns: u32) -> Step {
    let awaited = if call.asks_for_tools() { Awaited::Tool } else { Awaited::Human };
    let wait = Wait {
        awaited,
        answered_in: call.done.map(|done| seconds(done - call.at)),
        ttl: ttl.unwrap_or(CacheTtl::FiveMinutes),
        tokens: call.prompt(),
        turns,
        price: Price::listed(&call.model),
    };
    // An agent that goes on by itself after its last word says nothing about people.
    let is_automated = awaited == Awaited::Human && next.is_some_and(|next| next.kind == Kind::Tool);
    Step {
        wait,
        is_cached: ttl.is_some() && !session.subagent,
        gap: next.map_or(Gap::Gone, |next| Gap::Returned(seconds(next.at - call.at))),
        regained: next.map_or(0, |next| regained(call, next)),
        teaches: !session.subagent && !is_automated,
    }
}

fn regained(call: &Call, next: &Call) -> u64 {
    let (before, after) = (call.prompt(), next.prompt());
    let goes_on = call.model == next.model && after as f64 >= before as f64 * SHRUNK;
    if goes_on { before.min(after) } else { 0 }
}

fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}
