//! What is kept of a turn, and who hears of it.

use super::*;
use crate::samples::Listening;
use actor::{Clock, Environment, Vacancy, vacancy};
use domain::conversation::{Message, Role};
use domain::ids::Principal;
use domain::knowledge::Category;
use domain::time::{Moment, UnixMillis};
use futures_util::FutureExt;
use std::sync::mpsc;
use store::{Draft, Extent, SqliteStore};
use tempfile::TempDir;

const DONE: &str = r#"{"type":"message","content":[{"type":"text","text":"done"}],"stop_reason":"end_turn"}"#;

/// A recorder, and who hears of it.
struct Story {
    recorder: Recorder,
    desk: Desk,
    meter: Arc<Listening>,
    shelf: Arc<RequestShelf>,
    projects: Projects,
    notebook: Notebook,
    scheduler: Mailbox<Spoken<SchedulerMessage>, SchedulerReply>,
    warmer: Mailbox<Spoken<WarmerMessage>, WarmerReply>,
    /// Nobody takes these: what is told is counted where it waits.
    _seats: (Vacancy<Spoken<SchedulerMessage>, SchedulerReply>, Vacancy<Spoken<WarmerMessage>, WarmerReply>),
}

impl Story {
    fn at(desk: Desk) -> Self {
        let environment = Environment::new(Clock::system());
        let (scheduler, scheduler_seat) = vacancy("IdleScheduler", 999, &environment);
        let (warmer, warmer_seat) = vacancy("CacheWarmer", 999, &environment);
        let (meter, shelf) = (Arc::new(Listening::default()), Arc::new(RequestShelf::default()));
        let (projects, notebook) = (Projects::default(), Notebook::new(true));
        let recorder = Recorder::new(
            desk.clone(),
            scheduler.clone(),
            warmer.clone(),
            Arc::clone(&shelf),
            (projects.clone(), notebook.clone()),
            Arc::<Listening>::clone(&meter),
        );
        let _seats = (scheduler_seat, warmer_seat);
        Self { recorder, desk, meter, shelf, projects, notebook, scheduler, warmer, _seats }
    }

    fn inline() -> Self {
        Self::at(Desk::inline(SqliteStore::in_memory().unwrap()))
    }

    /// How many turns were recorded, how many were left out, and how many messages the two actors have.
    fn counts(&self) -> (usize, usize, [usize; 2]) {
        let turns = self.meter.turns.all();
        let recorded = turns.iter().filter(|is_recorded| **is_recorded).count();
        (recorded, turns.len() - recorded, [self.scheduler.depth(), self.warmer.depth()])
    }
}

/// A whole turn whose request may be replayed.
fn turn(session: &str, words: &str) -> Turn {
    let request = format!(
        r#"{{"model":"m","max_tokens":9,"messages":[{{"role":"user","content":[{{"type":"text","text":"{words}","cache_control":{{"type":"ephemeral"}}}}]}}]}}"#
    );
    Turn { answer: vec![DONE.into()], ..Turn::of(session, request) }
}

#[tokio::test]
async fn of_a_session_that_a_person_forgot_nothing_is_held_and_nobody_hears() {
    let story = Story::inline();
    story.recorder.record(turn("s", "hi"));
    assert_eq!(story.counts(), (1, 0, [1, 1]));
    assert!(story.shelf.get(&"s".into()).is_some());
    let forget = |store: &mut dyn Store| {
        store.forget(&Principal::local(), &Extent::Session("s".into()), UnixMillis(1))
    };
    story.desk.write(forget).await.unwrap();
    story.shelf.forget(&"s".into());
    story.recorder.record(turn("s", "hi"));
    assert_eq!((story.counts(), story.shelf.get(&"s".into())), ((1, 0, [1, 1]), None));
}

#[tokio::test]
async fn notes_that_were_kept_under_a_folder_reach_the_project_that_it_turns_out_to_be_a_part_of() {
    let (story, folder) = (Story::inline(), TempDir::new().unwrap());
    let (path, project) = (folder.path().display().to_string(), ProjectId::from("git.example/ann/oven"));
    std::fs::create_dir(folder.path().join(".git")).unwrap();
    let config = "[remote \"origin\"]\n\turl = git@git.example:ann/oven\n";
    std::fs::write(folder.path().join(".git/config"), config).unwrap();
    story.projects.remember(&Principal::local(), &path, project.clone());
    let under_the_folder = ProjectId::from(path.as_str());
    let draft = Draft {
        category: Category::Gotcha,
        title: "Oven".into(),
        content: "It is hot.".into(),
        confidence: 1.0,
    };
    let note = move |store: &mut dyn Store| {
        store.remember((&Principal::local(), &under_the_folder), &draft, UnixMillis(0))
    };
    story.desk.write(note).await.unwrap();
    story.notebook.refresh(&story.desk).await;
    let told = |session: &str| {
        let place = (&Principal::local(), Some(&project));
        story.notebook.of_turn(&session.into(), place, "m", UnixMillis(0)).is_some()
    };
    assert!(!told("before"));
    story.recorder.record(turn("s", &format!("Working directory: {path}")));
    assert!(told("after"));
}

#[tokio::test]
async fn every_turn_that_is_left_out_is_counted_once() {
    let story = Story::inline();
    story.desk.close().await;
    let left_out = |turn: Turn| {
        let before = story.counts().1;
        story.recorder.record(turn);
        story.counts().1 - before
    };
    let waiting = (0..512).map(|at| left_out(Turn { beginning: Some(1), ..turn(&at.to_string(), "hi") }));
    assert_eq!(waiting.sum::<usize>(), 512, "a store that is closed keeps none");
    assert_eq!(left_out(turn("another", "hi")), 1, "there is no room for it");
    assert_eq!(left_out(Turn { beginning: Some(1), ..turn("7", "hi, and more") }), 1, "the older one");
}

/// Forty turns, two of them in the names of different owners of one session, told while the store has other things to do.
async fn forty(story: &Story) -> mpsc::Sender<()> {
    let (go_on, may_go_on) = mpsc::channel::<()>();
    let hold = move |_: &mut dyn Store| {
        may_go_on.recv().unwrap_or_default();
        Ok(())
    };
    let mut held = Box::pin(story.desk.write(hold));
    assert!((&mut held).now_or_never().is_none(), "it is at the store, which goes on with it");
    let others = Turn { principal: "somebody".into(), ..turn("1", "hi") };
    let ours = (1..40).map(|session| turn(&session.to_string(), "hi"));
    std::iter::once(others).chain(ours).for_each(|turn| story.recorder.record(turn));
    go_on
}

#[tokio::test]
async fn turns_that_wait_are_all_recorded_also_behind_one_that_cannot_be() {
    let folder = TempDir::new().unwrap();
    let story = Story::at(Desk::threads(folder.path()).unwrap());
    drop(forty(&story).await);
    while story.counts().0 < 39 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test]
async fn turns_that_wait_when_the_store_closes_are_all_recorded_before() {
    let folder = TempDir::new().unwrap();
    let story = Story::at(Desk::threads(folder.path()).unwrap());
    let go_on = forty(&story).await;
    futures_util::future::join(story.desk.close(), async { drop(go_on) }).await;
    assert_eq!(story.counts(), (39, 0, [39, 39]));
}

#[tokio::test]
async fn what_cannot_be_recorded_is_told_whatever_comes_after_it() {
    let story = Story::inline();
    let recorder = story.recorder.clone();
    let others = Turn { principal: "somebody".into(), ..turn("a", "hi") };
    let turns = [others, turn("a", "hi"), turn("b", "hi")];
    let kept = story.desk.write(move |store| recorder.0.keep(&turns, store)).await;
    assert!(matches!(kept, Err(StoreError::Refused(_))), "{kept:?}");
    assert_eq!(story.counts(), (2, 0, [2, 2]));
}

#[test]
fn a_request_is_kept_warm_if_a_person_waits_for_its_provider_marks_it_and_its_answer_ended() {
    let warmable = |turn: &Turn| {
        let asked = dialect::asked(turn.dialect, &turn.request).unwrap();
        warmable(turn, &asked, &read_answer(turn))
    };
    let whole = || turn("s", "hi");
    assert_eq!(warmable(&whole()), Ok(CacheTtl::FiveMinutes));
    assert_eq!(warmable(&Turn { speaker: Speaker::Subagent, ..whole() }), Err(Cold::Subagent));
    assert_eq!(warmable(&Turn { answer: vec![DONE[..50].into()], ..whole() }), Err(Cold::Unfinished));
    assert_eq!(warmable(&Turn { dialect: Dialect::OpenAiChat, ..whole() }), Err(Cold::Dialect));
    let unmarked = r#"{"model":"m","max_tokens":9,"messages":[]}"#;
    assert_eq!(warmable(&Turn { request: unmarked.into(), ..whole() }), Err(Cold::Unmarked));
}

#[test]
fn what_goes_on_record_is_what_was_asked_and_answered_and_whether_that_was_cut() {
    let story = Story::inline();
    let on_record = |answer: &'static str| {
        let turn = Turn { answer: vec![answer.into()], ..turn("s", "hi") };
        let TurnRecord { messages, answer, stop, cut, .. } =
            record(&mut story.recorder.0.heard(&turn).expect("it can be read"));
        let said = messages.iter().chain(&answer).flat_map(|message| &message.parts).cloned();
        (said.collect::<Vec<_>>(), stop, cut)
    };
    let text = |text: &str| Part::Text { text: text.into() };
    assert_eq!(on_record(DONE), (vec![text("hi"), text("done")], Some(Stop::End), false));
    assert_eq!(on_record(&DONE[..50]), (vec![text("hi")], None, true));
}

/// `plain` in a gzip that stores it as it is, and that lacks its end.
fn packed(plain: &str) -> Bytes {
    let head = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
    let length = u16::try_from(plain.len()).unwrap();
    let block = [&[0][..], &length.to_le_bytes(), &(!length).to_le_bytes(), plain.as_bytes()];
    [&head[..], &block.concat()].concat().into()
}

#[test]
fn a_packed_answer_without_the_end_of_its_packing_is_read_as_far_as_it_goes() {
    let read = |answer: &str| {
        let turn = turn("s", "hi");
        read_answer(&Turn { answer: vec![packed(answer)], answer_encoding: Some("gzip".into()), ..turn })
    };
    assert_eq!(read(DONE), dialect::answered(Dialect::AnthropicMessages, DONE.as_bytes()));
    assert_eq!(read(&DONE[..50]).stop, None);
}

#[test]
fn a_turn_that_goes_on_from_what_its_provider_keeps_is_named_after_that() {
    let story = Story::inline();
    let on_record = |rest: &str| {
        let request = format!(r#"{{"model":"m","input":"thanks"{rest}}}"#);
        let turn = Turn { dialect: Dialect::OpenAiResponses, ..Turn::of("s", request) };
        let TurnRecord { follows, head, .. } =
            record(&mut story.recorder.0.heard(&turn).expect("it can be read"));
        (follows, head)
    };
    let thanks = Message::text(Role::User, "thanks").digest();
    let before = Digest::called("resp_1");
    assert_eq!(on_record(r#","previous_response_id":"resp_1""#), (Some(before), before.then(thanks)));
    assert_eq!(on_record(""), (None, Digest::START.then(thanks)), "another conversation");
}

#[test]
fn what_is_waited_for_after_a_turn_and_when_it_left_is_told_with_it() {
    let story = Story::inline();
    let told = |stop: &str| {
        let (answer, took) = (DONE.replace("end_turn", stop), Duration::from_secs(5));
        let turn = Turn { answer: vec![answer.into()], left: Moment(7), took, ..turn("s", "hi") };
        let heard = story.recorder.0.heard(&turn).expect("it can be read");
        let Heard { turn, plain, asked, project, answered, after } = heard;
        let warmth = story.recorder.0.shelve(turn, (&asked, project, &answered), after, 3, plain);
        warmth.map(|warmth| (warmth.left, warmth.answered_in, warmth.awaited, warmth.turns))
    };
    assert_eq!(told("end_turn"), Ok((Moment(7), Duration::from_secs(5), Awaited::Human, 3)));
    assert_eq!(told("tool_use"), Ok((Moment(7), Duration::from_secs(5), Awaited::Tool, 3)));
}

#[test]
fn a_request_that_thinks_for_a_budget_is_not_kept_for_replay() {
    let story = Story::inline();
    let told = |thinking: &str| {
        let request = format!(
            r#"{{"model":"m","max_tokens":9,"thinking":{{"type":"{thinking}","budget_tokens":8}},"system":[{{"type":"text","text":"a","cache_control":{{"type":"ephemeral"}}}}],"messages":[{{"role":"user","content":"hi"}}]}}"#
        );
        let turn = Turn { request: request.into(), ..turn("s", "hi") };
        let heard = story.recorder.0.heard(&turn).expect("it can be read");
        let Heard { turn, plain, asked, project, answered, after } = heard;
        story.recorder.0.shelve(turn, (&asked, project, &answered), after, 3, plain).map(|warmth| warmth.ttl)
    };
    assert_eq!(told("adaptive"), Ok(CacheTtl::FiveMinutes));
    assert_eq!(told("enabled"), Err(Cold::Thinking));
}

#[test]
fn habits_of_one_owner_are_no_others_also_in_a_project_of_one_name() {
    let of = |whose: &str, project: &str| {
        account(&Turn { principal: whose.into(), ..turn("s", "hi") }, Some(&project.into()))
    };
    assert_eq!(of("ann", "oven"), of("ann", "oven"));
    assert_ne!(of("ann", "oven"), of("bob", "oven"));
    assert_ne!(of("ann", "oven"), of("ann", "garden"));
}

#[test]
fn a_request_whose_last_message_brings_a_tools_result_was_sent_after_a_tool() {
    let text = || Part::Text { text: "t".into() };
    let result = || Part::ToolResult { id: "i".into(), text: "t".into() };
    let after = |messages: &[Vec<Part>]| {
        let message = |parts: &Vec<Part>| Message { role: Role::User, parts: parts.clone() };
        waited_for(&Asked { messages: messages.iter().map(message).collect(), ..Asked::default() })
    };
    assert_eq!(after(&[vec![text()], vec![result(), text()]]), Awaited::Tool);
    assert_eq!(after(&[vec![result()], vec![text()]]), Awaited::Human);
    assert_eq!(after(&[]), Awaited::Human);
}

#[test]
fn what_is_kept_for_replay_is_what_was_really_sent() {
    let request: &[u8] = br#"{ "system":[{"type":"text","text":"a"}],"x":1.50,"messages":[]}"#;
    let turn = |injection| Turn { injection, ..Turn::of("s", request) };
    assert_eq!(as_sent(&turn(None), request.into()).unwrap(), request);
    let sent =
        br#"{ "system":[{"type":"text","text":"a"},{"text":"b","type":"text"}],"x":1.50,"messages":[]}"#;
    assert_eq!(as_sent(&turn(Some("b".into())), request.into()).unwrap(), &sent[..]);
}
