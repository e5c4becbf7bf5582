//! The whole gateway as an app, without a socket: what the simulator builds on.

#[cfg(test)]
mod tests {
    use actix_web::App;
    use actix_web::dev::ServiceResponse;
    use actix_web::test::{TestRequest, call_service, init_service, read_body};
    use actor::{Clock, Environment, Place};
    use bytes::Bytes;
    use domain::fingerprint::Fingerprinter;
    use domain::settings::Settings;
    use futures_core::future::LocalBoxFuture;
    use futures_util::{StreamExt as _, stream};
    use gateway::admin::Admin;
    use gateway::telemetry::{Metrics, SentryAlarm};
    use gateway::{Edge, EdgeParts, configure};
    use std::rc::Rc;
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;
    use store::{Desk, SqliteStore};
    use tempfile::TempDir;
    use upstream::transport::{Answer, Fault, HeaderMap, Request, StatusCode, Transport};
    use workers::{House, Parts, Places, TransportFactory, wire};

    const ANSWER: &str = r#"{"type":"message","role":"assistant","content":[{"type":"text","text":"Hello"}],
        "stop_reason":"end_turn","usage":{"input_tokens":1,"output_tokens":1}}"#;

    /// A provider that is only a function.
    struct Hello;

    impl Transport for Hello {
        fn send(&self, request: Request) -> LocalBoxFuture<'static, Result<Answer, Fault>> {
            let answer = Answer {
                status: StatusCode::OK,
                headers: HeaderMap::new(),
                body: stream::iter([Ok(Bytes::from_static(ANSWER.as_bytes()))]).boxed_local(),
            };
            Box::pin(async move {
                assert_eq!(request.uri, "http://provider.test/v1/messages?beta=true");
                Ok(answer)
            })
        }
    }

    fn parts(folder: &TempDir) -> Parts {
        let mut settings = Settings::with_data_dir(folder.path().to_owned());
        settings.upstream.anthropic = "http://provider.test".into();
        let alarm = SentryAlarm::start(&settings.sentry).unwrap();
        let transport: TransportFactory = Arc::new(|| Rc::new(Hello));
        Parts {
            settings: Arc::new(settings),
            environment: Environment::new(Clock::system()),
            desk: Desk::inline(SqliteStore::open(folder.path()).unwrap()),
            transport,
            meter: Arc::new(Metrics::new()),
            alarm: Arc::new(alarm),
            witness: None,
            fingerprinter: Fingerprinter::new([7; 32]),
            seed: 7,
            places: Places { ledger: Place::Here, background: Place::Here },
        }
    }

    fn open(parts: Parts) -> (House, Arc<Edge>, Arc<Admin>) {
        let metrics = Arc::new(Metrics::new());
        let (settings, transport) = (Arc::clone(&parts.settings), Arc::clone(&parts.transport));
        let fingerprinter = parts.fingerprinter.clone();
        let house = wire(parts);
        let admin = Admin::new(house.clone(), Arc::new(AtomicBool::new(true)), Arc::clone(&metrics));
        let edge = EdgeParts { settings, house: house.clone(), metrics, transport, fingerprinter, seed: 7 };
        (house, Arc::new(Edge::new(edge).unwrap()), Arc::new(admin))
    }

    fn local(request: TestRequest) -> TestRequest {
        request.insert_header(("host", "localhost")).peer_addr("127.0.0.1:5000".parse().unwrap())
    }

    #[actix_web::test]
    async fn a_turn_passes_and_is_recorded_without_a_socket() {
        let folder = TempDir::new().unwrap();
        let (house, edge, admin) = open(parts(&folder));
        let app = init_service(App::new().configure(configure(edge, admin))).await;
        let asked = r#"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#;
        let request =
            local(TestRequest::post().uri("/v1/messages?beta=true")).set_payload(asked).to_request();
        let answer: ServiceResponse = call_service(&app, request).await;
        assert_eq!(answer.status(), 200);
        assert_eq!(read_body(answer).await, ANSWER);
        let sessions = house.desk.read(|store| store.sessions(None)).await.unwrap();
        assert_eq!((sessions.len(), sessions[0].turns), (1, 1));

        let ready = call_service(&app, local(TestRequest::get().uri("/readyz")).to_request()).await;
        assert_eq!(ready.status(), 200);
        let stranger = TestRequest::get().uri("/readyz").insert_header(("host", "localhost")).to_request();
        assert_eq!(call_service(&app, stranger).await.status(), 404, "nobody is near without an address");
    }
}
