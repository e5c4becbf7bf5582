//! What is worked on first, and what becomes of a model's answer.

use super::*;
use crate::samples::{Scripted, answer, brief, caller, lease, said};
use actor::{Clock, Environment, vacancy};
use domain::provider::Dialect;
use domain::settings::Settings;
use std::sync::Arc;

/// What session "s" says, turn by turn.
const WORDS: [&str; 6] = ["It begins.", "one", "two", "three", "four", "five"];

/// A distiller whose work is ripe at so many messages.
fn distilling(provider: &Scripted, min_messages: u32) -> Distilling {
    let mut settings = Settings::with_data_dir("unused".into());
    settings.distiller.min_messages = min_messages;
    let caller = caller(provider.clone(), Purpose::Distill);
    let (batches, _) = vacancy("BatchQueue", 9, &Environment::new(Clock::system()));
    Distilling { caller: Caller { settings: Arc::new(settings), ..caller }, batches }
}

async fn works(distilling: &Distilling) -> Work {
    let brief = brief(Dialect::AnthropicMessages, "m");
    let lease = lease(&brief);
    distilling.work(brief, lease).await
}

/// Session "s" has as many observations as are merged, and so many messages that none of them covers.
async fn with_old_observations(distilling: &Distilling, pending: usize) {
    let desk = &distilling.caller.desk;
    let sources = said(desk, "s", &WORDS[..1]).await;
    let lines: Vec<String> = (0..40).map(|number| format!("Observation {number} of many.")).collect();
    let keep =
        move |store: &mut dyn Store| store.store_observations(&"s".into(), &sources, &lines, UnixMillis(1));
    desk.write(keep).await.unwrap();
    assert_eq!(said(desk, "s", &WORDS[..=pending]).await.len(), pending);
}

/// How many messages are pending, and how many observations there are.
async fn left(distilling: &Distilling) -> (u32, usize) {
    let session = SessionId::from("s");
    let left = move |store: &mut dyn Store| {
        Ok((store.standing(&session)?.pending_messages, store.observations(&session)?.len()))
    };
    distilling.caller.desk.read(left).await.unwrap()
}

#[tokio::test]
async fn what_was_said_last_comes_before_old_observations_once_it_is_ripe() {
    let provider = Scripted::new([(200, answer("- all of it", "end_turn"))]);
    let distilling = distilling(&provider, 5);
    with_old_observations(&distilling, 5).await;
    assert!(matches!(works(&distilling).await, Work::Accepted { kept: 1, .. }));
    assert_eq!(left(&distilling).await, (0, 41));
}

#[tokio::test]
async fn old_observations_are_merged_while_nothing_is_ripe_however_few_messages_are() {
    for (min_messages, pending) in [(5, 4), (0, 0)] {
        let provider = Scripted::new([(200, answer("- all of them", "end_turn"))]);
        let distilling = distilling(&provider, min_messages);
        with_old_observations(&distilling, pending).await;
        assert!(matches!(works(&distilling).await, Work::Accepted { kept: 1, .. }));
        let (still_pending, observations) = left(&distilling).await;
        assert_eq!(still_pending as usize, pending);
        assert!(observations < 40, "{observations}");
    }
}

#[tokio::test]
async fn an_answer_that_was_cut_short_or_refused_takes_the_place_of_nothing() {
    let odd = ["max_tokens", "refusal", "pause_turn", "tool_use"];
    for (pending, stop) in [5, 0].into_iter().flat_map(|pending| odd.map(|stop| (pending, stop))) {
        let provider = Scripted::new([(200, answer("- all of it, and", stop))]);
        let distilling = distilling(&provider, 5);
        with_old_observations(&distilling, pending).await;
        let work = works(&distilling).await;
        assert!(matches!(work, Work::Unusable { .. }), "{work:?}");
        assert_eq!(left(&distilling).await, (u32::try_from(pending).unwrap(), 40));
    }
}
