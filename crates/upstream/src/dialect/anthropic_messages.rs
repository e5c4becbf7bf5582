//! Anthropic Messages: `POST /v1/messages`.

use super::Completion;
use super::directory::directory;
use super::draft::{Draft, Place, spoken};
use super::json::{Text, asks_for_json, first_is_json, items, read, texts};
use crate::events;
use crate::provider_error::ProviderError;
use crate::unreadable::Unreadable;
use domain::conversation::{Answered, Asked, CacheTtl, Message, Part, Role, Stop, Usage};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

#[derive(Deserialize)]
struct Request<'b> {
    #[serde(borrow, default)]
    model: Text<'b>,
    #[serde(default)]
    stream: Option<bool>,
    max_tokens: Option<u64>,
    #[serde(borrow)]
    messages: Option<&'b RawValue>,
    #[serde(borrow)]
    system: Option<&'b RawValue>,
    #[serde(borrow)]
    tools: Option<&'b RawValue>,
    #[serde(borrow)]
    metadata: Option<&'b RawValue>,
    #[serde(borrow)]
    output_config: Option<&'b RawValue>,
    #[serde(borrow)]
    output_format: Option<&'b RawValue>,
    cache_control: Option<Mark>,
}

/// One entry of `messages`. Besides the two speakers, agents send `system` here.
#[derive(Deserialize)]
struct Turn<'b> {
    #[serde(borrow)]
    role: Text<'b>,
    #[serde(borrow)]
    content: Option<&'b RawValue>,
}

#[derive(Deserialize)]
struct Block<'b> {
    #[serde(borrow, rename = "type")]
    kind: Text<'b>,
    #[serde(borrow)]
    text: Option<Text<'b>>,
    #[serde(borrow)]
    id: Option<Text<'b>>,
    #[serde(borrow)]
    name: Option<Text<'b>>,
    #[serde(borrow)]
    input: Option<&'b RawValue>,
    #[serde(borrow)]
    tool_use_id: Option<Text<'b>>,
    #[serde(borrow)]
    content: Option<&'b RawValue>,
}

/// A cache mark: the prompt up to here is to be kept.
#[derive(Deserialize)]
struct Mark {
    ttl: Option<String>,
}

/// Anything that may bear a cache mark, itself or within its content.
#[derive(Deserialize)]
struct Markable<'b> {
    cache_control: Option<Mark>,
    #[serde(borrow)]
    content: Option<&'b RawValue>,
}

pub(super) fn asked(body: &[u8]) -> Result<Asked, Unreadable> {
    let request: Request<'_> = serde_json::from_slice(body)?;
    let turns: Vec<Turn<'_>> = items(request.messages);
    let messages: Vec<Message> = turns.iter().filter_map(message).collect();
    Ok(Asked {
        directory: stated_directory(&request, &turns, &messages),
        cache: longest_mark(&request),
        session: request.metadata.and_then(session),
        structured: asks_for_json(request.output_format) || request.output_config.is_some_and(wants_schema),
        tools: items::<&RawValue>(request.tools).len(),
        output_limit: request.max_tokens,
        stream: request.stream.unwrap_or_default(),
        model: request.model.0.into_owned(),
        cache_key: None,
        messages,
    })
}

fn message(turn: &Turn<'_>) -> Option<Message> {
    let role = match &*turn.role {
        "user" => Role::User,
        "assistant" => Role::Assistant,
        _ => return None,
    };
    let parts = parts(turn.content?);
    (!parts.is_empty()).then_some(Message { role, parts })
}

fn parts(content: &RawValue) -> Vec<Part> {
    if let Some(text) = read::<Text<'_>>(content.get()) {
        return spoken(Part::Text { text: text.0.into_owned() }).into_iter().collect();
    }
    items::<Block<'_>>(Some(content)).into_iter().filter_map(part).filter_map(spoken).collect()
}

/// A block as it is kept. The tools that run at the provider (`server_tool_use`, `web_search_tool_result`) speak like those
/// that run at the agent.
fn part(block: Block<'_>) -> Option<Part> {
    let owned = |text: Option<Text<'_>>| text.map(|text| text.0.into_owned());
    match &*block.kind {
        "text" => Some(Part::Text { text: owned(block.text)? }),
        kind if kind.ends_with("tool_use") => {
            let input =
                block.input.map_or_else(|| "{}".to_owned(), |input| super::json::compact(input.get()));
            Some(Part::ToolCall { id: owned(block.id)?, name: owned(block.name)?, input })
        }
        kind if kind.ends_with("tool_result") => {
            let text = texts(block.content).join("\n");
            Some(Part::ToolResult { id: owned(block.tool_use_id)?, text })
        }
        _ => None,
    }
}

/// Agents state it in the instructions, in a message of role `system`, or in what they put before the person's first words.
fn stated_directory(request: &Request<'_>, turns: &[Turn<'_>], messages: &[Message]) -> Option<String> {
    let in_conversation =
        turns.iter().filter(|turn| &*turn.role == "system").flat_map(|turn| texts(turn.content));
    let instructions: Vec<_> = texts(request.system).into_iter().chain(in_conversation).collect();
    directory(instructions.iter().map(AsRef::as_ref).chain(super::opening(messages)))
}

/// The longest time to live of all marks, wherever they stand: it decides how long a pause the cache survives.
fn longest_mark(request: &Request<'_>) -> Option<CacheTtl> {
    let lists = [request.system, request.tools, request.messages];
    let marks = lists.into_iter().filter_map(marked);
    marks.chain(request.cache_control.as_ref().map(ttl)).max()
}

fn marked(list: Option<&RawValue>) -> Option<CacheTtl> {
    let of = |item: Markable<'_>| item.cache_control.as_ref().map(ttl).max(marked_within(item.content));
    items(list).into_iter().filter_map(of).max()
}

/// A message holds blocks, and a block that is a tool's answer holds blocks again; nothing lies deeper.
fn marked_within(content: Option<&RawValue>) -> Option<CacheTtl> {
    let of = |item: Markable<'_>| {
        let inner = items::<Markable<'_>>(item.content);
        let marks = inner.iter().filter_map(|inner| inner.cache_control.as_ref());
        marks.chain(&item.cache_control).map(ttl).max()
    };
    items(content).into_iter().filter_map(of).max()
}

fn ttl(mark: &Mark) -> CacheTtl {
    if mark.ttl.as_deref() == Some("1h") { CacheTtl::OneHour } else { CacheTtl::FiveMinutes }
}

/// `metadata.user_id` holds JSON with any keys in any order; older clients spelled `user_…_session_<id>`.
fn session(metadata: &RawValue) -> Option<String> {
    #[derive(Deserialize)]
    struct Metadata<'b> {
        #[serde(borrow)]
        user_id: Text<'b>,
    }
    #[derive(Deserialize)]
    struct UserId<'b> {
        #[serde(borrow)]
        session_id: Text<'b>,
    }
    let user_id = read::<Metadata<'_>>(metadata.get())?.user_id;
    let named = read::<UserId<'_>>(&user_id).map(|id| id.session_id.0.into_owned());
    let spelled = || user_id.starts_with("user_").then(|| user_id.rsplit_once("_session_"))?;
    named.or_else(|| spelled().map(|(_, id)| id.to_owned())).filter(|id| !id.is_empty())
}

fn wants_schema(output_config: &RawValue) -> bool {
    #[derive(Deserialize)]
    struct OutputConfig<'b> {
        #[serde(borrow)]
        format: Option<&'b RawValue>,
    }
    read::<OutputConfig<'_>>(output_config.get()).is_some_and(|config| asks_for_json(config.format))
}

pub(super) fn answered(body: &[u8]) -> Answered {
    let mut answer = Answer::default();
    if first_is_json(body) {
        answer.whole(&String::from_utf8_lossy(body));
    } else {
        events::all(body).iter().for_each(|event| answer.event(&event.data));
    }
    answer.draft.usage = answer.count.usage();
    answer.draft.finish()
}

/// An answer while it is read.
#[derive(Default)]
struct Answer {
    draft: Draft,
    count: Count,
    /// Said before the end, and only worth something when the end comes.
    reason: Option<Stop>,
}

#[derive(Deserialize)]
struct Whole<'b> {
    #[serde(borrow, rename = "type")]
    kind: Option<Text<'b>>,
    #[serde(borrow)]
    content: Option<&'b RawValue>,
    #[serde(borrow)]
    stop_reason: Option<Text<'b>>,
    #[serde(borrow)]
    usage: Option<&'b RawValue>,
}

#[derive(Deserialize)]
struct StreamEvent<'b> {
    #[serde(borrow, rename = "type")]
    kind: Text<'b>,
    #[serde(default)]
    index: u64,
    #[serde(borrow)]
    message: Option<&'b RawValue>,
    #[serde(borrow)]
    content_block: Option<&'b RawValue>,
    #[serde(borrow)]
    delta: Option<&'b RawValue>,
    #[serde(borrow)]
    usage: Option<&'b RawValue>,
}

#[derive(Deserialize)]
struct Delta<'b> {
    #[serde(borrow)]
    text: Option<Text<'b>>,
    #[serde(borrow)]
    partial_json: Option<Text<'b>>,
    #[serde(borrow)]
    stop_reason: Option<Text<'b>>,
}

impl Answer {
    fn whole(&mut self, json: &str) {
        self.draft.fail(ProviderError::in_object(json));
        let Some(whole) = read::<Whole<'_>>(json) else { return };
        let parts = whole.content.map(parts).unwrap_or_default();
        for (at, part) in (0..).zip(parts) {
            self.draft.put((at, 0), part);
        }
        self.count.merge(whole.usage);
        if whole.kind.is_some_and(|kind| &*kind == "message") {
            self.draft.stop = Some(whole.stop_reason.map_or(Stop::Other, |reason| stop(&reason)));
        }
    }

    fn event(&mut self, data: &str) {
        let Some(event) = read::<StreamEvent<'_>>(data) else { return };
        match &*event.kind {
            "message_start" => {
                let message = event.message.and_then(|message| read::<Whole<'_>>(message.get()));
                self.count.merge(message.and_then(|message| message.usage));
            }
            "content_block_start" => self.begin((event.index, 0), event.content_block),
            "content_block_delta" => self.more((event.index, 0), event.delta),
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

    fn begin(&mut self, place: Place, block: Option<&RawValue>) {
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

    fn more(&mut self, place: Place, delta: Option<&RawValue>) {
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
        _ => Stop::Other,
    }
}

/// The provider's count as it stands. Events bring parts of it, each with the total so far.
#[derive(Default, Deserialize)]
struct Count {
    input_tokens: Option<u64>,
    output_tokens: Option<u64>,
    cache_read_input_tokens: Option<u64>,
    cache_creation_input_tokens: Option<u64>,
    cache_creation: Option<Creation>,
}

/// What was written to the cache, by time to live.
#[derive(Deserialize)]
struct Creation {
    ephemeral_5m_input_tokens: Option<u64>,
    ephemeral_1h_input_tokens: Option<u64>,
}

impl Count {
    fn merge(&mut self, newer: Option<&RawValue>) {
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

pub(super) fn completion(call: &Completion) -> Value {
    json!({
        "model": call.model,
        "max_tokens": call.max_output,
        "system": [{ "type": "text", "text": call.system }],
        "messages": [{ "role": "user", "content": call.user }],
    })
}
