//! The message trace: what is recorded, what of it is shown, and what never is.

use super::support::Gateway;
use crate::admin::configure;
use crate::telemetry::Drawing;
use actix_web::body::MessageBody;
use actix_web::http::Method;
use actix_web::test::{TestRequest, call_service, init_service};
use actix_web::{App, rt};
use actor::{Cause, Row};
use domain::access::AccessRequest;
use domain::evidence::Class;
use domain::ids::Principal;
use domain::provider::{Provider, UpstreamKey};
use domain::purpose::Purpose;
use machines::credential::CredentialMessage;
use proptest::prelude::*;
use serde_json::json;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use workers::Spoken;

#[actix_web::test]
async fn the_last_messages_are_a_list_once_somebody_records_them() {
    let gateway = Gateway::new();
    gateway.get("/api/v1/credentials").await;
    assert_eq!(gateway.get("/api/v1/trace").await.json(), json!({"recording": false, "rows": []}));
    gateway.house.environment.trace.switch(true);
    gateway.get("/api/v1/credentials").await;
    gateway.get("/api/v1/credentials").await;
    let trace = gateway.get("/api/v1/trace?last=1").await.json();
    let rows = trace["rows"].as_array().expect("a list");
    assert_eq!((trace["recording"].clone(), rows.len()), (json!(true), 1));
    let said = (&rows[0]["from"], &rows[0]["actor"], &rows[0]["message"]);
    assert_eq!(said, (&json!("Viewer"), &json!("CredentialActor"), &json!("ListSlots")));
}

/// The next piece of a body that is streamed.
async fn piece<B: MessageBody + Unpin>(body: &mut B) -> Option<String> {
    let piece = poll_fn(|context| Pin::new(&mut *body).poll_next(context)).await?;
    let piece = piece.unwrap_or_else(|_fault| panic!("the stream broke"));
    Some(String::from_utf8(piece.to_vec()).expect("text"))
}

#[actix_web::test]
async fn who_asks_for_the_head_of_the_stream_watches_nothing() {
    let gateway = Gateway::new();
    let head = TestRequest::default().method(Method::HEAD).uri("/api/v1/trace/stream");
    let app = init_service(App::new().configure(configure(Arc::clone(&gateway.admin)))).await;
    let answer = call_service(&app, head.to_request()).await;
    assert_eq!(answer.headers().get("content-type").expect("a type"), "text/event-stream");
    assert!(!gateway.house.environment.trace.is_on());
    assert_eq!(piece(&mut Box::pin(answer.into_body())).await, None);
}

#[actix_web::test]
async fn messages_are_streamed_while_somebody_watches_and_until_it_drains() {
    let gateway = Gateway::new();
    let app = init_service(App::new().configure(configure(Arc::clone(&gateway.admin)))).await;
    let answer = call_service(&app, TestRequest::get().uri("/api/v1/trace/stream").to_request()).await;
    assert_eq!(answer.headers().get("content-type").expect("a type"), "text/event-stream");
    let trace = gateway.house.environment.trace.clone();
    assert!(trace.is_on());
    let mut body = Box::pin(answer.into_body());
    assert_eq!(piece(&mut body).await.as_deref(), Some(": actor messages\n\n"));
    let question = Spoken(CredentialMessage::ListSlots);
    gateway
        .house
        .credentials
        .ask(question, Cause::origin("Test"), Duration::from_secs(5))
        .await
        .expect("answered");
    let event = piece(&mut body).await.expect("an event");
    assert!(event.starts_with("event: message\ndata: {") && event.contains("\"ListSlots\""), "{event}");
    gateway.ready.store(false, Ordering::Relaxed);
    assert_eq!(piece(&mut body).await, None);
    drop(body);
    rt::task::yield_now().await;
    assert!(!trace.is_on());
}

/// A gateway that has recorded what came of two sessions.
async fn busy() -> Gateway {
    let gateway = Gateway::new();
    gateway.house.environment.trace.switch(true);
    for session in ["aaaa-1", "bbbb-2"] {
        gateway.answered(session, "sk-ant-api03-x", Class::Ok, 200);
    }
    gateway.get("/api/v1/credentials").await;
    gateway
}

async fn names(gateway: &Gateway, query: &str) -> Vec<String> {
    let rows = gateway.get(&format!("/api/v1/trace{query}")).await.json()["rows"].clone();
    let rows: Vec<Row<String>> = serde_json::from_value(rows).expect("rows");
    rows.into_iter().map(|row| row.message).collect()
}

#[actix_web::test]
async fn a_busy_record_is_searched_where_it_is() {
    let gateway = busy().await;
    assert_eq!(names(&gateway, "?session=aaaa").await, ["CredentialObserved"]);
    assert_eq!(names(&gateway, "?message=clientanswered&last=9").await, ["ClientAnswered", "ClientAnswered"]);
    assert_eq!(names(&gateway, "?message=ClientAnswered&last=1").await, ["ClientAnswered"]);
    assert_eq!(names(&gateway, "?actor=Viewer").await, ["ListSlots"], "one that only sends");
    assert_eq!(names(&gateway, "?actor=CacheWarmer&message=ListSlots").await, [""; 0]);
    assert_eq!(names(&gateway, "?slower_than=1s").await, [""; 0]);
    let rows = gateway.house.environment.trace.last(4096);
    let hinted = rows.iter().find(|row| row.hops > 0).expect("a consequence");
    let whole = names(&gateway, &format!("?root={}", hinted.root)).await;
    assert!(whole.len() > 1 && whole.contains(&hinted.message.to_owned()), "{whole:?}");
}

#[actix_web::test]
async fn a_wish_that_cannot_be_fulfilled_is_refused_by_its_name() {
    let gateway = Gateway::new();
    let wrong =
        ["last=many", "root=r9", "slower_than=5", "slower_than=5%20minutes", "actor=Destiller", "sesion=a"];
    let mut said = Vec::new();
    for query in wrong {
        let answer = gateway.get(&format!("/api/v1/trace?{query}")).await;
        assert_eq!((answer.status.as_u16(), answer.error_code()), (400, json!("invalid")), "{query}");
        said.push(answer.json()["error"]["message"].as_str().expect("words").to_owned());
    }
    insta::assert_snapshot!(said.join("\n"));
    for query in ["last=9", "actor=Destiller"] {
        let answer = gateway.get(&format!("/api/v1/trace/stream?{query}")).await;
        assert_eq!(answer.status.as_u16(), 400, "{query}");
    }
    assert!(!gateway.house.environment.trace.is_on(), "who is refused watches nothing");
}

#[actix_web::test]
async fn a_stream_has_only_what_was_asked_for() {
    let gateway = Gateway::new();
    let app = init_service(App::new().configure(configure(Arc::clone(&gateway.admin)))).await;
    let request = TestRequest::get().uri("/api/v1/trace/stream?session=bbbb");
    let mut body = Box::pin(call_service(&app, request.to_request()).await.into_body());
    piece(&mut body).await.expect("a greeting");
    for session in ["aaaa-1", "bbbb-2"] {
        gateway.answered(session, "sk-ant-api03-x", Class::Ok, 200);
    }
    let event = piece(&mut body).await.expect("an event");
    assert!(event.contains("\"session\":\"bbbb-2\""), "{event}");
}

/// Whatever the actors said to each other when this token was used, accepted, refused and asked for.
fn everything_said_with(token: &str) -> Vec<Row> {
    rt::System::new().block_on(async {
        let gateway = Gateway::new();
        gateway.house.environment.trace.switch(true);
        for (class, status) in [(Class::Ok, 200), (Class::CredentialRejected, 401), (Class::Ok, 200)] {
            gateway.answered("a", token, class, status);
            let request = AccessRequest {
                principal: Principal::local(),
                session: "a".into(),
                upstream: UpstreamKey::new(Provider::Anthropic, "http://127.0.0.1:9"),
                model: "claude-haiku-4-5".to_owned(),
                purpose: Purpose::Distill,
                project: None,
            };
            let question = Spoken(CredentialMessage::ResolveCredential(request));
            let asked =
                gateway.house.credentials.ask(question, Cause::origin("Test"), Duration::from_secs(5));
            asked.await.expect("answered");
            gateway.get("/api/v1/sessions").await;
        }
        gateway.house.environment.trace.last(4096)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases.min(64), ..ProptestConfig::default() })]

    #[test]
    fn no_format_of_the_trace_shows_any_part_of_a_token(token in "sk-ant-(api03|oat01)-[A-Za-z0-9_-]{24,90}") {
        let rows = everything_said_with(&token);
        prop_assert!(rows.iter().any(|row| row.message == "CredentialObserved" && !row.detail.is_empty()));
        prop_assert!(rows.iter().any(|row| row.outcome.starts_with("Lease ")));
        for drawing in [Drawing::lines(), Drawing::mermaid(), Drawing::chrome(), Drawing::json_lines()] {
            let drawn = drawing.whole(rows.clone());
            for part in token.as_bytes()[13..].windows(12) {
                let part = std::str::from_utf8(part).expect("ASCII");
                prop_assert!(!drawn.contains(part), "{part} of {token} in {drawn}");
            }
        }
    }
}
