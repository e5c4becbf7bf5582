//! What it would earn to choose the time to live where the client leaves it open: an hour instead of five minutes.

use super::recording::{Call, Session};
use super::replay::Outcome;
use super::step::{Step, steps};
use domain::conversation::CacheTtl;
use domain::price::Price;
use machines::cache_warmer::lifetime;
use machines::warming::Gap;

/// Whether the choice was open: five minutes were written and never an hour. A client that asks for five minutes in so many words
/// is billed the same, so this is the most that can have been open.
pub(super) fn is_open(session: &Session) -> bool {
    let (short, long) = session.calls.iter().fold((0, 0_u64), |(short, long), call| {
        (call.cache_write_5m.max(short), call.cache_write_1h.max(long))
    });
    !session.subagent && short > 0 && long == 0
}

/// What comes of an hour's mark in every call of `session` and of no warm-up: spent is what writing costs more, saved is what
/// those returns would have written anew that five minutes do not reach and an hour does.
pub(super) fn hour(session: &Session) -> Outcome {
    let first = session.calls.first().map_or(0.0, |call| premium(call, 0));
    let mut sum = Outcome { spent: first, ..Outcome::default() };
    for (step, call) in steps(session).iter().zip(session.calls.iter().skip(1)) {
        sum += after(step, call);
    }
    sum
}

fn after(step: &Step, call: &Call) -> Outcome {
    let Gap::Returned(after) = step.gap else { return Outcome::default() };
    let regained = if after < lifetime(CacheTtl::OneHour) { step.regained.min(cacheable(call)) } else { 0 };
    let is_hit = lifetime(CacheTtl::FiveMinutes) < after && regained > 0;
    let saving = |price: Price| price.saving(regained, CacheTtl::FiveMinutes);
    let saved = price(call).filter(|_| is_hit).map_or(0.0, saving);
    Outcome { spent: premium(call, regained), saved, hits: u64::from(is_hit), pings: 0 }
}

/// What it costs more to write for an hour what `call` writes when it reads so much.
fn premium(call: &Call, regained: u64) -> f64 {
    let written = cacheable(call) - regained;
    let more = |price: Price| {
        price.saving(written, CacheTtl::OneHour) - price.saving(written, CacheTtl::FiveMinutes)
    };
    price(call).map_or(0.0, more)
}

/// What stands before the last mark, and is read or written.
fn cacheable(call: &Call) -> u64 {
    call.prompt() - call.input
}

fn price(call: &Call) -> Option<Price> {
    Price::listed(&call.model)
}
