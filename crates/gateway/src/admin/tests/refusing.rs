//! What is refused, always in one shape.

use super::support::Gateway;
use actix_web::http::{Method, StatusCode};
use actix_web::test::TestRequest;
use serde_json::{Value, json};

async fn refused(gateway: &Gateway, request: TestRequest) -> (u16, Value) {
    let answer = gateway.send(request).await;
    assert_eq!(answer.header("content-type"), "application/json", "{}", answer.text);
    (answer.status.as_u16(), answer.error_code())
}

#[actix_web::test]
async fn a_session_that_nobody_knows_is_404_wherever_it_is_named() {
    let gateway = Gateway::new();
    for path in ["", "/messages", "/observations", "/warming"] {
        let request = TestRequest::get().uri(&format!("/api/v1/sessions/ghost{path}"));
        assert_eq!(refused(&gateway, request).await, (404, json!("not_found")), "{path}");
    }
    for job in ["distill", "curate", "warm"] {
        let request = TestRequest::post().uri(&format!("/api/v1/sessions/ghost/{job}"));
        assert_eq!(refused(&gateway, request).await, (404, json!("not_found")), "{job}");
    }
}

#[actix_web::test]
async fn a_path_that_is_none_is_404_and_a_wrong_method_405_with_the_right_ones() {
    let gateway = Gateway::new();
    for path in ["/api/v1", "/api/v1/secrets", "/api/v1/sessions/s/burn", "/api/v1/trace/stream/x"] {
        assert_eq!(
            refused(&gateway, TestRequest::get().uri(path)).await,
            (404, json!("not_found")),
            "{path}"
        );
    }
    let cases = [
        (Method::POST, "/healthz", "GET, HEAD"),
        (Method::DELETE, "/metrics", "GET, HEAD"),
        (Method::PUT, "/api/v1/sessions", "GET, HEAD"),
        (Method::GET, "/api/v1/sessions/s/distill", "POST"),
        (Method::POST, "/api/v1/knowledge/k1", "PUT, DELETE"),
        (Method::POST, "/api/v1/trace/stream", "GET, HEAD"),
        (Method::POST, "/api/v1/warming", "GET, HEAD, PUT"),
        (Method::DELETE, "/api/v1/sessions/s/warming", "GET, HEAD, PUT"),
        (Method::PUT, "/api/v1/costs", "GET, HEAD"),
    ];
    for (method, path, allowed) in cases {
        let answer = gateway.send(TestRequest::default().method(method).uri(path)).await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{path}");
        assert_eq!((answer.header("allow"), answer.error_code()), (allowed, json!("wrong_method")));
    }
}

#[actix_web::test]
async fn parameters_out_of_bounds_are_400() {
    let gateway = Gateway::new();
    let wrong = [
        "/api/v1/recall",
        "/api/v1/recall?q=",
        "/api/v1/recall?q=%20",
        "/api/v1/recall?q=x&limit=0",
        "/api/v1/recall?q=x&limit=101",
        "/api/v1/recall?q=x&limit=many",
        "/api/v1/recall?q=x&since=last+full+moon",
        "/api/v1/recall?q=x&until=2026-13-01",
        "/api/v1/recall?since=today&until=yesterday",
        "/api/v1/trace?last=0",
        "/api/v1/trace?last=4097",
        "/api/v1/trace?last=-1",
        "/api/v1/costs?days=0",
        "/api/v1/costs?days=3661",
        "/api/v1/costs?days=many",
    ];
    for path in wrong {
        assert_eq!(refused(&gateway, TestRequest::get().uri(path)).await, (400, json!("invalid")), "{path}");
    }
    for path in [
        "/api/v1/recall?q=x&limit=100",
        "/api/v1/recall?since=today",
        "/api/v1/recall?q=x&until=36h",
        "/api/v1/trace?last=4096",
        "/api/v1/costs?days=3660",
    ] {
        assert_eq!(gateway.get(path).await.status, StatusCode::OK, "{path}");
    }
}

#[actix_web::test]
async fn a_parameter_that_is_wrong_or_unknown_is_named() {
    let gateway = Gateway::new();
    let mut told = Vec::new();
    for path in [
        "costs?days=abc",
        "costs?day=7",
        "recall?q=x&limit=ten",
        "recall?q=x&size=1",
        "export/knowledge?projct=x",
    ] {
        let answer = gateway.get(&format!("/api/v1/{path}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path}");
        told.push(format!("{path}: {}", answer.json()["error"]["message"].as_str().unwrap_or_default()));
    }
    insta::assert_snapshot!(told.join("\n"), @r#"
    costs?days=abc: days takes a number from 1 to 3660; it is "abc"
    costs?day=7: the query is wrong: unknown field `day`, expected `days`
    recall?q=x&limit=ten: limit takes a number from 1 to 100; it is "ten"
    recall?q=x&size=1: the query is wrong: unknown field `size`, expected one of `q`, `limit`, `project`, `since`, `until`
    export/knowledge?projct=x: the query is wrong: unknown field `projct`, expected `project`
    "#);
}

#[actix_web::test]
async fn an_entry_that_breaks_a_rule_is_400_and_changes_nothing() {
    let gateway = Gateway::new();
    let good = json!({"category": "gotcha", "title": "Tabs", "content": "Tabs.", "confidence": 0.5});
    let with = |field: &str, value: Value| {
        let mut draft = good.clone();
        draft[field] = value;
        draft
    };
    let long = "x".repeat(1201);
    let drafts = [
        with("title", json!(" ")),
        with("content", json!(long)),
        with("confidence", json!(1.5)),
        with("category", json!("rumour")),
        with("surplus", json!(1)),
        json!({"title": "Tabs"}),
        json!([]),
    ];
    for draft in drafts {
        let request = TestRequest::put().uri("/api/v1/knowledge/k1").set_json(&draft);
        assert_eq!(refused(&gateway, request).await, (400, json!("invalid")), "{draft}");
    }
    let long = format!("/api/v1/knowledge/{}", "k".repeat(65));
    for path in ["/api/v1/knowledge/a%20b", long.as_str()] {
        let request = TestRequest::put().uri(path).set_json(&good);
        assert_eq!(refused(&gateway, request).await, (400, json!("invalid")), "{path}");
    }
    assert_eq!(gateway.get("/api/v1/knowledge").await.json(), json!({"knowledge": []}));
}

#[actix_web::test]
async fn a_body_that_a_mere_form_could_send_is_refused() {
    let gateway = Gateway::new();
    gateway.record("s", "Use tabs").await;
    let good = r#"{"category":"gotcha","title":"Tabs","content":"Tabs.","confidence":0.5}"#;
    for kind in ["text/plain", "application/x-www-form-urlencoded", "application/jsonx"] {
        let entry = TestRequest::put().uri("/api/v1/knowledge/k1").insert_header(("content-type", kind));
        assert_eq!(refused(&gateway, entry.set_payload(good)).await, (415, json!("not_json")), "{kind}");
        let job = TestRequest::post().uri("/api/v1/sessions/s/distill").insert_header(("content-type", kind));
        let job = job.insert_header(("content-length", "2")).set_payload("{}");
        assert_eq!(refused(&gateway, job).await, (415, json!("not_json")), "{kind}");
    }
    let job = TestRequest::post().uri("/api/v1/sessions/s/distill").set_json(json!({}));
    assert_eq!(gateway.send(job).await.status, StatusCode::OK);
}
