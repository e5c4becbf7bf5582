//! Recording turns: what a client sent and what it got, each message once, however often it comes.

use crate::columns::{Count, Word};
use crate::error::StoreError;
use crate::yours::forgetting;
use crate::{history, injection, session};
use domain::conversation::{Digest, Message, Stop, Usage};
use domain::ids::{Principal, ProjectId, SessionId};
use domain::provider::{Dialect, Provider};
use domain::time::UnixMillis;
use rusqlite::{Transaction, named_params};
use serde::Serialize;
use std::sync::Arc;

pub use crate::history::LONGEST_TEXT;

/// One turn, as the gateway saw it.
#[derive(Debug, Clone, PartialEq)]
pub struct TurnRecord {
    /// The conversation, named by the gateway.
    pub session: SessionId,
    /// Who owns it.
    pub principal: Principal,
    /// The client's own session id, if it sent one.
    pub identity: Option<String>,
    /// The agent, as it calls itself.
    pub client: String,
    /// Who answered.
    pub provider: Provider,
    /// In which shape.
    pub dialect: Dialect,
    /// The model asked.
    pub model: String,
    /// Scheme, host and port that answered.
    pub upstream_origin: String,
    /// The agent's working directory, if it stated one.
    pub directory: Option<String>,
    /// The project that this directory is a part of.
    pub project: Option<ProjectId>,
    /// When the turn ended.
    pub at: UnixMillis,
    /// What was added to its request, from the first turn of the session on.
    pub injection: Option<Arc<str>>,
    /// What names the conversation that the provider keeps and this turn goes on from; then its messages are what came since.
    pub follows: Option<Digest>,
    /// The whole history that the client sent, so that a turn that was missed is recovered by the next.
    pub messages: Vec<Message>,
    /// What the model said.
    pub answer: Option<Message>,
    /// The provider's count.
    pub usage: Usage,
    /// Why the answer ended.
    pub stop: Option<Stop>,
    /// What names the conversation after this turn, to recognise it after a restart.
    pub head: Digest,
    /// Whether the answer never came to its end. Then it is not stored: only what the client took over counts, and that comes
    /// again in its next history.
    pub cut: bool,
}

impl TurnRecord {
    /// The whole conversation, as far as it is kept: what it goes on from, what was asked, what was answered.
    fn conversation(&self) -> (Option<Digest>, &[Message], Option<&Message>) {
        (self.follows, &self.messages, self.answer.as_ref().filter(|_| !self.cut))
    }
}

/// What came of recording a turn, and how the session stands now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Recorded {
    /// Whether a person forgot the session: then nothing of the turn is kept.
    pub forgotten: bool,
    /// Messages that were not known before.
    pub new_messages: u32,
    /// Messages that no observation covers yet.
    pub pending_messages: u32,
    /// Estimated tokens of those.
    pub pending_tokens: u64,
    /// Turns of the session that came to their end.
    pub turns: u32,
    /// Those since the curator last went through.
    pub turns_since_curation: u32,
    /// Observations that may be merged and were not.
    pub unmerged: u32,
    /// Entries of the session's project.
    pub entries: u32,
}

pub(crate) fn record(transaction: &Transaction<'_>, turn: &TurnRecord) -> Result<Recorded, StoreError> {
    if forgetting::is_forgotten(transaction, &turn.session)? {
        return Ok(Recorded { forgotten: true, ..Recorded::default() });
    }
    session::ensure(transaction, turn)?;
    if let Some(text) = &turn.injection {
        injection::keep(transaction, &turn.session, text, turn.at)?;
    }
    let appended = history::append(transaction, &turn.session, turn.conversation(), turn.at)?;
    if let Some(end) = appended.new_end {
        session::advance(transaction, turn)?;
        keep(transaction, turn, end)?;
    }
    let standing = session::standing(transaction, &turn.session)?;
    Ok(Recorded { new_messages: appended.new_messages, ..standing })
}

/// The row of a turn, under the link its conversation ends in. A cut turn and the same one tried again share that end when
/// the second had nothing to say either; then the first row stays.
fn keep(transaction: &Transaction<'_>, turn: &TurnRecord, end: Digest) -> rusqlite::Result<()> {
    let sql = "INSERT OR IGNORE INTO turn
            (session, link, at, model, stop, cut, input, cache_read, cache_write_5m, cache_write_1h, output)
        VALUES (:session, :link, :at, :model, :stop, :cut, :input, :cache_read, :cache_write_5m, :cache_write_1h, :output)";
    transaction.prepare_cached(sql)?.execute(named_params! {
        ":session": turn.session.as_str(),
        ":link": end.0,
        ":at": turn.at.0,
        ":model": turn.model,
        ":stop": turn.stop.map(Word),
        ":cut": turn.cut,
        ":input": Count(turn.usage.input),
        ":cache_read": Count(turn.usage.cache_read),
        ":cache_write_5m": Count(turn.usage.cache_write_5m),
        ":cache_write_1h": Count(turn.usage.cache_write_1h),
        ":output": Count(turn.usage.output),
    })?;
    Ok(())
}
