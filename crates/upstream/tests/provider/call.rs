//! Background calls against a scripted provider in memory, in virtual time.

#![expect(clippy::disallowed_methods, reason = "the call itself is what is tested here")]

use bytes::Bytes;
use domain::companions::Companions;
use domain::conversation::{Answered, Message, Role};
use domain::credential::{Credential, CredentialKind, Lease};
use domain::evidence::Class;
use domain::fingerprint::Fingerprint;
use domain::ids::{Generation, LeaseId, Principal};
use domain::provider::{Dialect, Provider, UpstreamKey};
use domain::purpose::Purpose;
use domain::secret::Secret;
use domain::time::{Moment, UnixMillis};
use futures_core::future::LocalBoxFuture;
use futures_util::{FutureExt, StreamExt, stream};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep};
use upstream::call::{Call, CallEnd, CallReport, call};
use upstream::retry::Policy;
use upstream::transport::{Answer, Fault, HeaderMap, Phase, Request, StatusCode, Transport};

const ACCEPTED: &str =
    r#"{"type":"message","content":[{"type":"text","text":"done"}],"stop_reason":"end_turn"}"#;
const REFUSED: &str =
    r#"{"type":"error","error":{"type":"authentication_error","message":"invalid x-api-key"}}"#;
const OVERLOADED: &str = r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#;

const BROKEN: &str = r#"{"type":"error","error":{"type":"api_error","message":"Internal server error"}}"#;

/// What the provider does with one request.
enum Scene {
    Says(u16, &'static [(&'static str, &'static str)], &'static str),
    Fails(Fault),
    BreaksOff(u16, &'static str),
    Takes(Duration, &'static str),
    /// So many pieces of a mebibyte each.
    Floods(usize),
}

/// A provider that plays its scenes in order, and remembers what it was asked and when.
struct Scripted {
    scenes: RefCell<VecDeque<Scene>>,
    heard: RefCell<Vec<(Duration, Request)>>,
    begin: Instant,
}

impl Scripted {
    fn new(scenes: impl IntoIterator<Item = Scene>) -> Self {
        Self {
            scenes: RefCell::new(scenes.into_iter().collect()),
            heard: RefCell::default(),
            begin: Instant::now(),
        }
    }

    /// When each request came, in milliseconds after the start.
    fn times(&self) -> Vec<u128> {
        self.heard.borrow().iter().map(|(at, _)| at.as_millis()).collect()
    }

    fn header(&self, name: &str) -> Option<String> {
        let heard = self.heard.borrow();
        heard[0].1.headers.get(name).map(|value| value.to_str().unwrap().to_owned())
    }
}

impl Transport for Scripted {
    fn send(&self, request: Request) -> LocalBoxFuture<'static, Result<Answer, Fault>> {
        self.heard.borrow_mut().push((self.begin.elapsed(), request));
        let scene = self.scenes.borrow_mut().pop_front().expect("one request too many");
        played(scene).boxed_local()
    }
}

async fn played(scene: Scene) -> Result<Answer, Fault> {
    match scene {
        Scene::Says(status, headers, body) => Ok(answer(status, headers, vec![Ok(Bytes::from(body))])),
        Scene::Fails(fault) => Err(fault),
        Scene::BreaksOff(status, body) => {
            Ok(answer(status, &[], vec![Ok(Bytes::from(body)), Err(Fault::Cut)]))
        }
        Scene::Takes(span, body) => {
            sleep(span).await;
            Ok(answer(200, &[], vec![Ok(Bytes::from(body))]))
        }
        Scene::Floods(pieces) => {
            let piece = Bytes::from(vec![b' '; 1 << 20]);
            Ok(answer(200, &[], std::iter::repeat_with(|| Ok(piece.clone())).take(pieces).collect()))
        }
    }
}

fn answer(status: u16, headers: &[(&'static str, &'static str)], body: Vec<Result<Bytes, Fault>>) -> Answer {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(name.parse().unwrap(), value.parse().unwrap());
    }
    Answer {
        status: StatusCode::from_u16(status).unwrap(),
        headers: map,
        body: stream::iter(body).boxed_local(),
    }
}

fn lease() -> Lease {
    let credential = Credential {
        header: "x-api-key",
        value: Secret::new("sk-ant-api03-canary"),
        kind: CredentialKind::ApiKey,
        fingerprint: Fingerprint::of_number(1),
        companions: Companions::from_iter([("anthropic-beta", "captured")]),
        ends: None,
    };
    let owner = (Principal::local(), UpstreamKey::new(Provider::Anthropic, "https://api.example"));
    Lease::grant(LeaseId(1), owner, Arc::new(credential), Generation(1), false)
}

fn distilling() -> Call {
    Call {
        purpose: Purpose::Distill,
        dialect: Dialect::AnthropicMessages,
        base_url: "https://api.example/".into(),
        target: "/v1/messages?beta=true".into(),
        headers: vec![],
        body: Bytes::from_static(b"{}"),
    }
}

/// What came of a call, and the statuses it told on the way.
async fn made(provider: &Scripted, what: &Call) -> (CallReport, Vec<u16>) {
    made_with(provider, &lease(), what).await
}

async fn made_with(provider: &Scripted, lease: &Lease, what: &Call) -> (CallReport, Vec<u16>) {
    let begin = provider.begin;
    let now = move || (Moment::from(begin.elapsed()), UnixMillis::from(begin.elapsed()));
    let mut statuses = Vec::new();
    let report = call(provider, &now, &mut || 0.0, &Policy::default(), lease, what, &mut |status| {
        statuses.push(status)
    })
    .await;
    (report, statuses)
}

/// [`lease`] of a key that no shape gives away.
fn lease_of_a_plain_key() -> Lease {
    let mut lease = lease();
    let credential = Credential {
        header: "authorization",
        value: Secret::new("Bearer plain-proxy-key"),
        kind: CredentialKind::Bearer,
        fingerprint: Fingerprint::of_number(2),
        companions: Companions::default(),
        ends: None,
    };
    lease.credential = Arc::new(credential);
    lease
}

async fn after(scenes: impl IntoIterator<Item = Scene>) -> (CallReport, Vec<u16>, Vec<u128>) {
    let provider = Scripted::new(scenes);
    let (report, statuses) = made(&provider, &distilling()).await;
    (report, statuses, provider.times())
}

fn says_done(end: &CallEnd) -> bool {
    let done = Some(Message::text(Role::Assistant, "done"));
    matches!(end, CallEnd::Answered { answered: Answered { message, .. }, status: 200 } if *message == done)
}

fn failed(end: CallEnd) -> (Class, u16, String) {
    match end {
        CallEnd::Failed { class, status, reason } => (class, status, reason),
        CallEnd::Answered { .. } => panic!("{end:?}"),
    }
}

fn accepted() -> Scene {
    Scene::Says(200, &[], ACCEPTED)
}

fn broken(times: usize) -> impl Iterator<Item = Scene> {
    (0..times).map(|_| Scene::Says(500, &[], BROKEN))
}

#[tokio::test(start_paused = true)]
async fn the_request_bears_the_lease_its_companions_and_what_is_always_needed() {
    let provider = Scripted::new([accepted()]);
    let (report, statuses) = made(&provider, &distilling()).await;
    assert!(says_done(&report.end));
    assert_eq!((report.attempts, statuses), (1, vec![200]));
    assert_eq!(provider.heard.borrow()[0].1.uri, "https://api.example/v1/messages?beta=true");
    assert_eq!(provider.header("x-api-key").as_deref(), Some("sk-ant-api03-canary"));
    assert_eq!(provider.header("anthropic-beta").as_deref(), Some("captured"));
    assert_eq!(provider.header("anthropic-version").as_deref(), Some("2023-06-01"));
    assert_eq!(provider.header("content-type").as_deref(), Some("application/json"));
    assert_eq!(provider.header("user-agent"), None);
}

#[tokio::test(start_paused = true)]
async fn what_the_session_recorded_goes_before_what_the_credential_brings() {
    let provider = Scripted::new([accepted()]);
    let recorded =
        vec![("anthropic-beta".into(), "recorded".into()), ("anthropic-version".into(), "2026-10-21".into())];
    made(&provider, &Call { headers: recorded, ..distilling() }).await;
    assert_eq!(provider.header("anthropic-beta").as_deref(), Some("recorded"));
    assert_eq!(provider.header("anthropic-version").as_deref(), Some("2026-10-21"));
}

#[tokio::test(start_paused = true)]
async fn a_busy_provider_ends_the_call_at_once_and_its_wish_is_reported() {
    let inside = r#"{"type":"error","error":{"type":"rate_limit_error","message":"Slow down"}}"#;
    let wish = Some(Duration::from_secs(2));
    for (status, headers, body, retry_after) in [
        (429, &[("retry-after", "2")][..], "", wish),
        (503, &[("retry-after", "Thu, 01 Jan 1970 00:00:02 GMT")], "", wish),
        (529, &[], OVERLOADED, None),
        (200, &[], OVERLOADED, None),
        (200, &[("retry-after-ms", "2000")], inside, wish),
    ] {
        let (report, statuses, times) = after([Scene::Says(status, headers, body)]).await;
        let (class, with, _) = failed(report.end);
        assert_eq!((class, with), (Class::Throttled { retry_after }, status), "{body}");
        assert_eq!((report.attempts, statuses, times), (1, vec![status], vec![0]), "{body}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_broken_provider_is_asked_again_with_growing_pauses() {
    let (report, statuses, times) = after(broken(3).chain([accepted()])).await;
    assert!(says_done(&report.end));
    assert_eq!((statuses, times), (vec![500, 500, 500, 200], vec![0, 500, 1500, 3500]));
    assert_eq!(
        (report.start, report.attempts),
        (Moment(3_500_000), 4),
        "the evidence is about the last attempt"
    );
}

#[tokio::test(start_paused = true)]
async fn faults_of_the_way_are_tried_again() {
    let (report, statuses, _) = after([
        Scene::Fails(Fault::Refused(ErrorKind::ConnectionRefused)),
        Scene::Fails(Fault::TimedOut { phase: Phase::FirstByte }),
        Scene::BreaksOff(200, ACCEPTED),
        accepted(),
    ])
    .await;
    assert!(says_done(&report.end));
    assert_eq!(statuses, [0, 0, 0, 200]);
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_ends_without_its_last_event_is_a_cut_and_tried_again() {
    let cut = "data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"do\"}}\n\n";
    let (report, statuses, _) = after([Scene::Says(200, &[], cut), accepted()]).await;
    assert!(says_done(&report.end));
    assert_eq!(statuses, [0, 200]);
}

#[tokio::test(start_paused = true)]
async fn an_error_inside_an_accepted_answer_is_that_error() {
    let (report, statuses, _) = after([Scene::Says(200, &[], BROKEN), accepted()]).await;
    assert!(says_done(&report.end));
    assert_eq!(statuses, [200, 200]);
    let (report, ..) = after([Scene::Says(200, &[], REFUSED)]).await;
    assert_eq!(failed(report.end).0, Class::CredentialRejected);
}

#[tokio::test(start_paused = true)]
async fn retries_end_and_the_last_answer_is_the_report() {
    let (report, statuses, times) = after(broken(9)).await;
    let (class, status, reason) = failed(report.end);
    assert_eq!((class, status, report.attempts), (Class::UpstreamFault, 500, 9));
    assert_eq!(reason, "api_error: Internal server error");
    assert_eq!((statuses.len(), times.last()), (9, Some(&95_500)));
    assert_eq!(report.start, Moment(95_500_000), "the evidence is about the last attempt");
}

#[tokio::test(start_paused = true)]
async fn all_attempts_together_have_a_limit() {
    let slow = || Scene::Takes(Duration::from_secs(600), BROKEN);
    let provider = Scripted::new([slow(), slow()]);
    let (report, statuses) = made(&provider, &distilling()).await;
    let (class, status, reason) = failed(report.end);
    assert_eq!((class, status), (Class::UpstreamFault, 0));
    assert!(reason.contains("too long"), "{reason}");
    assert_eq!(statuses, [200, 0]);
    assert_eq!(provider.begin.elapsed().as_secs(), 900);
}

#[tokio::test(start_paused = true)]
async fn a_pause_that_would_not_end_in_time_is_not_begun() {
    let slow = |seconds| Scene::Takes(Duration::from_secs(seconds), "");
    let (report, statuses, times) = after([slow(895), slow(4)]).await;
    assert_eq!((report.attempts, statuses, times), (2, vec![0, 0], vec![0, 895_500]));
}

#[tokio::test(start_paused = true)]
async fn an_answer_without_end_is_paid_for_once() {
    let (report, _, _) = after([Scene::Floods(33)]).await;
    assert!(
        matches!(report.end, CallEnd::Failed { class: Class::UpstreamFault, status: 0, .. }),
        "{report:?}"
    );
    assert_eq!(report.attempts, 1);
}

#[tokio::test(start_paused = true)]
async fn a_refused_token_ends_the_call_at_once() {
    for (status, body, class) in [
        (401, REFUSED, Class::CredentialRejected),
        (401, "", Class::WeakAuth),
        (403, r#"{"error":{"type":"permission_error","message":"no"}}"#, Class::Forbidden),
        (402, "", Class::AccountBlocked),
        (400, "{}", Class::RequestRefused),
    ] {
        let (report, _, times) = after([Scene::Says(status, &[], body)]).await;
        let (of, with, _) = failed(report.end);
        assert_eq!((of, with, times), (class, status, vec![0]));
    }
}

const LIMITED: &str = r#"{"max_completion_tokens":9,"messages":[],"model":"m"}"#;
const OLD_NAME: &str = r#"{"error":{"message":"Unsupported parameter: 'max_completion_tokens'. Use 'max_tokens' instead.","type":"invalid_request_error","param":"max_completion_tokens","code":"unsupported_parameter"}}"#;

fn chatting(purpose: Purpose) -> Call {
    let body = Bytes::from_static(LIMITED.as_bytes());
    Call {
        purpose,
        dialect: Dialect::OpenAiChat,
        target: "/v1/chat/completions".into(),
        body,
        ..distilling()
    }
}

fn openai() -> Lease {
    let mut lease = lease();
    lease.upstream = UpstreamKey::new(Provider::OpenAi, "https://api.example");
    lease
}

/// What a call to OpenAI came to, the statuses on its way, and the bodies that were sent, as often as it was made.
async fn chatted(
    purpose: Purpose,
    scenes: impl IntoIterator<Item = Scene>,
) -> (CallReport, Vec<u16>, Vec<String>) {
    let provider = Scripted::new(scenes);
    let (report, statuses) = made_with(&provider, &openai(), &chatting(purpose)).await;
    let heard = provider.heard.borrow();
    let bodies = heard.iter().map(|(_, sent)| String::from_utf8(sent.body.to_vec()).unwrap()).collect();
    (report, statuses, bodies)
}

#[tokio::test(start_paused = true)]
async fn a_parameter_that_the_model_does_not_take_is_changed_at_once_and_learned() {
    let said = r#"{"choices":[{"message":{"content":"done"},"finish_reason":"stop"}]}"#;
    let scenes = [Scene::Says(400, &[], OLD_NAME), Scene::Says(200, &[], said)];
    let (report, statuses, bodies) = chatted(Purpose::Distill, scenes).await;
    assert!(says_done(&report.end), "{report:?}");
    assert_eq!(bodies, [LIMITED, r#"{"max_tokens":9,"messages":[],"model":"m"}"#]);
    assert_eq!((statuses, report.attempts, report.start), (vec![400, 200], 2, Moment(0)));
    let learned = report.learned.unwrap();
    assert_eq!(learned.applied(&Bytes::from_static(LIMITED.as_bytes())), bodies[1].as_bytes());
}

#[tokio::test(start_paused = true)]
async fn a_second_refusal_is_final_and_a_fault_after_the_first_is_still_retried() {
    let refused = || Scene::Says(400, &[], OLD_NAME);
    let (report, statuses, _) = chatted(Purpose::Curate, [refused(), refused()]).await;
    assert_eq!((failed(report.end).0, report.attempts, statuses), (Class::RequestRefused, 2, vec![400, 400]));
    let scenes = [refused(), Scene::Says(500, &[], BROKEN), refused()];
    let (report, statuses, bodies) = chatted(Purpose::Distill, scenes).await;
    assert_eq!((report.attempts, statuses), (3, vec![400, 500, 400]));
    assert_eq!(bodies[1], bodies[2]);
}

#[tokio::test(start_paused = true)]
async fn the_bytes_of_a_client_are_never_changed() {
    for purpose in [Purpose::Warm, Purpose::Client] {
        let (report, statuses, bodies) = chatted(purpose, [Scene::Says(400, &[], OLD_NAME)]).await;
        assert_eq!((failed(report.end).0, report.learned), (Class::RequestRefused, None));
        assert_eq!((statuses, bodies), (vec![400], vec![LIMITED.to_owned()]));
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_whose_words_are_cut_is_still_a_refusal_but_a_weak_one() {
    let (report, ..) = after([Scene::BreaksOff(401, "{\"type\":\"err")]).await;
    assert_eq!(failed(report.end).0, Class::WeakAuth);
}

#[tokio::test(start_paused = true)]
async fn a_redirect_is_a_fault_and_is_neither_followed_nor_repeated() {
    let (report, _, times) = after([Scene::Says(307, &[("location", "https://evil.test/")], "")]).await;
    let (class, status, _) = failed(report.end);
    assert_eq!((class, status, times), (Class::UpstreamFault, 307, vec![0]));
}

#[tokio::test(start_paused = true)]
async fn an_answer_without_words_was_accepted_and_is_asked_for_once() {
    let empty = r#"{"type":"message","content":[],"stop_reason":"end_turn","usage":{"input_tokens":9,"output_tokens":1}}"#;
    let (report, _, times) = after([Scene::Says(200, &[], empty)]).await;
    let CallEnd::Answered { answered, status: 200 } = report.end else { panic!("{report:?}") };
    assert_eq!((answered.message, answered.usage.input, times), (None, 9, vec![0]));
}

#[tokio::test(start_paused = true)]
async fn a_call_to_another_upstream_is_never_sent() {
    for astray in [
        Call { base_url: "https://evil.test".into(), ..distilling() },
        Call { dialect: Dialect::OpenAiChat, target: "/v1/other".into(), ..distilling() },
        Call { base_url: "not a url".into(), ..distilling() },
        Call { headers: vec![("bad name".into(), "x".into())], ..distilling() },
    ] {
        let provider = Scripted::new([]);
        let (report, statuses) = made(&provider, &astray).await;
        let (class, status, _) = failed(report.end);
        assert_eq!((class, status, report.attempts, statuses.len()), (Class::RequestRefused, 0, 0, 0));
        assert!(provider.times().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_that_is_told_of_a_call_holds_the_token() {
    let echo = r#"{"error":{"message":"Incorrect API key provided: sk-ant-api03-canary.","code":"invalid_api_key"}}"#;
    let (report, ..) = after([Scene::Says(401, &[], echo)]).await;
    assert!(!format!("{report:?}").contains("canary"), "{report:?}");
    assert!(failed(report.end).2.contains("invalid_api_key"));
    let echo = r#"{"error":{"message":"no key plain-proxy-key here"}}"#;
    let (report, _) =
        made_with(&Scripted::new([Scene::Says(401, &[], echo)]), &lease_of_a_plain_key(), &distilling())
            .await;
    assert_eq!(failed(report.end).2, "no key [masked] here");
    let what =
        Call { headers: vec![("x".into(), "canary".into())], body: Bytes::from("canary"), ..distilling() };
    assert!(!format!("{what:?}").contains("canary"));
}
