//! While an agent's own request is under way, no warm-up of its session leaves: the request uses the cache itself.

use super::*;
use domain::companions::Companions;
use domain::credential::{Credential, CredentialKind, Lease};
use domain::fingerprint::Fingerprint;
use domain::ids::{Generation, LeaseId};
use domain::secret::Secret;
use std::sync::Arc;

fn lease() -> Lease {
    let credential = Credential {
        header: "authorization",
        value: Secret::new("t"),
        kind: CredentialKind::Bearer,
        fingerprint: Fingerprint::of_number(1),
        companions: Companions::default(),
        ends: None,
    };
    let owner = (Principal::local(), brief("a").upstream);
    #[expect(clippy::disallowed_methods, reason = "a test's own lease")]
    Lease::grant(LeaseId(1), owner, Arc::new(credential), Generation(1), false)
}

fn started() -> WarmerMessage {
    WarmerMessage::TurnStarted("a".into())
}

fn ended() -> WarmerMessage {
    WarmerMessage::TurnEnded("a".into())
}

#[test]
fn a_warm_up_that_falls_due_while_the_agents_request_is_under_way_does_not_leave() {
    let mut machine = machine();
    say(&mut machine, 0, turn(50_000));
    assert_eq!(say(&mut machine, 270, started()), [], "what every request brings costs next to nothing");
    let due = say(&mut machine, 275, WarmerMessage::WarmupDue);
    assert!(!starts(&due));
    assert_eq!(armed(&due), Some(5), "it is looked again, in case the request fails");
    assert_eq!(say(&mut machine, 278, ended()), []);
    assert!(is_warmed(&mut machine, 280), "it failed: the older cache is due still");
}

#[test]
fn of_several_requests_under_way_each_holds_the_warm_up_back() {
    let mut machine = machine();
    say(&mut machine, 0, turn(50_000));
    for message in [started(), started(), ended()] {
        say(&mut machine, 270, message);
    }
    assert!(!is_warmed(&mut machine, 275));
    say(&mut machine, 276, ended());
    assert!(is_warmed(&mut machine, 276));
}

#[test]
fn other_sessions_requests_hold_nothing_back_and_an_end_without_a_beginning_is_none() {
    let mut machine = machine();
    say(&mut machine, 0, turn(50_000));
    say(&mut machine, 1, ended());
    say(&mut machine, 270, WarmerMessage::TurnStarted("b".into()));
    assert!(is_warmed(&mut machine, 275));
}

#[test]
fn a_request_that_leaves_while_the_lease_is_asked_for_sends_the_lease_back_unused() {
    let answered = || {
        let (session, access) = ("a".into(), Access::Go(lease()));
        WarmerMessage::Job(JobMessage::Answered { session, access })
    };
    for (requests, performs) in [(0, true), (1, false)] {
        let mut machine = machine();
        say(&mut machine, 0, turn(50_000));
        assert!(is_warmed(&mut machine, 275));
        (0..requests).for_each(|_| drop(say(&mut machine, 276, started())));
        let effects = say(&mut machine, 277, answered());
        let job = |is: fn(&JobEffect) -> bool| {
            effects.iter().any(|effect| matches!(effect, WarmerEffect::Job(job) if is(job)))
        };
        assert_eq!(job(|it| matches!(it, JobEffect::Perform { .. })), performs, "{effects:?}");
        assert_eq!(job(|it| matches!(it, JobEffect::Report { work: Work::Nothing, .. })), !performs);
    }
}
