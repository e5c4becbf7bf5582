//! What becomes of a model's answer, and when it is not asked.

use super::*;
use crate::samples::{Listening, Scripted, answer, brief, caller, charges, lease, said, turn};
use domain::fading::CONSOLIDATION_REST;
use domain::ids::Principal;
use domain::provider::Dialect;
use domain::segment::GIVEN_UP;
use domain::settings::Settings;
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use std::rc::Rc;
use std::sync::Arc;
use upstream::transport::{Answer, Fault, Request, Transport};

/// A curator of projects of two entries at most.
fn curating(provider: &Scripted) -> Curating {
    let mut settings = Settings::with_data_dir("unused".into());
    settings.curator.max_entries = 2;
    let settings = Arc::new(settings);
    let caller = |purpose| Caller { settings: Arc::clone(&settings), ..caller(provider.clone(), purpose) };
    let (curate, consolidate) = (caller(Purpose::Curate), caller(Purpose::Consolidate));
    let consolidator = Caller { desk: curate.desk.clone(), ..consolidate };
    Curating { caller: curate, consolidator, notebook: Notebook::new(true) }
}

async fn works(curating: &Curating) -> Work {
    let brief = brief(Dialect::AnthropicMessages, "m");
    let lease = lease(&brief);
    curating.work(brief, lease).await
}

/// Session "s" said something, and its project has so many entries, of which it was curated.
async fn with_entries(curating: &Curating, count: u32) -> Vec<KnowledgeEntry> {
    said(&curating.caller.desk, "s", &["The limit is 100."]).await;
    let create = |number: u32| {
        format!(
            r#"{{"op":"create","category":"gotcha","title":"Number {number}","content":"{}","confidence":0.9}}"#,
            ["rye", "wheat", "an oven", "a door"][number as usize]
        )
    };
    let operations = format!("[{}]", (0..count).map(create).collect::<Vec<_>>().join(","));
    let operations = words::operations(&operations).unwrap();
    let apply = move |store: &mut dyn Store| {
        store.apply_operations(&"s".into(), &operations, UnixMillis(1))?;
        store.knowledge(None)
    };
    curating.caller.desk.write(apply).await.unwrap()
}

#[tokio::test]
async fn too_many_entries_are_consolidated_as_such_and_that_alone_is_no_reason_to_curate() {
    let provider = Scripted::new([(200, answer("[]", "end_turn"))]);
    let curating = curating(&provider);
    with_entries(&curating, 3).await;
    assert!(matches!(works(&curating).await, Work::Accepted { kept: 0, .. }));
    assert_eq!(works(&curating).await, Work::Nothing, "within the hour");
    let charges = charges(&curating.caller.desk).await;
    assert_eq!(charges.iter().map(|it| it.purpose).collect::<Vec<_>>(), [Purpose::Consolidate]);
}

#[tokio::test]
async fn as_many_entries_as_there_may_be_are_no_reason_not_to_look() {
    let provider = Scripted::new([(200, answer("[]", "end_turn"))]);
    let curating = curating(&provider);
    with_entries(&curating, 2).await;
    assert!(matches!(works(&curating).await, Work::Accepted { .. }));
    let charges = charges(&curating.caller.desk).await;
    assert_eq!(charges.iter().map(|it| it.purpose).collect::<Vec<_>>(), [Purpose::Curate]);
}

#[tokio::test]
async fn a_consolidator_deletes_and_creates_nothing() {
    let create = r#"[{"op":"create","category":"gotcha","title":"t","content":"c","confidence":0.9}]"#;
    for is_delete in [true, false] {
        let provider = Scripted::default();
        let curating = curating(&provider);
        let entries = with_entries(&curating, 3).await;
        let delete = format!(r#"[{{"op":"delete","id":"{}","reason":"old"}}]"#, entries[0].id);
        provider.will_answer(200, answer(if is_delete { &delete } else { create }, "end_turn"));
        let work = works(&curating).await;
        assert_eq!(matches!(work, Work::Accepted { kept: 1, .. }), is_delete, "{work:?}");
        assert_eq!(matches!(work, Work::Unusable { .. }), !is_delete, "{work:?}");
        let left = curating.caller.desk.read(|store| store.knowledge(None)).await.unwrap();
        assert_eq!(left.len(), if is_delete { 2 } else { 3 });
    }
}

#[tokio::test]
async fn operations_of_an_answer_that_was_refused_or_broken_off_are_not_applied() {
    for stop in ["refusal", "pause_turn", "tool_use", "max_tokens"] {
        let curating = curating(&Scripted::new([(200, answer("[]", stop))]));
        said(&curating.caller.desk, "s", &["The limit is 100."]).await;
        let work = works(&curating).await;
        assert!(matches!(work, Work::Unusable { .. }), "{stop} {work:?}");
    }
}

#[tokio::test]
async fn operations_that_cannot_be_applied_are_of_no_use() {
    let unknown = r#"[{"op":"delete","id":"no such entry","reason":"old"}]"#;
    let curating = curating(&Scripted::new([(200, answer(unknown, "end_turn"))]));
    said(&curating.caller.desk, "s", &["The limit is 100."]).await;
    assert!(matches!(works(&curating).await, Work::Unusable { .. }));
    let standing = curating.caller.desk.read(|store| store.standing(&"s".into())).await.unwrap();
    assert_eq!(standing.turns_since_curation, 1, "the work is pending");
}

#[tokio::test]
async fn turns_that_left_nothing_behind_are_looked_after_without_a_call() {
    let curating = curating(&Scripted::default());
    let sources = said(&curating.caller.desk, "s", &["The limit is 100."]).await;
    let nothing_of_it =
        move |store: &mut dyn Store| store.store_observations(&"s".into(), &sources, &[], UnixMillis(1));
    curating.caller.desk.write(nothing_of_it).await.unwrap();
    assert_eq!(works(&curating).await, Work::Nothing);
    let standing = curating.caller.desk.read(|store| store.standing(&"s".into())).await.unwrap();
    assert_eq!(standing.turns_since_curation, 0);
}

#[tokio::test]
async fn what_a_model_never_answers_well_is_passed_over_by_the_curator_in_the_end() {
    let listening = Arc::new(Listening::default());
    let provider = Scripted::default();
    let mut curating = curating(&provider);
    curating.caller.meter = Arc::<Listening>::clone(&listening);
    let desk = curating.caller.desk.clone();
    said(&desk, "s", &["The limit is 100."]).await;
    let sources = said(&desk, "another", &["It begins."]).await;
    let later = UnixMillis(i64::MAX);
    let of_use = move |store: &mut dyn Store| {
        store.store_observations(&"another".into(), &sources, &["x".into()], later)
    };
    desk.write(of_use).await.unwrap();
    let too_long = r#"{"type": "error", "error": {"type": "invalid_request_error", "message": "prompt is too long: 9 tokens > 8 maximum"}}"#;
    let unknown = r#"[{"op":"delete","id":"no such entry","reason":"old"}]"#;
    let of_no_use =
        [(200, answer("I cannot.", "end_turn")), (400, too_long.into()), (200, answer(unknown, "end_turn"))];
    for (time, (status, body)) in (1..=GIVEN_UP).zip(of_no_use.iter().cycle()) {
        provider.will_answer(*status, body.clone());
        let work = works(&curating).await;
        assert_eq!(matches!(work, Work::Unusable { .. }), *status == 200, "{work:?}");
        let standing = desk.read(|store| store.standing(&"s".into())).await.unwrap();
        assert_eq!(standing.turns_since_curation, u32::from(time < GIVEN_UP));
    }
    assert_eq!(*listening.passed_over.all(), [("session", 1)]);
}

#[tokio::test]
async fn a_crowd_about_which_no_answer_is_of_use_rests_for_longer() {
    let provider = Scripted::new([(200, answer("I cannot.", "end_turn"))]);
    let curating = curating(&provider);
    with_entries(&curating, 3).await;
    assert!(matches!(works(&curating).await, Work::Unusable { .. }));
    let now = UnixMillis::from(curating.caller.clock.unix());
    let begins = move |store: &mut dyn Store| {
        let after = |hours| UnixMillis(now.0 + hours * CONSOLIDATION_REST + 60_000);
        let soon = store.begin_consolidation(&"s".into(), 2, after(1))?.len();
        Ok((soon, store.begin_consolidation(&"s".into(), 2, after(2))?.len()))
    };
    assert_eq!(curating.caller.desk.write(begins).await.unwrap(), (0, 3));
}

/// What a person does while the curator thinks.
type Deed = fn(&mut dyn Store) -> Result<(), StoreError>;

/// Has a person do something before it answers.
struct Meanwhile(Scripted, store::Desk, Deed);

impl Transport for Meanwhile {
    fn send(&self, request: Request) -> LocalBoxFuture<'static, Result<Answer, Fault>> {
        let (desk, answer, deed) = (self.1.clone(), self.0.send(request), self.2);
        async move {
            desk.write(deed).await.unwrap();
            answer.await
        }
        .boxed_local()
    }
}

fn by_hand() -> store::Draft {
    store::Draft {
        category: domain::knowledge::Category::Gotcha,
        title: "By hand".into(),
        content: "as a person says".into(),
        confidence: 1.0,
    }
}

/// What k1, k2 and k3 say after an answer that does `operation` and changes k2, the `deed` of a person in between.
async fn said_after(operation: &str, deed: Deed) -> [Option<String>; 3] {
    let both = format!(r#"[{operation},{{"op":"update","id":"k2","content":"of use"}}]"#);
    let provider = Scripted::new([(200, answer(&both, "end_turn"))]);
    let mut curating = curating(&provider);
    with_entries(&curating, 2).await;
    said(&curating.caller.desk, "s", &["The limit is 100.", "No, it is 200."]).await;
    curating.caller.transport = Rc::new(Meanwhile(provider, curating.caller.desk.clone(), deed));
    let work = works(&curating).await;
    assert!(matches!(work, Work::Accepted { kept: 1, .. }), "{operation} {work:?}");
    let entries = curating.caller.desk.read(|store| store.knowledge(None)).await.unwrap();
    let says = |id: &str| entries.iter().find(|it| it.id.as_str() == id).map(|it| it.content.clone());
    assert!(entries.iter().all(|it| it.contradicts.is_empty()));
    ["k1", "k2", "k3"].map(says)
}

const CHANGES_K1: [&str; 3] = [
    r#"{"op":"update","id":"k1","content":"as it was"}"#,
    r#"{"op":"delete","id":"k1","reason":"old"}"#,
    r#"{"op":"contradict","id":"k2","with":"k1","reason":"both"}"#,
];

#[tokio::test]
async fn what_a_person_changed_while_the_curator_thought_stays_as_the_person_said() {
    let edit: Deed =
        |store| store.put_entry(&Principal::local(), &"k1".into(), &by_hand(), UnixMillis(9)).map(drop);
    for operation in CHANGES_K1 {
        let says = said_after(operation, edit).await;
        assert_eq!(says, [Some("as a person says".into()), Some("of use".into()), None], "{operation}");
    }
}

#[tokio::test]
async fn what_a_person_deleted_while_the_curator_thought_keeps_nothing_else_from_being_changed() {
    let delete: Deed =
        |store| store.let_go((&Principal::local(), &"oven".into()), &"k1".into(), UnixMillis(9)).map(drop);
    for operation in CHANGES_K1 {
        assert_eq!(said_after(operation, delete).await, [None, Some("of use".into()), None], "{operation}");
    }
}

#[tokio::test]
async fn what_the_curator_was_not_shown_is_changed_by_no_answer_of_it() {
    let note: Deed =
        |store| store.remember((&Principal::local(), &"oven".into()), &by_hand(), UnixMillis(9)).map(drop);
    for operation in CHANGES_K1 {
        let [_, of_use, says] = said_after(&operation.replace("k1", "k3"), note).await;
        assert_eq!((of_use, says), (Some("of use".into()), Some("as a person says".into())), "{operation}");
    }
}

#[tokio::test]
async fn turns_that_were_said_while_the_curator_thought_are_left_for_the_next_time() {
    let provider = Scripted::new([(200, answer("[]", "end_turn")), (200, answer("[]", "end_turn"))]);
    let mut curating = curating(&provider);
    let desk = curating.caller.desk.clone();
    let left =
        || async { desk.read(|store| store.standing(&"s".into())).await.unwrap().turns_since_curation };
    said(&desk, "s", &["The limit is 100."]).await;
    let speak: Deed =
        |store| store.record_turn(&turn("s", None, &["The limit is 100.", "No, it is 200."])).map(drop);
    curating.caller.transport = Rc::new(Meanwhile(provider.clone(), desk.clone(), speak));
    assert!(matches!(works(&curating).await, Work::Accepted { .. }));
    assert_eq!(left().await, 1, "nobody looked at the second");
    curating.caller.transport = Rc::new(provider);
    assert!(matches!(works(&curating).await, Work::Accepted { .. }));
    assert_eq!(left().await, 0);
}
