//! Codex's log (`~/.codex/sessions/**/rollout-*.jsonl`): a session a file, whose lines have a kind and a payload. What was said are
//! items of the Responses API; what a call cost is told after them.

use super::conversation::{Agent, Conversation, read};
use super::{Log, Surroundings, halves, is_usual, time};
use domain::conversation::{Digest, Stop, Usage};
use domain::provider::{Dialect, Provider};
use domain::time::UnixMillis;
use serde::Deserialize;
use serde_json::Value;
use store::record::Record;

/// What imported sessions of Codex are said to come from.
pub(crate) const CLIENT: &str = "codex (its log)";
const AGENT: Agent = Agent {
    client: CLIENT,
    provider: Provider::OpenAi,
    dialect: Dialect::OpenAiResponses,
    origin: "https://api.openai.com",
};

#[derive(Deserialize)]
struct Line {
    timestamp: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    #[serde(default)]
    payload: Value,
}

/// See the module.
#[derive(Default)]
pub(crate) struct Codex {
    conversation: Option<Conversation>,
    model: String,
    link: Option<Digest>,
    /// Items that belong together: of the model, or what it was told.
    items: Vec<Value>,
    of_the_model: bool,
    at: Option<UnixMillis>,
    usage: Usage,
    unknown: u64,
}

impl Log for Codex {
    fn read(&mut self, line: &str, around: &dyn Surroundings) {
        let line = halves::read::<Line>(line);
        let known = line.and_then(|Line { timestamp, kind, payload }| {
            let at = time(timestamp.as_deref()?)?;
            self.take_in(&kind?, payload, at, around)
        });
        self.unknown += u64::from(known.is_none());
    }

    fn take(&mut self) -> Vec<Record> {
        self.conversation.as_mut().map(Conversation::take).unwrap_or_default()
    }

    fn close(&mut self) -> Vec<Record> {
        self.finish_items();
        self.conversation.as_mut().map(Conversation::close).unwrap_or_default()
    }

    fn unknown(&self) -> u64 {
        self.unknown
    }
}

impl Codex {
    /// None when nobody knows what it is.
    fn take_in(
        &mut self,
        kind: &str,
        payload: Value,
        at: UnixMillis,
        around: &dyn Surroundings,
    ) -> Option<()> {
        match kind {
            "session_meta" => self.begin(&payload, at, around),
            "turn_context" => {
                self.model = payload["model"].as_str().unwrap_or(&self.model).to_owned();
                Some(())
            }
            "response_item" => self.item(payload, at),
            // What was said so far was replaced by a summary: the history begins anew.
            "compacted" => {
                self.finish_items();
                self.link = None;
                Some(())
            }
            "event_msg" => {
                self.heard(&payload);
                Some(())
            }
            _ => None,
        }
    }

    /// The first session of a file is the file's: what a fork brought along is told again.
    fn begin(&mut self, payload: &Value, at: UnixMillis, around: &dyn Surroundings) -> Option<()> {
        let name = payload["id"].as_str().filter(|name| is_usual(name))?;
        let conversation = self.conversation.get_or_insert_with(|| Conversation::begin(name, &AGENT, at));
        conversation.works_in(payload["cwd"].as_str().unwrap_or_default(), around, at);
        Some(())
    }

    fn item(&mut self, item: Value, at: UnixMillis) -> Option<()> {
        self.conversation.as_ref()?;
        let of_the_model = match item["type"].as_str()? {
            "message" => item["role"] == "assistant",
            kind => !kind.ends_with("_output"),
        };
        if of_the_model != self.of_the_model {
            self.finish_items();
        }
        (self.of_the_model, self.at) = (of_the_model, Some(at));
        self.items.push(item);
        Some(())
    }

    fn heard(&mut self, event: &Value) {
        if event["type"] != "token_count" {
            return;
        }
        let counted = |name: &str| event["info"]["last_token_usage"][name].as_u64().unwrap_or_default();
        let cached = counted("cached_input_tokens");
        self.usage = Usage {
            input: counted("input_tokens").saturating_sub(cached),
            cache_read: cached,
            output: counted("output_tokens"),
            ..Usage::default()
        };
        if self.of_the_model {
            self.finish_items();
        }
    }

    /// The items are whole: what comes next is said by the other side, or costs anew.
    fn finish_items(&mut self) {
        let (items, usage) = (std::mem::take(&mut self.items), std::mem::take(&mut self.usage));
        let (Some(conversation), Some(at)) = (&mut self.conversation, self.at) else { return };
        if items.is_empty() {
            return;
        }
        let calls =
            items.iter().any(|item| item["type"].as_str().is_some_and(|kind| kind.ends_with("_call")));
        let before = self.link.unwrap_or(Digest::START);
        let messages = read(Dialect::OpenAiResponses, &Value::from(items));
        let link = messages.iter().fold(before, |before, message| conversation.say(before, message, at));
        if self.of_the_model && link != before {
            let stop = if calls { Stop::ToolUse } else { Stop::End };
            conversation.turn(link, at, &self.model, (Some(stop), usage));
        }
        self.link = Some(link);
    }
}
