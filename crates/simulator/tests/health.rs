//! What is told of workers that keep failing, and what is not: a wait is no illness.

#![expect(clippy::expect_used, clippy::panic, reason = "a scenario that cannot be set up fails")]

use actor::Cause;
use domain::purpose::Purpose;
use domain::settings::Settings;
use machines::health::Level;
use machines::idle_scheduler::{SchedulerMessage, SchedulerReply};
use simulator::agent::{Agent, Kind};
use simulator::provider::Fault;
use simulator::world::{self, World};
use std::cell::RefCell;
use std::future::Future;
use std::io;
use std::sync::Once;
use std::time::Duration;
use workers::Spoken;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const T1: &str = "sk-ant-oat01-health-token-one";
const T2: &str = "sk-ant-oat01-health-token-two";
const SESSION: &str = "77777777-aaaa-4bbb-8ccc-000000000007";

thread_local! {
    static LOG: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Writes to the log of this thread: a world lives on one.
struct ThreadLog;

impl io::Write for ThreadLog {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LOG.with_borrow_mut(|log| log.extend_from_slice(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A world in which one session has work pending and its agent is gone.
fn play<F: Future<Output = ()>>(scenario: impl FnOnce(World, Agent) -> F) {
    static LISTENING: Once = Once::new();
    LISTENING.call_once(|| tracing_subscriber::fmt().with_writer(|| ThreadLog).with_ansi(false).init());
    world::run(9, Settings::with_data_dir("unused".into()), async |world| {
        world.provider.accept(T1);
        let mut agent = Agent::new(Kind::ClaudeCode, SESSION, T1);
        for turn in 1..=3 {
            assert_eq!(world.say(&mut agent, &format!("the limit is {turn}00 a second")).await.status, 200);
            world.pass(10 * SECOND).await;
        }
        scenario(world, agent).await;
    })
    .expect("a world");
}

async fn unwell(world: &World) -> Vec<(Purpose, Level)> {
    let question = Spoken(SchedulerMessage::ListHealth);
    let answer = world.house.scheduler.ask(question, Cause::origin("Test"), 5 * SECOND).await;
    match answer.expect("an answer") {
        SchedulerReply::Health(unwell) => unwell.into_iter().map(|it| (it.purpose, it.level)).collect(),
        SchedulerReply::Noted => panic!("no answer"),
    }
}

/// How often the log says this of the distiller, at this level.
fn said(level: &str, words: &str) -> usize {
    let log = LOG.with_borrow(|log| String::from_utf8_lossy(log).into_owned());
    let told =
        |line: &&str| line.contains(level) && line.contains(words) && line.contains("worker=\"distill\"");
    log.lines().filter(told).count()
}

fn background_calls(world: &World) -> u32 {
    world.tally.counts().background_calls
}

async fn is_distilled(world: &World) -> bool {
    !world.observations(SESSION).await.expect("store").is_empty()
}

async fn is_untouched(world: &World) -> bool {
    world.standing(SESSION).await.expect("store").pending_messages == 6
}

#[test]
fn an_account_that_cannot_pay_pauses_without_a_storm() {
    play(async |world, _| {
        world.provider.block(T1);
        world.pass(23 * HOUR).await;
        let calls = background_calls(&world);
        assert!((20..=26).contains(&calls), "{calls} calls in a day: one an hour");
        assert_eq!((world.alerts.all(), unwell(&world).await), (vec![], vec![]));
        assert!(is_untouched(&world).await, "nothing is lost");
    });
}

#[test]
fn a_blocked_account_ends_with_a_success() {
    play(async |world, _| {
        world.provider.block(T1);
        world.pass(5 * HOUR).await;
        world.provider.accept(T1);
        world.pass(HOUR + MINUTE).await;
        assert!(is_distilled(&world).await, "the account was paid, and the next look found out");
        assert_eq!((world.alerts.all(), unwell(&world).await), (vec![], vec![]));
    });
}

#[test]
fn a_blocked_account_ends_with_a_new_token() {
    play(async |world, mut agent| {
        world.provider.block(T1);
        world.pass(5 * HOUR).await;
        world.provider.accept(T2);
        agent.refresh(T2);
        assert_eq!(world.say(&mut agent, "of another account").await.status, 200);
        world.pass(5 * MINUTE).await;
        assert!(is_distilled(&world).await);
        assert_eq!(world.alerts.all(), []);
    });
}

#[test]
fn a_busy_provider_is_left_in_peace_and_nobody_falls_ill_of_it() {
    play(async |world, _| {
        world.provider.between(world.now(), world.now() + 6 * HOUR, Fault::Overloaded);
        world.pass(6 * HOUR).await;
        let calls = background_calls(&world);
        assert!((30..=42).contains(&calls), "{calls} calls in six hours: one each ten minutes");
        assert_eq!((world.alerts.all(), unwell(&world).await), (vec![], vec![]));
        world.pass(15 * MINUTE).await;
        assert!(is_distilled(&world).await);
    });
}

#[test]
fn a_dead_token_makes_nobody_ill() {
    play(async |world, _| {
        world.provider.expire_at(T1, world.now());
        world.pass(12 * HOUR).await;
        assert_eq!((world.alerts.all().len(), unwell(&world).await), (1, vec![]));
    });
}

#[test]
fn an_outage_is_critical_after_an_hour_and_never_an_alert() {
    play(async |world, _| {
        world.provider.between(world.now(), world.now() + 2 * HOUR, Fault::Error(500));
        world.pass(HOUR).await;
        assert_eq!(unwell(&world).await, []);
        world.pass(HOUR).await;
        let critical = [(Purpose::Distill, Level::Critical), (Purpose::Curate, Level::Critical)];
        assert_eq!(unwell(&world).await, critical);
        world.pass(2 * HOUR).await;
        assert_eq!((unwell(&world).await, world.alerts.all()), (vec![], vec![]));
        assert!(is_distilled(&world).await);
    });
}

#[test]
fn each_change_of_level_is_one_line_in_the_log() {
    play(async |world, _| {
        world.provider.between(world.now(), world.now() + 2 * HOUR, Fault::EmptyAnswer);
        world.pass(10 * MINUTE).await;
        assert!(unwell(&world).await.contains(&(Purpose::Distill, Level::Degraded)));
        world.pass(5 * HOUR).await;
        assert_eq!(unwell(&world).await, []);
        assert_eq!(said("WARN", "fails again and again"), 1);
        assert_eq!(said("ERROR", "has failed for an hour"), 1);
        assert_eq!(said("ERROR", "another model may answer better"), 1, "and it says what to do");
        assert_eq!(said("INFO", "succeeds again"), 1);
        assert_eq!(world.alerts.all(), []);
    });
}
