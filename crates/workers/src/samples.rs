//! Who listens and answers in tests: a meter and actors that remember what they hear, and a provider that keeps to a script.

use crate::caller::{Caller, Chance};
use crate::{Called, Meter, PassedOver};
use actor::{Clock, Message, Performer, Place, Stage, Vacancy};
use domain::companions::Companions;
use domain::conversation::{Digest, Message as Said, Part, Role, Stop, Usage};
use domain::credential::{Credential, CredentialKind, Lease};
use domain::fingerprint::Fingerprint;
use domain::ids::{Generation, LeaseId, Principal, SessionId};
use domain::provider::{Dialect, Provider, UpstreamKey};
use domain::purpose::Purpose;
use domain::secret::Secret;
use domain::settings::Settings;
use domain::time::UnixMillis;
use futures_util::future::{LocalBoxFuture, ready};
use futures_util::{FutureExt, StreamExt, stream};
use machines::job::Brief;
use serde_json::{Value, json};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::fmt::Debug;
use std::marker::PhantomData;
use std::rc::Rc;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use store::record::{ChargeRecord, Record};
use store::{Desk, Dropped, Scribe, SqliteStore, TurnRecord};
use upstream::transport::{Answer, Fault, HeaderMap, Request, StatusCode, Transport};

/// Everything that was said, in order.
#[derive(Clone)]
pub(crate) struct Heard<T>(Arc<Mutex<Vec<T>>>);

impl<T> Default for Heard<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<T> Heard<T> {
    fn note(&self, said: T) {
        self.all().push(said);
    }

    pub(crate) fn all(&self) -> MutexGuard<'_, Vec<T>> {
        self.0.lock().unwrap()
    }
}

/// Remembers what it is told.
#[derive(Default)]
pub(crate) struct Listening {
    pub(crate) requests: Heard<(Purpose, u16)>,
    pub(crate) calls: Heard<String>,
    /// Statuses that spoke against a token.
    pub(crate) refusals: Heard<u16>,
    /// Whether each turn was recorded.
    pub(crate) turns: Heard<bool>,
    pub(crate) alerts: Heard<&'static str>,
    /// How many messages were dropped at a time.
    pub(crate) drops: Heard<u64>,
    /// What was passed over at a time.
    pub(crate) passed_over: Heard<(&'static str, u64)>,
}

impl Meter for Listening {
    fn upstream_request(&self, purpose: Purpose, _provider: Provider, status: u16) {
        self.requests.note((purpose, status));
    }
    fn called(&self, call: &Called<'_>) {
        let Called { purpose, model, session, status, attempts, .. } = call;
        let session = session.unwrap_or_default();
        self.calls.note(format!("{} {model} {session} {status} {attempts}", purpose.as_str()));
    }
    fn auth_failure(&self, _provider: Provider, status: u16) {
        self.refusals.note(status);
    }
    fn alert(&self, kind: &'static str) {
        self.alerts.note(kind);
    }
    fn dropped(&self, dropped: &Dropped) {
        self.drops.note(dropped.messages);
    }
    fn turn_recorded(&self) {
        self.turns.note(true);
    }
    fn turn_shed(&self) {
        self.turns.note(false);
    }
    fn passed_over(&self, what: PassedOver) {
        self.passed_over.note((what.kind, what.count));
    }
    fn warm_saved(&self, _usd: f64) {}
    fn warm_cost(&self, _usd: f64) {}
}

/// Seats an actor on this thread that gives this answer to everything; what it hears from then on.
pub(crate) fn seat<M, R>(seat: Vacancy<M, R>, answer: R) -> Heard<M>
where
    M: Message + Clone,
    R: Clone + Debug + Send + 'static,
{
    let heard = Heard::default();
    let hears = Heard::clone(&heard);
    seat.fill(&Place::Here, move || {
        (Ear(PhantomData), Box::new(move || (Heard::clone(&hears), answer.clone())))
    });
    heard
}

struct Ear<M, R>(PhantomData<(M, R)>);

impl<M: Message + Clone, R: Clone + Debug + Send + 'static> Performer for Ear<M, R> {
    const NAME: &'static str = "Ear";
    type Machine = (Heard<M>, R);
    type Message = M;
    type Effect = ();
    type Reply = R;

    fn step((heard, answer): &mut (Heard<M>, R), message: M, _now: Duration, _effects: &mut Vec<()>) -> R {
        heard.note(message);
        answer.clone()
    }

    fn perform(&mut self, (): (), _stage: &mut Stage<'_, M>) {}
}

/// A provider that answers with these statuses and bodies in their order, and remembers what it was asked.
#[derive(Clone, Default)]
pub(crate) struct Scripted {
    answers: Rc<RefCell<VecDeque<(u16, String)>>>,
    pub(crate) asked: Heard<String>,
}

impl Scripted {
    pub(crate) fn new<T: ToString>(answers: impl IntoIterator<Item = (u16, T)>) -> Self {
        let answers = answers.into_iter().map(|(status, body)| (status, body.to_string())).collect();
        Self { answers: Rc::new(RefCell::new(answers)), asked: Heard::default() }
    }
}

impl Scripted {
    pub(crate) fn will_answer(&self, status: u16, body: impl ToString) {
        self.answers.borrow_mut().push_back((status, body.to_string()));
    }
}

/// An answer of Anthropic's that says this and stops so.
pub(crate) fn answer(words: &str, stop: &str) -> Value {
    json!({"type": "message", "content": [{"type": "text", "text": words}], "stop_reason": stop})
}

impl Transport for Scripted {
    fn send(&self, request: Request) -> LocalBoxFuture<'static, Result<Answer, Fault>> {
        self.asked.note(format!("{} {}", request.method, request.uri.path()));
        let (status, body) = self.answers.borrow_mut().pop_front().expect("one request too many");
        let status = StatusCode::from_u16(status).unwrap();
        let body = stream::iter([Ok(bytes::Bytes::from(body))]).boxed_local();
        ready(Ok(Answer { status, headers: HeaderMap::new(), body })).boxed_local()
    }
}

/// A caller with an empty store.
pub(crate) fn caller(provider: impl Transport + 'static, purpose: Purpose) -> Caller {
    Caller {
        settings: Arc::new(Settings::with_data_dir("unused".into())),
        transport: Rc::new(provider),
        clock: Clock::system(),
        desk: Desk::inline(SqliteStore::in_memory().unwrap()),
        meter: Arc::new(Listening::default()),
        purpose,
        chance: Chance::from_seed(1),
        lessons: RefCell::default(),
    }
}

/// What is to be done for session "s", in this dialect, at its vendor's own address.
pub(crate) fn brief(dialect: Dialect, model: &str) -> Brief {
    let (provider, settings) = (dialect.provider(), Settings::with_data_dir("unused".into()));
    Brief {
        patient: false,
        project: None,
        principal: Principal::local(),
        session: "s".into(),
        upstream: UpstreamKey::new(provider, crate::base_url(&settings, provider)),
        dialect,
        model: model.into(),
    }
}

/// A lease of an API key for it.
pub(crate) fn lease(brief: &Brief) -> Lease {
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

/// What stands in the ledger.
pub(crate) async fn charges(desk: &Desk) -> Vec<ChargeRecord> {
    let write = |store: &mut dyn store::Store| {
        let (mut scribe, mut all) = (Scribe::of(Principal::local()), String::new());
        while let Some(lines) = scribe.write(store)? {
            all += &lines;
        }
        Ok(all)
    };
    let all = desk.read(write).await.unwrap();
    let charge = |line| match serde_json::from_str(line).unwrap() {
        Record::Charge(charge) => Some(charge),
        _ => None,
    };
    all.lines().filter_map(charge).collect()
}

/// Records a turn of session `session` in which its person said this; the messages of the session that no observation covers.
pub(crate) async fn said(desk: &Desk, session: &str, words: &[&str]) -> Vec<i64> {
    said_in(desk, session, None, words).await
}

/// A turn in which these words were said.
pub(crate) fn turn(session: &str, folder: Option<&str>, words: &[&str]) -> TurnRecord {
    let text = |text: &&str| Said { role: Role::User, parts: vec![Part::Text { text: (*text).to_owned() }] };
    let (session, brief) = (SessionId::from(session), brief(Dialect::AnthropicMessages, "m"));
    TurnRecord {
        session,
        principal: brief.principal,
        identity: None,
        client: "test".into(),
        provider: brief.dialect.provider(),
        dialect: brief.dialect,
        model: brief.model,
        upstream_origin: brief.upstream.origin().to_owned(),
        directory: folder.map(str::to_owned),
        project: Some("oven".into()),
        at: UnixMillis(1),
        injection: None,
        follows: None,
        messages: words.iter().map(text).collect(),
        answer: None,
        usage: Usage::default(),
        stop: Some(Stop::End),
        head: Digest::START,
        cut: false,
    }
}

/// The same in this folder.
pub(crate) async fn said_in(desk: &Desk, session: &str, folder: Option<&str>, words: &[&str]) -> Vec<i64> {
    let (turn, session) = (turn(session, folder, words), SessionId::from(session));
    let record = move |store: &mut dyn store::Store| {
        store.record_turn(&turn)?;
        store.pending(&session, u64::MAX, UnixMillis(1))
    };
    desk.write(record).await.unwrap().iter().map(|message| message.id).collect()
}
