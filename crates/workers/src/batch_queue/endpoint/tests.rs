//! What a provider's answers mean: whether calls were taken in, and which batch is ours.

use super::*;
use crate::samples::{Scripted, brief, caller, lease};
use domain::ids::BatchMark;
use domain::purpose::Purpose;
use domain::time::UnixMillis;
use serde_json::{Value, json};

/// When our calls were handed in: at the beginning of 2026.
const THEN: i64 = 1_767_225_600_000;

const MESSAGE: &str = r#"{"type":"message","content":[],"stop_reason":"end_turn"}"#;

fn trace() -> Trace {
    Trace { mark: BatchMark::from("stillroom-1"), at: UnixMillis(THEN), file: None }
}

/// A batch of Anthropic's, of so many calls, made so many minutes after ours were handed in.
fn listed(id: &str, calls: u64, minutes: i64) -> Value {
    let made = match minutes {
        0.. => format!("2026-01-01T00:{minutes:02}:00Z"),
        _ => format!("2025-12-31T23:{:02}:00Z", 60 + minutes),
    };
    json!({"id": id, "processing_status": "ended", "created_at": made, "request_counts": {"succeeded": calls}})
}

fn page(batches: &[Value], more: bool) -> (u16, String) {
    (200, json!({"data": batches, "has_more": more}).to_string())
}

/// Results of a batch of this mark.
fn results(mark: &str) -> (u16, String) {
    let line = format!(r#"{{"custom_id":"{mark}-0","result":{{"type":"succeeded","message":{MESSAGE}}}}}"#);
    (200, line)
}

/// What is found of two calls with these answers, and how many were asked for.
async fn found(dialect: Dialect, answers: Vec<(u16, String)>) -> (Found, usize) {
    let provider = Scripted::new(answers);
    let (caller, brief) = (caller(provider.clone(), Purpose::Batch), brief(dialect, "m"));
    let (found, _) = seek(&caller, &lease(&brief), dialect, &trace(), 2).await;
    (found, provider.asked.all().len())
}

fn there(id: &str) -> Found {
    Found::There(BatchId::read(id).unwrap())
}

#[tokio::test]
async fn only_a_batch_of_as_many_calls_and_of_that_time_is_opened_and_only_one_of_our_mark_is_ours() {
    let anthropic = |answers| found(Dialect::AnthropicMessages, answers);
    let like_ours = || page(&[listed("msgbatch_1", 2, 5)], false);
    assert_eq!(anthropic(vec![like_ours(), results("stillroom-1")]).await, (there("msgbatch_1"), 2));
    assert_eq!(anthropic(vec![like_ours(), results("stillroom-12")]).await, (Found::NotThere, 2));
    let odd = |minutes| {
        let mut odd = listed("msgbatch_2", 2, minutes);
        odd["request_counts"] = Value::Null;
        odd
    };
    let beside_odd_ones = page(&[odd(-9), json!({"id": 7}), listed("msgbatch_1", 2, 5)], false);
    assert_eq!(anthropic(vec![beside_odd_ones, results("stillroom-1")]).await, (there("msgbatch_1"), 2));
    let itself_odd = page(&[odd(5)], false);
    assert_eq!(anthropic(vec![itself_odd, results("stillroom-1")]).await, (there("msgbatch_2"), 2));
    for other in [listed("msgbatch_1", 3, 0), listed("msgbatch_1", 2, 6), listed("msgbatch_1", 2, -6)] {
        assert_eq!(anthropic(vec![page(&[other], false)]).await, (Found::NotThere, 1));
    }
}

#[tokio::test]
async fn what_was_not_seen_is_not_said_to_be_missing() {
    let anthropic = |answers| found(Dialect::AnthropicMessages, answers);
    let unreadable = vec![page(&[listed("msgbatch_1", 2, 0)], false), (500, "{}".to_owned())];
    assert_eq!(anthropic(unreadable).await, (Found::Unclear, 2));
    let nine: Vec<Value> = (1..=9).map(|number| listed(&format!("msgbatch_{number}"), 2, 0)).collect();
    let opened = (0..8).map(|_| results("another"));
    let answers = std::iter::once(page(&nine, false)).chain(opened).collect();
    assert_eq!(anthropic(answers).await, (Found::Unclear, 9), "the ninth may be ours");
}

#[tokio::test]
async fn a_page_with_more_behind_it_is_the_whole_truth_only_if_it_reaches_back_far_enough() {
    for (minutes, expected) in [(-5, Found::Unclear), (-6, Found::NotThere)] {
        let older = page(&[listed("msgbatch_1", 3, minutes)], true);
        assert_eq!(found(Dialect::AnthropicMessages, vec![older]).await, (expected.clone(), 1));
        let made = (THEN + minutes * 60_000) / 1000;
        let older = page(&[json!({"id": "batch_1", "status": "completed", "created_at": made})], true);
        assert_eq!(found(Dialect::OpenAiChat, vec![older]).await, (expected, 1));
    }
}

async fn handed_in(dialect: Dialect, status: u16, body: &str) -> HandedIn {
    let brief = brief(dialect, "m");
    let caller = caller(Scripted::new([(status, body)]), Purpose::Batch);
    hand_in(&caller, &lease(&brief), dialect, trace(), vec!["{}".into()]).await.0
}

#[tokio::test]
async fn an_answer_to_calls_says_whether_there_is_a_batch_none_or_perhaps_one() {
    let taken = r#"{"id":"msgbatch_1","processing_status":"in_progress"}"#;
    let id = BatchId::read("msgbatch_1").unwrap();
    for (status, body, expected) in [
        (200, taken, HandedIn::Taken(trace().mark, id)),
        (200, "{}", HandedIn::Lacking),
        (404, "{}", HandedIn::Lacking),
        (405, "{}", HandedIn::Lacking),
        (400, "{}", HandedIn::Refused),
        (429, "{}", HandedIn::Later),
        (500, "{}", HandedIn::Unknown(trace())),
    ] {
        assert_eq!(handed_in(Dialect::AnthropicMessages, status, body).await, expected, "{status} {body}");
    }
    assert_eq!(
        handed_in(Dialect::OpenAiChat, 500, "{}").await,
        HandedIn::Later,
        "of a file alone there is no batch"
    );
}

#[tokio::test]
async fn another_batch_than_the_one_that_was_asked_for_is_none() {
    let brief = brief(Dialect::AnthropicMessages, "m");
    let other = r#"{"id":"msgbatch_2","processing_status":"ended"}"#;
    let caller = caller(Scripted::new([(200, other)]), Purpose::Batch);
    let (mark, id) = (BatchMark::from("stillroom-1"), BatchId::read("msgbatch_1").unwrap());
    let sight = look(&caller, &lease(&brief), brief.dialect, (&mark, &id)).await;
    assert!(matches!(sight, Sight::Nothing(Work::Unusable { .. })));
}

#[tokio::test]
async fn a_token_that_may_not_cancel_a_batch_is_told_of() {
    let brief = brief(Dialect::OpenAiChat, "m");
    for (status, is_refused) in [(401, true), (200, false)] {
        let body = r#"{"error":{"code":"invalid_api_key","message":"Incorrect API key provided."}}"#;
        let caller = caller(Scripted::new([(status, body)]), Purpose::Batch);
        let id = BatchId::read("batch_1").unwrap();
        let work = abandon(&caller, &lease(&brief), brief.dialect, id).await;
        assert_eq!(matches!(work, Work::Refused { .. }), is_refused, "{work:?}");
    }
}
