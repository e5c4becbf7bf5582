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
fn pauses_between_trials_grow_to_a_bound_and_only_a_trial_puts_the_next_one_off() {
    let mut breaker = Breaker::default();
    let fault = |at| evidence(1, Class::UpstreamFault, at, at);
    (0..3).for_each(|n| breaker.fault(&fault(n), Moment(n)));
    let mut now = 3;
    let mut pauses = Vec::new();
    for number in 0..12 {
        let until = breaker.holds_until(Moment(now)).expect("open").0;
        pauses.push((until - now) / 1_000_000);
        now = until;
        breaker.fault(&fault(now), Moment(now));
        assert_eq!(breaker.holds_until(Moment(now)), None, "a client's fault does not put the trial off");
        breaker.try_with(LeaseId(number), Moment(now));
        assert!(breaker.holds_until(Moment(now)).is_some(), "one at a time");
        breaker.end_trial(LeaseId(number), Some(Class::UpstreamFault), Moment(now));
    }
    assert!(pauses[0] <= 36 && pauses[11] >= 240, "{pauses:?}");
    assert!(pauses.iter().all(|pause| *pause <= 360), "{pauses:?}");
}

#[test]
fn a_trial_that_says_nothing_about_the_trouble_makes_room_for_the_next() {
    let mut incident = Incident::default();
    for token in [1, 2] {
        incident.rejected(&evidence(token, Class::CredentialRejected, 5, 10), Moment(10));
    }
    let token = Fingerprint::of_number(3);
    let due = incident.holds_until(token, Merit::Good, Moment(10)).expect("suspended");
    incident.try_with(LeaseId(1), token, Merit::Good, due);
    incident.end_trial(LeaseId(1), Some(Class::Throttled { retry_after: None }), due);
    assert_eq!(incident.holds_until(token, Merit::Good, due), None);
}
