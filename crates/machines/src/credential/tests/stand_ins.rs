//! Whose token goes with a call.

use super::*;

#[test]
fn the_global_token_stands_in_only_for_a_session_of_the_same_lineage() {
    let mut bench = Bench::new();
    bench.client("a", 1, Class::Ok);
    bench.client("b", 1, Class::Ok);
    bench.client("c", 3, Class::Ok);
    bench.client("a", 1, Class::CredentialRejected);
    bench.client("b", 2, Class::Ok);
    bench.client("c", 3, Class::CredentialRejected);
    assert_eq!(bench.lease("a").fingerprint(), Fingerprint::of_number(2), "a and b once held token 1");
    assert!(waits(&bench.resolve("c"), WaitReason::Rejected), "c is a stranger");
}

#[test]
fn each_use_of_another_sessions_token_is_told_and_none_of_the_own() {
    let mut bench = Bench::new();
    bench.client("a", 1, Class::Ok);
    bench.lease("a");
    assert_eq!(bench.stand_ins(), []);

    let mut bench = Bench::new();
    bench.client("a", 1, Class::Ok);
    bench.client("b", 1, Class::Ok);
    bench.client("a", 1, Class::CredentialRejected);
    bench.client("b", 2, Class::Ok);
    bench.lease("a");
    let told = |own, token| StandIn {
        provider: Provider::Anthropic,
        session: "a".into(),
        purpose: Purpose::Distill,
        own: Fingerprint::of_number(own),
        token: Fingerprint::of_number(token),
    };
    assert_eq!(bench.stand_ins(), [told(1, 2)]);
}

#[test]
fn the_global_token_stands_in_within_a_project_when_the_settings_say_so() {
    let mut bench = Bench::with(GlobalFallback::SameProject);
    for (session, token, project) in [("a", 1, "/p"), ("b", 2, "/p"), ("c", 3, "/q")] {
        bench.observe_in(session, token, Some(project.to_owned()));
    }
    for (session, token) in [("a", 1), ("c", 3)] {
        bench.client(session, token, Class::CredentialRejected);
        bench.client("b", 2, Class::Ok);
    }
    assert_eq!(bench.lease("a").fingerprint(), Fingerprint::of_number(2));
    assert!(waits(&bench.resolve("c"), WaitReason::Rejected), "c works elsewhere");
    bench.observe_in("c", 3, Some("/p".to_owned()));
    assert_eq!(bench.lease("c").fingerprint(), Fingerprint::of_number(2), "until it comes here");
}

#[test]
fn a_key_of_the_workers_own_keeps_client_credentials_out() {
    let mut bench = Bench::new();
    bench.machine.rules.own_keys = vec![(Provider::Anthropic, credential(9))];
    bench.client("a", 1, Class::Ok);
    assert_eq!(bench.lease("a").fingerprint(), Fingerprint::of_number(9));
}

#[test]
fn a_kind_that_the_settings_exclude_is_not_used() {
    let mut bench = Bench::new();
    bench.machine.rules.client_credentials.bearer = false;
    bench.client("a", 1, Class::Ok);
    assert!(waits(&bench.resolve("a"), WaitReason::NotAllowed));
}
