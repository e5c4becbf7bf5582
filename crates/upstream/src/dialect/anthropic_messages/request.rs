//! What a client asks: the conversation, its cache marks, and whose session it is.

use super::parts;
use super::reminder::without_reminders;
use crate::dialect::directory::directory;
use crate::dialect::json::{Raw, Text, asks_for_json, items, read, texts};
use crate::dialect::lenient::{lenient, whole_number};
use crate::dialect::opening;
use crate::dialect::outline::elements;
use crate::unreadable::Unreadable;
use domain::conversation::{Asked, CacheTtl, Message, Role};
use serde::Deserialize;

#[derive(Deserialize)]
struct Request<'b> {
    #[serde(borrow, default, deserialize_with = "lenient")]
    model: Option<Text<'b>>,
    #[serde(default, deserialize_with = "lenient")]
    stream: Option<bool>,
    #[serde(default, deserialize_with = "whole_number")]
    max_tokens: Option<u64>,
    #[serde(borrow)]
    messages: Option<Raw<'b>>,
    #[serde(borrow)]
    system: Option<Raw<'b>>,
    #[serde(borrow)]
    tools: Option<Raw<'b>>,
    #[serde(borrow)]
    metadata: Option<Raw<'b>>,
    #[serde(borrow)]
    output_config: Option<Raw<'b>>,
    #[serde(borrow)]
    output_format: Option<Raw<'b>>,
    #[serde(default, deserialize_with = "lenient")]
    cache_control: Option<Mark>,
}

/// One entry of `messages`. Besides the two speakers, agents send `system` here.
#[derive(Deserialize)]
struct Turn<'b> {
    #[serde(borrow)]
    role: Text<'b>,
    #[serde(borrow)]
    content: Option<Raw<'b>>,
}

/// A cache mark: the prompt up to here is to be kept.
#[derive(Deserialize)]
struct Mark {
    #[serde(default, deserialize_with = "lenient")]
    ttl: Option<String>,
}

/// Anything that may bear a cache mark, itself or within its content.
#[derive(Deserialize)]
struct Markable<'b> {
    cache_control: Option<Mark>,
    #[serde(borrow)]
    content: Option<Raw<'b>>,
}

pub(crate) fn asked(body: &[u8]) -> Result<Asked, Unreadable> {
    let request: Request<'_> = serde_json::from_slice(body)?;
    let turns = items(request.messages);
    let cache = shortest_mark(&request);
    Ok(Asked { cache, ..spoken(request, &turns) })
}

fn spoken(request: Request<'_>, turns: &[Turn<'_>]) -> Asked {
    let messages: Vec<Message> = turns.iter().filter_map(message).collect();
    Asked {
        directory: stated_directory(&request, turns, &messages),
        cache: None,
        session: request.metadata.and_then(session),
        structured: asks_for_json(request.output_format) || request.output_config.is_some_and(wants_schema),
        tools: request.tools.map_or(0, |tools| elements(tools.get().as_bytes()).count()),
        output_limit: request.max_tokens,
        stream: request.stream.unwrap_or_default(),
        model: request.model.map(|model| model.0.into_owned()).unwrap_or_default(),
        cache_key: None,
        follows: None,
        unread_beginning: None,
        messages: messages.into_iter().filter_map(without_reminders).collect(),
    }
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

/// Agents state it in the instructions, in a message of role `system`, or in what they put before the person's first words.
fn stated_directory(request: &Request<'_>, turns: &[Turn<'_>], messages: &[Message]) -> Option<String> {
    let in_conversation =
        turns.iter().filter(|turn| &*turn.role == "system").flat_map(|turn| texts(turn.content));
    let instructions: Vec<_> = texts(request.system).into_iter().chain(in_conversation).collect();
    directory(instructions.iter().map(AsRef::as_ref).chain(opening(messages)))
}

/// The shortest time to live of all marks, wherever they stand. Longer ones stand before it (Anthropic, *Prompt caching*, mixing
/// different TTLs), so it is that of the conversation, which is what grows and what is lost first.
fn shortest_mark(request: &Request<'_>) -> Option<CacheTtl> {
    let lists = [request.system, request.tools, request.messages];
    let marks = lists.into_iter().filter_map(marked);
    marks.chain(request.cache_control.as_ref().map(ttl)).min()
}

fn marked(list: Option<Raw<'_>>) -> Option<CacheTtl> {
    let of = |item: Markable<'_>| {
        let own = item.cache_control.as_ref().map(ttl);
        own.into_iter().chain(marked_within(item.content)).min()
    };
    items(list.filter(mentions_marks)).into_iter().filter_map(of).min()
}

/// A message holds blocks, and a block that is a tool's answer holds blocks again; nothing lies deeper.
fn marked_within(content: Option<Raw<'_>>) -> Option<CacheTtl> {
    let of = |item: Markable<'_>| {
        let inner = items::<Markable<'_>>(item.content);
        let marks = inner.iter().filter_map(|inner| inner.cache_control.as_ref());
        marks.chain(&item.cache_control).map(ttl).min()
    };
    items(content.filter(mentions_marks)).into_iter().filter_map(of).min()
}

/// Most of a history has no mark, and a look for the word is cheap.
fn mentions_marks(json: &Raw<'_>) -> bool {
    json.get().contains("cache_control")
}

fn ttl(mark: &Mark) -> CacheTtl {
    if mark.ttl.as_deref() == Some("1h") { CacheTtl::OneHour } else { CacheTtl::FiveMinutes }
}

/// `metadata.user_id` holds JSON with any keys in any order; older clients spelled `user_…_session_<id>`.
pub(super) fn session(metadata: Raw<'_>) -> Option<String> {
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

pub(super) fn wants_schema(output_config: Raw<'_>) -> bool {
    #[derive(Deserialize)]
    struct OutputConfig<'b> {
        #[serde(borrow)]
        format: Option<Raw<'b>>,
    }
    read::<OutputConfig<'_>>(output_config.get()).is_some_and(|config| asks_for_json(config.format))
}
