//! What a token is good for and may not be used for now.

use super::stories::standing;
use super::*;

#[test]
fn throttling_pauses_the_token_without_rejecting_it() {
    let mut bench = Bench::new();
    bench.client("a", 1, Class::Ok);
    let lease = bench.lease("a");
    let now = bench.now;
    let storm = evidence(1, Class::Throttled { retry_after: None }, now, now + 1);
    bench.say(CredentialMessage::CallEnded { request: request("a"), lease, evidence: Some(storm) });
    assert!(waits(&bench.resolve("a"), WaitReason::Throttled));
    bench.client("a", 1, Class::Ok);
    assert!(matches!(bench.resolve("a"), Access::Go(_)));
}

#[test]
fn a_request_that_asks_no_model_proves_the_token_and_ends_no_pause() {
    let mut bench = Bench::new();
    bench.client("a", 1, Class::Ok);
    bench.answer(1, Class::Throttled { retry_after: Some(Duration::from_secs(300)) });
    bench.answer(1, Class::CredentialRejected);
    let evidence = evidence(1, Class::Ok, bench.now + 1, bench.now + 2);
    bench.say(CredentialMessage::ClientAnswered { evidence, model: None });
    assert_eq!(bench.verdict(1), Verdict::Proven);
    assert!(waits(&bench.resolve("a"), WaitReason::Throttled));
}

#[test]
fn work_that_is_always_refused_with_a_token_that_clients_use_costs_few_calls_and_one_alert() {
    for class in [Class::CredentialRejected, Class::WeakAuth] {
        let mut bench = Bench::new();
        bench.client("a", 1, Class::Ok);
        let mut refused = 0;
        for _ in 0..120 {
            for _ in 0..4 {
                if let Access::Go(lease) = bench.resolve("a") {
                    let evidence = bench.outcome(&lease, class);
                    bench.say(CredentialMessage::AuthFailed { request: request("a"), lease, evidence });
                    refused += 1;
                }
                bench.pass(Duration::from_secs(15));
            }
            bench.client("a", 1, Class::Ok);
        }
        assert!(refused <= 9, "{class:?}: {refused} in two hours");
        assert!(bench.alerts() <= 1, "{class:?}: {}", bench.alerts());
        assert!(matches!(bench.resolve_for("a", Purpose::Curate), Access::Go(_)), "the token is good");
    }
}

#[test]
fn a_review_says_that_distilling_is_forbidden() {
    let mut bench = Bench::new();
    bench.client("a", 1, Class::Ok);
    let lease = bench.lease("a");
    bench.ended("a", &lease, Class::Forbidden);
    assert_eq!(standing(&mut bench, "a"), Some(WaitReason::Forbidden));
    bench.pass(Duration::from_secs(300));
    assert_eq!(standing(&mut bench, "a"), None);
}
