//! What the provider answers, whole or event by event.

use super::{Block, part, parts};
use crate::dialect::draft::{Draft, Place};
use crate::dialect::json::{Raw, Text, first_is_json, read};
use crate::dialect::lenient::{lenient, whole_number};
use crate::events;
use crate::provider_error::ProviderError;
use domain::conversation::{Answered, Part, Stop, Usage};
use serde::Deserialize;

pub(crate) fn answered(body: &[u8]) -> Answered {
    let mut answer = Answer::default();
    if first_is_json(body) {
        answer.whole(&String::from_utf8_lossy(body));
    } else {
        events::all(body).iter().for_each(|event| answer.event(&event.data));
    }
    answer.draft.usage = answer.count.usage();
    answer.draft.end(answer.reason);
    answer.draft.finish()
}

/// An answer while it is read.
#[derive(Default)]
struct Answer {
    draft: Draft,
    count: Count,
    /// Why it ended, once that is stated.
    reason: Option<Stop>,
}

#[derive(Deserialize)]
struct Whole<'b> {
    #[serde(borrow, default, rename = "type", deserialize_with = "lenient")]
    kind: Option<Text<'b>>,
    #[serde(borrow)]
    content: Option<Raw<'b>>,
    #[serde(borrow, default, deserialize_with = "lenient")]
    stop_reason: Option<Text<'b>>,
    #[serde(borrow)]
    usage: Option<Raw<'b>>,
}

#[derive(Deserialize)]
struct StreamEvent<'b> {
    #[serde(borrow, rename = "type")]
    kind: Text<'b>,
    #[serde(default, deserialize_with = "whole_number")]
    index: Option<u64>,
    #[serde(borrow)]
    message: Option<Raw<'b>>,
    #[serde(borrow)]
    content_block: Option<Raw<'b>>,
    #[serde(borrow)]
    delta: Option<Raw<'b>>,
    #[serde(borrow)]
    usage: Option<Raw<'b>>,
}

#[derive(Deserialize)]
struct Delta<'b> {
    #[serde(borrow)]
    text: Option<Text<'b>>,
    #[serde(borrow)]
    partial_json: Option<Text<'b>>,
    #[serde(borrow, default, deserialize_with = "lenient")]
    stop_reason: Option<Text<'b>>,
}

impl Answer {
    fn whole(&mut self, json: &str) {
        self.draft.fail(ProviderError::in_object(json));
        let Some(whole) = read::<Whole<'_>>(json) else { return };
        // Not everybody who answers in this shape says that it is a message; whoever sends content has ended it.
        let is_message = whole.kind.map_or(whole.content.is_some(), |kind| &*kind == "message");
        let parts = whole.content.map(parts).unwrap_or_default();
        for (at, part) in (0..).zip(parts) {
            self.draft.put((at, 0), part);
        }
        self.count.merge(whole.usage);
        if is_message {
            self.draft.stop = Some(whole.stop_reason.map_or(Stop::Other, |reason| stop(&reason)));
        }
    }

    fn event(&mut self, data: &str) {
        let Some(event) = read::<StreamEvent<'_>>(data) else { return };
        let place = (event.index.unwrap_or_default(), 0);
        match &*event.kind {
            "message_start" => {
                let message = event.message.and_then(|message| read::<Whole<'_>>(message.get()));
                self.count.merge(message.and_then(|message| message.usage));
            }
            "content_block_start" => self.begin(place, event.content_block),
            "content_block_delta" => self.more(place, event.delta),
            "message_delta" => {
                self.count.merge(event.usage);
                let delta = event.delta.and_then(|delta| read::<Delta<'_>>(delta.get()));
                self.reason =
                    delta.and_then(|delta| delta.stop_reason).map(|reason| stop(&reason)).or(self.reason);
            }
            "message_stop" => self.draft.stop = Some(self.reason.unwrap_or(Stop::Other)),
            "error" => self.draft.fail(ProviderError::in_object(data)),
            _ => {}
        }
    }

    fn begin(&mut self, place: Place, block: Option<Raw<'_>>) {
        match block.and_then(|block| read::<Block<'_>>(block.get())).and_then(part) {
            // The input of a call comes in deltas; what stands here is an empty object.
            Some(Part::ToolCall { id, name, input }) => {
                let input = if input == "{}" { String::new() } else { input };
                self.draft.put(place, Part::ToolCall { id, name, input });
            }
            Some(part) => self.draft.put(place, part),
            None => {}
        }
    }

    fn more(&mut self, place: Place, delta: Option<Raw<'_>>) {
        let Some(delta) = delta.and_then(|delta| read::<Delta<'_>>(delta.get())) else { return };
        if let Some(words) = delta.text {
            self.draft.say(place, &words);
        }
        if let Some(more) = delta.partial_json {
            self.draft.call(place, &more);
        }
    }
}

fn stop(reason: &str) -> Stop {
    match reason {
        "end_turn" => Stop::End,
        "tool_use" => Stop::ToolUse,
        "max_tokens" | "model_context_window_exceeded" => Stop::Length,
        "refusal" => Stop::Refused,
        "pause_turn" => Stop::Unfinished,
        _ => Stop::Other,
    }
}

/// The provider's count as it stands. Events bring parts of it, each with the total so far.
#[derive(Default, Deserialize)]
struct Count {
    #[serde(default, deserialize_with = "whole_number")]
    input_tokens: Option<u64>,
    #[serde(default, deserialize_with = "whole_number")]
    output_tokens: Option<u64>,
    #[serde(default, deserialize_with = "whole_number")]
    cache_read_input_tokens: Option<u64>,
    #[serde(default, deserialize_with = "whole_number")]
    cache_creation_input_tokens: Option<u64>,
    #[serde(default, deserialize_with = "lenient")]
    cache_creation: Option<Creation>,
}

/// What was written to the cache, by time to live.
#[derive(Deserialize)]
struct Creation {
    #[serde(default, deserialize_with = "whole_number")]
    ephemeral_5m_input_tokens: Option<u64>,
    #[serde(default, deserialize_with = "whole_number")]
    ephemeral_1h_input_tokens: Option<u64>,
}

impl Count {
    fn merge(&mut self, newer: Option<Raw<'_>>) {
        let Some(newer) = newer.and_then(|usage| read::<Self>(usage.get())) else { return };
        self.input_tokens = newer.input_tokens.or(self.input_tokens);
        self.output_tokens = newer.output_tokens.or(self.output_tokens);
        self.cache_read_input_tokens = newer.cache_read_input_tokens.or(self.cache_read_input_tokens);
        self.cache_creation_input_tokens =
            newer.cache_creation_input_tokens.or(self.cache_creation_input_tokens);
        self.cache_creation = newer.cache_creation.or_else(|| self.cache_creation.take());
    }

    fn usage(&self) -> Usage {
        let (cache_write_5m, cache_write_1h) = match &self.cache_creation {
            Some(creation) => (creation.ephemeral_5m_input_tokens, creation.ephemeral_1h_input_tokens),
            None => (self.cache_creation_input_tokens, None),
        };
        Usage {
            input: self.input_tokens.unwrap_or_default(),
            cache_read: self.cache_read_input_tokens.unwrap_or_default(),
            cache_write_5m: cache_write_5m.unwrap_or_default(),
            cache_write_1h: cache_write_1h.unwrap_or_default(),
            output: self.output_tokens.unwrap_or_default(),
        }
    }
}
