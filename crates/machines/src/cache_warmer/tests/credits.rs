//! Credit is a claim that needs proof.

use super::*;
use proptest::prelude::*;

fn credited(effects: &[WarmerEffect]) -> Option<u64> {
    effects.iter().find_map(|effect| match effect {
        WarmerEffect::Credit { tokens, .. } => Some(*tokens),
        _ => None,
    })
}

/// Tokens that are credited when a warm-up leaves at second 275 and brings `warm`, and a turn that leaves at `at` brings `back`.
fn credit(warm: Usage, at: u64, back: WarmerMessage) -> Option<u64> {
    let mut machine = machine();
    say(&mut machine, 0, turn(50_000));
    is_warmed(&mut machine, 275);
    brought(&mut machine, 275, warm);
    credited(&say(&mut machine, at, back))
}

#[test]
fn a_return_between_the_two_expiries_is_credited_with_the_smaller_of_refreshed_and_read() {
    assert_eq!(credit(read(40_000), 400, turn(60_000)), Some(40_000));
    assert_eq!(credit(read(60_000), 400, turn(40_000)), Some(40_000));
}

#[test]
fn a_return_before_the_agents_own_cache_expired_or_after_the_refreshed_one_did_earns_nothing() {
    let at = |second| credit(read(50_000), second, turn(50_000));
    assert_eq!([at(299), at(300), at(301)], [None, None, Some(50_000)]);
    assert_eq!([at(574), at(575)], [Some(50_000), None]);
}

#[test]
fn a_return_that_waited_long_for_its_answer_counts_from_when_it_left() {
    let back = |age| {
        let warmth = warmth(read(50_000), Duration::from_secs(age));
        WarmerMessage::TurnSeen { brief: brief("a"), warmth: Ok(warmth) }
    };
    assert_eq!(credit(read(50_000), 400, back(150)), None, "it left while its own cache was alive");
    assert_eq!(
        credit(read(50_000), 700, back(200)),
        Some(50_000),
        "it left before the refreshed one expired"
    );
}

#[test]
fn news_of_a_turn_that_waited_long_makes_its_cache_no_younger() {
    let told_at = |seconds| {
        let mut machine = machine();
        let message = turn(50_000);
        machine.on(message, Moment::from_secs(seconds), &mut Vec::new());
        [275, 301, seconds + 275].map(|at| is_warmed(&mut machine, at))
    };
    assert_eq!(told_at(127)[1..], [false, false], "it left at 0, and 300 seconds later it is gone");
    assert!(told_at(0)[0]);
}

#[test]
fn without_a_read_on_either_side_there_is_no_credit() {
    assert_eq!(credit(written(50_000), 400, turn(50_000)), None, "the warm-up wrote");
    assert_eq!(credit(read(50_000), 400, turn_of(brief("a"), written(50_000))), None, "the return wrote");
    let mut machine = machine();
    say(&mut machine, 0, turn(50_000));
    assert_eq!(credited(&say(&mut machine, 301, turn(50_000))), None, "nothing was refreshed");
}

#[test]
fn a_return_with_another_model_or_to_another_provider_earns_nothing() {
    let other = Brief { model: "claude-opus-4-5".into(), ..brief("a") };
    assert_eq!(credit(read(50_000), 400, turn_of(other, read(50_000))), None);
    let upstream = domain::provider::UpstreamKey::new(domain::provider::Provider::Anthropic, "http://other");
    let elsewhere = Brief { upstream, ..brief("a") };
    assert_eq!(credit(read(50_000), 400, turn_of(elsewhere, read(50_000))), None);
}

#[test]
fn no_return_is_credited_twice() {
    let mut machine = machine();
    say(&mut machine, 0, turn(50_000));
    is_warmed(&mut machine, 275);
    brought(&mut machine, 275, read(50_000));
    assert!(credited(&say(&mut machine, 400, turn(50_000))).is_some());
    assert_eq!(credited(&say(&mut machine, 401, turn(50_000))), None);
}

#[test]
fn a_saving_is_the_difference_between_writing_and_reading() {
    let brief = Brief { model: "claude-sonnet-4-5".into(), ..brief("a") };
    let saved = |ttl| saving(&brief, 1_000_000, ttl);
    assert!((saved(CacheTtl::FiveMinutes) - 3.0 * 1.15).abs() < 1e-9);
    assert!((saved(CacheTtl::OneHour) - 3.0 * 1.9).abs() < 1e-9);
    assert!((cost(&brief, 1_000_000) - 0.300_015).abs() < 1e-9, "and a token of output");
    let most = |ttl| credit::most_refreshes(credit::price(&brief), ttl);
    assert_eq!([CacheTtl::FiveMinutes, CacheTtl::OneHour].map(most), [11, 19]);
}

proptest! {
    #![proptest_config(crate::samples::many())]
    /// Whatever happens in whatever order: no credit without a paid read before it, and never more tokens than that read.
    #[test]
    fn what_is_credited_was_refreshed_before(
        events in prop::collection::vec((0_u64..400, 0_u64..4, prop::bool::ANY), 1..40),
    ) {
        let mut machine = machine();
        let (mut now, mut refreshed) = (0, 0);
        for (wait, size, is_turn) in events {
            now += wait;
            let tokens = size * 20_000;
            if is_turn {
                let credit = credited(&say(&mut machine, now, turn(tokens)));
                prop_assert!(credit.unwrap_or_default() <= refreshed);
                refreshed = 0;
            } else if is_warmed(&mut machine, now) {
                brought(&mut machine, now, read(tokens));
                refreshed = tokens;
            }
        }
    }
}
