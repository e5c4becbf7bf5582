//! Where a conversation is cut for the distiller: by size, at pauses, and never between a call and its results.

use crate::time::UnixMillis;

/// A call that has not been answered for so long (in milliseconds) is not waited for any more.
const CALL_LEASE: i64 = 3_600_000;
/// A pause is large when it is so many times as long as the usual one (original-gateway figures: 3 times the median).
const LARGE: i64 = 3;
/// A segment that ends at a pause holds at least this part of the limit, or its call would cost more than it is worth.
const SMALLEST: u64 = 4;

/// After so many answers in a row that were of no use, what they were about is passed over.
pub const GIVEN_UP: u32 = 7;

/// The limit of the next segment after so many answers in a row about its beginning that were of no use: the second time all of it is
/// tried again, then half as much each time. So all of them together are paid for like three, and what is passed over is little.
#[must_use]
pub const fn room(at_most_tokens: u64, refusals: u32) -> u64 {
    let halvings = refusals.saturating_sub(1);
    if halvings < u64::BITS { at_most_tokens >> halvings } else { 0 }
}

/// What cutting needs to know of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Weight {
    /// Its size in estimated tokens.
    pub tokens: u64,
    /// When it was recorded.
    pub at: UnixMillis,
    /// Whether it calls tools.
    pub calls_tool: bool,
    /// Whether it holds results of tools.
    pub from_tool: bool,
}

/// How many of the leading messages make the next segment; `weights` are those of all pending ones, oldest first.
///
/// A segment has at most `at_most_tokens`, unless a single exchange (a message, or a call with all its results) has more: an
/// exchange is never parted. Where more is pending than fits, the cut goes to the largest pause, if that one is large. A call
/// whose results are still to come, an hour long, is left for the next segment, even when nothing else is there.
#[must_use]
pub fn segment(weights: &[Weight], at_most_tokens: u64, now: UnixMillis) -> usize {
    let all: Vec<&[Weight]> = weights.chunk_by(|_, next| next.from_tool).collect();
    let exchanges = if waits(weights, now) { &all[..all.len() - 1] } else { &all[..] };
    let sizes: Vec<u64> = exchanges.iter().map(|exchange| size(exchange)).collect();
    let fitting = leading(&sizes, at_most_tokens).max(1).min(exchanges.len());
    let taken = if fitting < exchanges.len() {
        pause(exchanges, &sizes[..fitting], at_most_tokens / SMALLEST)
    } else {
        fitting
    };
    exchanges[..taken].iter().map(|exchange| exchange.len()).sum()
}

fn waits(weights: &[Weight], now: UnixMillis) -> bool {
    weights.last().is_some_and(|last| last.calls_tool && now.0.saturating_sub(last.at.0) < CALL_LEASE)
}

fn size(exchange: &[Weight]) -> u64 {
    exchange.iter().fold(0, |sum, weight| sum.saturating_add(weight.tokens))
}

/// How many of the leading `sizes` fit into `room`.
fn leading(sizes: &[u64], room: u64) -> usize {
    let total = |sum: &mut u64, size: &u64| {
        *sum = sum.saturating_add(*size);
        (*sum <= room).then_some(())
    };
    sizes.iter().scan(0, total).count()
}

/// Before which exchange to cut: at the last of the largest pauses, if it is large and leaves at least `smallest` tokens
/// before it; else where the fitting ones end.
fn pause(exchanges: &[&[Weight]], fitting: &[u64], smallest: u64) -> usize {
    let length = |place: usize| exchanges[place][0].at.0.saturating_sub(last_at(exchanges[place - 1]));
    let pauses: Vec<(i64, usize)> = (1..=fitting.len()).map(|place| (length(place), place)).collect();
    let usual = median(pauses.iter().map(|(length, _)| *length).filter(|length| *length > 0).collect());
    let far_enough = |place: usize| fitting[..place].iter().sum::<u64>() >= smallest;
    let large = |length: i64| usual.is_some_and(|usual| length >= usual.saturating_mul(LARGE));
    let largest = pauses.into_iter().filter(|(length, place)| large(*length) && far_enough(*place)).max();
    largest.map_or(fitting.len(), |(_, place)| place)
}

fn last_at(exchange: &[Weight]) -> i64 {
    exchange.iter().map(|weight| weight.at.0).max().unwrap_or_default()
}

fn median(mut lengths: Vec<i64>) -> Option<i64> {
    lengths.sort_unstable();
    lengths.get(lengths.len() / 2).copied()
}

/// The largest share that each of `sizes` may have so that all together fit into `room`; what needs less leaves the rest to
/// the others.
#[must_use]
pub fn fair_share(sizes: &[u64], room: u64) -> u64 {
    let mut sorted = sizes.to_vec();
    sorted.sort_unstable();
    let mut left = room;
    for (index, size) in sorted.iter().enumerate() {
        let share = left / (sorted.len() - index) as u64;
        if *size > share {
            return share;
        }
        left -= size;
    }
    u64::MAX
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LATER: UnixMillis = UnixMillis(i64::MAX);

    fn said(tokens: u64) -> Weight {
        Weight { tokens, at: UnixMillis(0), calls_tool: false, from_tool: false }
    }

    fn call(tokens: u64) -> Weight {
        Weight { calls_tool: true, ..said(tokens) }
    }

    fn result(tokens: u64) -> Weight {
        Weight { from_tool: true, ..said(tokens) }
    }

    fn said_at(minutes: &[i64]) -> Vec<Weight> {
        minutes.iter().map(|minute| Weight { at: UnixMillis(minute * 60_000), ..said(4) }).collect()
    }

    #[test]
    fn a_segment_fills_up_to_its_limit_and_no_further() {
        let weights = [said(4), said(4), said(4)];
        assert_eq!(segment(&weights, 8, LATER), 2);
        assert_eq!(segment(&weights, 11, LATER), 2);
        assert_eq!(segment(&weights, 12, LATER), 3);
        assert_eq!(segment(&[], 12, LATER), 0);
    }

    #[test]
    fn a_segment_has_at_least_one_message() {
        assert_eq!(segment(&[said(50), said(1)], 8, LATER), 1);
        assert_eq!(segment(&[said(u64::MAX), said(u64::MAX)], 8, LATER), 1);
    }

    #[test]
    fn results_stay_with_their_call_even_when_both_are_too_much() {
        let weights = [said(2), call(2), result(2), result(2), said(2)];
        assert_eq!(segment(&weights, 7, LATER), 1);
        assert_eq!(segment(&weights, 8, LATER), 4);
        assert_eq!(segment(&weights[1..], 5, LATER), 3);
    }

    #[test]
    fn an_open_call_waits_an_hour_for_its_result() {
        let weights = [said(1), call(1), result(1), call(1)];
        assert_eq!(segment(&weights, 9, UnixMillis(CALL_LEASE - 1)), 3);
        assert_eq!(segment(&weights, 9, UnixMillis(CALL_LEASE)), 4);
        assert_eq!(segment(&[call(1)], 9, UnixMillis(0)), 0);
    }

    #[test]
    fn what_does_not_fit_is_cut_at_the_largest_pause_if_that_is_large() {
        let steady = said_at(&[0, 1, 2, 3, 4, 5, 6, 7]);
        assert_eq!(segment(&steady, 20, LATER), 5, "no pause is larger than another");
        let pausing = said_at(&[0, 1, 2, 60, 61, 62, 63, 64]);
        assert_eq!(segment(&pausing, 20, LATER), 3);
        assert_eq!(segment(&pausing, 100, LATER), 8, "what fits is not cut");
    }

    #[test]
    fn a_pause_counts_as_large_from_three_times_the_usual_one() {
        assert_eq!(segment(&said_at(&[0, 1, 4, 5, 6, 7]), 16, LATER), 2);
        assert_eq!(segment(&said_at(&[0, 2, 7, 9, 11, 13]), 16, LATER), 4);
    }

    #[test]
    fn a_pause_right_after_the_beginning_is_no_reason_for_a_tiny_segment() {
        let weights = said_at(&[0, 60, 61, 62, 63, 64, 65]);
        assert_eq!(segment(&weights, 16, LATER), 1, "a quarter of the limit is enough");
        assert_eq!(segment(&weights, 20, LATER), 5);
    }

    #[test]
    fn after_two_answers_of_no_use_a_segment_is_half_as_large_each_time() {
        let rooms: Vec<u64> = (0..GIVEN_UP).map(|refusals| room(64, refusals)).collect();
        assert_eq!(rooms, [64, 64, 32, 16, 8, 4, 2]);
        assert_eq!(room(u64::MAX, 65), 0);
    }

    #[test]
    fn a_share_is_what_the_small_ones_leave_to_the_large_ones() {
        assert_eq!(fair_share(&[1, 100, 100], 21), 10);
        assert_eq!(fair_share(&[5, 5], 10), u64::MAX);
        assert_eq!(fair_share(&[], 10), u64::MAX);
        assert_eq!(fair_share(&[7, 7, 7], 3), 1);
    }

    fn weights() -> impl Strategy<Value = Vec<Weight>> {
        let weight = (0_u64..40, 0_i64..10, 0_u8..3).prop_map(|(tokens, minutes, kind)| Weight {
            tokens,
            at: UnixMillis(minutes * 60_000),
            calls_tool: kind == 1,
            from_tool: kind == 2,
        });
        prop::collection::vec(weight, 0..40)
    }

    proptest! {
        #[test]
        fn segment_by_segment_every_message_comes_once_and_no_exchange_is_parted(
            weights in weights(), limit in 0_u64..100
        ) {
            let mut rest = &weights[..];
            while !rest.is_empty() {
                let taken = segment(rest, limit, LATER);
                prop_assert!(taken > 0, "it comes to an end");
                let (segment, left) = rest.split_at(taken);
                prop_assert!(left.first().is_none_or(|next| !next.from_tool));
                let exchanges = segment.chunk_by(|_, next| next.from_tool).count();
                prop_assert!(size(segment) <= limit || exchanges == 1);
                rest = left;
            }
        }

        #[test]
        fn shares_fit_into_the_room(sizes in prop::collection::vec(0_u64..50, 0..20), room in 0_u64..200) {
            let share = fair_share(&sizes, room);
            let used: u64 = sizes.iter().map(|size| size.min(&share)).sum();
            prop_assert!(used <= room);
        }
    }
}
