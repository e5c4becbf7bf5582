//! A whole gateway on the test's own thread, before a provider that is only a function.

use actor::{Clock, Environment, Place};
use bytes::Bytes;
use domain::fingerprint::Fingerprinter;
use domain::secret::Secret;
use domain::settings::Settings;
use futures_core::future::LocalBoxFuture;
use futures_util::{StreamExt as _, stream};
use gateway::admin::Admin;
use gateway::telemetry::{Metrics, SentryAlarm};
use gateway::{Edge, EdgeParts};
use std::rc::Rc;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use store::{Desk, SqliteStore};
use tempfile::TempDir;
use upstream::transport::{Answer, Fault, HeaderMap, Request, StatusCode, Transport};
use workers::{Parts, Places, TransportFactory, wire};

/// What the provider says to everything.
pub(crate) const ANSWER: &str = r#"{"type":"message","role":"assistant","content":[{"type":"text","text":"Hello"}],
    "stop_reason":"end_turn","usage":{"input_tokens":1,"output_tokens":1}}"#;

/// Who can reach the gateway.
#[derive(Clone, Copy)]
pub(crate) enum Open {
    /// This machine.
    ToItself,
    /// Everybody who knows this token.
    ToHolders(&'static str),
}

/// See the module.
pub(crate) struct House {
    pub(crate) house: workers::House,
    pub(crate) edge: Arc<Edge>,
    pub(crate) admin: Arc<Admin>,
    asked: Asked,
    _folder: TempDir,
}

impl House {
    pub(crate) fn new(open: Open) -> Self {
        let folder = TempDir::new().unwrap();
        let asked = Asked::default();
        let parts = parts(&folder, open, asked.clone());
        let metrics = Arc::new(Metrics::new());
        let (settings, transport) = (Arc::clone(&parts.settings), Arc::clone(&parts.transport));
        let fingerprinter = parts.fingerprinter.clone();
        let house = wire(parts);
        let admin = Admin::new(house.clone(), Arc::new(AtomicBool::new(true)), Arc::clone(&metrics));
        let edge = EdgeParts { settings, house: house.clone(), metrics, transport, fingerprinter, seed: 7 };
        let edge = Arc::new(Edge::new(edge).unwrap());
        Self { house, edge, admin: Arc::new(admin), asked, _folder: folder }
    }

    /// What the provider was asked since this was last asked.
    pub(crate) fn take_asked(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.0.lock().unwrap())
    }
}

fn parts(folder: &TempDir, open: Open, asked: Asked) -> Parts {
    let mut settings = Settings::with_data_dir(folder.path().to_owned());
    settings.upstream.anthropic = "http://anthropic.test".into();
    settings.upstream.openai = "http://openai.test".into();
    if let Open::ToHolders(token) = open {
        settings.listen = ([0, 0, 0, 0], 4141).into();
        settings.access_token = Some(Secret::new(token));
    }
    let alarm = SentryAlarm::start(&settings.sentry).unwrap();
    let transport: TransportFactory = Arc::new(move || Rc::new(asked.clone()));
    Parts {
        settings: Arc::new(settings),
        environment: Environment::new(Clock::system()),
        desk: Desk::inline(SqliteStore::open(folder.path()).unwrap()),
        transport,
        model: None,
        meter: Arc::new(Metrics::new()),
        alarm: Arc::new(alarm),
        witness: None,
        fingerprinter: Fingerprinter::new([7; 32]),
        seed: 7,
        places: Places { ledger: Place::Here, background: Place::Here },
    }
}

/// The provider: the URLs that it was asked for.
#[derive(Clone, Default)]
struct Asked(Arc<Mutex<Vec<String>>>);

impl Transport for Asked {
    fn send(&self, request: Request) -> LocalBoxFuture<'static, Result<Answer, Fault>> {
        self.0.lock().unwrap().push(request.uri.to_string());
        let body = stream::iter([Ok(Bytes::from_static(ANSWER.as_bytes()))]).boxed_local();
        let answer = Answer { status: StatusCode::OK, headers: HeaderMap::new(), body };
        Box::pin(async move { Ok(answer) })
    }
}
