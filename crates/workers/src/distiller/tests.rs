//! What is worked on first, and what becomes of a model's answer.

use super::*;
use crate::samples::{Listening, Scripted, answer, brief, caller, lease, said, seat};
use actor::{Clock, Environment, vacancy};
use domain::provider::Dialect;
use domain::segment::GIVEN_UP;
use domain::settings::Settings;
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use machines::batch_queue::{BatchMessage, BatchReply};
use std::rc::Rc;
use std::sync::Arc;
use tokio::task::LocalSet;
use upstream::transport::{Answer, Fault, Request, Transport};

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
async fn what_is_offered_for_a_batch_names_the_model_that_is_asked() {
    let mut settings = Settings::with_data_dir("unused".into());
    (settings.distiller.min_messages, settings.worker.model) = (1, Some("small".to_owned()));
    let story = async {
        let (batches, vacancy) = vacancy("BatchQueue", 9, &Environment::new(Clock::system()));
        let heard = seat(vacancy, BatchReply::Queued);
        let caller = caller(Scripted::new([(200, "")]), Purpose::Distill);
        let distilling = Distilling { caller: Caller { settings: Arc::new(settings), ..caller }, batches };
        said(&distilling.caller.desk, "s", &WORDS).await;
        let brief = Brief { patient: true, ..brief(Dialect::AnthropicMessages, "large") };
        let lease = lease(&brief);
        (distilling.work(brief, lease).await, heard)
    };
    let (work, heard) = LocalSet::new().run_until(story).await;
    assert!(matches!(work, Work::Queued { .. }), "{work:?}");
    let [Spoken(BatchMessage::Offered(offer))] = &heard.all()[..] else { panic!("not one offer") };
    assert_eq!(offer.item.brief.model, "small");
    assert!(String::from_utf8_lossy(&offer.call.0).contains("\"small\""));
}

/// Closes the store before it answers.
struct Closing(Scripted, store::Desk);

impl Transport for Closing {
    fn send(&self, request: Request) -> LocalBoxFuture<'static, Result<Answer, Fault>> {
        let (desk, answer) = (self.1.clone(), self.0.send(request));
        async move {
            desk.close().await;
            answer.await
        }
        .boxed_local()
    }
}

#[tokio::test]
async fn an_answer_that_the_store_cannot_keep_is_the_houses_trouble_not_the_models() {
    let provider = Scripted::new([(200, answer("- all of it", "end_turn"))]);
    let mut distilling = distilling(&provider, 1);
    said(&distilling.caller.desk, "s", &WORDS).await;
    distilling.caller.transport = Rc::new(Closing(provider, distilling.caller.desk.clone()));
    let work = works(&distilling).await;
    assert!(matches!(work, Work::Unkept { .. }), "{work:?}");
}

#[tokio::test]
async fn what_a_model_never_answers_well_is_tried_in_smaller_pieces_and_then_passed_over_with_those_behind_it_kept()
 {
    let listening = Arc::new(Listening::default());
    let provider = Scripted::default();
    let mut distilling = distilling(&provider, 1);
    distilling.caller.meter = Arc::<Listening>::clone(&listening);
    let long: Vec<String> = (0..6).map(|number| format!("{number} {}", "word ".repeat(2000))).collect();
    let long: Vec<&str> = long.iter().map(String::as_str).collect();
    said(&distilling.caller.desk, "s", &long).await;
    let sources = said(&distilling.caller.desk, "another", &WORDS[..1]).await;
    let later = UnixMillis(i64::MAX);
    let of_use = move |store: &mut dyn Store| {
        store.store_observations(&"another".into(), &sources, &["x".into()], later)
    };
    distilling.caller.desk.write(of_use).await.unwrap();
    let too_long = r#"{"type": "error", "error": {"type": "invalid_request_error", "message": "prompt is too long: 9 tokens > 8 maximum"}}"#;
    for time in 0..GIVEN_UP {
        let (status, body) =
            if time % 2 == 0 { (200, answer("I cannot.", "refusal")) } else { (400, too_long.into()) };
        provider.will_answer(status, body);
        let work = works(&distilling).await;
        assert_eq!(matches!(work, Work::Unusable { .. }), status == 200, "{work:?}");
    }
    assert_eq!(left(&distilling).await, (5, 0), "only the first is passed over");
    assert_eq!(*listening.passed_over.all(), [("message", 1)]);
    provider.will_answer(200, answer("- all the others", "end_turn"));
    assert!(matches!(works(&distilling).await, Work::Accepted { kept: 1, .. }));
    assert_eq!(left(&distilling).await, (0, 1));
}

#[tokio::test]
async fn what_a_provider_has_against_a_request_counts_against_messages_only_if_it_lies_with_them() {
    for (status, message, refusals) in [
        (400, "prompt is too long: 210000 tokens > 200000 maximum", 1),
        (413, "Request exceeds the size that is taken", 1),
        (400, "Output blocked by content filtering policy", 1),
        (404, "model: m", 0),
        (400, "This credential may not be used for other requests", 0),
        (400, "Your credit balance is too low to be used", 0),
        (529, "Overloaded: an input is too long to be taken now", 0),
    ] {
        let provider = Scripted::default();
        let distilling = distilling(&provider, 1);
        said(&distilling.caller.desk, "s", &WORDS[..2]).await;
        let body = format!(r#"{{"type": "error", "error": {{"type": "x", "message": "{message}"}}}}"#);
        provider.will_answer(status, body);
        works(&distilling).await;
        let counted = distilling.caller.desk.read(|store| store.refusals(&"s".into())).await.unwrap();
        assert_eq!(counted, refusals, "{status} {message}");
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

#[tokio::test]
async fn observations_that_a_model_never_merges_well_are_passed_over_in_the_end() {
    let listening = Arc::new(Listening::default());
    let provider = Scripted::default();
    let mut distilling = distilling(&provider, 1);
    distilling.caller.meter = Arc::<Listening>::clone(&listening);
    with_old_observations(&distilling, 0).await;
    let too_long = r#"{"type": "error", "error": {"type": "invalid_request_error", "message": "prompt is too long: 9 tokens > 8 maximum"}}"#;
    let desk = distilling.caller.desk.clone();
    let sources = said(&desk, "another", &WORDS[..1]).await;
    let later = UnixMillis(i64::MAX);
    let of_use = move |store: &mut dyn Store| {
        store.store_observations(&"another".into(), &sources, &["x".into()], later)
    };
    desk.write(of_use).await.unwrap();
    for time in 0..GIVEN_UP {
        assert_eq!(*listening.passed_over.all(), []);
        let (status, body) =
            if time % 2 == 0 { (200, answer("", "end_turn")) } else { (400, too_long.into()) };
        provider.will_answer(status, body);
        works(&distilling).await;
    }
    assert_eq!(*listening.passed_over.all(), [("observation", 35)]);
    assert_eq!(works(&distilling).await, Work::Nothing, "nobody is asked any more");
    assert_eq!(left(&distilling).await, (0, 40), "and all of them are there");
}
