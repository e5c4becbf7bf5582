//! What is shown: exactly the shapes of the contract, and never a secret.

use super::support::{Gateway, TOKEN};
use actix_web::http::StatusCode;
use actix_web::test::TestRequest;
use domain::evidence::Class;
use domain::purpose::Purpose;
use machines::idle_scheduler::SchedulerMessage;
use machines::job::{Ending, FailureCause};
use serde_json::{Value, json};
use std::sync::atomic::Ordering;
use std::time::Duration;

const REFUSED: &str = "the provider refused the token: the agent's next request with a fresh one ends this (if it is worker.api_key, a start with another)";

#[actix_web::test]
async fn it_is_ready_only_while_it_serves() {
    let gateway = Gateway::new();
    for path in ["/healthz", "/readyz"] {
        gateway.ready.store(true, Ordering::Relaxed);
        let answer = gateway.get(path).await;
        assert_eq!((answer.status, &answer.json()["status"]), (StatusCode::OK, &json!("ready")));
        gateway.ready.store(false, Ordering::Relaxed);
        let answer = gateway.get(path).await;
        assert_eq!(
            (answer.status, &answer.json()["status"]),
            (StatusCode::SERVICE_UNAVAILABLE, &json!("not ready"))
        );
    }
    let head =
        gateway.send(TestRequest::default().method(actix_web::http::Method::HEAD).uri("/readyz")).await;
    assert_eq!(head.status, StatusCode::SERVICE_UNAVAILABLE);
}

#[actix_web::test]
async fn credentials_show_their_state_and_eight_digits_and_nothing_secret() {
    let gateway = Gateway::new();
    assert_eq!(gateway.get("/api/v1/credentials").await.json(), json!({"slots": []}));
    gateway.answered("s-proven", TOKEN, Class::Ok, 200);
    gateway.answered("s-refused", "sk-ant-oat01-canary-2", Class::CredentialRejected, 401);
    let answer = gateway.get("/api/v1/credentials").await;
    assert!(!answer.text.contains("canary"), "{}", answer.text);
    let slots = answer.json();
    let slots = slots["slots"].as_array().expect("a list");
    let brief: Vec<_> = slots
        .iter()
        .map(|slot| (&slot["scope"], &slot["session"], &slot["state"], &slot["status"]))
        .collect();
    let expected = [
        (json!("session"), json!("s-proven"), json!("proven"), json!(200)),
        (json!("session"), json!("s-refused"), json!("rejected"), json!(401)),
        (json!("global"), Value::Null, json!("proven"), json!(200)),
    ];
    assert_eq!(brief, expected.iter().map(|(a, b, c, d)| (a, b, c, d)).collect::<Vec<_>>());
    let first = slots[0].as_object().expect("an object");
    let keys: Vec<&str> = first.keys().map(String::as_str).collect();
    let contract =
        ["fingerprint", "generation", "provider", "scheme", "scope", "session", "since", "state", "status"];
    let mut sorted = keys.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, contract);
    assert_eq!((&first["provider"], &first["scheme"]), (&json!("anthropic"), &json!("api-key")));
    let digits = first["fingerprint"].as_str().expect("text");
    assert!(digits.len() == 8 && digits.bytes().all(|digit| digit.is_ascii_hexdigit()), "{digits}");
    let since = first["since"].as_str().expect("text");
    assert!(since.starts_with("2026-12-25T00:00:") && since.ends_with('Z'), "{since}");
}

const UNKNOWN: &str = "Not kept warm: nothing of it was replayable since the gateway started, or it has been quiet for long; \
     its agent's next turn begins anew.";

fn session(id: &str, reason: Option<&str>) -> Value {
    json!({
        "id": id,
        "client": "claude-cli",
        "project": "/home/me/project",
        "provider": "anthropic",
        "model": "claude-sonnet-4-5",
        "turns": 1,
        "last_activity": "2026-12-25T00:00:00.000Z",
        "background": if reason.is_some() { "paused" } else { "ready" },
        "paused_because": reason,
        "health": {"distill": "healthy", "curate": "healthy", "warm": "healthy"},
        "warming": {"mode": "auto", "warm": false, "why": UNKNOWN},
    })
}

#[actix_web::test]
async fn sessions_say_whether_their_background_work_stands_still_and_why() {
    let gateway = Gateway::new();
    for name in ["s-proven", "s-refused", "s-silent"] {
        gateway.record(name, "Use tabs").await;
    }
    gateway.answered("s-proven", TOKEN, Class::Ok, 200);
    gateway.answered("s-refused", "sk-ant-oat01-canary-2", Class::CredentialRejected, 401);
    let silent = "no credential held: the agent was not heard since the start, or for long, and its next request brings one";
    let expected =
        [session("s-proven", None), session("s-refused", Some(REFUSED)), session("s-silent", Some(silent))];
    assert_eq!(gateway.get("/api/v1/sessions").await.json(), json!({"sessions": expected}));
    assert_eq!(gateway.get("/api/v1/sessions/s-refused").await.json(), expected[1]);
}

#[actix_web::test]
async fn a_worker_that_keeps_failing_shows_with_its_session_and_in_the_metrics() {
    let gateway = Gateway::new();
    for name in ["s-unwell", "s-well"] {
        gateway.record(name, "Use tabs").await;
        gateway.schedule(SchedulerMessage::SessionSeen(name.into()));
    }
    let failed = || Ending::Failed { cause: FailureCause::Provider, why: "it rained".to_owned() };
    for _ in 0..3 {
        let (session, purpose) = ("s-unwell".into(), Purpose::Curate);
        gateway.schedule(SchedulerMessage::JobEnded { session, purpose, ending: failed(), backlog: None });
    }
    let unwell = json!({"distill": "healthy", "curate": "degraded", "warm": "healthy"});
    assert_eq!(gateway.get("/api/v1/sessions/s-unwell").await.json()["health"], unwell);
    assert_eq!(gateway.get("/api/v1/sessions/s-well").await.json()["health"]["curate"], "healthy");
    let counted = "stillroom_worker_health{worker=\"curate\",level=\"degraded\"} 1\n";
    let metrics = gateway.get("/metrics").await.text;
    assert!(metrics.contains(counted), "{metrics}");
    gateway.house.scheduler.drain(Duration::from_secs(5)).await;
    let metrics = gateway.get("/metrics").await.text;
    assert!(!metrics.contains("stillroom_worker_health{"), "{metrics}");
}

#[actix_web::test]
async fn a_session_shows_what_was_said_and_what_was_distilled() {
    let gateway = Gateway::new();
    gateway.record("s", "Use tabs").await;
    let messages = gateway.get("/api/v1/sessions/s/messages").await;
    assert_eq!(messages.header("cache-control"), "no-store");
    let messages = messages.json();
    let first = json!({
        "id": 1, "role": "user", "text": "Use tabs", "tokens": messages["messages"][0]["tokens"],
        "at": "2026-12-25T00:00:00.000Z", "distilled": false, "from_tool": false,
    });
    assert_eq!(messages["messages"][0], first);
    assert_eq!(messages["messages"][1]["text"], "Noted.");
    let lines = vec!["tabs are used".to_owned()];
    let write = move |store: &mut dyn store::Store| {
        store.store_observations(&"s".into(), &[1], &lines, super::support::BEGIN)
    };
    gateway.house.desk.write(write).await.expect("kept");
    let expected =
        json!({"observations": [{"id": 1, "text": "tabs are used", "at": "2026-12-25T00:00:00.000Z"}]});
    assert_eq!(gateway.get("/api/v1/sessions/s/observations").await.json(), expected);
    assert_eq!(gateway.get("/api/v1/sessions/s/messages").await.json()["messages"][0]["distilled"], true);
}

#[actix_web::test]
async fn metrics_count_the_sessions_that_a_refused_token_holds_up() {
    let gateway = Gateway::new();
    gateway.record("s-refused", "Use tabs").await;
    gateway.record("s-silent", "Use tabs").await;
    gateway.answered("s-refused", TOKEN, Class::CredentialRejected, 401);
    let answer = gateway.get("/metrics").await;
    assert_eq!(answer.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    let paused = "stillroom_background_paused{provider=\"anthropic\"} 1\n";
    assert!(answer.text.contains(paused), "{}", answer.text);
    gateway.answered("s-refused", TOKEN, Class::Ok, 200);
    let answer = gateway.get("/metrics").await;
    assert!(
        answer.text.contains("stillroom_background_paused{provider=\"anthropic\"} 0\n"),
        "{}",
        answer.text
    );
    let asked = TestRequest::get().uri("/metrics").insert_header(("accept", "application/openmetrics-text"));
    let answer = gateway.send(asked).await;
    assert_eq!(answer.header("content-type"), "application/openmetrics-text; version=1.0.0; charset=utf-8");
    assert!(answer.text.ends_with("# EOF\n"));
}

#[actix_web::test]
async fn what_the_store_could_not_do_is_among_the_metrics() {
    let gateway = Gateway::new();
    let full =
        |_: &mut dyn store::Store| Err::<(), _>(store::StoreError::Database("the disk is full".into()));
    gateway.house.desk.write(full).await.unwrap_err();
    let answer = gateway.get("/metrics").await;
    assert!(answer.text.contains("stillroom_store_faults_total 1\n"), "{}", answer.text);
}

#[actix_web::test]
async fn an_actor_that_cannot_answer_is_503_and_the_other_metrics_are_still_told() {
    let gateway = Gateway::new();
    gateway.record("s", "Use tabs").await;
    gateway.house.credentials.drain(Duration::from_secs(5)).await;
    for path in ["/api/v1/credentials", "/api/v1/sessions"] {
        let answer = gateway.get(path).await;
        assert_eq!((answer.status, answer.error_code()), (StatusCode::SERVICE_UNAVAILABLE, json!("closing")));
    }
    let answer = gateway.get("/metrics").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(answer.text.contains("stillroom_turns_recorded_total 0\n"), "{}", answer.text);
    assert!(!answer.text.contains("stillroom_background_paused{"), "{}", answer.text);
}
