//! What is done by forms, and who may send them.

use super::pages::lived_in;
use crate::admin::tests::support::{Answer, Gateway, TOKEN};
use actix_web::http::StatusCode;
use actix_web::test::TestRequest;
use domain::evidence::Class;
use scraper::{Html, Selector};
use serde_json::json;

const OBSERVES: &str = r#"{"type":"message","role":"assistant","content":[{"type":"text",
    "text":"<observations>\n- tabs are used\n</observations>"}],"stop_reason":"end_turn",
    "usage":{"input_tokens":10,"output_tokens":5}}"#;

/// A form, sent by a browser from one of our pages.
fn form(path: &str, body: &str) -> TestRequest {
    TestRequest::post()
        .uri(path)
        .insert_header(("sec-fetch-site", "same-origin"))
        .insert_header(("content-type", "application/x-www-form-urlencoded"))
        .set_payload(body.to_owned())
}

/// Sends a form and follows the way back; where that leads, and what the page there says.
async fn sent(gateway: &Gateway, path: &str, body: &str) -> (String, String) {
    let answer = gateway.send(form(path, body)).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{path}: {}", answer.text);
    let back = answer.header("location").to_owned();
    let page = gateway.get(&back).await;
    (back.split('?').next().unwrap().to_owned(), notice(&page))
}

fn notice(page: &Answer) -> String {
    let parsed = Html::parse_document(&page.text);
    let found = parsed.select(&Selector::parse(".notice[role=status]").unwrap()).next();
    found.map(|it| it.text().collect()).unwrap_or_default()
}

#[actix_web::test]
async fn a_button_has_the_job_done_and_the_page_says_what_came_of_it() {
    let gateway = Gateway::with_provider(200, OBSERVES);
    gateway.record("s", "Use tabs").await;
    gateway.answered("s", TOKEN, Class::Ok, 200);
    let (back, said) = sent(&gateway, "/ui/sessions/s/distill", "").await;
    assert_eq!((back.as_str(), said.as_str()), ("/ui/sessions/s", "Distilled: 1 observations were kept."));
    assert!(gateway.get("/ui/sessions/s").await.text.contains("tabs are used"));
    let (_, said) = sent(&gateway, "/ui/sessions/s/distill", "").await;
    assert_eq!(said, "There was nothing to distil.");
}

#[actix_web::test]
async fn warming_is_switched_and_decided_and_a_mode_that_is_none_is_refused() {
    let gateway = lived_in().await;
    let (_, said) = sent(&gateway, "/ui/warming", "on=false").await;
    assert_eq!(said, "All warming is off. It stays off over a restart.");
    assert_eq!(gateway.get("/api/v1/warming").await.json()["on"], json!(false));
    let (_, said) = sent(&gateway, "/ui/warming", "on=true").await;
    assert!(said.starts_with("Warming is on again"), "{said}");
    let (back, _) = sent(&gateway, "/ui/sessions/s/warming", "mode=stop").await;
    assert_eq!(back, "/ui/sessions/s");
    assert_eq!(gateway.get("/api/v1/sessions/s/warming").await.json()["mode"], json!("stop"));
    let answer = gateway.send(form("/ui/sessions/s/warming", "mode=burn")).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!(gateway.send(form("/ui/sessions/ghost/warm", "")).await.status, StatusCode::NOT_FOUND);
}

#[actix_web::test]
async fn an_entry_is_edited_with_its_past_kept_and_deleted_for_good() {
    let gateway = lived_in().await;
    let edit = "title=Blanks&content=Three%0D%0Ablanks&category=gotcha&confidence=0.5";
    let (_, said) = sent(&gateway, "/ui/knowledge/k1", edit).await;
    assert_eq!(said, "Kept. Version 3 holds now.");
    let entry = gateway.get("/api/v1/knowledge").await.json()["knowledge"][0].clone();
    assert_eq!((&entry["content"], &entry["category"]), (&json!("Three\nblanks"), &json!("gotcha")));
    assert!(gateway.get("/ui/knowledge/k1").await.text.contains("Two blanks."), "the first version");
    let (_, said) =
        sent(&gateway, "/ui/knowledge/k1", "title=+&content=x&category=gotcha&confidence=0.5").await;
    assert!(said.starts_with("Not kept: title must have 1 to 200 characters"), "{said}");
    let (back, said) = sent(&gateway, "/ui/knowledge/k1/delete", "").await;
    assert_eq!(
        (back.as_str(), said.as_str()),
        ("/ui/knowledge", "The entry k1 is gone with all its versions.")
    );
    assert_eq!(gateway.get("/ui/knowledge/k1").await.status, StatusCode::NOT_FOUND);
    let (_, said) = sent(&gateway, "/ui/knowledge/k1/delete", "").await;
    assert_eq!(said, "There is no entry k1 any more.");
}

#[actix_web::test]
async fn a_session_is_forgotten_only_by_whoever_is_sure() {
    let gateway = lived_in().await;
    let (back, said) = sent(&gateway, "/ui/sessions/s/forget", "").await;
    assert_eq!(back, "/ui/sessions/s");
    assert!(said.starts_with("Nothing was forgotten: tick the box first."), "{said}");
    let (back, said) = sent(&gateway, "/ui/sessions/s/forget", "sure=yes").await;
    assert_eq!(back, "/ui");
    assert!(said.starts_with("The session is forgotten for good, with 2 messages, "), "{said}");
    assert_eq!(gateway.get("/ui/sessions/s").await.status, StatusCode::NOT_FOUND);
    assert_eq!(gateway.send(form("/ui/sessions/s/forget", "sure=yes")).await.status, StatusCode::NOT_FOUND);
}

#[actix_web::test]
async fn only_a_form_of_our_own_pages_is_taken() {
    let gateway = lived_in().await;
    let own = "http://localhost:4141";
    for (site, origin, taken) in [
        (Some("same-origin"), None, true),
        (Some("same-origin"), Some(own), true),
        (None, Some(own), true),
        (None, None, false),
        (Some("none"), None, false),
        (Some("none"), Some(own), false),
        (Some("same-site"), Some(own), false),
        (Some("cross-site"), Some(own), false),
        (Some(""), Some(own), false),
        (None, Some("null"), false),
        (None, Some("http://localhost:3000"), false),
        (None, Some("http://evil.example"), false),
        (Some("same-origin"), Some("http://evil.example"), false),
    ] {
        let mut request = TestRequest::post()
            .uri("/ui/warming")
            .insert_header(("host", "localhost:4141"))
            .insert_header(("content-type", "application/x-www-form-urlencoded"))
            .set_payload("on=false");
        for (name, value) in [("sec-fetch-site", site), ("origin", origin)] {
            if let Some(value) = value {
                request = request.insert_header((name, value));
            }
        }
        let answer = gateway.send(request).await;
        let expected = if taken { StatusCode::SEE_OTHER } else { StatusCode::FORBIDDEN };
        assert_eq!(answer.status, expected, "{site:?} {origin:?}");
    }
}
