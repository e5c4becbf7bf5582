//! What one call teaches the next.

use super::*;
use domain::companions::Companions;
use domain::credential::{Credential, CredentialKind};
use domain::fingerprint::Fingerprint;
use domain::ids::{Generation, LeaseId, Principal};
use domain::provider::{Dialect, Provider, UpstreamKey};
use domain::secret::Secret;
use futures_util::future::{LocalBoxFuture, ready};
use futures_util::{FutureExt, StreamExt, stream};
use store::SqliteStore;
use upstream::transport::{Answer, Fault, HeaderMap, Request, StatusCode};

const BODY: &str = r#"{"max_completion_tokens":9,"messages":[],"model":"m"}"#;
const OLD_NAME: &str = r#"{"error":{"message":"Unknown parameter: 'max_completion_tokens'. Use 'max_tokens'.","param":"max_completion_tokens"}}"#;
const DONE: &str = r#"{"choices":[{"message":{"content":"done"},"finish_reason":"stop"}]}"#;

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

struct Deaf;

impl Meter for Deaf {
    fn upstream_request(&self, _purpose: Purpose, _provider: Provider, _status: u16) {}
    fn auth_failure(&self, _provider: Provider, _status: u16) {}
    fn alert(&self, _kind: &'static str) {}
    fn turn_recorded(&self) {}
    fn turn_shed(&self) {}
    fn warm_saved(&self, _usd: f64) {}
    fn warm_cost(&self, _usd: f64) {}
}

fn caller(provider: Old) -> Caller {
    Caller {
        settings: Arc::new(Settings::with_data_dir("unused".into())),
        transport: Rc::new(provider),
        clock: Clock::system(),
        desk: Desk::inline(SqliteStore::in_memory().expect("opened")),
        meter: Arc::new(Deaf),
        purpose: Purpose::Distill,
        chance: Chance::from_seed(1),
        lessons: RefCell::default(),
    }
}

fn brief(model: &str) -> Brief {
    Brief {
        patient: false,
        principal: Principal::local(),
        session: "s".into(),
        upstream: UpstreamKey::new(Provider::OpenAi, "https://api.openai.com"),
        dialect: Dialect::OpenAiChat,
        model: model.into(),
    }
}

fn lease(brief: &Brief) -> Lease {
    let credential = Credential {
        header: "authorization",
        value: Secret::new("Bearer t"),
        kind: CredentialKind::ApiKey,
        fingerprint: Fingerprint::of_number(1),
        companions: Companions::default(),
        ends: None,
    };
    let owner = (brief.principal.clone(), brief.upstream.clone());
    #[expect(clippy::disallowed_methods, reason = "a test's own lease")]
    Lease::grant(LeaseId(1), owner, Arc::new(credential), Generation(1), false)
}

#[tokio::test]
async fn what_a_model_does_not_take_is_paid_for_once() {
    let requests = Rc::new(Cell::default());
    let caller = caller(Old(Rc::clone(&requests)));
    let mut sent = Vec::new();
    for model in ["m", "m", "m", "another"] {
        let brief = brief(model);
        let question = Question { target: "/v1/chat/completions".to_owned(), body: BODY.into() };
        let report = caller.ask(&brief, &lease(&brief), question).await;
        assert!(matches!(report.end, CallEnd::Answered { status: 200, .. }), "{report:?}");
        sent.push(requests.replace(0));
    }
    assert_eq!(sent, [2, 1, 1, 2], "another model is asked by its own lights");
}

#[test]
fn only_text_is_words() {
    let answered = |parts| Answered {
        message: Some(domain::conversation::Message { role: domain::conversation::Role::Assistant, parts }),
        ..Answered::default()
    };
    let text = |text: &str| Part::Text { text: text.into() };
    let call = Part::ToolCall { id: "1".into(), name: "read".into(), input: "{}".into() };
    assert_eq!(words(&answered(vec![text(" one\n"), call.clone(), text("two")])), Ok("one\ntwo".to_owned()));
    for silent in [Answered::default(), answered(vec![call]), answered(vec![text(" \n")])] {
        assert!(words(&silent).is_err(), "{silent:?}");
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

#[tokio::test]
async fn what_a_batch_did_costs_half() {
    let caller = caller(Old::default());
    let usage = Usage { output: 1_000_000, ..Usage::default() };
    let brief = brief("gpt-5");
    caller.charge_batch(&brief, Some("s".into()), usage).await;
    let costs = caller.desk.read(|store| store.costs(UnixMillis(0), store::CostsBy::Nothing)).await.unwrap();
    let whole = Price::of(Provider::OpenAi, "gpt-5").cost(&usage);
    assert!(whole > 0.0);
    assert!((costs[0].other_usd - whole / 2.0).abs() < 1e-9, "{costs:?}");
}
