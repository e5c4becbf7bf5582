//! What is sent, and what is read.

use super::*;
use crate::transport::{Fault, StatusCode};
use domain::companions::Companions;
use domain::credential::{Credential, CredentialKind};
use domain::fingerprint::Fingerprint;
use domain::ids::{Generation, LeaseId, Principal};
use domain::provider::UpstreamKey;
use domain::secret::Secret;
use futures_core::future::LocalBoxFuture;
use futures_util::future::{pending, ready};
use futures_util::{FutureExt, StreamExt, stream};
use std::sync::Arc;
use tokio::time::Instant;

fn lease_of(provider: Provider, origin: &str) -> Lease {
    let companions = match provider {
        Provider::Anthropic => Companions::from_iter([("anthropic-version", "2026-01-01")]),
        Provider::OpenAi => Companions::default(),
    };
    lease_with(companions, provider, origin)
}

fn lease_with(companions: Companions, provider: Provider, origin: &str) -> Lease {
    let (header, secret) = match provider {
        Provider::Anthropic => ("x-api-key", "sk-ant-api03-x"),
        Provider::OpenAi => ("authorization", "Bearer sk-proj-x"),
    };
    let credential = Credential {
        header,
        value: Secret::new(secret),
        kind: CredentialKind::ApiKey,
        fingerprint: Fingerprint::of_number(1),
        companions,
        ends: None,
    };
    let owner = (Principal::local(), UpstreamKey::new(provider, origin));
    #[expect(clippy::disallowed_methods, reason = "a test's own lease")]
    Lease::grant(LeaseId(1), owner, Arc::new(credential), Generation(1), false)
}

fn sent(provider: Provider, step: Step) -> Request {
    prepared("https://h/prefix/", &step, &lease_of(provider, "https://h")).unwrap()
}

/// Method and path of a step.
fn goes(provider: Provider, step: Step) -> (Method, String) {
    let request = sent(provider, step);
    (request.method, request.uri.path().to_owned())
}

fn id() -> BatchId {
    BatchId::read("msgbatch_1").unwrap()
}

fn mark() -> BatchMark {
    BatchMark::from("stillroom-1f-0a")
}

fn file_id() -> FileId {
    FileId::read("file-1").unwrap()
}

fn calls() -> Vec<Bytes> {
    vec![r#"{"model":"m","max_tokens":9}"#.into(), "{\"model\":\n\"n\"}".into()]
}

#[test]
fn every_step_goes_below_our_own_base_url_with_the_leased_key() {
    let submitted = sent(Provider::Anthropic, Step::Submit(mark(), calls()));
    let body = "{\"requests\":[{\"custom_id\":\"stillroom-1f-0a-0\",\"params\":{\"model\":\"m\",\"max_tokens\":9}},\
                {\"custom_id\":\"stillroom-1f-0a-1\",\"params\":{\"model\":\n\"n\"}}]}";
    assert_eq!(submitted.body, body);
    let header = |name: &str| submitted.headers.get(name).unwrap().to_str().unwrap();
    assert_eq!((header("x-api-key"), header("anthropic-version")), ("sk-ant-api03-x", "2026-01-01"));
    let goes = |step| goes(Provider::Anthropic, step);
    let below = |rest: &str| format!("/prefix/v1/messages/batches{rest}");
    assert_eq!(goes(Step::Submit(mark(), calls())), (Method::POST, below("")));
    assert_eq!(sent(Provider::Anthropic, Step::List).uri.query(), Some("limit=100"));
    assert_eq!(goes(Step::List), (Method::GET, below("")));
    assert_eq!(goes(Step::Look(id())), (Method::GET, below("/msgbatch_1")));
    assert_eq!(goes(Step::Results(id())), (Method::GET, below("/msgbatch_1/results")));
    assert_eq!(goes(Step::Cancel(id())), (Method::POST, below("/msgbatch_1/cancel")));
}

#[test]
fn openai_is_given_the_calls_as_a_file_with_one_of_them_a_line() {
    let uploaded = sent(Provider::OpenAi, Step::Upload(Dialect::OpenAiResponses, mark(), calls()));
    assert_eq!((uploaded.method, uploaded.uri.path()), (Method::POST, "/prefix/v1/files"));
    let header = |name: &str| uploaded.headers.get(name).unwrap().to_str().unwrap();
    assert_eq!(header("content-type"), "multipart/form-data; boundary=stillroom-batch");
    assert_eq!(header("authorization"), "Bearer sk-proj-x");
    let line = |place: usize, body: &str| {
        let rest = r#""method":"POST","url":"/v1/responses"}"#;
        format!("{{\"body\":{body},\"custom_id\":\"stillroom-1f-0a-{place}\",{rest}\n")
    };
    let form = [
        "--stillroom-batch",
        "Content-Disposition: form-data; name=\"purpose\"",
        "",
        "batch",
        "--stillroom-batch",
        "Content-Disposition: form-data; name=\"file\"; filename=\"batch.jsonl\"",
        "Content-Type: application/jsonl",
        "",
        &(line(0, r#"{"max_tokens":9,"model":"m"}"#) + &line(1, r#"{"model":"n"}"#)),
        "--stillroom-batch--",
        "",
    ];
    assert_eq!(uploaded.body, form.join("\r\n"));
}

#[test]
fn every_step_has_its_place_at_openai() {
    let goes = |step| goes(Provider::OpenAi, step);
    let begin = Step::Begin(Dialect::OpenAiChat, mark(), file_id());
    let order = sent(Provider::OpenAi, begin.clone());
    let body = r#"{"completion_window":"24h","endpoint":"/v1/chat/completions","input_file_id":"file-1","metadata":{"stillroom":"stillroom-1f-0a"}}"#;
    assert_eq!(order.body, body);
    assert_eq!(order.headers.get("content-type").unwrap(), "application/json");
    assert_eq!(goes(begin), (Method::POST, "/prefix/v1/batches".to_owned()));
    assert_eq!(sent(Provider::OpenAi, Step::List).uri.query(), Some("limit=100"));
    assert_eq!(goes(Step::List), (Method::GET, "/prefix/v1/batches".to_owned()));
    assert_eq!(goes(Step::Look(id())), (Method::GET, "/prefix/v1/batches/msgbatch_1".to_owned()));
    assert_eq!(goes(Step::Cancel(id())), (Method::POST, "/prefix/v1/batches/msgbatch_1/cancel".to_owned()));
    assert_eq!(goes(Step::Read(file_id())), (Method::GET, "/prefix/v1/files/file-1/content".to_owned()));
    assert_eq!(goes(Step::Delete(file_id())), (Method::DELETE, "/prefix/v1/files/file-1".to_owned()));
}

#[test]
fn a_step_of_another_provider_or_a_call_that_is_no_json_is_sent_nowhere() {
    for (provider, step) in [
        (Provider::OpenAi, Step::Submit(mark(), calls())),
        (Provider::OpenAi, Step::Results(id())),
        (Provider::Anthropic, Step::Upload(Dialect::OpenAiChat, mark(), calls())),
        (Provider::Anthropic, Step::Begin(Dialect::OpenAiChat, mark(), file_id())),
        (Provider::Anthropic, Step::Read(file_id())),
        (Provider::Anthropic, Step::Delete(file_id())),
        (Provider::Anthropic, Step::Submit(mark(), vec!["{".into()])),
        (Provider::OpenAi, Step::Upload(Dialect::OpenAiChat, mark(), vec!["{".into()])),
    ] {
        assert!(prepared("https://h", &step, &lease_of(provider, "https://h")).is_err(), "{step:?}");
    }
}

#[test]
fn a_key_of_another_upstream_is_sent_nowhere() {
    for base in ["https://evil.test", "http://h", "https://h:8443"] {
        for provider in [Provider::Anthropic, Provider::OpenAi] {
            let lease = lease_of(provider, "https://h");
            assert!(prepared(base, &Step::Look(id()), &lease).is_err(), "{base}");
        }
    }
}

#[test]
fn what_is_no_batch_is_not_taken_for_one() {
    let read = |body: &str| batch(Provider::Anthropic, body.as_bytes());
    let told = |ended| Batch { id: id(), ended, calls: None, results: vec![], why: None };
    let ended = r#"{"id":"msgbatch_1","type":"message_batch","processing_status":"ended","results_url":"https://evil.test/"}"#;
    assert_eq!(read(ended), Some(told(true)));
    assert_eq!(read(r#"{"id":"msgbatch_1","processing_status":"canceling"}"#), Some(told(false)));
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
fn openai_tells_how_far_a_batch_is_and_where_its_files_are() {
    let read = |body: &str| batch(Provider::OpenAi, body.as_bytes());
    let told = |status: &str, rest: &str| {
        read(&format!(
            r#"{{"id":"msgbatch_1","object":"batch","status":"{status}","input_file_id":"file-1"{rest}}}"#
        ))
        .unwrap()
    };
    for open in ["validating", "in_progress", "finalizing", "cancelling", "a new word"] {
        assert!(!told(open, "").ended, "{open}");
    }
    let ended = Batch { id: id(), ended: true, calls: Some(file_id()), results: vec![], why: None };
    for end in ["completed", "failed", "expired", "cancelled"] {
        assert_eq!(told(end, r#","output_file_id":null,"error_file_id":null,"errors":null"#), ended, "{end}");
    }
    let both = told("completed", r#","output_file_id":"file-2","error_file_id":"file-3""#);
    assert_eq!(both.results, ["file-2", "file-3"].map(|name| FileId::read(name).unwrap()));
    let errors =
        r#","errors":{"data":[{"code":"invalid_json_line","message":"no key sk-proj-aaaaaaaa here"}]}"#;
    assert_eq!(told("failed", errors).why.unwrap(), "the batch failed: no key [masked] here");
    for no_batch in [
        "",
        "[]",
        r#"{"id":"msgbatch_1","object":"file","status":"completed"}"#,
        r#"{"id":"a/../b","object":"batch","status":"completed"}"#,
        r#"{"id":"msgbatch_1","object":"batch"}"#,
    ] {
        assert_eq!(read(no_batch), None, "{no_batch}");
    }
}

#[test]
fn only_a_file_with_a_plain_name_is_taken_for_one() {
    assert_eq!(file(br#"{"id":"file-1","object":"file","purpose":"batch"}"#), Some(file_id()));
    for no_file in [r#"{"id":"file-1","object":"batch"}"#, r#"{"id":"../x","object":"file"}"#, "<html>", "{}"]
    {
        assert_eq!(file(no_file.as_bytes()), None, "{no_file}");
    }
}

#[test]
fn a_result_is_the_answer_or_what_became_of_it() {
    let message = r#"{"content":[{"type":"text","text":"hi"}],"stop_reason":"end_turn","usage":{"input_tokens":3,"output_tokens":4}}"#;
    let line = |name: &str, kind: &str, rest: &str| {
        format!(r#"{{"custom_id":"{name}","result":{{"type":"{kind}"{rest}}}}}"#)
    };
    let lines = [
        line("another", "errored", ""),
        line("stillroom-1f-0a-2", "errored", r#","error":{"type":"authentication_error"}"#),
        line("stillroom-1f-0a-1", "canceled", ""),
        line("stillroom-1f-0a-3", "succeeded", ""),
        "no line".to_owned(),
        line("stillroom-1f-0a-0", "succeeded", &format!(r#","message":{message}"#)),
        line("stillroom-1f-0a-4", "expired", ""),
    ];
    let mut read = results(Dialect::AnthropicMessages, lines.join("\n").as_bytes(), &mark());
    let answer = read.remove(&0).unwrap().unwrap();
    assert_eq!((answer.usage.input, answer.usage.output), (3, 4));
    assert!(answer.message.unwrap().readable().contains("hi"));
    let errors: Vec<_> = read.into_iter().map(|(place, result)| (place, result.unwrap_err())).collect();
    let expected = [
        (1, "the batch canceled"),
        (2, "the batch errored"),
        (3, "the result of the batch cannot be read"),
        (4, "the batch expired"),
    ];
    assert_eq!(errors, expected.map(|(place, why)| (place, why.to_owned())));
    assert!(results(Dialect::AnthropicMessages, b"", &mark()).is_empty());
}

#[test]
fn results_of_another_batch_are_nobody_s_and_of_two_at_one_place_the_first_counts() {
    let line = |name: &str, kind: &str| format!(r#"{{"custom_id":"{name}","result":{{"type":"{kind}"}}}}"#);
    let lines = [
        line("stillroom-1f-0b-0", "errored"),
        line("0", "errored"),
        line("stillroom-1f-0a-+1", "errored"),
        line("stillroom-1f-0a-01", "errored"),
        line("stillroom-1f-0a-0", "canceled"),
        line("stillroom-1f-0a-0", "expired"),
        line("stillroom-1f-0a-1", "expired"),
    ];
    let read = results(Dialect::AnthropicMessages, lines.join("\n").as_bytes(), &mark());
    let read: Vec<_> = read.into_iter().map(|(place, result)| (place, result.unwrap_err())).collect();
    assert_eq!(read, [(0, "the batch canceled".to_owned()), (1, "the batch expired".to_owned())]);
}

#[test]
fn a_line_of_openai_s_files_is_an_answer_in_its_dialect_or_an_error() {
    let chat = r#"{"choices":[{"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":4}}"#;
    let responses = r#"{"status":"completed","output":[{"type":"message","role":"assistant","content":[{"type":"output_text","text":"hi"}]}],"usage":{"input_tokens":3,"output_tokens":4}}"#;
    for (dialect, body) in [(Dialect::OpenAiChat, chat), (Dialect::OpenAiResponses, responses)] {
        let lines = [
            r#"{"id":"r2","custom_id":"stillroom-1f-0a-2","response":null,"error":{"code":"batch_expired","message":"late"}}"#.to_owned(),
            r#"{"id":"r1","custom_id":"stillroom-1f-0a-1","response":{"status_code":401,"request_id":"q","body":{"error":{"message":"no key sk-proj-aaaaaaaa"}}},"error":null}"#.to_owned(),
            format!(r#"{{"id":"r0","custom_id":"stillroom-1f-0a-0","response":{{"status_code":200,"request_id":"q","body":{body}}},"error":null}}"#),
        ];
        let mut read = results(dialect, lines.join("\n").as_bytes(), &mark());
        let answer = read.remove(&0).unwrap().unwrap();
        assert_eq!((answer.usage.input, answer.usage.output), (3, 4), "{dialect:?}");
        assert_eq!(answer.message.unwrap().readable(), "hi", "{dialect:?}");
        let errors: Vec<_> = read.into_values().map(Result::unwrap_err).collect();
        let expected =
            ["the batch answered 401: no key [masked]", "the batch answered nothing: batch_expired"];
        assert_eq!(errors, expected);
    }
}

#[test]
fn an_accepted_answer_speaks_for_the_token_whatever_stands_in_it() {
    let errors = br#"{"error":{"type":"authentication_error","message":"invalid token"}}"#;
    let lease = lease_of(Provider::Anthropic, "https://h");
    let class = |status| read(&lease, status, &HeaderMap::new(), errors, UnixMillis(0)).class;
    assert_eq!((class(200), class(401)), (Class::Ok, Class::CredentialRejected));
}

#[test]
fn a_refusal_that_quotes_a_key_without_a_shape_is_told_without_it() {
    let mut lease = lease_of(Provider::Anthropic, "https://h");
    let credential = Arc::get_mut(&mut lease.credential).unwrap();
    credential.value = Secret::new("plain-proxy-key");
    let refusal = br#"{"error":{"type":"authentication_error","message":"no key plain-proxy-key"}}"#;
    let heard = read(&lease, 401, &HeaderMap::new(), refusal, UnixMillis(0));
    assert_eq!(heard.why, "authentication_error: no key [masked]");
}

fn listed(made: i64, mark: Option<&str>, calls: Option<u64>, ended: bool) -> Listed {
    Listed { id: id(), made: UnixMillis(made), mark: mark.map(BatchMark::from), calls, ended }
}

#[test]
fn anthropic_lists_when_a_batch_was_made_and_how_many_calls_it_has() {
    let one = |rest: &str| {
        format!(
            r#"{{"data":[{{"id":"msgbatch_1","type":"message_batch",{rest}}}],"has_more":true,"last_id":"x"}}"#
        )
    };
    let counts = |ended: u64| {
        format!(
            r#""request_counts":{{"processing":2,"succeeded":{ended},"errored":1,"canceled":0,"expired":0}}"#
        )
    };
    let made = r#""created_at":"2024-08-20T18:37:24.100435Z""#;
    let read = |rest: String| list(Provider::Anthropic, one(&rest).as_bytes()).unwrap();
    let open = read(format!(r#""processing_status":"in_progress",{made},{}"#, counts(4)));
    assert_eq!(open, List { batches: vec![listed(1_724_179_044_100, None, Some(7), false)], more: true });
    let cancelling = read(format!(r#""processing_status":"canceling",{made},{}"#, counts(4)));
    assert!(!cancelling.batches[0].ended, "some of it may still be done");
    let ended = read(format!(r#""processing_status":"ended",{made},{}"#, counts(u64::MAX)));
    assert_eq!(ended.batches, [listed(1_724_179_044_100, None, Some(u64::MAX), true)]);
    let timeless = read(format!(r#""processing_status":"ended","created_at":"then",{}"#, counts(4)));
    assert_eq!(timeless, List { batches: vec![], more: true });
    let uncounted = read(format!(r#""processing_status":"ended",{made},"request_counts":null"#));
    assert_eq!(uncounted.batches, [listed(1_724_179_044_100, None, None, true)]);
    let open = format!(r#""processing_status":"in_progress",{made},{}"#, counts(4));
    let beside_odd_ones = read(format!(r#"{open}}},{{"id":7}},{{"id":"msgbatch_1""#));
    assert_eq!(beside_odd_ones.batches, [listed(1_724_179_044_100, None, Some(7), false)]);
    for no_list in
        ["", "<html>", "[]", r#"{"data":{}}"#, r#"{"data":[{"id":"msgbatch_1"}],"has_more":false}"#]
    {
        assert_eq!(list(Provider::Anthropic, no_list.as_bytes()), None, "{no_list}");
    }
}

#[test]
fn openai_lists_the_mark_of_a_batch_that_has_one() {
    let read = |metadata: &str, status: &str| {
        let body = format!(
            r#"{{"object":"list","data":[{{"id":"msgbatch_1","object":"batch","status":"{status}","created_at":1711471533{metadata}}}]}}"#
        );
        list(Provider::OpenAi, body.as_bytes()).unwrap()
    };
    let ours = read(r#","metadata":{"stillroom":"stillroom-1f-0a","other":"x"}"#, "in_progress");
    let batches = vec![listed(1_711_471_533_000, Some("stillroom-1f-0a"), None, false)];
    assert_eq!(ours, List { batches, more: false });
    for others in ["", r#","metadata":null"#, r#","metadata":{"a":"b"}"#] {
        assert_eq!(
            read(others, "cancelled").batches,
            [listed(1_711_471_533_000, None, None, true)],
            "{others}"
        );
    }
    let more = list(Provider::OpenAi, br#"{"data":[],"has_more":true}"#);
    assert_eq!(more, Some(List { batches: vec![], more: true }));
    assert_eq!(list(Provider::OpenAi, b"<html>"), None);
}

#[test]
fn results_tell_whose_they_are_by_the_whole_mark() {
    let line = |name: &str| format!(r#"{{"custom_id":"{name}","result":{{"type":"canceled"}}}}"#);
    let is_ours = |name: &str| {
        is_marked(Dialect::AnthropicMessages, (line("x") + "\n" + &line(name)).as_bytes(), &mark())
    };
    assert!(is_ours("stillroom-1f-0a-0") && is_ours("stillroom-1f-0a-49"));
    for other in ["stillroom-1f-0a0-0", "stillroom-1f-0b-0", "stillroom-1f-0a", "0"] {
        assert!(!is_ours(other), "{other}");
    }
}

#[test]
fn what_anthropic_always_needs_goes_with_a_key_that_brings_nothing_along() {
    let bare = lease_with(Companions::default(), Provider::Anthropic, "https://h");
    let request = prepared("https://h", &Step::List, &bare).unwrap();
    assert_eq!(request.headers.get("anthropic-version").unwrap(), "2023-06-01");
}

/// Never answers, or says this and breaks off.
struct Broken(Option<&'static str>);

impl Transport for Broken {
    fn send(&self, _request: Request) -> LocalBoxFuture<'static, Result<Answer, Fault>> {
        let Some(said) = self.0 else { return pending().boxed_local() };
        let body = stream::iter([Ok(Bytes::from(said)), Err(Fault::Cut)]).boxed_local();
        ready(Ok(Answer { status: StatusCode::OK, headers: HeaderMap::new(), body })).boxed_local()
    }
}

#[tokio::test(start_paused = true)]
async fn a_step_that_is_not_answered_in_time_or_to_the_end_is_a_fault_and_says_nothing_of_batches() {
    for (said, seconds) in [(None, 30), (Some("{}"), 0)] {
        let begin = Instant::now();
        let now = move || (Moment::from(begin.elapsed()), UnixMillis(0));
        let (within, lease) = (Duration::from_secs(30), lease_of(Provider::Anthropic, "https://h"));
        #[expect(clippy::disallowed_methods, reason = "the step itself is what is tested here")]
        let reply = send(&Broken(said), &now, within, &lease, "https://h", &Step::List).await;
        assert_eq!((reply.class, reply.status), (Class::UpstreamFault, 0), "{said:?}");
        assert_eq!((reply.start, reply.finish), (Moment(0), Moment::from_secs(seconds)));
    }
}
