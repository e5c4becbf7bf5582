//! What a person forgets.

use super::support::{Answer, BEGIN, Gateway, TOKEN};
use actix_web::http::StatusCode;
use actix_web::test::TestRequest;
use bytes::Bytes;
use domain::evidence::Class;
use domain::ids::Principal;
use domain::provider::{Dialect, Provider, UpstreamKey};
use futures_util::FutureExt as _;
use serde_json::{Value, json};
use std::sync::mpsc::channel;
use std::time::Duration;
use store::Extent;
use workers::{Speaker, Standing, Turn};

async fn forget(gateway: &Gateway, order: &Value) -> Answer {
    gateway.send(TestRequest::post().uri("/api/v1/forget").set_json(order)).await
}

async fn sessions(gateway: &Gateway) -> usize {
    gateway.get("/api/v1/sessions").await.json()["sessions"].as_array().map_or(0, Vec::len)
}

#[actix_web::test]
async fn what_would_be_forgotten_is_counted_and_then_it_is_gone() {
    let gateway = Gateway::new();
    gateway.record("one", "Use tabs").await;
    gateway.record("two", "Use blanks").await;
    let counted = forget(&gateway, &json!({"session": "one", "dry_run": true})).await.json();
    let shown = |dry_run: bool| {
        json!({"dry_run": dry_run, "sessions": ["one"], "entries": [], "messages": 2, "observations": 0, "project": null,
            "unerased": {"sessions": 0, "messages": 0}, "erased": !dry_run, "log_emptied": !dry_run})
    };
    assert_eq!((counted, sessions(&gateway).await), (shown(true), 2));
    let forgotten = forget(&gateway, &json!({"session": "one"})).await.json();
    assert_eq!((forgotten, sessions(&gateway).await), (shown(false), 1));
    let answer = forget(&gateway, &json!({"project": "/home/me/project"})).await.json();
    assert_eq!((&answer["sessions"], sessions(&gateway).await), (&json!(["two"]), 0));
    assert_eq!(forget(&gateway, &json!({"everything": true})).await.json()["messages"], 0);
}

#[actix_web::test]
async fn what_is_not_there_or_not_one_thing_is_refused() {
    let gateway = Gateway::new();
    gateway.record("one", "Use tabs").await;
    for unknown in [json!({"session": "two"}), json!({"project": "elsewhere"})] {
        let answer = forget(&gateway, &unknown).await;
        assert_eq!((answer.status, answer.error_code()), (StatusCode::NOT_FOUND, json!("not_found")));
    }
    for odd in [json!({}), json!({"everything": false}), json!({"session": "one", "everything": true})] {
        assert_eq!(forget(&gateway, &odd).await.error_code(), "invalid", "{odd}");
    }
    assert_eq!(sessions(&gateway).await, 1);
}

/// A turn as the relay hands it over.
fn turn(session: &str, words: &str) -> Turn {
    let request = json!({"model": "claude-sonnet-4-5", "messages": [{"role": "user", "content": words}]});
    Turn {
        session: session.into(),
        beginning: None,
        identity: Some(session.to_owned()),
        principal: Principal::local(),
        client: "claude-cli".to_owned(),
        speaker: Speaker::Main,
        upstream: UpstreamKey::new(Provider::Anthropic, "http://127.0.0.1:9"),
        dialect: Dialect::AnthropicMessages,
        target: "/v1/messages".to_owned(),
        request: Bytes::from(request.to_string()),
        request_encoding: None,
        answer: Vec::new(),
        answer_encoding: None,
        injection: None,
        left: domain::time::Moment::default(),
        took: Duration::ZERO,
        at: BEGIN,
    }
}

#[actix_web::test]
async fn a_turn_of_a_forgotten_session_is_neither_kept_nor_counted_and_of_no_use_to_any_worker() {
    let gateway = Gateway::new();
    gateway.answered("s", TOKEN, Class::Ok, 200);
    gateway.house.recorder.record(turn("s", "Use tabs"));
    assert_eq!(sessions(&gateway).await, 1);
    forget(&gateway, &json!({"session": "s"})).await;
    gateway.house.recorder.record(turn("s", "Use tabs"));
    assert_eq!(sessions(&gateway).await, 0);
    assert!(gateway.get("/metrics").await.text.contains("stillroom_turns_recorded_total 1\n"));
    assert_eq!(gateway.house.notebook.standing(&"s".into()), Standing::New);
}

#[actix_web::test]
async fn a_turn_that_still_waits_to_be_recorded_is_forgotten_with_everything_else() {
    let home = tempfile::TempDir::new().expect("a folder");
    let house = Gateway::with_threads(home.path()).house;
    let ((began, has_begun), (release, is_released)) = (channel(), channel());
    let desk = house.desk.clone();
    let busy = actix_rt::spawn(async move {
        desk.write(move |_| {
            began.send(()).expect("heard");
            is_released.recv().map_err(|_| store::StoreError::Crashed)
        })
        .await
    });
    tokio::task::yield_now().await;
    has_begun.recv().expect("the store is busy");
    house.recorder.record(turn("s", "Use tabs"));
    let forgetting = {
        let house = house.clone();
        actix_rt::spawn(async move { house.forget(&Principal::local(), Extent::Everything).await })
    };
    tokio::task::yield_now().await;
    release.send(()).expect("heard");
    busy.await.expect("ended").expect("done");
    let forgotten = forgetting.await.expect("ended").expect("forgotten");
    assert_eq!((forgotten.sessions, forgotten.messages), (vec!["s".into()], 1));
    let left = house.desk.read(|store| store.sessions(None)).await.expect("read");
    assert!(left.is_empty(), "{left:?}");
}

#[actix_web::test]
async fn a_session_of_very_many_messages_is_erased_when_the_answer_comes_and_also_when_nobody_waits_for_it() {
    let gateway = Gateway::new();
    let request = json!({"model": "claude-sonnet-4-5", "messages": vec![json!({"role": "user", "content": "Use tabs"}); 1_300]});
    for session in ["one", "two"] {
        let request = Bytes::from(request.to_string());
        gateway.house.recorder.record(Turn { request, ..turn(session, "") });
    }
    let answer = forget(&gateway, &json!({"session": "one"})).await.json();
    assert_eq!((&answer["messages"], &answer["erased"]), (&json!(1_300), &json!(true)));
    let is_erasing = || async { gateway.house.desk.read(|store| store.is_erasing()).await.expect("read") };
    assert!(!is_erasing().await);

    let left = gateway.house.forget(&Principal::local(), Extent::Session("two".into())).now_or_never();
    assert!(left.is_none() && is_erasing().await, "whoever asked has gone");
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    assert!(!is_erasing().await);
    assert_eq!(sessions(&gateway).await, 0);
}

/// A session of very many messages, and a first step of forgetting it: all that is left of a gateway that was killed meanwhile.
async fn half_forgotten() -> Gateway {
    let gateway = Gateway::new();
    let request = json!({"model": "claude-sonnet-4-5", "system": "Working directory: /home/me/oven",
        "messages": vec![json!({"role": "user", "content": "Use tabs"}); 1_300]});
    let request = Bytes::from(request.to_string());
    gateway.house.recorder.record(Turn { request, ..turn("one", "") });
    assert_eq!(sessions(&gateway).await, 1);
    let first_step =
        |store: &mut dyn store::Store| store.forget(&Principal::local(), &Extent::Everything, BEGIN);
    let forgotten = gateway.house.desk.write(first_step).await.expect("written");
    assert!(!forgotten.left.erased, "or the test tells nothing");
    gateway
}

#[actix_web::test]
async fn what_was_forgotten_and_is_not_erased_is_told_of_and_waited_for_by_whatever_name_it_has() {
    for name in [json!({"session": "one"}), json!({"project": "/home/me/oven"}), json!({"everything": true})]
    {
        let gateway = half_forgotten().await;
        let mut dry_run = name.clone();
        dry_run["dry_run"] = true.into();
        for _ in 0..2 {
            let counted = forget(&gateway, &dry_run).await.json();
            assert_eq!(counted["unerased"], json!({"sessions": 1, "messages": 1_300}), "{counted}");
            assert_eq!((&counted["sessions"], &counted["erased"]), (&json!([]), &json!(false)));
        }
        let done = forget(&gateway, &name).await.json();
        assert_eq!((&done["unerased"]["messages"], &done["erased"]), (&json!(1_300), &json!(true)), "{done}");
        assert_eq!(forget(&gateway, &dry_run).await.json()["unerased"]["messages"].as_u64().unwrap_or(0), 0);
    }
}

#[actix_web::test]
async fn what_is_brought_in_again_waits_until_it_is_erased_and_comes_whole() {
    let gateway = half_forgotten().await;
    let other = Gateway::new();
    other.record("one", "Use tabs").await;
    let lines = other.get("/api/v1/export").await.text;
    let records: Vec<Value> =
        lines.lines().map(|line| serde_json::from_str(line).expect("a record")).collect();
    let again = json!({"records": records, "again": true});
    let answer = gateway.send(TestRequest::post().uri("/api/v1/import").set_json(&again)).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let done = answer.json();
    assert_eq!((&done["sessions"], &done["messages"], &done["left_out"]), (&json!(1), &json!(2), &json!(0)));
}
