//! What begins a pause, and what ends it.

use super::*;
use domain::fingerprint::Fingerprint;
use domain::provider::{Provider, UpstreamKey};

fn evidence(class: Class) -> Evidence {
    between(class, 0, 1)
}

fn between(class: Class, start: u64, end: u64) -> Evidence {
    let upstream = UpstreamKey::new(Provider::Anthropic, "http://h");
    let (start, end) = (Moment(start), Moment(end));
    Evidence { fingerprint: Fingerprint::of_number(1), upstream, start, end, class, status: 0 }
}

const DISTILLING: Call<'_> = Call { purpose: Purpose::Distill, model: "m", asks: true };

fn at(seconds: u64) -> Moment {
    Moment::from_secs(seconds)
}

#[test]
fn throttling_climbs_a_ladder_and_success_takes_it_away() {
    let throttled = evidence(Class::Throttled { retry_after: None });
    let mut pauses = Pauses::default();
    pauses.take(&throttled, DISTILLING, at(0));
    assert_eq!(pauses.standing("m", Purpose::Curate, at(59)), Some((WaitReason::Throttled, at(60))));
    pauses.take(&throttled, DISTILLING, at(60));
    assert_eq!(pauses.standing("m", Purpose::Curate, at(60)), Some((WaitReason::Throttled, at(180))));
    pauses.take(&between(Class::Ok, 2, 3), Call::of_client(Some("m")), at(100));
    assert_eq!(pauses.standing("m", Purpose::Curate, at(100)), None);
}

#[test]
fn a_success_that_was_on_its_way_before_the_storm_does_not_end_it() {
    let mut pauses = Pauses::default();
    pauses.take(&between(Class::Throttled { retry_after: None }, 5, 6), Call::of_client(Some("m")), at(0));
    pauses.take(&between(Class::Ok, 6, 9), Call::of_client(Some("m")), at(1));
    assert!(pauses.standing("m", Purpose::Distill, at(1)).is_some(), "a client's storm is the token's");
    pauses.take(&between(Class::Ok, 7, 9), Call::of_client(Some("m")), at(1));
    assert!(pauses.standing("m", Purpose::Distill, at(1)).is_none());
}

#[test]
fn what_a_client_may_not_do_background_work_may() {
    let mut pauses = Pauses::default();
    pauses.take(&evidence(Class::Forbidden), Call::of_client(Some("m")), at(0));
    assert!(pauses.standing("m", Purpose::Distill, at(1)).is_none());
}

#[test]
fn a_longer_wish_of_the_provider_is_honoured_up_to_ten_minutes() {
    let mut pauses = Pauses::default();
    let wish = Some(Duration::from_secs(86_400));
    pauses.take(&evidence(Class::Throttled { retry_after: wish }), DISTILLING, at(0));
    assert_eq!(pauses.standing("m", Purpose::Distill, at(1)), Some((WaitReason::Throttled, at(600))));
}

#[test]
fn one_storm_is_one_step_of_the_ladder_and_a_shorter_wish_ends_nothing() {
    let throttled =
        |wish: Option<u64>| evidence(Class::Throttled { retry_after: wish.map(Duration::from_secs) });
    for wish in [None, Some(1)] {
        let mut pauses = Pauses::default();
        for second in 0..5 {
            pauses.take(&throttled(wish), DISTILLING, at(second));
        }
        let standing = |pauses: &Pauses, now| pauses.standing("m", Purpose::Distill, at(now));
        assert_eq!(standing(&pauses, 5), Some((WaitReason::Throttled, at(60))), "{wish:?}");
        pauses.take(&throttled(wish), DISTILLING, at(60));
        assert_eq!(standing(&pauses, 60), Some((WaitReason::Throttled, at(180))), "the next storm, {wish:?}");
    }
    let mut pauses = Pauses::default();
    pauses.take(&throttled(None), DISTILLING, at(4));
    pauses.take(&throttled(Some(500)), DISTILLING, at(5));
    pauses.take(&throttled(Some(1)), DISTILLING, at(6));
    assert_eq!(pauses.standing("m", Purpose::Distill, at(7)), Some((WaitReason::Throttled, at(505))));
}

#[test]
fn what_was_forbidden_and_is_done_after_all_is_forbidden_no_more() {
    let mut pauses = Pauses::default();
    pauses.take(&evidence(Class::Forbidden), DISTILLING, at(0));
    pauses.take(&between(Class::Ok, 2, 3), DISTILLING, at(1));
    assert!(pauses.standing("m", Purpose::Distill, at(1)).is_none());
}

#[test]
fn a_client_that_names_ever_new_models_fills_no_memory() {
    let mut pauses = Pauses::default();
    for number in 0..1000 {
        pauses.take(
            &evidence(Class::Forbidden),
            Call { model: &format!("model {number}"), ..DISTILLING },
            at(number),
        );
    }
    assert_eq!(pauses.known().forbidden.len(), FORBIDDEN_PAIRS);
    assert!(pauses.standing("model 999", Purpose::Distill, at(1000)).is_some());
}

#[test]
fn what_is_forbidden_for_one_model_is_not_for_another() {
    let mut pauses = Pauses::default();
    pauses.take(&evidence(Class::Forbidden), DISTILLING, at(0));
    assert!(pauses.standing("m", Purpose::Distill, at(1)).is_some());
    assert!(pauses.standing("n", Purpose::Distill, at(1)).is_none());
    assert!(pauses.standing("m", Purpose::Curate, at(1)).is_none());
}

#[test]
fn only_the_answer_of_a_model_ends_a_pause_that_the_provider_asked_for() {
    let batch = Call { purpose: Purpose::Batch, asks: false, ..DISTILLING };
    let wish = Class::Throttled { retry_after: Some(Duration::from_secs(300)) };
    for trouble in [wish, Class::AccountBlocked] {
        let mut pauses = Pauses::default();
        pauses.take(&evidence(trouble), DISTILLING, at(0));
        for call in [Call::of_client(None), batch] {
            pauses.take(&between(Class::Ok, 2, 3), call, at(1));
            assert!(pauses.standing("m", Purpose::Distill, at(299)).is_some(), "{trouble:?} {call:?}");
        }
        pauses.take(&between(Class::Ok, 2, 3), Call::of_client(Some("m")), at(2));
        assert!(pauses.standing("m", Purpose::Distill, at(2)).is_none(), "{trouble:?}");
    }
}

#[test]
fn a_busy_model_is_quiet_until_it_answers_itself_and_an_account_is_there_for_all() {
    let mut pauses = Pauses::default();
    pauses.take(&evidence(Class::Throttled { retry_after: None }), DISTILLING, at(0));
    pauses.take(
        &between(Class::Throttled { retry_after: Some(Duration::ZERO) }, 0, 1),
        Call::of_client(Some("n")),
        at(1),
    );
    pauses.take(&between(Class::Ok, 2, 3), Call::of_client(Some("n")), at(2));
    assert!(pauses.standing("m", Purpose::Distill, at(3)).is_some());
    pauses.take(&evidence(Class::AccountBlocked), DISTILLING, at(3));
    pauses.take(&between(Class::Ok, 4, 5), Call::of_client(Some("n")), at(4));
    assert_eq!(pauses.standing("m", Purpose::Distill, at(5)), Some((WaitReason::Throttled, at(60))));
    pauses.take(&between(Class::Ok, 6, 7), Call::of_client(Some("m")), at(6));
    assert!(pauses.standing("m", Purpose::Distill, at(7)).is_none());
}

#[test]
fn which_model_was_busy_is_not_known_when_none_was_asked() {
    let mut pauses = Pauses::default();
    pauses.take(&evidence(Class::Throttled { retry_after: None }), Call::of_client(None), at(0));
    pauses.take(&between(Class::Ok, 2, 3), Call::of_client(Some("n")), at(2));
    assert!(pauses.standing("m", Purpose::Distill, at(3)).is_none());
}

#[test]
fn work_that_is_refused_while_all_else_is_accepted_pauses_for_longer_each_time() {
    let mut pauses = Pauses::default();
    let mut now = 0;
    let mut waits = Vec::new();
    for number in 0..6 {
        let start = 10 * number;
        let is_the_works =
            pauses.take(&between(Class::CredentialRejected, start, start + 1), DISTILLING, at(now));
        assert_eq!(is_the_works, number > 0, "the first may be a mistake, or the token's end");
        pauses.take(&between(Class::Ok, start + 2, start + 3), Call::of_client(None), at(now));
        let until =
            pauses.standing("m", Purpose::Distill, at(now)).map_or(now, |(_, until)| until.0 / 1_000_000);
        waits.push(until - now);
        now = until;
        assert!(pauses.standing("m", Purpose::Curate, at(now)).is_none(), "that may work");
    }
    assert_eq!(waits, [0, 300, 900, 1800, 3600, 3600]);
    pauses.take(&between(Class::Ok, 100, 101), DISTILLING, at(now));
    assert!(
        !pauses.take(&between(Class::CredentialRejected, 110, 111), DISTILLING, at(now)),
        "done once, all is new"
    );
}

#[test]
fn a_token_that_is_refused_to_all_alike_is_not_contradicted() {
    let mut pauses = Pauses::default();
    for start in [0, 10, 20] {
        assert!(!pauses.take(&between(Class::CredentialRejected, start, start + 1), DISTILLING, at(start)));
        pauses.take(
            &between(Class::CredentialRejected, start + 2, start + 3),
            Call::of_client(None),
            at(start),
        );
        pauses.take(&between(Class::Ok, start, start + 3), Call::of_client(None), at(start));
    }
    assert!(pauses.standing("m", Purpose::Distill, at(30)).is_none());
}
