//! One session of a log, as it becomes records.

use super::Surroundings;
use domain::conversation::{Digest, Message, Stop, Usage};
use domain::provider::{Dialect, Provider};
use domain::time::UnixMillis;
use serde_json::Value;
use store::record::{Hex, MessageRecord, Record, SessionRecord, TurnCount};
use upstream::dialect;

/// See the module.
pub(super) struct Conversation {
    session: SessionRecord,
    /// How the session stood when its record was written.
    written: Option<SessionRecord>,
    records: Vec<Record>,
}

/// Whose log it is.
pub(super) struct Agent {
    pub(super) client: &'static str,
    pub(super) provider: Provider,
    pub(super) dialect: Dialect,
    pub(super) origin: &'static str,
}

impl Conversation {
    /// A session that begins at `at`.
    pub(super) fn begin(name: &str, agent: &Agent, at: UnixMillis) -> Self {
        let session = SessionRecord {
            id: name.into(),
            identity: Some(name.to_owned()),
            client: agent.client.to_owned(),
            provider: agent.provider,
            dialect: agent.dialect,
            model: String::new(),
            upstream_origin: agent.origin.to_owned(),
            directory: None,
            project: None,
            head: Hex(Digest::START),
            turns: 0,
            turns_since_curation: 0,
            usage: Usage::default(),
            created: at,
            last_activity: at,
        };
        Self { session, written: None, records: Vec::new() }
    }

    /// Its first working directory counts.
    pub(super) fn works_in(&mut self, directory: &str, around: &dyn Surroundings, at: UnixMillis) {
        if self.session.directory.is_none() && !directory.is_empty() {
            self.session.project = Some(around.project(directory, at));
            self.session.directory = Some(directory.to_owned());
        }
    }

    /// Something is said after the conversation `before`; what names the conversation then.
    pub(super) fn say(&mut self, before: Digest, message: &Message, at: UnixMillis) -> Digest {
        let link = before.then(message.digest());
        self.session.head = Hex(link);
        self.stir(at);
        if self.written.is_none() {
            self.write();
        }
        self.records.push(Record::Message(MessageRecord::of(&self.session.id, message, link, at)));
        link
    }

    /// What was said last ended a turn.
    pub(super) fn turn(
        &mut self,
        link: Digest,
        at: UnixMillis,
        model: &str,
        (stop, usage): (Option<Stop>, Usage),
    ) {
        let session = &mut self.session;
        session.model = model.to_owned();
        session.turns += 1;
        session.turns_since_curation += 1;
        let sum = &mut session.usage;
        sum.input = sum.input.saturating_add(usage.input);
        sum.output = sum.output.saturating_add(usage.output);
        sum.cache_read = sum.cache_read.saturating_add(usage.cache_read);
        sum.cache_write_5m = sum.cache_write_5m.saturating_add(usage.cache_write_5m);
        sum.cache_write_1h = sum.cache_write_1h.saturating_add(usage.cache_write_1h);
        let (session, link, model) = (session.id.clone(), Hex(link), model.to_owned());
        self.records.push(Record::Turn(TurnCount { session, link, at, model, stop, cut: false, usage }));
        self.stir(at);
    }

    fn stir(&mut self, at: UnixMillis) {
        self.session.last_activity = self.session.last_activity.max(at);
    }

    fn write(&mut self) {
        self.records.push(Record::Session(self.session.clone()));
        self.written = Some(self.session.clone());
    }

    /// The records so far.
    pub(super) fn take(&mut self) -> Vec<Record> {
        std::mem::take(&mut self.records)
    }

    /// The last records: how the session stands comes once more, since it is only known now.
    pub(super) fn close(&mut self) -> Vec<Record> {
        if self.written.as_ref().is_some_and(|written| *written != self.session) {
            self.write();
        }
        self.take()
    }
}

/// What one message of a request says, read as a request of that dialect is.
pub(super) fn read(dialect: Dialect, messages: &Value) -> Vec<Message> {
    let body = match dialect {
        Dialect::OpenAiResponses => serde_json::json!({"model": "m", "input": messages}),
        Dialect::AnthropicMessages | Dialect::OpenAiChat => {
            serde_json::json!({"model": "m", "messages": messages})
        }
    };
    dialect::asked(dialect, body.to_string().as_bytes()).map(|asked| asked.messages).unwrap_or_default()
}
