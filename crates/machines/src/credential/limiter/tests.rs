//! Who finds room, who is shed, who is invited.

use super::*;
use crate::samples::upstream;
use domain::ids::Principal;

fn request(session: &str, purpose: Purpose) -> AccessRequest {
    let (principal, session, model) = (Principal::local(), session.into(), "m".into());
    AccessRequest { principal, session, upstream: upstream(), model, purpose, project: None }
}

/// A limiter in which so many leases are out, the first of them under number 0.
fn full(calls: u64) -> Limiter {
    let mut limiter = Limiter::default();
    for number in 0..calls {
        limiter.out.push(Out {
            lease: LeaseId(number),
            token: (upstream(), Fingerprint::of_number(1)),
            session: format!("out {number}").into(),
            purpose: Purpose::Distill,
            until: Moment::from_secs(1000),
        });
    }
    limiter
}

#[test]
fn one_and_a_half_calls_a_session_and_never_fewer_than_two_or_more_than_twelve() {
    let most: Vec<usize> = [0, 1, 2, 3, 4, 7, 8, 9, 1000].into_iter().map(most_at_once).collect();
    assert_eq!(most, [2, 2, 3, 4, 6, 10, 12, 12, 12]);
}

#[test]
fn the_most_urgent_kind_is_invited_first_and_within_it_whoever_came_first() {
    let mut limiter = full(2);
    for (session, purpose) in
        [("c", Purpose::Batch), ("b", Purpose::Curate), ("a", Purpose::Distill), ("d", Purpose::Distill)]
    {
        assert!(!limiter.admits(&request(session, purpose), 0, Moment(0)));
    }
    limiter.out.extend(full(5).out.split_off(2));
    let invited: Vec<String> = (0..4)
        .filter_map(|lease| limiter.came_back(LeaseId(lease)))
        .map(|(_, session)| session.to_string())
        .collect();
    assert_eq!(invited, ["a", "d", "b", "c"]);
}

#[test]
fn a_full_queue_sheds_the_least_urgent_and_of_those_the_last() {
    let mut limiter = full(2);
    assert!(!limiter.admits(&request("old batch", Purpose::Batch), 0, Moment(0)));
    assert!(!limiter.admits(&request("new batch", Purpose::Batch), 0, Moment(0)));
    for number in 0..QUEUE - 1 {
        limiter.admits(&request(&number.to_string(), Purpose::Distill), 0, Moment(0));
    }
    let waiting: Vec<_> = limiter.queue.values().map(|(_, session)| session.to_string()).collect();
    assert_eq!(waiting.len(), QUEUE);
    assert!(waiting.contains(&"old batch".to_owned()) && !waiting.contains(&"new batch".to_owned()));
}

#[test]
fn who_asks_twice_waits_once_and_who_left_is_not_invited() {
    let mut limiter = full(2);
    for _ in 0..3 {
        limiter.admits(&request("a", Purpose::Distill), 0, Moment(0));
    }
    assert_eq!(limiter.queue.len(), 1);
    limiter.forget(&"a".into());
    assert_eq!(limiter.came_back(LeaseId(0)), None);
    limiter.admits(&request("b", Purpose::Distill), 0, Moment(0));
    limiter.out.extend(full(1).out);
    limiter.admits(&request("c", Purpose::Distill), 0, Moment(0));
    assert_eq!(limiter.came_back(LeaseId(9)), None, "a lease that is not out invites nobody");
    assert!(limiter.came_back(LeaseId(0)).is_some());
}
