//! What one call teaches the next, and what is told and written down of it.

use super::*;
use crate::samples::{self, Listening, lease};
use domain::fingerprint::Fingerprint;
use domain::provider::{Dialect, Provider};
use futures_util::future::{LocalBoxFuture, pending, ready};
use futures_util::{FutureExt, StreamExt, stream};
use store::record::ChargeRecord;
use tokio::time::Instant;
use upstream::transport::{Answer, Fault, HeaderMap, Request, StatusCode};

const BODY: &str = r#"{"max_completion_tokens":9,"messages":[],"model":"m"}"#;
const OLD_NAME: &str = r#"{"error":{"message":"Unknown parameter: 'max_completion_tokens'. Use 'max_tokens'.","param":"max_completion_tokens"}}"#;
const DONE: &str = r#"{"choices":[{"message":{"content":"done"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1000000}}"#;

/// A provider of an older make: it refuses the new name of the output limit. Counts its requests.
#[derive(Default)]
struct Old(Rc<Cell<usize>>);

impl Transport for Old {
    fn send(&self, request: Request) -> LocalBoxFuture<'static, Result<Answer, Fault>> {
        self.0.set(self.0.get() + 1);
        let refuses = String::from_utf8_lossy(&request.body).contains("max_completion_tokens");
        let (status, said) = if refuses { (400, OLD_NAME) } else { (200, DONE) };
        let status = StatusCode::from_u16(status).expect("a status");
        let body = stream::iter([Ok(bytes::Bytes::from(said))]).boxed_local();
        ready(Ok(Answer { status, headers: HeaderMap::new(), body })).boxed_local()
    }
}

/// Always answers with this status; with 0 never.
struct Says(u16);

impl Transport for Says {
    fn send(&self, _request: Request) -> LocalBoxFuture<'static, Result<Answer, Fault>> {
        let Ok(status) = StatusCode::from_u16(self.0) else { return pending().boxed_local() };
        let body = stream::iter([Ok(bytes::Bytes::from_static(b"{}"))]).boxed_local();
        ready(Ok(Answer { status, headers: HeaderMap::new(), body })).boxed_local()
    }
}

fn caller(provider: impl Transport + 'static) -> Caller {
    samples::caller(provider, Purpose::Distill)
}

fn brief(model: &str) -> Brief {
    samples::brief(Dialect::OpenAiChat, model)
}

/// What stands in the ledger.
async fn charges(caller: &Caller) -> Vec<ChargeRecord> {
    samples::charges(&caller.desk).await
}

async fn asked(caller: &Caller, brief: &Brief) -> CallReport {
    let question = Question { target: "/v1/chat/completions".to_owned(), body: BODY.into() };
    caller.ask(brief, &lease(brief), question).await
}

#[tokio::test]
async fn what_a_model_does_not_take_is_paid_for_once() {
    let requests = Rc::new(Cell::default());
    let caller = caller(Old(Rc::clone(&requests)));
    let mut sent = Vec::new();
    for model in ["m", "m", "m", "another"] {
        let brief = brief(model);
        let report = asked(&caller, &brief).await;
        assert!(matches!(report.end, CallEnd::Answered { status: 200, .. }), "{report:?}");
        sent.push(requests.replace(0));
    }
    assert_eq!(sent, [2, 1, 1, 2], "another model is asked by its own lights");
}

#[test]
fn only_text_is_words() {
    let answered = |parts| Answered {
        message: Some(domain::conversation::Message { role: domain::conversation::Role::Assistant, parts }),
        stop: Some(Stop::End),
        ..Answered::default()
    };
    let text = |text: &str| Part::Text { text: text.into() };
    let call = Part::ToolCall { id: "1".into(), name: "read".into(), input: "{}".into() };
    assert_eq!(words(&answered(vec![text(" one\n"), call.clone(), text("two")])), Ok("one\ntwo".to_owned()));
    let nothing = Answered { stop: Some(Stop::End), ..Answered::default() };
    for silent in [nothing, answered(vec![call]), answered(vec![text(" \n")])] {
        assert!(words(&silent).is_err(), "{silent:?}");
    }
}

#[test]
fn words_of_an_answer_that_ended_oddly_or_never_are_no_words() {
    let message =
        Some(domain::conversation::Message::text(domain::conversation::Role::Assistant, "I cannot."));
    let ended = |stop| Answered { message: message.clone(), stop, ..Answered::default() };
    for odd in
        [Stop::Refused, Stop::Unfinished, Stop::ToolUse, Stop::Length].map(Some).into_iter().chain([None])
    {
        assert!(words(&ended(odd)).is_err(), "{odd:?}");
    }
    for even in [Stop::End, Stop::Other] {
        assert_eq!(words(&ended(Some(even))), Ok("I cannot.".to_owned()));
    }
}

#[test]
fn a_worker_model_of_the_settings_is_for_all_but_warming_which_is_of_use_to_the_sessions_own_alone() {
    let mut caller = caller(Old::default());
    let mut settings = Settings::with_data_dir("unused".into());
    settings.worker.model = Some("small".to_owned());
    caller.settings = Arc::new(settings);
    let brief = brief("large");
    for (purpose, model) in
        [(Purpose::Distill, "small"), (Purpose::Curate, "small"), (Purpose::Warm, "large")]
    {
        caller.purpose = purpose;
        assert_eq!(caller.model(&brief), model, "{purpose:?}");
    }
}

#[test]
fn a_worker_model_is_asked_only_where_its_vendors_models_may_be_had() {
    let mut caller = caller(Old::default());
    let mut asked = |model: &str, dialect: Dialect, own: &str| {
        let mut settings = Settings::with_data_dir("unused".into());
        settings.worker.model = Some(model.to_owned());
        caller.settings = Arc::new(settings);
        caller.model(&samples::brief(dialect, own)).to_owned()
    };
    let (anthropic, openai) = (Dialect::AnthropicMessages, Dialect::OpenAiResponses);
    for (model, dialect, own, expected) in [
        ("claude-haiku-4-5", anthropic, "claude-opus-4-6", "claude-haiku-4-5"),
        ("claude-haiku-4-5", openai, "gpt-5", "gpt-5"),
        ("gpt-5-mini", anthropic, "claude-opus-4-6", "claude-opus-4-6"),
        ("gpt-5-mini", openai, "gpt-5", "gpt-5-mini"),
        ("gpt-5-mini", anthropic, "openai/gpt-5", "gpt-5-mini"),
        ("house-brand", anthropic, "claude-opus-4-6", "house-brand"),
        ("house-brand", openai, "gpt-5", "house-brand"),
    ] {
        assert_eq!(asked(model, dialect, own), expected, "{model} {dialect:?} {own}");
    }
}

#[tokio::test]
async fn what_a_batch_did_costs_half_and_once() {
    let caller = caller(Old::default());
    let usage = Usage { output: 1_000_000, ..Usage::default() };
    let brief = brief("gpt-5");
    for _ in 0..2 {
        caller.charge_batch(&brief, "mark-0".to_owned(), Some("s".into()), usage).await.unwrap();
    }
    let costs = caller.desk.read(|store| store.costs(UnixMillis(0), store::CostsBy::Nothing)).await.unwrap();
    let whole = Price::of(Provider::OpenAi, "gpt-5").cost(&usage);
    assert!(whole > 0.0);
    assert!((costs[0].other_usd - whole / 2.0).abs() < 1e-9, "{costs:?}");
}

#[tokio::test]
async fn what_a_batch_did_is_charged_at_the_price_of_the_model_that_was_asked_and_not_of_the_one_in_the_settings_now()
 {
    let mut settings = Settings::with_data_dir("unused".into());
    settings.worker.model = Some("gpt-4o".to_owned());
    let caller = Caller { settings: Arc::new(settings), ..caller(Old::default()) };
    let usage = Usage { output: 1_000_000, ..Usage::default() };
    caller.charge_batch(&brief("gpt-5"), "mark-0".to_owned(), Some("s".into()), usage).await.unwrap();
    let [charge] = &charges(&caller).await[..] else { panic!("not one charge") };
    assert_eq!(charge.model, "gpt-5");
    assert!(
        (charge.usd.0 - Price::of(Provider::OpenAi, "gpt-5").cost(&usage) / 2.0).abs() < 1e-9,
        "{charge:?}"
    );
}

#[tokio::test]
async fn a_call_is_charged_to_its_session_at_the_price_of_the_model_that_was_asked_with_all_its_attempts() {
    let mut caller = caller(Old::default());
    let mut settings = Settings::with_data_dir("unused".into());
    settings.worker.model = Some("gpt-5".to_owned());
    caller.settings = Arc::new(settings);
    let listening = Arc::new(Listening::default());
    caller.meter = Arc::<Listening>::clone(&listening);
    asked(&caller, &brief("gpt-4o")).await;
    let [charge] = &charges(&caller).await[..] else { panic!("not one charge") };
    assert_eq!((charge.session.as_ref(), charge.purpose), (Some(&"s".into()), Purpose::Distill));
    assert_eq!((charge.model.as_str(), charge.status, charge.attempts), ("gpt-5", Some(200), 2));
    let price = [Price::of(Provider::OpenAi, "gpt-5"), Price::of(Provider::OpenAi, "gpt-4o")];
    assert_ne!(price[0].input, price[1].input);
    assert!((charge.usd.0 - price[0].input).abs() < 1e-9, "{charge:?}");
    assert_eq!(*listening.calls.all(), ["distill gpt-5 s 200 2"]);
    assert_eq!(*listening.requests.all(), [(Purpose::Distill, 400), (Purpose::Distill, 200)]);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_came_to_nothing_is_written_down_and_told_too() {
    for (status, expected) in [(403, Some(403)), (0, None)] {
        let listening = Arc::new(Listening::default());
        let caller = Caller { meter: Arc::<Listening>::clone(&listening), ..caller(Says(status)) };
        asked(&caller, &brief("m")).await;
        let charges = charges(&caller).await;
        assert_eq!(charges.iter().map(|it| (it.status, it.usd.0)).collect::<Vec<_>>(), [(expected, 0.0)]);
        assert_eq!(*listening.calls.all(), [format!("distill m s {status} 1")]);
    }
}

#[tokio::test(start_paused = true)]
async fn attempts_that_failed_are_charged_with_what_the_provider_counted() {
    let empty = r#"{"choices":[],"usage":{"prompt_tokens":1000000}}"#;
    for (last, status) in [(DONE, Some(200)), (empty, None)] {
        let mut settings = Settings::with_data_dir("unused".into());
        settings.worker.max_retries = 2;
        let provider = samples::Scripted::new([(200, empty), (200, empty), (200, last)]);
        let caller = Caller { settings: Arc::new(settings), ..caller(provider) };
        asked(&caller, &brief("gpt-5")).await;
        let [charge] = &charges(&caller).await[..] else { panic!("not one charge") };
        let price = Price::of(Provider::OpenAi, "gpt-5").input;
        assert_eq!((charge.status, charge.attempts), (status, 3));
        assert!((charge.usd.0 - 3.0 * price).abs() < 1e-9, "{charge:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_warm_up_is_given_up_before_it_would_pay_for_a_whole_write() {
    for (purpose, seconds) in [(Purpose::Warm, 40), (Purpose::Distill, 900)] {
        let (caller, begin) = (Caller { purpose, ..caller(Says(0)) }, Instant::now());
        asked(&caller, &brief("m")).await;
        assert_eq!(begin.elapsed().as_secs(), seconds, "{purpose:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_is_tried_again_as_often_as_the_settings_say() {
    for max_retries in [0, 2] {
        let mut settings = Settings::with_data_dir("unused".into());
        settings.worker.max_retries = max_retries;
        let caller = Caller { settings: Arc::new(settings), ..caller(Says(500)) };
        assert_eq!(asked(&caller, &brief("m")).await.attempts, 1 + max_retries);
    }
}

#[tokio::test]
async fn what_was_learnt_of_a_model_holds_in_batches_too_and_their_steps_are_counted() {
    let listening = Arc::new(Listening::default());
    let caller = Caller { meter: Arc::<Listening>::clone(&listening), ..caller(Old::default()) };
    let (brief, other) = (brief("m"), brief("another"));
    asked(&caller, &brief).await;
    let taken =
        |brief| String::from_utf8_lossy(&caller.as_taken(brief, &lease(brief), BODY.into())).into_owned();
    assert!(!taken(&brief).contains("max_completion_tokens") && taken(&brief).contains("max_tokens"));
    assert_eq!(taken(&other), BODY);
    listening.requests.all().clear();
    caller.step(&lease(&brief), batch::Step::List).await;
    assert_eq!(*listening.requests.all(), [(Purpose::Batch, 200)]);
}

#[test]
fn the_evidence_of_a_call_is_of_its_token_and_its_time() {
    let (start, finish) = (Moment(3), Moment(7));
    let end = CallEnd::Failed { class: Class::WeakAuth, status: 401, reason: String::new() };
    let report = CallReport {
        end,
        start,
        finish,
        attempts: 1,
        spent: Usage::default(),
        learned: None,
        is_late: false,
    };
    let lease = lease(&brief("m"));
    let Evidence { fingerprint, upstream, start, end, class, status } = evidence(&lease, &report);
    assert_eq!((fingerprint, upstream), (lease.fingerprint(), lease.upstream));
    assert_eq!((start, end, class, status), (Moment(3), Moment(7), Class::WeakAuth, 401));
}

#[test]
fn what_speaks_against_a_token_is_a_refusal_and_all_else_that_failed_is_told_as_it_was() {
    let work = |class| {
        let (start, end) = (Moment(1), Moment(2));
        let (fingerprint, upstream) = (Fingerprint::of_number(1), brief("m").upstream);
        unanswered(Evidence { fingerprint, upstream, start, end, class, status: 0 }, String::new())
    };
    for class in [Class::CredentialRejected, Class::WeakAuth, Class::Forbidden, Class::AccountBlocked] {
        assert!(matches!(work(class), Work::Refused { evidence } if evidence.class == class), "{class:?}");
    }
    for class in [Class::Throttled { retry_after: None }, Class::UpstreamFault, Class::RequestRefused] {
        let work = work(class);
        assert!(matches!(&work, Work::Failed { evidence: Some(it), .. } if it.class == class), "{work:?}");
    }
}
