//! What is written down of work in batches, and what it is charged to.

use super::*;
use crate::samples::{self, Scripted, brief, caller, charges, lease, said};
use domain::ids::{BatchId, FileId, SessionId};
use domain::purpose::Purpose;
use machines::batch_queue::Stretch;
use store::{KeptBatch, KeptItem};

const TAKEN: &str = r#"{"id":"msgbatch_1","processing_status":"in_progress"}"#;
const ENDED: &str = r#"{"id":"msgbatch_1","processing_status":"ended"}"#;
const LISTED: &str = r#"{"data":[{"id":"msgbatch_1","processing_status":"ended","created_at":"1970-01-01T00:00:00Z","request_counts":{"succeeded":1}}],"has_more":false}"#;

fn trace() -> Trace {
    Trace { mark: BatchMark::from("stillroom-1"), at: UnixMillis(0), file: FileId::read("file-1") }
}

fn item(session: &str, sources: Vec<i64>) -> Item {
    let brief = Brief { session: session.into(), ..brief(Dialect::AnthropicMessages, "claude-sonnet-4-5") };
    Item { brief, stretch: Stretch { sources, size: 99 } }
}

/// The result of the call at this place: a line of observations, for a million tokens.
fn result(place: usize) -> String {
    ended_so(place, "end_turn")
}

fn ended_so(place: usize, stop: &str) -> String {
    let message = format!(
        r#"{{"type":"message","content":[{{"type":"text","text":"The limit is 100."}}],"stop_reason":"{stop}","usage":{{"input_tokens":1000000}}}}"#
    );
    format!(r#"{{"custom_id":"stillroom-1-{place}","result":{{"type":"succeeded","message":{message}}}}}"#)
}

async fn kept(caller: &Caller) -> Vec<KeptBatch> {
    caller.desk.read(|store| store.batches()).await.unwrap()
}

#[tokio::test]
async fn a_batch_is_written_down_with_its_name_and_crossed_out_if_there_is_none() {
    let id = Some(BatchId::read("msgbatch_1"));
    for (status, body, expected) in
        [(200, TAKEN, id), (500, "{}", Some(None)), (400, "{}", None), (429, "{}", None), (404, "{}", None)]
    {
        let (caller, item) = (caller(Scripted::new([(status, body)]), Purpose::Batch), item("s", vec![1]));
        let (lease, dialect) = (lease(&item.brief), item.brief.dialect);
        hand_in(&caller, &lease, dialect, trace(), vec![item], vec![Call("{}".into())]).await;
        let kept = kept(&caller).await.into_iter().map(|kept| kept.id);
        assert_eq!(kept.collect::<Vec<_>>(), expected.into_iter().collect::<Vec<_>>(), "{status}");
    }
}

#[tokio::test]
async fn the_name_of_a_batch_that_was_found_is_written_down() {
    let provider = Scripted::new([(200, LISTED.to_owned()), (200, result(0))]);
    let (caller, item) = (caller(provider, Purpose::Batch), item("s", vec![1]));
    let (lease, dialect) = (lease(&item.brief), item.brief.dialect);
    let (found, _) = seek(&caller, &lease, dialect, trace(), &[item]).await;
    assert!(matches!(found, Found::There(_)), "{found:?}");
    assert_eq!(kept(&caller).await[0].id, BatchId::read("msgbatch_1"));
}

#[tokio::test]
async fn what_a_batch_did_is_kept_and_charged_to_its_session_and_what_was_forgotten_to_none() {
    let provider = Scripted::new([(200, ENDED.to_owned()), (200, [result(0), result(1)].join("\n"))]);
    let caller = caller(provider, Purpose::Batch);
    let sources = said(&caller.desk, "a", &["What is the limit?"]).await;
    let (leader, items) = (item("a", vec![]).brief, vec![item("a", sources), item("nobody", vec![])]);
    let (mark, id) = (trace().mark, BatchId::read("msgbatch_1").unwrap());
    let lease = lease(&leader);
    let (work, endings) = look(&caller, Batch { mark, id, leader, items }, &lease).await;
    assert!(matches!(work, Work::Accepted { kept: 1, .. }), "{work:?}");
    assert_eq!(endings, [Ending::Done { kept: 1 }, Ending::Done { kept: 0 }]);
    let charges = charges(&caller.desk).await;
    let sessions: Vec<_> =
        charges.iter().map(|charge| charge.session.as_ref().map(SessionId::as_str)).collect();
    assert_eq!(sessions, [Some("a"), None]);
    assert!(charges.iter().all(|charge| charge.usd.0 > 0.0 && charge.purpose == Purpose::Batch));
}

#[tokio::test]
async fn what_a_batch_was_refused_is_charged_and_still_pending() {
    let results = [ended_so(0, "refusal"), ended_so(1, "pause_turn")].join("\n");
    let caller = caller(Scripted::new([(200, ENDED.to_owned()), (200, results)]), Purpose::Batch);
    let mut items = Vec::new();
    for session in ["a", "b"] {
        items.push(item(session, said(&caller.desk, session, &["What is the limit?"]).await));
    }
    let (leader, mark) = (item("a", vec![]).brief, trace().mark);
    let id = BatchId::read("msgbatch_1").unwrap();
    let lease = lease(&leader);
    let (_, endings) = look(&caller, Batch { mark, id, leader, items }, &lease).await;
    assert!(
        endings.iter().all(|it| matches!(it, Ending::Failed { cause: FailureCause::Answer, .. })),
        "{endings:?}"
    );
    let standing = caller.desk.read(|store| store.standing(&"a".into())).await.unwrap();
    assert_eq!((standing.pending_messages, charges(&caller.desk).await.len()), (1, 2));
}

#[tokio::test]
async fn what_a_batch_did_and_the_store_could_not_keep_stays_at_the_provider_and_is_charged_once() {
    let ended = r#"{"id":"batch_1","object":"batch","status":"completed","input_file_id":"file-1","output_file_id":"file-2"}"#;
    let answer = r#"{"custom_id":"stillroom-1-0","response":{"status_code":200,"request_id":"q","body":{"choices":[{"message":{"role":"assistant","content":"The limit is 100."},"finish_reason":"stop"}],"usage":{"prompt_tokens":1000000}}}}"#;
    let answers = [(200, ended), (200, answer), (200, "{}"), (200, "{}")];
    let provider = Scripted::new(answers[..2].to_vec());
    let caller = caller(provider.clone(), Purpose::Batch);
    let sources = said(&caller.desk, "s", &["What is the limit?"]).await;
    let brief = Brief { session: "s".into(), ..brief(Dialect::OpenAiChat, "gpt-5") };
    let lease = lease(&brief);
    let batch = || Batch {
        mark: trace().mark,
        id: BatchId::read("batch_1").unwrap(),
        leader: brief.clone(),
        items: vec![Item { brief: brief.clone(), stretch: Stretch { sources: sources.clone(), size: 99 } }],
    };
    let closed = Caller {
        desk: store::Desk::inline(store::SqliteStore::in_memory().unwrap()),
        ..samples::caller(provider.clone(), Purpose::Batch)
    };
    closed.desk.close().await;
    let (work, endings) = look(&closed, batch(), &lease).await;
    assert!(matches!(work, Work::Unkept { .. }), "{work:?}");
    assert_eq!((endings, provider.asked.all().len()), (vec![], 2), "no file is deleted");
    for kept in [1, 0] {
        answers.iter().for_each(|(status, body)| provider.will_answer(*status, body));
        let (work, endings) = look(&caller, batch(), &lease).await;
        assert!(matches!(work, Work::Accepted { .. }), "{work:?}");
        assert_eq!(endings, [Ending::Done { kept }]);
    }
    assert_eq!(charges(&caller.desk).await.len(), 1);
}

#[tokio::test]
async fn what_is_remembered_of_a_batch_asks_in_the_name_of_a_session_that_is_still_known() {
    let caller = caller(Scripted::default(), Purpose::Batch);
    let items = [item("gone", vec![]), item("s", vec![1])];
    memory::keep(&caller.desk, &trace(), None, &items).await;
    let KeptItem { session, sources, .. } = &kept(&caller).await[0].items[0];
    assert_eq!((session, &sources[..]), (&None, &[][..]), "its name is not kept");
    let [past] = &memory::recalled(caller.desk.clone(), UnixMillis(5)).await[..] else { panic!("not one") };
    assert_eq!((past.leader.session.as_str(), past.age), ("s", Duration::from_millis(5)));
}
