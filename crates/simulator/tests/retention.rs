//! What is old is dropped while the house lives, and what an agent sends again of it is known.

#![expect(clippy::expect_used, reason = "a scenario that cannot be set up fails")]

use domain::conversation::RecordedMessage;
use domain::settings::{RetentionSettings, Settings};
use simulator::agent::{Agent, Kind};
use simulator::world::{self, World};
use std::future::Future;
use std::time::Duration;

const TOKEN: &str = "sk-ant-api03-retention-key";
const DAY: Duration = Duration::from_secs(24 * 3600);

fn play<F: Future<Output = ()>>(retention: RetentionSettings, scenario: impl FnOnce(World) -> F) {
    let mut settings = Settings { retention, ..Settings::with_data_dir("unused".into()) };
    settings.curator.enabled = false;
    world::run(5, settings, async |world| {
        world.provider.accept(TOKEN);
        scenario(world).await;
    })
    .expect("a world");
}

async fn said(world: &World) -> Vec<RecordedMessage> {
    let Some(session) = world.sessions().await.expect("store").pop() else { return Vec::new() };
    world.house.desk.read(move |store| store.messages(&session.id)).await.expect("store")
}

fn agent() -> Agent {
    Agent::new(Kind::ClaudeCode, "77777777-aaaa-4bbb-8ccc-000000000007", TOKEN)
}

#[test]
fn what_is_older_than_a_day_goes_within_the_next_hour_but_only_what_is_distilled() {
    let retention = RetentionSettings { max_age: Some(DAY), max_size: None };
    play(retention, async |world| {
        let mut agent = agent();
        for line in ["one", "two", "three"] {
            world.say(&mut agent, line).await;
        }
        world.pass(Duration::from_secs(600)).await;
        world.say(&mut agent, "too little to be distilled").await;
        let before = said(&world).await;
        assert_eq!((before.len(), before.iter().filter(|message| message.distilled).count()), (8, 6));
        world.pass(DAY - Duration::from_secs(1200)).await;
        assert_eq!(said(&world).await.len(), 8, "not yet");
        world.pass(Duration::from_secs(2 * 3600)).await;
        let left = said(&world).await;
        assert!(left.len() == 2 && left.iter().all(|message| !message.distilled), "{left:?}");
        assert!(left[0].text.contains("too little"));
        world.say(&mut agent, "again").await;
        assert_eq!(
            said(&world).await.len(),
            4,
            "its agent sends all of its history, and only the new is kept"
        );
    });
}

#[test]
fn what_is_too_much_goes_the_oldest_first() {
    let retention = RetentionSettings { max_age: None, max_size: Some(1) };
    play(retention, async |world| {
        let mut agent = agent();
        for line in ["one", "two", "three"] {
            world.say(&mut agent, line).await;
        }
        world.pass(Duration::from_secs(2 * 3600)).await;
        assert_eq!(said(&world).await, [], "all of it is distilled");
        world.say(&mut agent, "four").await;
        assert_eq!(said(&world).await.len(), 2);
    });
}

#[test]
fn without_a_limit_nothing_is_ever_dropped() {
    play(RetentionSettings::default(), async |world| {
        let mut agent = agent();
        for line in ["one", "two", "three"] {
            world.say(&mut agent, line).await;
        }
        world.pass(400 * DAY).await;
        assert_eq!(said(&world).await.len(), 6);
    });
}
