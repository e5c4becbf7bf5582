//! What of a request must be known while it is relayed. Nearly all of a request is conversation, instructions and tools, so it is walked
//! through by its quotes, once, and no text is read but the lines that may state a directory.

use super::reminder;
use super::request::{asked, session, wants_schema};
use crate::dialect::directory::stated_in;
use crate::dialect::escaped::{text, trimmed};
use crate::dialect::json::{Raw, Text, asks_for_json};
use crate::dialect::lenient::Whole;
use crate::dialect::outline::{elements, member};
use crate::dialect::walk::Walk;
use crate::unreadable::Unreadable;
use domain::conversation::{Asked, beginning};
use serde::Deserialize;

/// What is looked at of one, as it stands.
#[derive(Default)]
struct Request<'b> {
    model: Option<&'b [u8]>,
    stream: Option<&'b [u8]>,
    max_tokens: Option<&'b [u8]>,
    metadata: Option<&'b [u8]>,
    output_config: Option<&'b [u8]>,
    output_format: Option<&'b [u8]>,
    tools: Option<&'b [u8]>,
    system: Option<Vec<Block<'b>>>,
    turns: Option<Vec<Turn<'b>>>,
}

/// One entry of `messages`.
#[derive(Default)]
struct Turn<'b> {
    role: Option<&'b [u8]>,
    content: Option<Vec<Block<'b>>>,
}

/// A piece of a content.
enum Block<'b> {
    Text(&'b str),
    /// Something about the tool call that is called so.
    Call(&'b str),
}

/// See [`glance`](crate::dialect::glance).
pub(crate) fn glance(body: &[u8], is_named: bool) -> Result<Asked, Unreadable> {
    let Some(request) = Request::of(body) else {
        return Ok(Asked { cache: None, ..asked(body)? });
    };
    let turns = request.turns.unwrap_or_default();
    Ok(Asked {
        model: fitting(request.model).map(|Text(model)| model.into_owned()).unwrap_or_default(),
        stream: fitting(request.stream).unwrap_or_default(),
        output_limit: fitting(request.max_tokens).map(|Whole(limit)| limit),
        directory: stated_directory(&request.system.unwrap_or_default(), &turns),
        session: request.metadata.filter(|_| !is_named).and_then(raw).and_then(session),
        structured: asks_for_json(request.output_format.and_then(raw))
            || request.output_config.and_then(raw).is_some_and(wants_schema),
        tools: request.tools.map_or(0, |tools| elements(tools).take(1).count()),
        unread_beginning: turns.iter().filter(|turn| turn.speaks()).find_map(|turn| beginning(turn.words())),
        ..Asked::default()
    })
}

impl<'b> Request<'b> {
    /// None where two readers could disagree: what is looked at stands twice, or no end is where one has to be.
    fn of(body: &'b [u8]) -> Option<Self> {
        let (mut it, mut walk) = (Self::default(), Walk::through(body));
        walk.object(|walk, name| match name {
            b"model" => once(&mut it.model, walk.value()?),
            b"stream" => once(&mut it.stream, walk.value()?),
            b"max_tokens" => once(&mut it.max_tokens, walk.value()?),
            b"metadata" => once(&mut it.metadata, walk.value()?),
            b"output_config" => once(&mut it.output_config, walk.value()?),
            b"output_format" => once(&mut it.output_format, walk.value()?),
            b"tools" => once(&mut it.tools, walk.value()?),
            b"system" => once(&mut it.system, blocks(walk)?),
            b"messages" => once(&mut it.turns, opening_turns(walk)?),
            _ => walk.value().map(drop),
        })?;
        walk.is_over().then_some(it)
    }
}

/// Up to the model's first, which is the last of them.
fn opening_turns<'b>(walk: &mut Walk<'b>) -> Option<Vec<Turn<'b>>> {
    let (mut turns, mut answered) = (Vec::new(), false);
    if !walk.is_before(b'[') {
        return walk.value().map(|_| turns);
    }
    walk.list(|walk| {
        if answered || !walk.is_before(b'{') {
            return walk.value().map(drop);
        }
        let turn = Turn::of(walk)?;
        answered = turn.is_by(ASSISTANT);
        turns.push(turn);
        Some(())
    })?;
    Some(turns)
}

/// Agents state it in the instructions, in a message of role `system`, or in what they put before the person's first words.
fn stated_directory(system: &[Block<'_>], turns: &[Turn<'_>]) -> Option<String> {
    let by =
        |role| turns.iter().filter(move |turn| turn.is_by(role)).filter_map(|turn| turn.content.as_ref());
    let said = by(SYSTEM).chain(by(USER)).flatten();
    stated_in(system.iter().chain(said).filter_map(Block::text))
}

const USER: &[u8] = br#""user""#;
const ASSISTANT: &[u8] = br#""assistant""#;
/// Besides the two speakers, agents send this.
const SYSTEM: &[u8] = br#""system""#;

impl<'b> Turn<'b> {
    fn of(walk: &mut Walk<'b>) -> Option<Self> {
        let mut turn = Self::default();
        walk.object(|walk, name| match name {
            b"role" => once(&mut turn.role, walk.value()?),
            b"content" => once(&mut turn.content, blocks(walk)?),
            _ => walk.value().map(drop),
        })?;
        Some(turn)
    }

    fn is_by(&self, role: &[u8]) -> bool {
        self.role == Some(role)
    }

    fn speaks(&self) -> bool {
        self.is_by(USER) || self.is_by(ASSISTANT)
    }

    /// What is said, without reminders.
    fn words(&self) -> impl Iterator<Item = &'b str> {
        let words = |block| Block::words(block, self.is_by(USER));
        self.content.iter().flatten().map(words).filter(|words| !words.is_empty())
    }
}

impl<'b> Block<'b> {
    fn of(walk: &mut Walk<'b>) -> Option<Option<Self>> {
        let (mut kind, mut said, mut id, mut answers, mut source) = (None, None, None, None, None);
        walk.object(|walk, name| match name {
            b"type" => once(&mut kind, walk.value()?),
            b"text" => once(&mut said, walk.value()?),
            b"id" => once(&mut id, walk.value()?),
            b"tool_use_id" => once(&mut answers, walk.value()?),
            b"source" => once(&mut source, walk.value()?),
            _ => walk.value().map(drop),
        })?;
        Some(match kind {
            None | Some(br#""text""#) => said.and_then(text).map(Self::Text),
            Some(br#""document""#) => source.and_then(document).map(Self::Text),
            Some(_) => id.or(answers).and_then(text).map(Self::Call),
        })
    }

    fn text(&self) -> Option<&'b str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Call(_) => None,
        }
    }

    fn words(&self, by_user: bool) -> &'b str {
        match self {
            Self::Call(id) => id,
            Self::Text(text) if by_user => trimmed(reminder::words(text, trimmed)),
            Self::Text(text) => trimmed(text),
        }
    }
}

/// The words of a document that is plain text.
fn document(source: &[u8]) -> Option<&str> {
    let (kind, _) = member(source, "type")?;
    let (data, _) = member(source, "data").filter(|_| kind == br#""text""#)?;
    text(data)
}

/// What is in a content: a text, or a list of blocks.
fn blocks<'b>(walk: &mut Walk<'b>) -> Option<Vec<Block<'b>>> {
    if !walk.is_before(b'[') {
        return Some(text(walk.value()?).map(Block::Text).into_iter().collect());
    }
    let mut blocks = Vec::new();
    walk.list(|walk| {
        if walk.is_before(b'{') {
            blocks.extend(Block::of(walk)?);
            return Some(());
        }
        walk.value().map(drop)
    })?;
    Some(blocks)
}

/// Puts `value` where there is none yet.
fn once<T>(place: &mut Option<T>, value: T) -> Option<()> {
    place.replace(value).is_none().then_some(())
}

fn raw(value: &[u8]) -> Option<Raw<'_>> {
    std::str::from_utf8(value).ok().map(Raw)
}

/// The value, if it has the wanted shape.
fn fitting<'b, T: Deserialize<'b>>(value: Option<&'b [u8]>) -> Option<T> {
    serde_json::from_slice(value?).ok()
}
