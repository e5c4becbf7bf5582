//! What a warm-up costs, and what a return is worth: a claim that needs proof.

use super::rule::lifetime;
use super::seat::Prefix;
use crate::job::Brief;
use domain::conversation::{CacheTtl, Usage};
use domain::price::Price;
use domain::time::Moment;

/// What one warm-up of so many cached tokens costs, in dollars, its one token of output included.
#[must_use]
pub fn cost(brief: &Brief, tokens: u64) -> f64 {
    price(brief).cost(&Usage { cache_read: tokens, output: 1, ..Usage::default() })
}

/// What reading so many tokens instead of writing them saves, in dollars.
#[must_use]
pub fn saving(brief: &Brief, tokens: u64, ttl: CacheTtl) -> f64 {
    price(brief).saving(tokens, ttl)
}

/// Nobody is waited for any longer, whatever a price list says: no vendor's prices pay for more than 79.
const MOST_REFRESHES: u32 = 100;

/// After so many warm-ups, one return cannot pay for them any more: (write - read) / read. At Anthropic's usual prices that is 11
/// for five minutes and 19 for an hour.
pub(super) fn most_refreshes(price: Price, ttl: CacheTtl) -> u32 {
    ((price.saving(1, ttl) / price.read(1) + 1e-9) as u32).min(MOST_REFRESHES)
}

pub(super) fn price(brief: &Brief) -> Price {
    Price::of(brief.upstream.provider(), &brief.model)
}

/// How many tokens of a return are credited. All of it must be so: a warm-up was paid for and read something; the return asks the
/// same model at the same upstream; it left after the agent's own cache would have expired, and before the refreshed one did; and
/// it read from the cache. Credited is the smaller of what was refreshed and what was read.
pub(super) fn credited(held: &Prefix, back: &Brief, usage: &Usage, left: Moment) -> Option<u64> {
    let own_expiry = held.began.after(lifetime(held.ttl));
    let is_same = back.model == held.brief.model && back.upstream == held.brief.upstream;
    let in_time = own_expiry < left && left < held.expiry;
    let tokens = held.refreshed.min(usage.cache_read);
    (is_same && in_time && tokens > 0).then_some(tokens)
}
