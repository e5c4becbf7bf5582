//! A house to look into, and a provider that says what it is told to.

use crate::admin::{Admin, configure};
use crate::telemetry::{Metrics, SentryAlarm};
use actix_web::http::StatusCode;
use actix_web::http::header::HeaderMap;
use actix_web::test::{TestRequest, call_service, init_service, read_body};
use actix_web::{App, test};
use actor::{Clock, Environment, Place};
use domain::companions::Companions;
use domain::conversation::{Message, Role, Stop, Usage, chain};
use domain::credential::{Credential, CredentialKind};
use domain::evidence::{Class, Evidence};
use domain::fingerprint::Fingerprinter;
use domain::ids::{Principal, SessionId};
use domain::provider::{Dialect, Provider, UpstreamKey};
use domain::secret::Secret;
use domain::settings::Settings;
use domain::time::{Moment, UnixMillis};
use machines::credential::{CredentialMessage, SlotKey};
use machines::idle_scheduler::SchedulerMessage;
use serde_json::Value;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;
use store::{Desk, SqliteStore, TurnRecord};
use upstream::transport::{HttpTransport, Limits, Roots, Transport};
use workers::{House, Parts, Places, Spoken, wire};

/// Christmas 2026, when every test begins.
pub(crate) const BEGIN: UnixMillis = UnixMillis(1_798_156_800_000);
/// A token that no answer may hold.
pub(crate) const TOKEN: &str = "sk-ant-api03-canary";

/// A gateway without its data plane.
pub(crate) struct Gateway {
    pub(crate) admin: Arc<Admin>,
    pub(crate) house: House,
    pub(crate) ready: Arc<AtomicBool>,
    upstream: UpstreamKey,
}

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).expect("JSON")
    }

    pub(crate) fn error_code(&self) -> Value {
        let error = self.json();
        assert!(error["error"]["message"].as_str().is_some_and(|message| !message.is_empty()), "{error}");
        error["error"]["code"].clone()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("text"))
    }
}

impl Gateway {
    /// One whose provider answers every request with this JSON.
    pub(crate) fn with_provider(status: u16, json: &str) -> Self {
        let head =
            format!("HTTP/1.1 {status} Said\r\ncontent-type: application/json\r\nconnection: close\r\n");
        Self::at(&provider(format!("{head}content-length: {}\r\n\r\n{json}", json.len())))
    }

    /// One whose provider nobody may call.
    pub(crate) fn new() -> Self {
        Self::at("http://127.0.0.1:9")
    }

    /// One that records for somebody else, as one that is open to other machines does.
    pub(crate) fn of_owner(owner: &str) -> Self {
        let gateway = Self::new();
        let metrics = Arc::new(Metrics::new());
        let admin = Admin::new(gateway.house.clone(), Arc::clone(&gateway.ready), metrics);
        Self { admin: Arc::new(admin.of_owner(owner.into())), ..gateway }
    }

    /// One whose store lies in this folder, so that another can take over from it.
    pub(crate) fn in_folder(folder: &Path) -> Self {
        let store = SqliteStore::open(folder).expect("opened");
        Self::over(Desk::inline(store), "http://127.0.0.1:9", None)
    }

    /// One whose background work may spend so much a day, in dollars.
    pub(crate) fn with_budget(limit: f64) -> Self {
        let desk = Desk::inline(SqliteStore::in_memory().expect("opened"));
        Self::over(desk, "http://127.0.0.1:9", Some(limit))
    }

    /// One whose store has threads of its own.
    pub(crate) fn with_threads(folder: &Path) -> Self {
        Self::over(Desk::threads(folder).expect("opened"), "http://127.0.0.1:9", None)
    }

    fn at(origin: &str) -> Self {
        Self::over(Desk::inline(SqliteStore::in_memory().expect("opened")), origin, None)
    }

    fn over(desk: Desk, origin: &str, daily_budget: Option<f64>) -> Self {
        let mut settings = Settings::with_data_dir("unused".into());
        settings.upstream.anthropic = origin.to_owned();
        settings.worker.max_retries = 0;
        settings.worker.daily_budget = daily_budget;
        let metrics = Arc::new(Metrics::new());
        let house = wire(parts(settings, desk, &metrics));
        let ready = Arc::new(AtomicBool::new(true));
        let admin = Arc::new(Admin::new(house.clone(), Arc::clone(&ready), metrics));
        Self { admin, house, ready, upstream: UpstreamKey::new(Provider::Anthropic, origin) }
    }

    /// Sends a request to the admin plane.
    pub(crate) async fn send(&self, request: TestRequest) -> Answer {
        let app = init_service(App::new().configure(configure(Arc::clone(&self.admin)))).await;
        let answer = call_service(&app, request.to_request()).await;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let text = String::from_utf8(read_body(answer).await.to_vec()).expect("text");
        Answer { status, headers, text }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(test::TestRequest::get().uri(path)).await
    }

    pub(crate) async fn post(&self, path: &str) -> Answer {
        self.send(test::TestRequest::post().uri(path)).await
    }

    /// A turn of `session`: a question and its answer.
    pub(crate) async fn record(&self, session: &str, question: &str) {
        let turn = turn(session, question, self.upstream.origin());
        self.house.desk.write(move |store| store.record_turn(&turn)).await.expect("recorded");
    }

    /// The agent of `session` sends `token`, and the provider answers it so.
    pub(crate) fn answered(&self, session: &str, token: &str, class: Class, status: u16) {
        let credential = credential(token);
        let fingerprint = credential.fingerprint;
        let slot = SlotKey {
            principal: Principal::local(),
            upstream: self.upstream.clone(),
            session: SessionId::from(session),
        };
        self.tell(CredentialMessage::CredentialObserved { slot, credential, project: None, ends: None });
        let (upstream, now) = (self.upstream.clone(), Moment::from(self.house.environment.clock.now()));
        let evidence = Evidence { fingerprint, upstream, start: now, end: now, class, status };
        self.tell(CredentialMessage::ClientAnswered { evidence, model: Some("m".to_owned()) });
    }

    /// The scheduler hears this.
    pub(crate) fn schedule(&self, message: SchedulerMessage) {
        self.house.scheduler.tell(Spoken(message), actor::Cause::origin("Test")).expect("taken");
    }

    fn tell(&self, message: CredentialMessage) {
        self.house.credentials.tell(Spoken(message), actor::Cause::origin("Test")).expect("taken");
    }
}

fn parts(settings: Settings, desk: Desk, metrics: &Arc<Metrics>) -> Parts {
    let clock = Clock::virtual_from(Duration::from_millis(BEGIN.0.unsigned_abs()));
    let environment = Environment { observer: Arc::clone(metrics) as _, ..Environment::new(clock) };
    let alarm = SentryAlarm::start(&settings.sentry).expect("no DSN is fine");
    let transport = || {
        let transport = HttpTransport::new(Limits::default(), Roots::Only(Vec::new())).expect("usable roots");
        Rc::new(transport) as Rc<dyn Transport>
    };
    Parts {
        settings: Arc::new(settings),
        environment,
        desk,
        transport: Arc::new(transport),
        model: None,
        meter: Arc::clone(metrics) as _,
        alarm: Arc::new(alarm),
        witness: None,
        fingerprinter: Fingerprinter::new([7; 32]),
        seed: 1,
        places: Places { ledger: Place::Here, background: Place::Here },
    }
}

fn credential(token: &str) -> Arc<Credential> {
    Arc::new(Credential {
        header: "x-api-key",
        value: Secret::new(token),
        kind: CredentialKind::ApiKey,
        fingerprint: Fingerprinter::new([7; 32]).fingerprint("x-api-key", token),
        companions: Companions::from_iter([("anthropic-version", "2023-06-01")]),
        ends: None,
    })
}

fn turn(session: &str, question: &str, origin: &str) -> TurnRecord {
    let question = Message::text(Role::User, question);
    let answer = Message::text(Role::Assistant, "Noted.");
    TurnRecord {
        session: session.into(),
        principal: Principal::local(),
        identity: None,
        client: "claude-cli".to_owned(),
        provider: Provider::Anthropic,
        dialect: Dialect::AnthropicMessages,
        model: "claude-sonnet-4-5".to_owned(),
        upstream_origin: origin.to_owned(),
        directory: Some("/home/me/project".to_owned()),
        project: Some("/home/me/project".into()),
        injection: None,
        follows: None,
        at: BEGIN,
        head: chain(&[question.clone(), answer.clone()])[1],
        messages: vec![question],
        answer: Some(answer),
        usage: Usage::default(),
        stop: Some(Stop::End),
        cut: false,
    }
}

/// A provider on a real socket; its origin. It lives as long as the process.
fn provider(answer: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("bound");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("accepted");
            read_request(&mut stream);
            stream.write_all(answer.as_bytes()).expect("answered");
        }
    });
    format!("http://{address}")
}

/// Reads a request with a `content-length` to its end.
fn read_request(stream: &mut impl Read) {
    let (mut request, mut piece) = (Vec::new(), [0; 4096]);
    while !is_whole(&request) {
        let read = stream.read(&mut piece).expect("readable");
        assert_ne!(read, 0, "cut");
        request.extend_from_slice(&piece[..read]);
    }
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, _)) = text.split_once("\r\n\r\n") else { return false };
    let length = |line: &str| line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse().ok();
    let body: usize = head.lines().find_map(length).unwrap_or(0);
    request.len() >= head.len() + 4 + body
}
