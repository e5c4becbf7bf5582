//! What is dropped as a copy of an alert, and what passes: each rule both ways.

use super::{items, log, said, started};
use crate::telemetry::alarm::MESSAGE;
use sentry::Envelope;
use sentry::protocol::{Attachment, EnvelopeItem, Event, Exception, ItemContainer, LogEntry};

/// Whether the client would send on an event that comes from somebody else: its `before_send` alone, without the transport.
fn arrives(event: Event<'static>) -> bool {
    let (alarm, _outside) = started();
    alarm.client().prepare_event(event, None).is_some()
}

fn logged(message: &str, parameter: &str) -> Event<'static> {
    let entry = LogEntry { message: message.to_owned(), params: vec![parameter.into()] };
    Event { logentry: Some(entry), ..Event::default() }
}

fn thrown(name: &str, message: &str) -> Event<'static> {
    let exception =
        Exception { ty: name.to_owned(), value: Some(message.to_owned()), ..Exception::default() };
    Event { exception: vec![exception].into(), ..Event::default() }
}

/// Items that come to the boundary by another way than the client's `before_send`.
fn let_through(sent: Vec<EnvelopeItem>) -> Vec<EnvelopeItem> {
    let (alarm, outside) = started();
    let mut envelope = Envelope::new();
    sent.into_iter().for_each(|item| envelope.add_item(item));
    alarm.client().send_envelope(envelope);
    items(&outside)
}

#[test]
fn a_message_that_repeats_the_alert_is_dropped_and_another_passes() {
    assert!(!arrives(said(&format!("{MESSAGE}: 401"))));
    assert!(arrives(said("The store's disk is full")));
}

#[test]
fn a_log_entry_that_repeats_the_alert_is_dropped_and_another_passes() {
    assert!(!arrives(logged(&format!("{MESSAGE}: 401"), "again")));
    assert!(!arrives(logged("%s", &format!("{MESSAGE}: 401"))), "a parameter is a part of the text");
    assert!(arrives(logged("The store's %s is full", "disk")));
}

#[test]
fn an_exception_that_repeats_the_alert_is_dropped_and_another_passes() {
    assert!(!arrives(thrown("Error", &format!("{MESSAGE}: 401"))));
    assert!(!arrives(thrown(MESSAGE, "401")), "its name is a part of the text");
    assert!(arrives(thrown("Error", "The store's disk is full")));
}

#[test]
fn an_extra_that_repeats_the_alert_is_dropped_and_another_passes() {
    let noted = |model: &str| Event {
        extra: [("model".to_owned(), model.into())].into(),
        ..said("The store's disk is full")
    };
    assert!(!arrives(noted(MESSAGE)));
    assert!(arrives(noted("claude-x")));
}

fn marked(fingerprint: [&'static str; 3]) -> Event<'static> {
    let fingerprint: Vec<_> = fingerprint.into_iter().map(Into::into).collect();
    Event { fingerprint: fingerprint.into(), ..said(MESSAGE) }
}

#[test]
fn only_our_own_fingerprint_lets_the_alerts_words_pass() {
    assert!(arrives(marked(["LOREAI-GATEWAY", "worker-auth-error", "401"])));
    assert!(!arrives(marked(["SOMEBODY-ELSE", "worker-auth-error", "401"])));
    assert!(!arrives(marked(["LOREAI-GATEWAY", "worker-retry-exhausted", "401"])));
}

#[test]
fn an_event_of_another_kind_passes_whosever_fingerprint_it_has() {
    let other =
        |fingerprint| Event { message: Some("The store's disk is full".into()), ..marked(fingerprint) };
    assert!(arrives(other(["SOMEBODY-ELSE", "worker-auth-error", "401"])));
    assert!(arrives(other(["LOREAI-GATEWAY", "worker-retry-exhausted", "401"])));
}

#[test]
fn the_transport_drops_every_kind_of_copy_that_did_not_come_through_the_client_and_others_pass() {
    let kinds: [fn(&str) -> Event<'static>; 3] =
        [said, |text| logged("%s", text), |text| thrown("Error", text)];
    for kind in kinds {
        assert_eq!(let_through(vec![kind(&format!("{MESSAGE}: 401")).into()]), []);
        let other = let_through(vec![kind("The store's disk is full").into()]);
        assert!(matches!(&other[..], [EnvelopeItem::Event(_)]), "{other:?}");
    }
}

#[test]
fn the_transport_too_lets_the_alerts_words_pass_only_with_our_own_fingerprint() {
    let pass = |prefix, kind| !let_through(vec![marked([prefix, kind, "401"]).into()]).is_empty();
    assert!(pass("LOREAI-GATEWAY", "worker-auth-error"));
    assert!(!pass("SOMEBODY-ELSE", "worker-auth-error"));
    assert!(!pass("LOREAI-GATEWAY", "worker-retry-exhausted"));
}

#[test]
fn a_copy_goes_and_what_came_in_the_same_envelope_passes() {
    let passed = let_through(vec![said(MESSAGE).into(), vec![log("turn recorded")].into()]);
    assert!(matches!(&passed[..], [EnvelopeItem::ItemContainer(ItemContainer::Logs(_))]), "{passed:?}");
}

#[test]
fn a_structured_log_that_repeats_the_alert_is_dropped_and_its_neighbour_passes() {
    let mut attribute = log("see error");
    attribute.attributes.insert("error".to_owned(), format!("{MESSAGE}: 401").into());
    let logs = vec![log(&format!("{MESSAGE}: 401")), log("turn recorded"), attribute];
    let passed = let_through(vec![logs.into()]);
    let [EnvelopeItem::ItemContainer(ItemContainer::Logs(logs))] = &passed[..] else { panic!("{passed:?}") };
    assert_eq!(logs.iter().map(|log| log.body.as_str()).collect::<Vec<_>>(), ["turn recorded"]);
}

#[test]
fn attachments_and_raw_envelopes_stay_and_the_event_beside_them_passes() {
    let file = Attachment {
        buffer: b"a conversation".to_vec(),
        filename: "turn.json".to_owned(),
        ..Default::default()
    };
    let passed = let_through(vec![said("The store's disk is full").into(), file.into()]);
    assert!(matches!(&passed[..], [EnvelopeItem::Event(_)]), "{passed:?}");
    let (alarm, outside) = started();
    alarm.client().send_envelope(Envelope::from_bytes_raw(b"{}\nanything".to_vec()).expect("raw"));
    assert_eq!(items(&outside), []);
}
