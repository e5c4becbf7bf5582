//! What is sent, and what is read.

use super::*;
use domain::companions::Companions;
use domain::credential::{Credential, CredentialKind};
use domain::fingerprint::Fingerprint;
use domain::ids::{Generation, LeaseId, Principal};
use domain::provider::UpstreamKey;
use domain::secret::Secret;
use std::sync::Arc;

fn lease(origin: &str) -> Lease {
    let credential = Credential {
        header: "x-api-key",
        value: Secret::new("sk-ant-api03-x"),
        kind: CredentialKind::ApiKey,
        fingerprint: Fingerprint::of_number(1),
        companions: Companions::from_iter([("anthropic-version", "2026-01-01")]),
        ends: None,
    };
    let owner = (Principal::local(), UpstreamKey::new(Provider::Anthropic, origin));
    #[expect(clippy::disallowed_methods, reason = "a test's own lease")]
    Lease::grant(LeaseId(1), owner, Arc::new(credential), Generation(1), false)
}

fn id() -> BatchId {
    BatchId::read("msgbatch_1").unwrap()
}

#[test]
fn every_step_goes_below_our_own_base_url_with_the_leased_key() {
    let sent = |step| prepared("https://h/prefix/", &step, &lease("https://h")).unwrap();
    let submitted = sent(Step::Submit(r#"{"model":"m","max_tokens":9}"#.into()));
    assert_eq!((submitted.method, submitted.uri.path()), (Method::POST, "/prefix/v1/messages/batches"));
    let body = r#"{"requests":[{"custom_id":"work","params":{"model":"m","max_tokens":9}}]}"#;
    assert_eq!(submitted.body, body);
    let header = |name: &str| submitted.headers.get(name).unwrap().to_str().unwrap();
    assert_eq!((header("x-api-key"), header("anthropic-version")), ("sk-ant-api03-x", "2026-01-01"));
    let looked = sent(Step::Look(id()));
    assert_eq!((looked.method, looked.uri.path()), (Method::GET, "/prefix/v1/messages/batches/msgbatch_1"));
    let fetched = sent(Step::Fetch(id()));
    assert_eq!(fetched.uri.path(), "/prefix/v1/messages/batches/msgbatch_1/results");
}

#[test]
fn a_key_of_another_upstream_is_sent_nowhere() {
    for base in ["https://evil.test", "http://h", "https://h:8443"] {
        assert!(prepared(base, &Step::Look(id()), &lease("https://h")).is_err(), "{base}");
    }
}

#[test]
fn what_is_no_batch_is_not_taken_for_one() {
    let read = |body: &str| batch(body.as_bytes());
    let ended = r#"{"id":"msgbatch_1","type":"message_batch","processing_status":"ended","results_url":"https://evil.test/"}"#;
    assert_eq!(read(ended), Some(Batch { id: id(), ended: true }));
    let open = read(r#"{"id":"msgbatch_1","processing_status":"canceling"}"#);
    assert_eq!(open, Some(Batch { id: id(), ended: false }));
    for no_batch in [
        "",
        "<html>",
        "[]",
        r#"{"id":"msgbatch_1"}"#,
        r#"{"id":"a/../../v1/files","processing_status":"ended"}"#,
        r#"{"id":"msg_1","type":"message","content":[]}"#,
    ] {
        assert_eq!(read(no_batch), None, "{no_batch}");
    }
}

#[test]
fn a_result_is_the_answer_or_what_became_of_it() {
    let message = r#"{"content":[{"type":"text","text":"hi"}],"stop_reason":"end_turn","usage":{"input_tokens":3,"output_tokens":4}}"#;
    let other = r#"{"custom_id":"another","result":{"type":"succeeded","message":{}}}"#;
    let good = format!(r#"{{"custom_id":"work","result":{{"type":"succeeded","message":{message}}}}}"#);
    let answer = answered(format!("{other}\n{good}\n").as_bytes()).unwrap();
    assert_eq!((answer.usage.input, answer.usage.output), (3, 4));
    assert!(answer.message.unwrap().readable().contains("hi"));
    for kind in ["errored", "canceled", "expired"] {
        let line = format!(
            r#"{{"custom_id":"work","result":{{"type":"{kind}","error":{{"type":"authentication_error"}}}}}}"#
        );
        assert_eq!(answered(line.as_bytes()), Err(format!("the batch {kind}")));
    }
    for nothing in ["", other, r#"{"custom_id":"work","result":{"type":"succeeded"}}"#] {
        assert!(answered(nothing.as_bytes()).is_err(), "{nothing}");
    }
}

#[test]
fn an_accepted_answer_speaks_for_the_token_whatever_stands_in_it() {
    let errors = br#"{"error":{"type":"authentication_error","message":"invalid token"}}"#;
    let class = |status| read(status, &HeaderMap::new(), errors, UnixMillis(0)).class;
    assert_eq!((class(200), class(401)), (Class::Ok, Class::CredentialRejected));
}
