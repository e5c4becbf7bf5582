//! What is done because a person asks for it.

use super::support::{BEGIN, Gateway, TOKEN};
use actix_web::http::StatusCode;
use actix_web::test::TestRequest;
use domain::evidence::Class;
use domain::fading::HALF_LIFE;
use domain::ids::Principal;
use domain::purpose::Purpose;
use domain::time::UnixMillis;
use serde_json::{Value, json};

const OBSERVES: &str = r#"{"type":"message","role":"assistant","content":[{"type":"text",
    "text":"<observations>\n- tabs are used\n</observations>"}],"stop_reason":"end_turn",
    "usage":{"input_tokens":10,"output_tokens":5}}"#;
const SAYS_NOTHING: &str = r#"{"type":"message","role":"assistant","content":[],"stop_reason":"end_turn",
    "usage":{"input_tokens":10,"output_tokens":5}}"#;
const WORDLESS: &str = "the model answered without a word";
const REFUSES: &str =
    r#"{"type":"error","error":{"type":"authentication_error","message":"invalid bearer token"}}"#;

#[actix_web::test]
async fn distilling_now_keeps_observations_and_then_there_is_nothing_left() {
    let gateway = Gateway::with_provider(200, OBSERVES);
    gateway.record("s", "Use tabs").await;
    gateway.answered("s", TOKEN, Class::Ok, 200);
    let answer = gateway.post("/api/v1/sessions/s/distill").await;
    assert_eq!(answer.json(), json!({"outcome": "done", "kept": 1, "reason": null}));
    let observations = gateway.get("/api/v1/sessions/s/observations").await.json();
    assert_eq!(observations["observations"][0]["text"], "tabs are used");
    let again = gateway.post("/api/v1/sessions/s/distill").await;
    assert_eq!(again.json(), json!({"outcome": "nothing", "kept": null, "reason": null}));
    let counted =
        "stillroom_upstream_requests_total{purpose=\"distill\",provider=\"anthropic\",status=\"200\"} 1\n";
    assert!(gateway.get("/metrics").await.text.contains(counted));
}

#[actix_web::test]
async fn an_answer_without_words_is_paid_for_keeps_nothing_and_speaks_for_the_token() {
    let gateway = Gateway::with_provider(200, SAYS_NOTHING);
    gateway.record("s", "Use tabs").await;
    gateway.answered("s", TOKEN, Class::Ok, 200);
    let answer = gateway.post("/api/v1/sessions/s/distill").await.json();
    assert_eq!((&answer["outcome"], &answer["reason"]), (&json!("failed"), &json!(WORDLESS)), "{answer}");
    let slots = gateway.get("/api/v1/credentials").await.json();
    assert_eq!(slots["slots"][0]["state"], "proven");
    let messages = gateway.get("/api/v1/sessions/s/messages").await.json();
    assert_eq!(messages["messages"][0]["distilled"], false, "what said nothing covers nothing");
    let spent = |store: &mut dyn store::Store| store.spent_since(Purpose::Distill, UnixMillis(0));
    assert!(gateway.house.desk.read(spent).await.expect("a sum") > 0.0);
}

#[actix_web::test]
async fn a_session_without_a_credential_waits_and_says_for_what() {
    let gateway = Gateway::new();
    gateway.record("s", "Use tabs").await;
    let reason = "no credential held: the agent was not heard since the start, or for long, and its next request brings one";
    for job in ["distill", "curate", "warm"] {
        let answer = gateway.post(&format!("/api/v1/sessions/s/{job}")).await;
        assert_eq!(answer.json(), json!({"outcome": "waiting", "kept": null, "reason": reason}), "{job}");
    }
}

#[actix_web::test]
async fn a_refused_token_pauses_the_session_and_is_counted_and_alerted_once() {
    let gateway = Gateway::with_provider(401, REFUSES);
    gateway.record("s", "Use tabs").await;
    gateway.answered("s", TOKEN, Class::Ok, 200);
    let answer = gateway.post("/api/v1/sessions/s/distill").await.json();
    assert_eq!(answer["outcome"], "waiting", "{answer}");
    let reason = answer["reason"].as_str().expect("a reason");
    assert!(reason.starts_with("the provider refused the token"), "{reason}");
    gateway.post("/api/v1/sessions/s/curate").await;
    assert_eq!(gateway.get("/api/v1/sessions/s").await.json()["paused_because"], reason);
    let metrics = gateway.get("/metrics").await.text;
    for counted in [
        "stillroom_auth_failures_total{provider=\"anthropic\",status=\"401\"} 1\n",
        "stillroom_alerts_total{kind=\"worker-auth-error\"} 1\n",
        "stillroom_background_paused{provider=\"anthropic\"} 1\n",
    ] {
        assert!(metrics.contains(counted), "{counted} in {metrics}");
    }
}

fn put(id: &str, draft: &Value) -> TestRequest {
    TestRequest::put().uri(&format!("/api/v1/knowledge/{id}")).set_json(draft)
}

fn draft(content: &str) -> Value {
    json!({"category": "preference", "title": "Tabs", "content": content, "confidence": 0.9})
}

#[actix_web::test]
async fn an_entry_that_is_made_by_hand_is_the_owners_who_can_take_it_along() {
    let gateway = Gateway::of_owner("remote");
    gateway.send(put("tabs", &draft("Tabs, not spaces."))).await;
    let file = gateway.get("/api/v1/export/knowledge").await.text;
    assert!(file.contains("Tabs, not spaces."), "{file}");
}

#[actix_web::test]
async fn an_entry_can_be_made_changed_listed_found_and_forgotten() {
    let gateway = Gateway::new();
    let made = gateway.send(put("tabs", &draft("Tabs, not spaces."))).await.json();
    let at = made["created"].clone();
    let expected = json!({
        "id": "tabs", "category": "preference", "title": "Tabs", "content": "Tabs, not spaces.",
        "confidence": 0.9, "version": 1, "session": null, "project": null, "promoted": false, "remembered": false,
        "created": at, "updated": at, "used": at, "faded": 0.9, "contradicts": [],
    });
    assert_eq!(made, expected);
    let changed = gateway.send(put("tabs", &draft("Tabs of width four."))).await.json();
    assert_eq!((&changed["version"], &changed["content"]), (&json!(2), &json!("Tabs of width four.")));
    assert_eq!(gateway.get("/api/v1/knowledge").await.json(), json!({"knowledge": [changed]}));
    let hits = gateway.get("/api/v1/recall?q=width").await.json();
    let hit = hits["hits"][0].as_object().expect("a hit");
    let keys: Vec<&str> = hit.keys().map(String::as_str).collect();
    assert_eq!((&hit["source"], &hit["id"], keys.len()), (&json!("knowledge"), &json!("tabs"), 7));
    assert!(hit["score"].is_number() && hit["at"].as_str().is_some_and(|at| at.starts_with("2026-12-25T")));
    let promote = |id: &str, body: Value| {
        TestRequest::put().uri(&format!("/api/v1/knowledge/{id}/promoted")).set_json(body)
    };
    assert_eq!(gateway.get("/api/v1/recall?q=width&project=oven").await.json(), json!({"hits": []}));
    let promoted = gateway.send(promote("tabs", json!({"promoted": true}))).await.json();
    assert_eq!(promoted["promoted"], true);
    let hits = gateway.get("/api/v1/recall?q=width&project=oven").await.json();
    assert_eq!(hits["hits"][0]["id"], "tabs");
    let nowhere = gateway.send(promote("spaces", json!({"promoted": true}))).await;
    assert_eq!((nowhere.status, nowhere.error_code()), (StatusCode::NOT_FOUND, json!("not_found")));
    let delete = || TestRequest::delete().uri("/api/v1/knowledge/tabs");
    assert_eq!(gateway.send(delete()).await.json(), json!({"deleted": "tabs"}));
    assert_eq!(gateway.get("/api/v1/knowledge").await.json(), json!({"knowledge": []}));
    let again = gateway.send(delete()).await;
    assert_eq!((again.status, again.error_code()), (StatusCode::NOT_FOUND, json!("not_found")));
    let revived = gateway.send(put("tabs", &draft("Tabs."))).await;
    assert_eq!((revived.status, revived.error_code()), (StatusCode::CONFLICT, json!("conflict")));
    assert!(revived.json()["error"]["message"].as_str().unwrap().ends_with("choose another"));
}

#[actix_web::test]
async fn an_entry_fades_until_somebody_finds_it() {
    for search in ["/api/v1/recall?q=width", "/ui/knowledge?q=width"] {
        let gateway = Gateway::new();
        let write = |store: &mut dyn store::Store| {
            let draft: store::Draft = serde_json::from_value(draft("Tabs of width four.")).expect("a draft");
            store.put_entry(&Principal::local(), &"tabs".into(), &draft, UnixMillis(BEGIN.0 - HALF_LIFE))
        };
        gateway.house.desk.write(write).await.expect("written");
        let faded =
            || async { gateway.get("/api/v1/knowledge").await.json()["knowledge"][0]["faded"].clone() };
        assert_eq!(faded().await, 0.45);
        gateway.get(search).await;
        assert_eq!(faded().await, 0.9, "{search}");
    }
}

#[actix_web::test]
async fn recall_gives_as_many_hits_as_are_asked_for() {
    let gateway = Gateway::new();
    for number in 1..=3 {
        let named = json!({"title": format!("Tabs {number}"), "category": "pattern", "content": "Tabs.", "confidence": 1});
        gateway.send(put(&format!("t{number}"), &named)).await;
    }
    let count = |answer: Value| answer["hits"].as_array().map(Vec::len);
    assert_eq!(count(gateway.get("/api/v1/recall?q=tabs&limit=2").await.json()), Some(2));
    assert_eq!(count(gateway.get("/api/v1/recall?q=tabs").await.json()), Some(3));
    assert_eq!(count(gateway.get("/api/v1/recall?q=spaces").await.json()), Some(0));
}

#[actix_web::test]
async fn recall_of_a_time_needs_no_words() {
    let gateway = Gateway::new();
    gateway.send(put("tabs", &draft("Tabs of width four."))).await;
    for (wishes, found) in [
        ("since=24h", 1),
        ("since=2026-12-25T00:00:00Z", 1),
        ("q=width&since=24h", 1),
        ("since=24h&q=", 1),
        ("until=24h", 0),
        ("q=width&until=24h", 0),
        ("since=2026-12-27T00:00:00Z", 0),
    ] {
        let answer = gateway.get(&format!("/api/v1/recall?{wishes}")).await.json();
        assert_eq!(answer["hits"].as_array().map(Vec::len), Some(found), "{wishes}");
    }
}

#[actix_web::test]
async fn a_budget_that_is_spent_is_the_reason_and_the_costs_say_until_when() {
    let gateway = Gateway::with_budget(0.0);
    gateway.record("s", "Use tabs").await;
    gateway.answered("s", TOKEN, Class::Ok, 200);
    let answer = gateway.post("/api/v1/sessions/s/distill").await.json();
    let reason = answer["reason"].as_str().expect("a reason");
    assert!(reason.contains("worker.daily_budget_usd"), "{answer}");
    let session = &gateway.get("/api/v1/sessions").await.json()["sessions"][0];
    assert_eq!(
        (&session["background"], session["paused_because"].as_str()),
        (&json!("paused"), Some(reason))
    );
    let paused = "stillroom_background_paused{provider=\"anthropic\"} 1\n";
    assert!(gateway.get("/metrics").await.text.contains(paused));
    let budget = &gateway.get("/api/v1/costs").await.json()["budget"];
    assert_eq!((&budget["limit_usd"], &budget["spent_usd"]), (&json!(0.0), &json!(0.0)));
    assert!(budget["held_until"].as_str().expect("a time").ends_with("T00:00:00.000Z"), "{budget}");
    assert_eq!(Gateway::new().get("/api/v1/costs").await.json()["budget"], Value::Null);
    let page = gateway.get("/ui/costs").await.text;
    assert!(page.contains("of the daily budget of"), "{page}");
}
