//! What becomes of a model's answer, and when it is not asked.

use super::*;
use crate::samples::{Listening, Scripted, answer, brief, caller, charges, lease, said};
use domain::fading::CONSOLIDATION_REST;
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

/// Something happens before it answers.
struct Meanwhile<F>(Scripted, F);

impl<F: Fn() -> LocalBoxFuture<'static, ()>> Transport for Meanwhile<F> {
    fn send(&self, request: Request) -> LocalBoxFuture<'static, Result<Answer, Fault>> {
        let (happening, answer) = (self.1(), self.0.send(request));
        async move {
            happening.await;
            answer.await
        }
        .boxed_local()
    }
}

/// A person writes the entry anew.
async fn edit(desk: store::Desk, id: &'static str) {
    let edit = move |store: &mut dyn Store| {
        let draft = store::Draft {
            category: domain::knowledge::Category::Gotcha,
            title: "By hand".into(),
            content: "as a person says".into(),
            confidence: 1.0,
        };
        store.put_entry(&domain::ids::Principal::local(), &id.into(), &draft, UnixMillis(9))
    };
    desk.write(edit).await.unwrap();
}

#[tokio::test]
async fn what_a_person_changed_while_the_curator_thought_stays_as_the_person_said() {
    let of_k1 =
        [r#"{"op":"update","id":"k1","content":"as it was"}"#, r#"{"op":"delete","id":"k1","reason":"old"}"#];
    for operation in of_k1 {
        let both = format!(r#"[{operation},{{"op":"update","id":"k2","content":"of use"}}]"#);
        let provider = Scripted::new([(200, answer(&both, "end_turn"))]);
        let mut curating = curating(&provider);
        with_entries(&curating, 2).await;
        said(&curating.caller.desk, "s", &["The limit is 100.", "No, it is 200."]).await;
        let desk = curating.caller.desk.clone();
        let editing = move || edit(desk.clone(), "k1").boxed_local();
        curating.caller.transport = Rc::new(Meanwhile(provider, editing));
        let work = works(&curating).await;
        assert!(matches!(work, Work::Accepted { kept: 1, .. }), "{work:?}");
        let entries = curating.caller.desk.read(|store| store.knowledge(None)).await.unwrap();
        let says = |id: &str| entries.iter().find(|it| it.id.as_str() == id).map(|it| it.content.as_str());
        assert_eq!((says("k1"), says("k2")), (Some("as a person says"), Some("of use")));
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
    let speaking = {
        let desk = desk.clone();
        move || {
            let desk = desk.clone();
            async move { drop(said(&desk, "s", &["The limit is 100.", "No, it is 200."]).await) }
                .boxed_local()
        }
    };
    curating.caller.transport = Rc::new(Meanwhile(provider.clone(), speaking));
    assert!(matches!(works(&curating).await, Work::Accepted { .. }));
    assert_eq!(left().await, 1, "nobody looked at the second");
    curating.caller.transport = Rc::new(provider);
    assert!(matches!(works(&curating).await, Work::Accepted { .. }));
    assert_eq!(left().await, 0);
}
