//! Warming, the brakes that a person pulls, and what it earned.

use super::support::{BEGIN, Gateway};
use actix_web::http::StatusCode;
use actix_web::test::TestRequest;
use domain::conversation::{CacheTtl, Usage};
use domain::provider::Provider;
use domain::purpose::Purpose;
use domain::warming::WarmingMode;
use serde_json::{Value, json};
use store::{LedgerEntry, WarmReturn};
use tempfile::TempDir;

fn put(path: &str, body: &Value) -> TestRequest {
    TestRequest::put().uri(path).set_json(body)
}

/// The switch once the CacheWarmer has heard from the store.
async fn switch(gateway: &Gateway) -> Value {
    for _ in 0..1000 {
        let told = gateway.get("/api/v1/warming").await.json();
        if told["why"].as_str().is_some_and(|why| !why.contains("not yet said")) {
            return told;
        }
        actix_web::rt::task::yield_now().await;
    }
    panic!("the store never said")
}

const OFF: &str = "Nothing is kept warm: all warming is switched off; `stillroom warming on` ends that.";

#[actix_web::test]
async fn warming_is_switched_off_and_on_while_the_gateway_runs() {
    let gateway = Gateway::new();
    let on = json!({"on": true, "why": "Warming is on.", "sessions": 0, "spent_usd": 0.0});
    assert_eq!(switch(&gateway).await, on);
    let off = gateway.send(put("/api/v1/warming", &json!({"on": false}))).await;
    assert_eq!(off.json(), json!({"on": false, "why": OFF, "sessions": 0, "spent_usd": 0.0}));
    gateway.record("s", "Use tabs").await;
    let told = gateway.get("/api/v1/sessions/s/warming").await.json();
    assert_eq!(told["why"], OFF.replace("Nothing is", "Not"));
    assert_eq!(gateway.send(put("/api/v1/warming", &json!({"on": true}))).await.json(), on);
}

#[actix_web::test]
async fn a_session_has_a_mode_of_its_own() {
    let gateway = Gateway::new();
    switch(&gateway).await;
    for session in ["s", "t"] {
        gateway.record(session, "Use tabs").await;
    }
    let stopped = gateway.send(put("/api/v1/sessions/s/warming", &json!({"mode": "stop"}))).await.json();
    let why = "Not kept warm: it was stopped by hand; `stillroom warming auto ID` ends that.";
    assert_eq!(stopped, json!({"mode": "stop", "warm": false, "why": why}));
    assert_eq!(gateway.get("/api/v1/sessions/s").await.json()["warming"], stopped);
    assert_eq!(gateway.get("/api/v1/sessions/t").await.json()["warming"]["mode"], "auto");
    let kept = gateway.send(put("/api/v1/sessions/s/warming", &json!({"mode": "keep"}))).await.json();
    assert_eq!(kept["mode"], "keep");
}

#[actix_web::test]
async fn what_was_decided_holds_over_a_restart() {
    let home = TempDir::new().expect("a folder");
    let first = Gateway::in_folder(home.path());
    first.record("s", "Use tabs").await;
    first.send(put("/api/v1/warming", &json!({"on": false}))).await;
    first.send(put("/api/v1/sessions/s/warming", &json!({"mode": "stop"}))).await;
    first.house.drain(std::time::Duration::from_secs(5)).await;
    let second = Gateway::in_folder(home.path());
    assert_eq!(switch(&second).await["why"], OFF);
    assert_eq!(second.get("/api/v1/sessions/s").await.json()["warming"]["mode"], "stop");
}

#[actix_web::test]
async fn a_decision_that_is_none_is_400_and_changes_nothing() {
    let gateway = Gateway::new();
    gateway.record("s", "Use tabs").await;
    for (path, body) in [
        ("/api/v1/warming", json!({})),
        ("/api/v1/warming", json!({"on": "yes"})),
        ("/api/v1/warming", json!({"on": false, "more": 1})),
        ("/api/v1/sessions/s/warming", json!({"mode": "boil"})),
        ("/api/v1/sessions/s/warming", json!({"mode": "stop", "more": 1})),
    ] {
        let answer = gateway.send(put(path, &body)).await;
        assert_eq!(
            (answer.status, answer.error_code()),
            (StatusCode::BAD_REQUEST, json!("invalid")),
            "{body}"
        );
    }
    let ghost = gateway.send(put("/api/v1/sessions/ghost/warming", &json!({"mode": "stop"}))).await;
    assert_eq!(ghost.status, StatusCode::NOT_FOUND);
    assert_eq!(switch(&gateway).await["on"], true);
    let mode = gateway.house.desk.read(|store| store.warming_mode(&"s".into())).await.expect("a mode");
    assert_eq!(mode, WarmingMode::Auto);
}

#[actix_web::test]
async fn costs_are_told_by_day_model_and_session_and_what_warming_earned_is_net() {
    let gateway = Gateway::new();
    let empty = gateway.get("/api/v1/costs").await.json();
    assert_eq!((&empty["total"], &empty["days"]), (&Value::Null, &json!([])));
    let (session, provider, model) = ("s", Provider::Anthropic, "claude-sonnet-4-5");
    let call = LedgerEntry {
        at: BEGIN,
        session: Some(session.into()),
        purpose: Purpose::Warm,
        provider,
        model: model.to_owned(),
        status: Some(200),
        usage: Usage::default(),
        usd: 0.25,
        attempts: 1,
    };
    let back = WarmReturn {
        at: BEGIN,
        session: session.into(),
        provider,
        model: model.to_owned(),
        ttl: CacheTtl::FiveMinutes,
        tokens: 1000,
        usd: 1.0,
    };
    let write = move |store: &mut dyn store::Store| {
        store.charge(&call)?;
        store.charge(&LedgerEntry { purpose: Purpose::Curate, usd: 2.0, ..call })?;
        store.credit(&back)
    };
    gateway.house.desk.write(write).await.expect("written");
    let row = |key: &str| {
        json!({
            "key": key, "other_usd": 2.0, "warm_cost_usd": 0.25, "warm_saved_usd": 1.0, "warm_net_usd": 0.75,
            "refreshes": 1, "returns": 1, "tokens": 1000,
        })
    };
    let mut told = gateway.get("/api/v1/costs?days=7").await.json();
    let since = told.as_object_mut().and_then(|told| told.remove("since")).expect("a time");
    assert!(since.as_str().is_some_and(|since| since.starts_with("2026-12-18T00:0")), "{since}");
    let purposes = told.as_object_mut().and_then(|told| told.remove("purposes")).expect("purposes");
    let sums = |purpose: &Value| ["key", "other_usd", "warm_net_usd"].map(|field| purpose[field].clone());
    let sums: Vec<_> = purposes.as_array().expect("a list").iter().map(sums).collect();
    assert_eq!(sums, [[json!("curate"), json!(2.0), json!(0.0)], [json!("warm"), json!(0.0), json!(0.75)]]);
    let expected = json!({
        "budget": null, "total": row(""), "days": [row("2026-12-25")],
        "models": [row(model)], "sessions": [row(session)],
    });
    assert_eq!(told, expected);
}
