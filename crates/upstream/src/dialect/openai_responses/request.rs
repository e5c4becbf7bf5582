//! What a client asks: items that make a conversation, the tools among them, and whose thread it is.

use super::{Item, said};
use crate::dialect::directory::{directory, is_of_a_repository, stated_by_agent, stated_in_content};
use crate::dialect::json::{Raw, Text, asks_for_json, items, read};
use crate::dialect::lenient::{lenient, whole_number};
use crate::dialect::{opening, outline};
use crate::unreadable::Unreadable;
use domain::conversation::{Asked, Message, Role};
use serde::Deserialize;

/// The type of an item that holds tools.
const ADDITIONAL_TOOLS: &str = "additional_tools";

#[derive(Deserialize)]
struct Request<'b> {
    #[serde(borrow, default, deserialize_with = "lenient")]
    model: Option<Text<'b>>,
    #[serde(default, deserialize_with = "lenient")]
    stream: Option<bool>,
    #[serde(default, deserialize_with = "whole_number")]
    max_output_tokens: Option<u64>,
    #[serde(borrow)]
    instructions: Option<Raw<'b>>,
    #[serde(borrow)]
    input: Option<Raw<'b>>,
    #[serde(borrow)]
    tools: Option<Raw<'b>>,
    #[serde(borrow)]
    text: Option<Raw<'b>>,
    #[serde(borrow, default, deserialize_with = "lenient")]
    prompt_cache_key: Option<Text<'b>>,
    #[serde(borrow, default, deserialize_with = "lenient")]
    previous_response_id: Option<Text<'b>>,
    #[serde(borrow)]
    conversation: Option<Raw<'b>>,
    #[serde(borrow)]
    client_metadata: Option<Raw<'b>>,
}

pub(crate) fn asked(body: &[u8]) -> Result<Asked, Unreadable> {
    let request: Request<'_> = serde_json::from_slice(body)?;
    let input: Vec<Item<'_>> = items(request.input);
    let (reference, new) = left_with_provider(&input);
    let messages = messages(&request, new);
    let conversation = request.conversation.and_then(conversation);
    Ok(Asked {
        directory: stated_directory(&request, &input, &messages),
        session: conversation.clone().or_else(|| session(request.client_metadata?)),
        structured: request.text.is_some_and(wants_schema),
        tools: tools(&request, &input),
        output_limit: request.max_output_tokens,
        stream: request.stream.unwrap_or_default(),
        model: request.model.map(|model| model.0.into_owned()).unwrap_or_default(),
        cache_key: request.prompt_cache_key.map(|key| key.0.into_owned()),
        follows: conversation.or(request.previous_response_id.map(|id| id.0.into_owned())).or(reference),
        cache: None,
        unread_beginning: None,
        messages,
    })
}

/// See [`glance`](crate::dialect::glance). Tools that stand in the input are needed wherever they stand.
pub(crate) fn glance(body: &[u8]) -> Result<Asked, Unreadable> {
    let is_answer = |item: &[u8]| {
        let item: Option<Item<'_>> = serde_json::from_slice(item).ok();
        item.is_some_and(|item| item.is_answer())
    };
    asked(&outline::opening(body, "input", Some(ADDITIONAL_TOOLS), is_answer))
}

fn messages(request: &Request<'_>, input: &[Item<'_>]) -> Vec<Message> {
    if let Some(text) = request.input.and_then(|input| read::<Text<'_>>(input.get())) {
        return vec![Message::text(Role::User, text.0)];
    }
    let (mut messages, mut goes_on) = (Vec::new(), false);
    for (role, parts) in input.iter().filter_map(said) {
        let is_more = role == Role::Assistant && (goes_on || !parts.is_empty());
        join(&mut messages, Message { role, parts }, goes_on);
        goes_on = is_more;
    }
    messages
}

/// A client may leave answers with the provider and refer to their items. What the last reference names, and what comes behind
/// it: that is new, and all before it was said already. Where an answer comes behind it in its own words, the history is one like
/// any other.
fn left_with_provider<'i, 'b>(input: &'i [Item<'b>]) -> (Option<String>, &'i [Item<'b>]) {
    let last = input.iter().rposition(|item| item.refers() || item.is_answer());
    let reference =
        last.filter(|last| input[*last].refers()).and_then(|last| Some((input[last].own_id()?, last)));
    reference.map_or((None, input), |(name, last)| (Some(name), &input[last + 1..]))
}

/// What an answer said comes back as several items; they are one message again, so that it can be recognised. What a person said stands
/// between two answers also where nothing of it is kept, as of an image.
fn join(messages: &mut Vec<Message>, said: Message, goes_on: bool) {
    match messages.last_mut() {
        Some(last) if goes_on && said.role == Role::Assistant => last.parts.extend(said.parts),
        _ if said.parts.is_empty() => {}
        _ => messages.push(said),
    }
}

/// Codex says it in a text of its own. It comes behind what a repository has to say (AGENTS.md, skills), which may name any folder.
fn stated_directory(request: &Request<'_>, input: &[Item<'_>], messages: &[Message]) -> Option<String> {
    if let Some(stated) = stated_by_agent(opening(messages)) {
        return Some(stated);
    }
    let developer = input.iter().filter(|item| item.instructs()).map(|item| item.content);
    let mut instructions = [request.instructions].into_iter().chain(developer).flatten();
    let said = opening(messages).filter(|text| !is_of_a_repository(text));
    instructions.find_map(stated_in_content).or_else(|| directory(said))
}

/// Tools stand at the top, or in an item of the input; a namespace holds several.
fn tools(request: &Request<'_>, input: &[Item<'_>]) -> usize {
    let additional = input.iter().filter(|item| item.kind() == ADDITIONAL_TOOLS).map(|item| item.tools);
    additional.chain([request.tools]).map(count).sum()
}

fn count(tools: Option<Raw<'_>>) -> usize {
    #[derive(Deserialize)]
    struct Tool<'b> {
        #[serde(borrow)]
        tools: Option<Raw<'b>>,
    }
    let size = |tool: Tool<'_>| tool.tools.map_or(1, |inner| items::<Raw<'_>>(Some(inner)).len());
    items(tools).into_iter().map(size).sum()
}

/// The name of a conversation that the provider keeps, by itself or in an object.
fn conversation(said: Raw<'_>) -> Option<String> {
    #[derive(Deserialize)]
    struct Conversation<'b> {
        #[serde(borrow)]
        id: Text<'b>,
    }
    let by_itself = || read::<Text<'_>>(said.get());
    let id =
        by_itself().or_else(|| read::<Conversation<'_>>(said.get()).map(|conversation| conversation.id))?;
    (!id.is_empty()).then(|| id.0.into_owned())
}

/// The thread is the conversation; a subagent's thread bears its parent's session.
fn session(client_metadata: Raw<'_>) -> Option<String> {
    #[derive(Deserialize)]
    struct ClientMetadata<'b> {
        #[serde(borrow, default, deserialize_with = "lenient")]
        thread_id: Option<Text<'b>>,
        #[serde(borrow, default, deserialize_with = "lenient")]
        session_id: Option<Text<'b>>,
    }
    let metadata: ClientMetadata<'_> = read(client_metadata.get())?;
    let id = metadata.thread_id.or(metadata.session_id)?;
    (!id.is_empty()).then(|| id.0.into_owned())
}

fn wants_schema(text: Raw<'_>) -> bool {
    #[derive(Deserialize)]
    struct Output<'b> {
        #[serde(borrow)]
        format: Option<Raw<'b>>,
    }
    read::<Output<'_>>(text.get()).is_some_and(|output| asks_for_json(output.format))
}
