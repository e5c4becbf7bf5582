//! What the provider answers, whole or chunk by chunk.

use super::calls::Calls;
use super::{Call, Turn};
use crate::dialect::draft::Draft;
use crate::dialect::json::{Raw, Text, first_is_json, items, read, texts};
use crate::dialect::lenient::{lenient, whole_number};
use crate::dialect::openai_usage::usage;
use crate::events;
use crate::provider_error::ProviderError;
use domain::conversation::{Answered, Stop};
use serde::Deserialize;
use std::collections::BTreeSet;

pub(crate) fn answered(body: &[u8]) -> Answered {
    let mut answer = Answer::default();
    if first_is_json(body) {
        answer.whole(&String::from_utf8_lossy(body));
    } else {
        events::all(body).iter().for_each(|event| answer.event(&event.data));
    }
    answer.draft.end(answer.reason);
    // Where free text was cut nobody can tell, so it is a call's only when the answer has ended.
    if answer.draft.stop.is_some() {
        answer.custom.iter().for_each(|place| answer.draft.quote((CALLS, *place)));
    }
    answer.draft.finish()
}

/// An answer while it is read.
#[derive(Default)]
struct Answer {
    draft: Draft,
    calls: Calls,
    /// The places of calls whose input is free text.
    custom: BTreeSet<u64>,
    is_whole: bool,
    /// Why it ended, once that is stated; the count may follow.
    reason: Option<Stop>,
}

/// A whole answer, or a chunk of a stream: they differ only in the word for what is said.
#[derive(Deserialize)]
struct Chunk<'b> {
    #[serde(borrow)]
    choices: Option<Raw<'b>>,
    #[serde(borrow)]
    usage: Option<Raw<'b>>,
}

#[derive(Deserialize)]
struct Choice<'b> {
    #[serde(default, deserialize_with = "whole_number")]
    index: Option<u64>,
    /// What is new; some who stream send with it, as the message, all that was said so far.
    #[serde(borrow)]
    delta: Option<Raw<'b>>,
    #[serde(borrow)]
    message: Option<Raw<'b>>,
    #[serde(borrow, default, deserialize_with = "lenient")]
    finish_reason: Option<Text<'b>>,
}

/// What is said stands before the calls, as it does when it comes back in the next request.
const WORDS: u64 = 0;
const CALLS: u64 = 1;

impl Answer {
    /// Whoever sends a whole answer has ended it, even if not everybody says why.
    fn whole(&mut self, json: &str) {
        self.is_whole = true;
        self.chunk(json);
        let ended = !self.draft.is_empty() || self.reason.is_some();
        self.draft.stop = ended.then(|| self.reason.unwrap_or(Stop::Other));
    }

    fn event(&mut self, data: &str) {
        if data.trim() == "[DONE]" {
            self.draft.stop = Some(self.reason.unwrap_or(Stop::Other));
        } else {
            self.chunk(data);
        }
    }

    fn chunk(&mut self, json: &str) {
        self.draft.fail(ProviderError::in_object(json));
        let Some(chunk) = read::<Chunk<'_>>(json) else { return };
        if let Some(usage) = chunk.usage.and_then(usage) {
            self.draft.usage = usage;
        }
        // Of several choices the agent goes on with the first.
        let first = items::<Choice<'_>>(chunk.choices)
            .into_iter()
            .find(|choice| choice.index.unwrap_or_default() == 0);
        if let Some(choice) = first {
            self.reason = choice.finish_reason.and_then(|reason| stop(&reason)).or(self.reason);
            self.said(choice.delta.or(choice.message));
        }
    }

    fn said(&mut self, message: Option<Raw<'_>>) {
        let Some(turn) = message.and_then(|message| read::<Turn<'_>>(message.get())) else { return };
        for words in texts(turn.content) {
            self.draft.say((WORDS, 0), &words);
        }
        if let Some(words) = &turn.refusal {
            self.draft.say((WORDS, 1), words);
        }
        for (at, call) in (0..).zip(turn.calls()) {
            // In a whole answer each stands for itself, and in its place.
            let index = call.index.or(self.is_whole.then_some(at));
            self.call(index, &call);
        }
    }

    /// A piece of a call. Its id and its tool come with the first one, and with some providers again with each.
    fn call(&mut self, index: Option<u64>, call: &Call<'_>) {
        let (id, name) = (call.id(), call.name());
        if let Some(place) = self.calls.place(index, id, name) {
            self.draft.name_call((CALLS, place), id, name);
            self.draft.call((CALLS, place), call.input());
            self.custom.extend(call.custom.is_some().then_some(place));
        }
    }
}

/// None for an empty one, which some send with each chunk.
fn stop(reason: &str) -> Option<Stop> {
    match reason {
        "" => None,
        "stop" => Some(Stop::End),
        "tool_calls" | "function_call" => Some(Stop::ToolUse),
        "length" => Some(Stop::Length),
        "content_filter" => Some(Stop::Refused),
        _ => Some(Stop::Other),
    }
}
