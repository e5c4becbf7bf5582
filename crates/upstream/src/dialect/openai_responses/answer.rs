//! What the provider answers, whole or event by event.

use super::{Item, said};
use crate::dialect::draft::Draft;
use crate::dialect::json::{Raw, Text, first_is_json, items, read};
use crate::dialect::lenient::{lenient, whole_number};
use crate::dialect::openai_usage::usage;
use crate::events;
use crate::provider_error::ProviderError;
use domain::conversation::{Answered, Stop};
use serde::Deserialize;

pub(crate) fn answered(body: &[u8]) -> Answered {
    let mut draft = Draft::default();
    if first_is_json(body) {
        whole(&mut draft, &String::from_utf8_lossy(body));
    } else {
        events::all(body).iter().for_each(|event| on_event(&mut draft, &event.data));
    }
    draft.finish()
}

#[derive(Deserialize)]
struct Whole<'b> {
    #[serde(borrow, default, deserialize_with = "lenient")]
    id: Option<Text<'b>>,
    #[serde(borrow, default, deserialize_with = "lenient")]
    status: Option<Text<'b>>,
    #[serde(borrow)]
    output: Option<Raw<'b>>,
    #[serde(borrow)]
    usage: Option<Raw<'b>>,
    #[serde(borrow)]
    incomplete_details: Option<Raw<'b>>,
}

#[derive(Deserialize)]
struct StreamEvent<'b> {
    #[serde(borrow, rename = "type")]
    kind: Text<'b>,
    #[serde(default, deserialize_with = "whole_number")]
    output_index: Option<u64>,
    #[serde(default, deserialize_with = "whole_number")]
    content_index: Option<u64>,
    #[serde(borrow)]
    item: Option<Raw<'b>>,
    #[serde(borrow)]
    delta: Option<Raw<'b>>,
    #[serde(borrow)]
    response: Option<Raw<'b>>,
}

fn on_event(draft: &mut Draft, data: &str) {
    let Some(event) = read::<StreamEvent<'_>>(data) else { return };
    let index = event.output_index.unwrap_or_default();
    match &*event.kind {
        "response.output_text.delta" | "response.refusal.delta" => {
            if let Some(words) = event.delta.and_then(|delta| read::<Text<'_>>(delta.get())) {
                draft.say((index, event.content_index.unwrap_or_default()), &words);
            }
        }
        "response.output_item.done" => {
            if let Some(item) = event.item.and_then(|item| read(item.get())) {
                put(draft, index, &item);
            }
        }
        "response.completed" | "response.incomplete" | "response.failed" => {
            whole(draft, event.response.map_or("", Raw::get));
        }
        "error" => draft.fail(ProviderError::in_object(data)),
        _ => {}
    }
}

/// A finished item takes the place of whatever of it came before.
fn put(draft: &mut Draft, index: u64, item: &Item<'_>) {
    draft.clear(index);
    draft.item = item.own_id();
    let parts = said(item).map_or_else(Vec::new, |(_, parts)| parts);
    for (at, part) in (0..).zip(parts) {
        draft.put((index, at), part);
    }
}

fn whole(draft: &mut Draft, json: &str) {
    draft.fail(ProviderError::in_object(json));
    let Some(response) = read::<Whole<'_>>(json) else { return };
    if let Some(usage) = response.usage.and_then(usage) {
        draft.usage = usage;
    }
    // Some providers leave the output out of the last event, since its items came before.
    if draft.is_empty() {
        for (index, item) in (0..).zip(items::<Item<'_>>(response.output)) {
            put(draft, index, &item);
        }
    }
    draft.stop = stop(&response, draft.has_call());
    draft.id = response.id.map(|id| id.0.into_owned());
}

fn stop(response: &Whole<'_>, has_call: bool) -> Option<Stop> {
    match response.status.as_deref() {
        Some("completed") if has_call => Some(Stop::ToolUse),
        Some("completed") => Some(Stop::End),
        Some("incomplete") => Some(cut_short(response.incomplete_details)),
        // Not everybody who answers in this shape states it; whoever sends the output has ended it.
        None => response.output.map(|_| Stop::Other),
        Some(_) => None,
    }
}

fn cut_short(details: Option<Raw<'_>>) -> Stop {
    #[derive(Deserialize)]
    struct Details<'b> {
        #[serde(borrow)]
        reason: Text<'b>,
    }
    let details = details.and_then(|details| read::<Details<'_>>(details.get()));
    match details.as_ref().map(|details| &*details.reason) {
        Some("max_output_tokens") => Stop::Length,
        Some("content_filter") => Stop::Refused,
        _ => Stop::Unfinished,
    }
}
