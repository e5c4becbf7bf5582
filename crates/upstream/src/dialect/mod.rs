//! What is said in each provider's own shape: read into the words of `domain`, and written for background calls.
//!
//! Reading is forgiving. Roles, item types and keys are open sets that grow with every release of an agent: what is not
//! known is skipped, never an error, because an agent must not stop being remembered for sending something new. Bodies are
//! read borrowed: a request holds the whole conversation each time, and only what is kept is copied.

pub(crate) mod json;

mod addition;
mod anthropic_messages;
mod directory;
mod draft;
mod escaped;
mod lenient;
mod openai_chat;
mod openai_responses;
mod openai_usage;
mod outline;
mod printed;
mod walk;

use crate::unreadable::Unreadable;
use bytes::Bytes;
use domain::conversation::{Answered, Asked, Message, Part, Role};
use domain::provider::Dialect;

/// Reads the plain (decoded) body of a client's request.
///
/// # Errors
/// [`Unreadable`] when it is no JSON object of the dialect's outline; its parts are never the reason.
pub fn asked(dialect: Dialect, body: &[u8]) -> Result<Asked, Unreadable> {
    match dialect {
        Dialect::AnthropicMessages => anthropic_messages::asked(body),
        Dialect::OpenAiChat => openai_chat::asked(body),
        Dialect::OpenAiResponses => openai_responses::asked(body),
    }
}

/// Reads of a client's request what must be known while it is relayed: as [`asked`], but no cache marks, and of the messages
/// at least those up to the model's first, which tell a turn from a side request and state the working directory. The rest is
/// only passed over; that it is JSON, and that nothing in it stands twice, is for whoever reads it. Messages may be left unread,
/// with no more of them told than [`Asked::unread_beginning`], tools uncounted but for whether there are any, and what the body says of the
/// session unread if it `is_named` already.
///
/// # Errors
/// As [`asked`].
pub fn glance(dialect: Dialect, body: &[u8], is_named: bool) -> Result<Asked, Unreadable> {
    match dialect {
        Dialect::AnthropicMessages => anthropic_messages::glance(body, is_named),
        Dialect::OpenAiChat => openai_chat::glance(body),
        Dialect::OpenAiResponses => openai_responses::glance(body),
    }
}

/// Reads the plain (decoded) body of a provider's answer, one JSON value or a stream of events, whole or cut. What cannot be
/// read at all is an answer without a message that never ended.
#[must_use]
pub fn answered(dialect: Dialect, body: &[u8]) -> Answered {
    match dialect {
        Dialect::AnthropicMessages => anthropic_messages::answered(body),
        Dialect::OpenAiChat => openai_chat::answered(body),
        Dialect::OpenAiResponses => openai_responses::answered(body),
    }
}

pub use addition::with_addition;

/// A background call: one instruction, one message, one answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completion {
    /// The model to ask.
    pub model: String,
    /// What it is to do.
    pub system: String,
    /// What to do it with.
    pub user: String,
    /// The output limit, in tokens.
    pub max_output: u32,
}

/// The body of a background call; the answer comes in one piece, not as a stream.
#[must_use]
pub fn completion(dialect: Dialect, call: &Completion) -> Bytes {
    let body = match dialect {
        Dialect::AnthropicMessages => anthropic_messages::completion(call),
        Dialect::OpenAiChat => openai_chat::completion(call),
        Dialect::OpenAiResponses => openai_responses::completion(call),
    };
    body.to_string().into()
}

/// The words before the model first spoke: agents put what they know of the machine there.
fn opening(messages: &[Message]) -> impl Iterator<Item = &str> {
    let before = messages.iter().take_while(|message| message.role == Role::User);
    before.flat_map(|message| &message.parts).filter_map(|part| match part {
        Part::Text { text } => Some(text.as_str()),
        Part::ToolCall { .. } | Part::ToolResult { .. } => None,
    })
}
