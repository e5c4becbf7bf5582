//! What was forgotten when the gateway ended in the midst of it is erased by the next one.

#![expect(clippy::expect_used, reason = "a scenario that cannot be set up fails")]

use domain::conversation::{Digest, Message, Role};
use domain::ids::Principal;
use domain::provider::{Dialect, Provider};
use domain::settings::Settings;
use domain::time::UnixMillis;
use simulator::world::{self, World};
use std::time::Duration;
use store::{Extent, TurnRecord};

const AT: UnixMillis = UnixMillis(1_800_000_000_000);

fn long_turn() -> TurnRecord {
    let messages = (0..1_300).map(|number| Message::text(Role::User, format!("quince {number}"))).collect();
    TurnRecord {
        session: "one".into(),
        principal: Principal::local(),
        identity: Some("long".to_owned()),
        client: "claude-cli".to_owned(),
        provider: Provider::Anthropic,
        dialect: Dialect::AnthropicMessages,
        model: "claude-sonnet-4-5".to_owned(),
        upstream_origin: "https://api.anthropic.com".to_owned(),
        directory: None,
        project: None,
        at: AT,
        injection: None,
        follows: None,
        messages,
        answer: None,
        usage: Default::default(),
        stop: None,
        head: Digest::START,
        cut: false,
    }
}

async fn is_erasing(world: &World) -> bool {
    world.house.desk.read(|store| store.is_erasing()).await.expect("store")
}

#[test]
fn a_gateway_that_ended_between_two_steps_takes_the_others_up_when_it_starts_and_when_it_failed_within_the_hour()
 {
    let settings = Settings::with_data_dir("unused".into());
    world::run(5, settings, async |world| {
        // The second one's sessions are others: what was forgotten is not recorded again.
        for (pass, sessions) in
            [(Duration::from_secs(120), ["one", "two"]), (Duration::from_secs(3_700), ["three", "four"])]
        {
            // All that is left of a process that was killed after the first step.
            let first_step = move |store: &mut dyn store::Store| {
                for session in sessions {
                    store.record_turn(&TurnRecord { session: session.into(), ..long_turn() })?;
                }
                store.forget(&Principal::local(), &Extent::Everything, AT)
            };
            let forgotten = world.house.desk.write(first_step).await.expect("store");
            assert!(!forgotten.left.erased && is_erasing(&world).await);
            world.pass(pass).await;
            assert!(!is_erasing(&world).await, "after {pass:?}");
        }
    })
    .expect("a world");
}
