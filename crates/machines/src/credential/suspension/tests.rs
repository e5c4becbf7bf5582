//! The breaker and the incident by themselves: what opens them, what a straggler proves.

use super::*;
use crate::samples::upstream;
use domain::evidence::Class;

fn evidence(token: u8, class: Class, start: u64, end: u64) -> Evidence {
    let (fingerprint, upstream) = (Fingerprint::of_number(token), upstream());
    Evidence { fingerprint, upstream, start: Moment(start), end: Moment(end), class, status: 0 }
}

#[test]
fn an_answer_that_was_on_its_way_before_the_trouble_closes_nothing() {
    let mut breaker = Breaker::default();
    for n in 10..13 {
        breaker.fault(&evidence(1, Class::UpstreamFault, n, n), Moment(n));
    }
    breaker.answered(&evidence(2, Class::Ok, 11, 20));
    assert!(breaker.holds_until(Moment(20)).is_some());
    breaker.answered(&evidence(2, Class::Ok, 13, 21));
    assert!(breaker.holds_until(Moment(21)).is_none());
}

#[test]
fn an_incident_is_two_tokens_in_whatever_order_they_are_told() {
    for order in [[1, 2], [2, 1]] {
        let mut incident = Incident::default();
        for token in order {
            let at = u64::from(token) * 20_000_000;
            incident.rejected(&evidence(token, Class::CredentialRejected, at, at), Moment(60_000_000));
        }
        assert!(incident.is_on());
    }
}

#[test]
fn a_success_that_began_before_an_incident_does_not_end_it() {
    let mut incident = Incident::default();
    for token in [1, 2] {
        incident.rejected(&evidence(token, Class::CredentialRejected, 5, 10), Moment(10));
    }
    assert!(incident.succeeded(&evidence(3, Class::Ok, 10, 20)).is_empty());
    assert!(incident.is_on());
    assert_eq!(incident.succeeded(&evidence(3, Class::Ok, 11, 20)).len(), 2);
    assert!(!incident.is_on());
}

#[test]
fn pauses_between_trials_grow_to_a_bound_but_a_storm_is_one_step() {
    let mut breaker = Breaker::default();
    let mut now = 0;
    let mut pauses = Vec::new();
    for _ in 0..12 {
        for _ in 0..5 {
            breaker.fault(&evidence(1, Class::UpstreamFault, now, now), Moment(now));
        }
        let until = breaker.holds_until(Moment(now)).expect("open").0;
        pauses.push((until - now) / 1_000_000);
        now = until;
    }
    assert!(pauses[0] <= 36 && pauses[11] >= 240, "{pauses:?}");
    assert!(pauses.iter().all(|pause| *pause <= 360), "{pauses:?}");
}
