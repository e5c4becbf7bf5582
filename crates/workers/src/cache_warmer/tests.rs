//! What keeps a warm-up from being made, and what is kept over a restart.

use super::*;
use crate::KeptRequest;
use crate::samples::{Heard, Scripted, brief, caller, lease, seat};
use actor::{Clock, Environment, vacancy};
use domain::provider::Dialect;
use domain::settings::Settings;
use domain::warming::{PauseCause, Whose};
use futures_util::FutureExt;
use futures_util::future::{LocalBoxFuture, pending};
use machines::cache_warmer::WarmerReply;
use machines::warming::{Change, Habits, SHAPE};
use store::{Desk, KeptHabits, SqliteStore};
use tokio::task::LocalSet;
use upstream::transport::{Answer, Fault, Request, Transport};

const HOUR: Duration = Duration::from_secs(3600);

/// A warmer that holds a request of session "s" to the model "m", and what it is told.
fn warming(limit: Option<f64>) -> (Warming, Heard<Spoken<WarmerMessage>>) {
    let mut settings = Settings::with_data_dir("unused".into());
    settings.cache_warmer.max_cost_per_day = limit;
    let caller = Caller { settings: Arc::new(settings), ..caller(Scripted::default(), Purpose::Warm) };
    let (brief, shelf) = (brief(Dialect::AnthropicMessages, "m"), Arc::new(RequestShelf::default()));
    let body = r#"{"model":"m","max_tokens":9,"messages":[]}"#.into();
    let (model, upstream, target) = (brief.model, brief.upstream, "/v1/messages".to_owned());
    shelf.put(&brief.session, KeptRequest { model, upstream, target, body });
    let (mailbox, place) = vacancy("CacheWarmer", 9, &Environment::new(Clock::system()));
    let me = RefCell::new(Some(mailbox.address()));
    (Warming { caller, shelf, me }, seat(place, WarmerReply::Noted))
}

/// What comes of a warm-up of this model, for which the provider is not asked; what the warmer is told.
async fn held(warming: &Warming, told: &Heard<Spoken<WarmerMessage>>, model: &str) -> Vec<WarmerMessage> {
    let brief = brief(Dialect::AnthropicMessages, model);
    let lease = lease(&brief);
    assert_eq!(warming.work(brief, lease).await, Work::Nothing);
    settle().await;
    told.all().drain(..).map(|it| it.0).collect()
}

async fn settle() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

#[tokio::test(start_paused = true)]
async fn a_limit_of_which_nobody_can_say_whether_it_is_reached_holds() {
    let story = async {
        let (warming, told) = warming(Some(1.0));
        warming.caller.desk.close().await;
        let told = held(&warming, &told, "m").await;
        assert_eq!(told, [WarmerMessage::LimitReached { session: "s".into(), spent: 100, limit: 100 }]);
    };
    LocalSet::new().run_until(story).await;
}

#[tokio::test(start_paused = true)]
async fn a_request_to_another_model_or_one_that_is_gone_warms_nothing() {
    let story = async {
        let (warming, told) = warming(None);
        assert_eq!(held(&warming, &told, "another").await, []);
        warming.shelf.forget(&"s".into());
        assert_eq!(held(&warming, &told, "m").await, [WarmerMessage::Displaced("s".into())]);
    };
    LocalSet::new().run_until(story).await;
}

/// A provider that never answers.
struct Silent;

impl Transport for Silent {
    fn send(&self, _request: Request) -> LocalBoxFuture<'static, Result<Answer, Fault>> {
        pending().boxed_local()
    }
}

#[tokio::test(start_paused = true)]
async fn a_warm_up_that_was_given_up_in_time_says_nothing_against_the_provider() {
    let story = async {
        let (mut warming, _) = warming(None);
        warming.caller.transport = Rc::new(Silent);
        let brief = brief(Dialect::AnthropicMessages, "m");
        let lease = lease(&brief);
        let work = warming.work(brief, lease).await;
        assert!(matches!(work, Work::Failed { evidence: None, .. }), "{work:?}");
    };
    LocalSet::new().run_until(story).await;
}

#[tokio::test(start_paused = true)]
async fn a_pause_goes_on_over_a_restart_and_ends_when_it_would_have() {
    let begin = Duration::from_secs(1_767_225_600);
    let desk = Desk::inline(SqliteStore::in_memory().unwrap());
    let before = Books { desk: desk.clone(), clock: Clock::virtual_from(begin) };
    let until = Moment::from(before.clock.now().saturating_add(6 * HOUR));
    let (said, cause) = ("0 of the last 40".to_owned(), PauseCause::Unused);
    before.keep(None, Pause { cause, said: said.clone(), until }).await;
    let after = Books { desk, clock: Clock::virtual_from(begin + 2 * HOUR) };
    let until = Moment::from(after.clock.now().saturating_add(4 * HOUR));
    let Spoken(WarmerMessage::Recalled(memory)) = recalled(after).await else { panic!("nothing recalled") };
    assert_eq!(memory.pauses, [(None, Pause { cause, said, until })]);
}

fn learnt() -> Habits {
    let mut habits = Habits::default();
    habits.account.save(1.0);
    habits
}

#[test]
fn habits_of_another_shape_are_not_taken_for_ours() {
    let counts = serde_json::to_string(&learnt()).unwrap();
    let row = |shape| KeptHabits { whose: Whose::Everybody, shape, counts: counts.clone() };
    assert_eq!(habits::read(vec![row(SHAPE), row(SHAPE + 1)]), [(Whose::Everybody, learnt())]);
}

#[tokio::test(start_paused = true)]
async fn habits_are_kept_and_forgotten_and_what_could_not_be_is_told() {
    let story = async {
        let (mailbox, place) = vacancy("CacheWarmer", 9, &Environment::new(Clock::system()));
        let told = seat(place, WarmerReply::Noted);
        let desk = Desk::inline(SqliteStore::in_memory().unwrap());
        let keep = |habits| {
            let changes = vec![Change { whose: Whose::Everybody, habits }];
            habits::keep(&desk, changes, UnixMillis(1), mailbox.address(), Cause::origin("test"));
        };
        let kept = || async { desk.read(|store| store.habits()).await.unwrap().len() };
        keep(Some(learnt()));
        assert_eq!(kept().await, 1);
        keep(None);
        assert_eq!(kept().await, 0);
        desk.close().await;
        keep(Some(learnt()));
        settle().await;
        assert_eq!(told.all().len(), 1);
        assert_eq!(told.all()[0].0, WarmerMessage::Unkept(vec![Whose::Everybody]));
    };
    LocalSet::new().run_until(story).await;
}
