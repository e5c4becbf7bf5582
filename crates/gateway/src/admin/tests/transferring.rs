//! Taking everything along, and bringing it in.

use super::support::{Answer, Gateway};
use actix_web::http::StatusCode;
use actix_web::test::TestRequest;
use serde_json::{Value, json};

async fn post(gateway: &Gateway, path: &str, body: &Value) -> Answer {
    gateway.send(TestRequest::post().uri(path).set_json(body)).await
}

fn records(export: &str) -> Vec<Value> {
    export.lines().map(|line| serde_json::from_str(line).expect("a record")).collect()
}

#[actix_web::test]
async fn everything_comes_out_line_by_line_and_goes_into_another_gateway() {
    let (gateway, other) = (Gateway::new(), Gateway::new());
    gateway.record("session-1", "Use tabs").await;
    gateway.record("session-2", "Use blanks").await;
    let exported = gateway.get("/api/v1/export").await;
    assert_eq!(exported.header("content-type"), "application/x-ndjson");
    let lines = records(&exported.text);
    assert_eq!(lines.last(), Some(&json!({"end": {"records": lines.len() - 1}})));
    let imported = post(&other, "/api/v1/import", &json!({"records": lines})).await.json();
    assert_eq!((&imported["sessions"], &imported["messages"]), (&json!(2), &json!(4)));
    assert_eq!(other.get("/api/v1/export").await.text, exported.text);
    let messages = other.get("/api/v1/sessions/session-1/messages").await.json();
    assert_eq!(messages["messages"][0]["text"], "Use tabs");
}

#[actix_web::test]
async fn knowledge_is_a_file_that_comes_back_edited() {
    let gateway = Gateway::new();
    let draft = json!({"category": "preference", "title": "Tabs", "content": "Use tabs.", "confidence": 0.9});
    gateway.send(TestRequest::put().uri("/api/v1/knowledge/mine").set_json(&draft)).await;
    let file = gateway.get("/api/v1/export/knowledge").await;
    assert_eq!(file.header("content-type"), "text/markdown; charset=utf-8");
    assert!(
        file.text.contains("# Without a project\n\n## Tabs\n\n`mine@")
            && file.text.contains("` preference, confidence 0.9\n\nUse tabs.\n")
    );
    assert!(!gateway.get("/api/v1/export/knowledge?project=elsewhere").await.text.contains("Tabs"));
    let section = json!({"id": "mine", "project": null, "promoted": false, "category": "preference", "title": "Tabs",
        "content": "Use blanks.", "confidence": 0.9});
    let rehearsed =
        post(&gateway, "/api/v1/import/knowledge", &json!({"sections": [section], "dry_run": true}))
            .await
            .json();
    assert_eq!((&rehearsed["updated"], &rehearsed["dry_run"]), (&json!(["mine"]), &json!(true)));
    post(&gateway, "/api/v1/import/knowledge", &json!({"sections": [section]})).await;
    let entries = gateway.get("/api/v1/knowledge").await.json();
    let entry = &entries["knowledge"][0];
    assert_eq!((&entry["content"], &entry["version"]), (&json!("Use blanks."), &json!(2)));
}

#[actix_web::test]
async fn what_cannot_be_brought_in_is_refused_whole() {
    let gateway = Gateway::new();
    gateway.record("session-1", "Use tabs").await;
    let mut lines = records(&gateway.get("/api/v1/export").await.text);
    let other = Gateway::new();
    let odd = post(&other, "/api/v1/import", &json!({"records": [{"secret": 1}]})).await;
    assert_eq!((odd.status, odd.error_code()), (StatusCode::BAD_REQUEST, json!("invalid")));
    lines.push(json!({"turn": {"session": "another-one", "link": "0".repeat(32), "at": 1, "model": "m", "stop": null, "cut": false,
        "usage": lines[1]["session"]["usage"]}}));
    let refused = post(&other, "/api/v1/import", &json!({"records": lines})).await;
    assert_eq!(refused.status, StatusCode::CONFLICT, "{}", refused.text);
    assert_eq!(other.get("/api/v1/sessions").await.json(), json!({"sessions": []}));
}

#[actix_web::test]
async fn records_and_sections_that_no_file_could_have_are_refused_and_named() {
    let gateway = Gateway::new();
    let draft = json!({"category": "preference", "title": "Tabs", "content": "Use tabs.", "confidence": 0.9});
    for content in ["Use tabs.", "Use blanks."] {
        let draft = json!({"content": content, "category": "preference", "title": "Tabs", "confidence": 0.9});
        gateway.send(TestRequest::put().uri("/api/v1/knowledge/mine").set_json(&draft)).await;
    }
    let lines = records(&gateway.get("/api/v1/export").await.text);
    let other = Gateway::new();
    for (field, value, why) in [
        ("title", json!(""), "title must have 1 to 200 characters, it has 0"),
        ("confidence", json!(7), "confidence must lie between 0 and 1"),
        ("id", json!("a\nb"), "an id has 1 to 64 letters, digits, dots, dashes and underscores"),
        ("origin", json!("a`b@5"), "an id has 1 to 64 letters, digits, dots, dashes and underscores"),
        ("version", json!(1), "versions must be older than the entry's own, the oldest first, each another"),
        ("version", json!(u32::MAX), "version must lie between 1 and 1000000000"),
    ] {
        let mut wrong = lines.clone();
        wrong[1]["entry"][field] = value;
        let refused = post(&other, "/api/v1/import", &json!({"records": wrong})).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{field}: {}", refused.text);
        assert_eq!(refused.json()["error"]["message"], json!(format!("record 2: {why}")));
    }
    let section = json!({"id": "k`1", "project": null, "promoted": false, "category": "preference", "title": "Tabs",
        "content": "Use blanks.", "confidence": 0.9});
    let refused = post(&other, "/api/v1/import/knowledge", &json!({"sections": [section]})).await;
    assert_eq!((refused.status, refused.error_code()), (StatusCode::BAD_REQUEST, json!("invalid")));
    assert_eq!(other.get("/api/v1/knowledge").await.json(), json!({"knowledge": []}));
    assert_eq!(post(&other, "/api/v1/import", &json!({"records": lines})).await.json()["entries"], json!(1));
    let edited = other.send(TestRequest::put().uri("/api/v1/knowledge/mine").set_json(&draft)).await;
    assert_eq!(edited.status, StatusCode::OK, "{}", edited.text);
}

#[actix_web::test]
async fn a_project_of_which_a_file_has_the_heading_alone_is_emptied_if_that_is_asked_for() {
    let gateway = Gateway::new();
    let section = json!({"id": null, "project": "oven", "promoted": false, "category": "preference", "title": "Tabs",
        "content": "Use blanks.", "confidence": 0.9});
    let made = post(&gateway, "/api/v1/import/knowledge", &json!({"sections": [section]})).await.json();
    assert_eq!(made["created"], json!(["k1"]));
    let emptied = json!({"projects": ["oven", null], "sections": [], "delete": true});
    let taken = post(&gateway, "/api/v1/import/knowledge", &emptied).await.json();
    assert_eq!(taken["deleted"], json!(["k1"]));
}
