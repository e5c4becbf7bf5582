//! Every fault, in every shape.

use super::*;
use domain::{evidence::Class, time::UnixMillis};
use upstream::classify::classify;

fn ask(provider: &Provider, dialect: Dialect, stream: bool) -> Plan {
    provider.answer(&asking(dialect, "good", &question(dialect, "hello", stream)), START)
}

fn met(fault: Fault, dialect: Dialect, stream: bool) -> Plan {
    let provider = provider();
    provider.next(fault);
    let plan = ask(&provider, dialect, stream);
    let after = ask(&provider, dialect, stream);
    assert!(heard(dialect, &after).stop.is_some(), "the fault met one request only");
    plan
}

fn class(dialect: Dialect, plan: &Plan) -> Class {
    classify(dialect.provider(), plan.status, |name| plan.header(name), &plan.body(), UnixMillis(0))
}

#[test]
fn faults_before_the_answer_are_what_they_are_taken_for() {
    let throttled = |seconds: Option<u64>| Class::Throttled { retry_after: seconds.map(Duration::from_secs) };
    for dialect in DIALECTS {
        for (fault, expected) in [
            (Fault::RateLimited { retry_after: Some(2) }, throttled(Some(2))),
            (Fault::RateLimited { retry_after: None }, throttled(None)),
            (Fault::Overloaded, throttled(None)),
            (Fault::Error(500), Class::UpstreamFault),
            (Fault::Error(502), Class::UpstreamFault),
            (Fault::HtmlError(401), Class::WeakAuth),
        ] {
            let plan = met(fault.clone(), dialect, true);
            assert_eq!(class(dialect, &plan), expected, "{dialect:?} {fault:?}");
        }
    }
    assert_eq!(met(Fault::Overloaded, Dialect::AnthropicMessages, true).status, 529);
    assert_eq!(met(Fault::HtmlError(401), Dialect::AnthropicMessages, true).header("request-id"), None);
}

#[test]
fn an_error_within_an_accepted_answer_is_seen_as_that_error() {
    for dialect in DIALECTS {
        for stream in [false, true] {
            let busy = met(Fault::ErrorEventInStream(Refusal::Overloaded), dialect, stream);
            assert_eq!(busy.status, 200);
            assert_eq!(class(dialect, &busy), Class::Throttled { retry_after: None }, "{dialect:?} {stream}");
            let said = heard(dialect, &busy);
            assert!(said.error.is_some() && said.stop.is_none(), "{dialect:?} {stream}: {said:?}");
            let dead = met(Fault::ErrorEventInStream(Refusal::Expired), dialect, stream);
            assert_eq!(class(dialect, &dead), Class::CredentialRejected, "{dialect:?} {stream}");
        }
    }
}

#[test]
fn an_error_in_a_stream_of_responses_has_the_next_number() {
    let plan = met(Fault::ErrorEventInStream(Refusal::Internal), Dialect::OpenAiResponses, true);
    let numbers: Vec<_> =
        events(&plan).iter().map(|event| event["sequence_number"].as_u64().unwrap()).collect();
    assert!(numbers.iter().copied().eq(0..numbers.len() as u64), "{numbers:?}");
}

#[test]
fn an_empty_answer_ends_well_and_says_nothing() {
    for dialect in DIALECTS {
        for stream in [false, true] {
            let said = heard(dialect, &met(Fault::EmptyAnswer, dialect, stream));
            assert!(
                said.message.is_none() && said.stop.is_some() && said.error.is_none(),
                "{dialect:?} {said:?}"
            );
        }
    }
}

#[test]
fn a_cut_and_a_stall_come_after_their_byte_and_never_look_whole() {
    for dialect in DIALECTS {
        let whole = met(Fault::EmptyAnswer, dialect, true).body().len();
        for limit in [0, 1, whole / 2] {
            for (fault, end) in [(Fault::CutAfter(limit), Step::Cut), (Fault::StallAfter(limit), Step::Stall)]
            {
                let plan = met(fault, dialect, true);
                assert_eq!((plan.status, plan.body().len()), (200, limit));
                assert_eq!(plan.steps.last(), Some(&end));
                assert_eq!(heard(dialect, &plan).stop, None);
            }
        }
    }
}

#[test]
fn a_fault_of_the_hour_meets_everybody_in_it() {
    let provider = provider();
    provider.between(MINUTE, MINUTE * 2, Fault::Overloaded);
    let statuses = [START, MINUTE, MINUTE + Duration::from_secs(59), MINUTE * 2]
        .map(|now| status(&provider, "good", now));
    assert_eq!(statuses, [200, 529, 529, 200]);
}

#[test]
fn a_fault_is_not_used_up_by_a_path_that_is_not_there() {
    let provider = provider();
    provider.next(Fault::Overloaded);
    assert_eq!(provider.answer(&exchange("HEAD", "/", &[], ""), START).status, 404);
    assert_eq!(status(&provider, "good", START), 529);
}
