//! Golden segments and a scripted model: how conversations are cut, what an answer may be, and what is kept of it, in virtual time.

#![expect(clippy::expect_used, reason = "a scenario that cannot be set up fails")]

use domain::purpose::Purpose;
use domain::settings::Settings;
use serde_json::Value;
use simulator::agent::{Agent, Kind};
use simulator::world::{self, World};
use std::future::Future;
use std::time::Duration;

const TOKEN: &str = "sk-ant-api03-condensing-key";
const SESSION: &str = "77777777-aaaa-4bbb-8ccc-000000000007";
const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 3600);

fn settings() -> Settings {
    let mut settings = Settings::with_data_dir("unused".into());
    (settings.batch.enabled, settings.cache_warmer.enabled) = (false, false);
    settings
}

fn play<F: Future<Output = ()>>(settings: Settings, scenario: impl FnOnce(World, Agent) -> F) {
    world::run(5, settings, async |world| {
        world.provider.accept(TOKEN);
        scenario(world, Agent::new(Kind::ClaudeCode, SESSION, TOKEN)).await;
    })
    .expect("a world");
}

async fn say(world: &World, agent: &mut Agent, lines: std::ops::Range<u32>) {
    for line in lines {
        let reply = world.say(agent, &format!("line-{line} says where the work stands")).await;
        assert_eq!(reply.status, 200);
        world.pass(Duration::from_secs(10)).await;
    }
}

/// What the provider was asked for `purpose`: the system prompt, the words, and the limit of the answer.
fn asked(world: &World, purpose: Purpose) -> Vec<(String, String, u64)> {
    let received = world.provider.received();
    let calls = received.iter().filter(|call| call.purpose == purpose);
    calls
        .map(|call| {
            let body: Value = serde_json::from_slice(&call.exchange.body).expect("JSON");
            let words = body["messages"].to_string();
            (body["system"].to_string(), words, body["max_tokens"].as_u64().expect("a limit"))
        })
        .collect()
}

async fn observed(world: &World) -> Vec<String> {
    world.observations(SESSION).await.expect("store").into_iter().map(|one| one.text).collect()
}

#[test]
fn a_conversation_is_cut_at_its_pause_and_every_message_is_distilled_once() {
    let mut settings = settings();
    settings.curator.enabled = false;
    (settings.distiller.min_messages, settings.distiller.pending_tokens) = (1, 200);
    settings.idle.after = Duration::from_secs(2 * 3600);
    play(settings, async |world, mut agent| {
        say(&world, &mut agent, 10..14).await;
        world.pass(30 * MINUTE).await;
        say(&world, &mut agent, 14..20).await;
        let pending = world.standing(SESSION).await.expect("store").pending_messages;
        assert!(pending > 0, "the last segment is not full");
        world.pass(3 * 3600 * Duration::from_secs(1)).await;
        let calls = asked(&world, Purpose::Distill);
        assert!(calls[0].1.contains("line-13") && !calls[0].1.contains("line-14"), "{:?}", calls[0]);
        for line in 10..20 {
            let said = format!("[user] line-{line} says");
            let times: usize = calls.iter().map(|(_, words, _)| words.matches(&said).count()).sum();
            assert_eq!(times, 1, "line {line}");
        }
        let limits: Vec<u64> = calls.iter().map(|(_, _, limit)| *limit).collect();
        assert!(limits.iter().all(|limit| *limit == 256 + 4096), "{limits:?}");
        assert_eq!(world.standing(SESSION).await.expect("store").pending_messages, 0);
    });
}

#[test]
fn an_answer_that_is_refused_is_asked_for_again_and_nothing_is_lost_or_doubled() {
    let mut settings = settings();
    settings.curator.enabled = false;
    play(settings, async |world, mut agent| {
        world.provider.say_to_next(Purpose::Distill, &"much longer than what was said ".repeat(100));
        world.provider.say_to_next(Purpose::Distill, " ");
        let good = "<observations>\n- The user said where the work stands.\nPINNED: The user wants tabs.\n</observations>";
        world.provider.say_to_next(Purpose::Distill, good);
        say(&world, &mut agent, 0..3).await;
        world.pass(60 * MINUTE).await;
        assert_eq!(observed(&world).await, ["The user said where the work stands.", "The user wants tabs."]);
        let calls = asked(&world, Purpose::Distill);
        assert_eq!(calls.len(), 3);
        assert!(calls.iter().all(|call| call.1 == calls[0].1), "the same segment each time");
        assert_eq!(world.standing(SESSION).await.expect("store").pending_messages, 0);
    });
}

#[test]
fn more_than_twenty_observations_become_few_and_the_newest_and_the_pinned_stay() {
    let mut settings = settings();
    settings.curator.enabled = false;
    play(settings, async |world, mut agent| {
        let many: String = (0..21).map(|number| format!("\nfact {number}")).collect();
        let said = format!("<observations>\nPINNED: the user wants tabs{many}\n</observations>");
        world.provider.say_to_next(Purpose::Distill, &said);
        world.provider.say_to_next(Purpose::Distill, &"longer than all that it would replace ".repeat(20));
        world.provider.say_to_next(Purpose::Distill, "facts 0 to 15");
        say(&world, &mut agent, 0..3).await;
        world.pass(60 * MINUTE).await;
        let left =
            ["facts 0 to 15", "the user wants tabs", "fact 16", "fact 17", "fact 18", "fact 19", "fact 20"];
        assert_eq!(observed(&world).await, left);
        let calls = asked(&world, Purpose::Distill);
        assert_eq!(calls.len(), 3);
        assert!(calls[1].0.contains("older lines") && calls[1].1.contains("fact 15"), "{:?}", calls[1]);
        assert!(!calls[1].1.contains("fact 16") && !calls[1].1.contains("tabs"), "{:?}", calls[1]);
    });
}

#[test]
fn a_project_with_too_many_entries_is_consolidated_once_an_hour_at_most() {
    let mut settings = settings();
    settings.distiller.enabled = false;
    settings.curator.max_entries = 2;
    let create = |title: &str| {
        format!(
            r#"{{"op":"create","category":"gotcha","title":"{title}","content":"about {title}","confidence":0.8}}"#
        )
    };
    let made = format!("[{},{},{}]", create("flour"), create("oven heat"), create("salt and yeast"));
    play(settings, async |world, mut agent| {
        world.provider.say_to_next(Purpose::Curate, &made);
        world.provider.say_to_next(Purpose::Curate, "[]");
        world.provider.say_to_next(Purpose::Curate, r#"[{"op":"delete","id":"k1","reason":"merged"}]"#);
        say(&world, &mut agent, 0..3).await;
        world.pass(30 * MINUTE).await;
        let calls = asked(&world, Purpose::Curate);
        assert_eq!(calls.len(), 2, "curated, and consolidated once: {calls:?}");
        assert!(calls[1].0.contains("It has 3 entries, and 2"), "{:?}", calls[1]);
        assert_eq!(world.knowledge().await.expect("store").len(), 3);
        world.pass(45 * MINUTE).await;
        assert_eq!(asked(&world, Purpose::Curate).len(), 3);
        assert_eq!(world.knowledge().await.expect("store").len(), 2);
        world.pass(120 * MINUTE).await;
        assert_eq!(asked(&world, Purpose::Curate).len(), 3, "there are not too many any more");
    });
}

#[test]
fn nothing_is_curated_while_the_conversation_goes_on() {
    play(settings(), async |world, mut agent| {
        say(&world, &mut agent, 0..12).await;
        assert!(asked(&world, Purpose::Curate).is_empty(), "it was never idle");
        world.pass(5 * MINUTE).await;
        assert_eq!(asked(&world, Purpose::Curate).len(), 1);
    });
}

#[test]
fn what_is_of_no_use_for_months_is_added_to_no_request_any_more_and_what_is_searched_for_stays() {
    let made = ["sourdough", "aniseed"].map(|title| {
        format!(
            r#"{{"op":"create","category":"gotcha","title":"{title}","content":"about {title}","confidence":0.8}}"#
        )
    });
    play(settings(), async |world, agent| {
        let mut agent = agent.in_directory("/home/ada/bakery");
        world.provider.say_to_next(Purpose::Curate, &format!("[{}]", made.join(",")));
        say(&world, &mut agent, 0..3).await;
        world.pass(30 * MINUTE).await;
        assert_eq!(world.knowledge().await.expect("store").len(), 2);
        for month in 1..=5 {
            world.pass(30 * DAY).await;
            let found = world.recall("sourdough").await.expect("store");
            assert!(found.iter().any(|hit| hit.text.contains("about sourdough")), "month {month}");
        }
        let later = "88888888-aaaa-4bbb-8ccc-000000000008";
        let mut agent = Agent::new(Kind::ClaudeCode, later, TOKEN).in_directory("/home/ada/bakery");
        say(&world, &mut agent, 0..1).await;
        let calls = world.provider.received();
        let call = calls.iter().rfind(|call| call.purpose == Purpose::Client).expect("a call");
        let body = String::from_utf8_lossy(&call.exchange.body);
        assert!(body.contains("about sourdough") && !body.contains("about aniseed"), "{body}");
        assert_eq!(world.knowledge().await.expect("store").len(), 2, "nothing is deleted for being faint");
    });
}
