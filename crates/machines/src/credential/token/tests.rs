//! What a token's verdict depends on, and what it does not.

use super::*;
use crate::samples::{many, upstream};
use domain::fingerprint::Fingerprint;
use proptest::prelude::*;

const MINUTE: u64 = 60_000_000;

fn evidence(class: Class, start: u64, end: u64) -> Evidence {
    let (fingerprint, upstream) = (Fingerprint::of_number(1), upstream());
    Evidence { fingerprint, upstream, start: Moment(start), end: Moment(end), class, status: 401 }
}

fn after(all: &[(Class, u64, u64)]) -> Token {
    let mut token = Token::offered(Moment(0));
    for &(class, start, end) in all {
        token.join(&evidence(class, start, end), Moment(end));
    }
    token
}

#[test]
fn a_success_that_began_before_the_failure_ended_proves_nothing() {
    let refused = (Class::CredentialRejected, 10, 20);
    assert_eq!(after(&[refused, (Class::Ok, 15, 30)]).verdict(), Verdict::Rejected);
    assert_eq!(after(&[refused, (Class::Ok, 15, 30), (Class::Ok, 21, 31)]).verdict(), Verdict::Proven);
}

#[test]
fn one_weak_sign_is_none_and_two_within_a_minute_are_a_refusal() {
    let weak = |at| (Class::WeakAuth, at, at + 1);
    assert_eq!(after(&[weak(0)]).verdict(), Verdict::Unproven);
    assert_eq!(after(&[weak(0), weak(2 * MINUTE)]).verdict(), Verdict::Unproven);
    assert_eq!(after(&[weak(0), weak(2 * MINUTE), weak(2 * MINUTE + 5)]).verdict(), Verdict::Rejected);
}

#[test]
fn three_weak_signs_however_far_apart_are_a_refusal_unless_a_success_came_between() {
    let weak = |minute: u64| (Class::WeakAuth, minute * MINUTE, minute * MINUTE + 1);
    let ok = |minute: u64| (Class::Ok, minute * MINUTE, minute * MINUTE + 1);
    assert_eq!(after(&[weak(0), weak(10)]).verdict(), Verdict::Unproven);
    assert_eq!(after(&[weak(0), weak(10), weak(20)]).verdict(), Verdict::Rejected);
    assert_eq!(after(&[weak(20), weak(0), weak(10)]).verdict(), Verdict::Rejected, "in whatever order");
    assert_eq!(after(&[weak(0), ok(5), weak(10), weak(20)]).verdict(), Verdict::Proven);
    assert_eq!(after(&[weak(0), weak(10), weak(20), ok(21)]).verdict(), Verdict::Proven);
}

#[test]
fn a_success_between_two_weak_signs_parts_them() {
    let weak = |at| (Class::WeakAuth, at, at + 1);
    assert_eq!(after(&[weak(0), (Class::Ok, 5, 6), weak(10)]).verdict(), Verdict::Proven);
    assert_eq!(after(&[weak(0), weak(10), (Class::Ok, 5, 6)]).verdict(), Verdict::Proven, "told late, too");
    assert_eq!(after(&[weak(0), weak(10), (Class::Ok, 12, 13)]).verdict(), Verdict::Proven, "and after them");
}

#[test]
fn many_refusals_at_once_are_one_step_of_the_ladder() {
    let storm: Vec<_> = (0..10).map(|n| (Class::CredentialRejected, n, n + 1)).collect();
    assert!(after(&storm).probe_due() <= Moment::from_secs(73));
}

#[test]
fn an_episode_alerts_once_and_the_next_one_again() {
    let mut token = after(&[(Class::CredentialRejected, 1, 2)]);
    assert_eq!(token.take_alert(), Some(401));
    token.join(&evidence(Class::CredentialRejected, 3, 4), Moment(4));
    assert_eq!(token.take_alert(), None);
    token.join(&evidence(Class::Ok, 5, 6), Moment(6));
    token.join(&evidence(Class::CredentialRejected, 7, 8), Moment(8));
    assert_eq!(token.take_alert(), Some(401));
}

#[test]
fn probes_come_later_and_later_but_never_stop() {
    let mut token = Token::offered(Moment(0));
    let mut now = 0;
    let mut pauses = Vec::new();
    for _ in 0..40 {
        token.join(&evidence(Class::CredentialRejected, now + 1, now + 2), Moment(now + 2));
        pauses.push((token.probe_due().0 - now) / 1_000_000);
        now = token.probe_due().0;
    }
    assert!((48..=72).contains(&pauses[0]), "{pauses:?}");
    assert!(pauses.iter().all(|&pause| pause <= 36 * 60), "{pauses:?}");
    assert!(pauses[39] >= 24 * 60, "{pauses:?}");
}

fn any_evidence() -> impl Strategy<Value = Evidence> {
    let class = prop_oneof![
        Just(Class::Ok),
        Just(Class::CredentialRejected),
        Just(Class::WeakAuth),
        Just(Class::Forbidden),
        Just(Class::Throttled { retry_after: None }),
        Just(Class::UpstreamFault),
    ];
    // Half a minute apart, so that weak signs are sometimes a pair and sometimes not.
    (class, 0_u64..12, 0_u64..4)
        .prop_map(|(class, start, length)| evidence(class, start * MINUTE / 2, (start + length) * MINUTE / 2))
}

fn verdict_after<'e>(all: impl Iterator<Item = &'e Evidence>) -> Verdict {
    let mut token = Token::offered(Moment(0));
    all.for_each(|one| {
        token.join(one, Moment(50 * MINUTE));
    });
    token.verdict()
}

/// The definition, word for word, over all evidence at once: an oracle that knows nothing of the join.
fn verdict_by_definition(all: &[Evidence]) -> Verdict {
    let of = |class: Class| all.iter().filter(move |one| one.class == class);
    let began_after = |end: Moment| of(Class::Ok).any(|ok| ok.start > end);
    let strong = of(Class::CredentialRejected).any(|fail| !began_after(fail.end));
    let mut signs: Vec<_> = of(Class::WeakAuth)
        .filter(|sign| !began_after(sign.end))
        .map(|sign| (sign.end, sign.start))
        .collect();
    signs.sort_unstable();
    signs.dedup();
    let weak = signs.len() >= WEAK_IN_A_ROW
        || of(Class::WeakAuth).any(|late| {
            of(Class::WeakAuth).any(|early| {
                let distinct = (early.end, early.start) < (late.end, late.start);
                distinct && late.end.since(early.end) <= WEAK_WINDOW && !began_after(early.end)
            })
        });
    match of(Class::Ok).next() {
        _ if strong || weak => Verdict::Rejected,
        Some(_) => Verdict::Proven,
        None => Verdict::Unproven,
    }
}

proptest! {
    #![proptest_config(many())]
    #[test]
    fn the_verdict_depends_neither_on_order_nor_on_repetition(
        all in proptest::collection::vec(any_evidence(), 0..12),
        order in proptest::collection::vec(any::<proptest::sample::Index>(), 0..24),
    ) {
        let shuffled = order.iter().filter(|_| !all.is_empty()).map(|index| index.get(&all)).chain(all.iter().rev());
        prop_assert_eq!(verdict_after(all.iter()), verdict_after(shuffled));
    }

    #[test]
    fn the_verdict_is_the_one_that_the_definition_gives(all in proptest::collection::vec(any_evidence(), 0..12)) {
        prop_assert_eq!(verdict_after(all.iter()), verdict_by_definition(&all));
    }

    #[test]
    fn only_auth_failures_reject(all in proptest::collection::vec(any_evidence(), 0..12)) {
        let harmless = all.iter().filter(|one| !matches!(one.class, Class::CredentialRejected | Class::WeakAuth));
        prop_assert_ne!(verdict_after(harmless), Verdict::Rejected);
    }
}
