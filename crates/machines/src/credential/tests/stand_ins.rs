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
        own: Some(Fingerprint::of_number(own)),
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

/// A distiller's lease for work of a session that nobody in memory knows, of this owner and project.
fn left(bench: &mut Bench, fallback: GlobalFallback, project: Option<&str>) -> Access {
    bench.machine.rules.fallback = fallback;
    ask(bench, AccessRequest { project: project.map(Into::into), ..request("left") })
}

fn ask(bench: &mut Bench, request: AccessRequest) -> Access {
    match bench.say(CredentialMessage::ResolveCredential(request)) {
        CredentialReply::Access(access) => access,
        other => panic!("not an access: {other:?}"),
    }
}

#[test]
fn work_of_a_session_without_a_slot_goes_with_the_global_token_where_the_settings_let_it() {
    for (fallback, project, goes) in [
        (GlobalFallback::Any, None, true),
        (GlobalFallback::SameProject, Some("/p"), true),
        (GlobalFallback::SameProject, Some("/q"), false),
        (GlobalFallback::SameProject, None, false),
        (GlobalFallback::Lineage, Some("/p"), false),
        (GlobalFallback::Off, Some("/p"), false),
    ] {
        let mut bench = Bench::new();
        bench.observe_in("a", 1, Some("/p".to_owned()));
        assert!(waits(&left(&mut bench, fallback, project), WaitReason::NoCredential), "it is not proven");
        bench.answer(1, Class::Ok);
        let access = left(&mut bench, fallback, project);
        assert_eq!(goes_with(&access, 1), goes, "{fallback:?} {project:?}");
        assert!(goes || waits(&access, WaitReason::NoCredential));
        assert_eq!(bench.stand_ins().len(), usize::from(goes), "it is told");
        assert!(bench.stand_ins().iter().all(|told| told.own.is_none()));
    }
}

#[test]
fn nobody_elses_and_no_other_providers_token_stands_in_for_a_session_without_a_slot() {
    let mut bench = Bench::with(GlobalFallback::Any);
    bench.client("a", 1, Class::Ok);
    let stranger = AccessRequest { principal: "stranger".into(), ..request("left") };
    assert!(waits(&ask(&mut bench, stranger), WaitReason::NoCredential));
    let elsewhere =
        AccessRequest { upstream: UpstreamKey::new(Provider::Anthropic, "http://other"), ..request("left") };
    assert!(waits(&ask(&mut bench, elsewhere), WaitReason::NoCredential));
    bench.machine.rules.client_credentials.bearer = false;
    assert!(waits(&bench.resolve("left"), WaitReason::NoCredential), "nor one that the settings exclude");
}

#[test]
fn what_is_an_accounts_own_is_not_done_with_the_global_token() {
    let mut bench = Bench::with(GlobalFallback::Any);
    bench.client("a", 1, Class::Ok);
    bench.client("b", 2, Class::CredentialRejected);
    for (session, purpose) in [("left", Purpose::Warm), ("left", Purpose::Batch), ("b", Purpose::Warm)] {
        assert!(matches!(bench.resolve_for(session, purpose), Access::Wait { .. }), "{session} {purpose:?}");
    }
    assert!(goes_with(&bench.resolve("b"), 1));
}

#[test]
fn a_batch_of_before_the_start_is_looked_after_with_the_only_key_and_with_none_of_several() {
    use CredentialKind::{ApiKey, Bearer};
    // Each asks once: what was leased before would be in the way of what is asked next.
    let goes_with_1 = |fallback, offered: &[(u8, CredentialKind, Option<Class>)], purpose| {
        let mut bench = Bench::with(fallback);
        for (token, kind, answer) in offered.iter().copied() {
            let (slot, credential) = (key(&format!("session {token}")), made(token, kind));
            bench.say(CredentialMessage::CredentialObserved { slot, credential, project: None, ends: None });
            answer.into_iter().for_each(|class| bench.answer(token, class));
        }
        let access = bench.resolve_for("left", purpose);
        assert!(goes_with(&access, 1) || matches!(access, Access::Wait { .. }), "never with another");
        goes_with(&access, 1)
    };
    let (lineage, ok) = (GlobalFallback::Lineage, Some(Class::Ok));
    let only = [(1, ApiKey, ok), (2, Bearer, ok)];
    assert!(goes_with_1(lineage, &only, Purpose::Batch));
    assert!(!goes_with_1(lineage, &only, Purpose::Distill), "nothing else goes with it");
    assert!(!goes_with_1(GlobalFallback::Off, &only, Purpose::Batch));
    assert!(
        !goes_with_1(lineage, &[(1, ApiKey, None)], Purpose::Batch),
        "nobody knows whether it is any good"
    );
    let several = [(3, ApiKey, ok), (1, ApiKey, ok)];
    assert!(!goes_with_1(lineage, &several, Purpose::Batch), "either account may have it");
}

#[test]
fn a_warm_up_goes_with_the_refreshed_login_of_the_same_lineage_and_with_no_other_key() {
    for (kind, goes) in [(CredentialKind::Bearer, true), (CredentialKind::ApiKey, false)] {
        let mut bench = Bench::with(GlobalFallback::Any);
        for (session, token) in [("a", 1), ("b", 1), ("b", 2)] {
            let (slot, credential) = (key(session), made(token, kind));
            bench.say(CredentialMessage::CredentialObserved { slot, credential, project: None, ends: None });
            bench.answer(token, Class::Ok);
        }
        bench.answer(1, Class::CredentialRejected);
        assert_eq!(goes_with(&bench.resolve_for("a", Purpose::Warm), 2), goes, "{kind:?}");
    }
}
