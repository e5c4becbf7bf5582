//! Whose turn is whose: agents that name their sessions and agents that name nothing.

#![expect(clippy::expect_used, reason = "a scenario that cannot be set up fails")]

use domain::conversation::Role;
use domain::settings::Settings;
use simulator::agent::{Agent, Kind};
use simulator::world::{self, World};
use std::future::Future;
use std::time::Duration;

const TOKEN: &str = "sk-ant-api03-sessions-key";

fn play<F: Future<Output = ()>>(scenario: impl FnOnce(World) -> F) {
    let mut settings = Settings::with_data_dir("unused".into());
    settings.distiller.enabled = false;
    settings.curator.enabled = false;
    world::run(3, settings, async |world| {
        world.provider.accept(TOKEN);
        scenario(world).await;
    })
    .expect("a world");
}

async fn turns(world: &World) -> Vec<u32> {
    world.sessions().await.expect("store").iter().map(|session| session.turns).collect()
}

#[test]
fn every_kind_of_agent_keeps_its_turns_in_one_session() {
    for kind in Kind::ALL {
        play(async |world| {
            let mut agent = Agent::new(kind, "44444444-aaaa-4bbb-8ccc-000000000004", TOKEN);
            for line in ["one", "two", "three", "four"] {
                assert_eq!(world.say(&mut agent, line).await.status, 200, "{kind:?}");
                world.pass(Duration::from_secs(5)).await;
            }
            assert_eq!(turns(&world).await, [4], "{kind:?}");
        });
    }
}

#[test]
fn two_conversations_that_begin_with_the_same_words_never_merge() {
    for kind in [Kind::AnthropicSdk, Kind::OpenAiSdk] {
        play(async |world| {
            let (mut one, mut two) = (Agent::new(kind, "", TOKEN), Agent::new(kind, "", TOKEN));
            for agent in [&mut one, &mut two] {
                world.say(agent, "hi").await;
            }
            for round in 0..3 {
                world.say(&mut one, &format!("one says {round}")).await;
                world.say(&mut two, &format!("two says {round}")).await;
            }
            assert_eq!(turns(&world).await, [4, 4], "{kind:?}");
            for session in world.sessions().await.expect("store") {
                let id = session.id.clone();
                let said = world.house.desk.read(move |store| store.messages(&id)).await.expect("store");
                let text: String = said.iter().map(|message| message.text.as_str()).collect();
                assert!(!(text.contains("one says") && text.contains("two says")), "{kind:?}: {text}");
            }
        });
    }
}

#[test]
fn a_turn_that_is_sent_again_is_stored_once() {
    play(async |world| {
        let mut agent = Agent::new(Kind::ClaudeCode, "55555555-aaaa-4bbb-8ccc-000000000005", TOKEN);
        let request = agent.next_turn("only once, please");
        for _ in 0..3 {
            assert_eq!(world.send(&request).await.status, 200);
        }
        let session = world.sessions().await.expect("store")[0].id.clone();
        let said = world.house.desk.read(move |store| store.messages(&session)).await.expect("store");
        assert_eq!(said.iter().filter(|message| message.role == Role::User).count(), 1);
    });
}

#[test]
fn bad_input_gets_an_answer_and_harms_nobody_else() {
    play(async |world| {
        let mut agent = Agent::new(Kind::ClaudeCode, "66666666-aaaa-4bbb-8ccc-000000000006", TOKEN);
        world.say(&mut agent, "before").await;
        for body in ["", "not json", "[]", "{\"messages\": 7}", "{\"messages\":[{\"role\":3}]}"] {
            let mut request = agent.again();
            request.body = body.to_owned().into();
            let reply = world.send(&request).await;
            assert!((200..500).contains(&reply.status), "{body}: {}", reply.status);
        }
        let mut lost = agent.again();
        lost.target = "/nowhere".to_owned();
        assert_eq!(world.send(&lost).await.status, 404);
        assert_eq!(world.say(&mut agent, "after").await.status, 200);
        assert_eq!(world.sessions().await.expect("store")[0].turns, 2);
    });
}
