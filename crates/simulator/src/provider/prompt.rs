//! What a request asks, in one form for all dialects, read strictly as a provider does.

use domain::{conversation::CacheTtl, purpose::Purpose};
use serde_json::Value;
use std::hash::{DefaultHasher, Hash, Hasher as _};

/// A request that a provider would accept.
#[derive(Debug, Clone)]
pub(super) struct Prompt {
    pub(super) model: String,
    pub(super) stream: bool,
    /// Whether a chat stream ends with a chunk of usage.
    pub(super) include_usage: bool,
    /// In tokens.
    pub(super) max_output: Option<u64>,
    /// Thinks before it speaks, for at most this many tokens.
    pub(super) thinking_budget: Option<u64>,
    pub(super) instructions: String,
    pub(super) last: Last,
    pub(super) tools: Vec<Tool>,
    /// All of the prompt in the order in which a prompt cache sees it.
    pub(super) blocks: Vec<Block>,
}

/// What the model has to answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Last {
    /// The last thing that a person said.
    Words(String),
    /// What a tool answered.
    ToolResult(String),
}

/// A tool the model may use.
#[derive(Debug, Clone)]
pub(super) struct Tool {
    pub(super) name: String,
    pub(super) schema: Value,
}

/// A piece of the prompt, as a prompt cache tells pieces apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) digest: u64,
    pub(super) characters: u64,
    pub(super) mark: Option<CacheTtl>,
}

impl Block {
    /// `value` at `place` (a role, or the list it stands in). A text counts the same as a string and as a block, and a
    /// mark does not count at all, since agents rewrite both when the mark moves on.
    pub(super) fn new(place: &str, value: &Value) -> Self {
        let text =
            value.as_str().or_else(|| value["text"].as_str()).map_or_else(|| unmarked(value), str::to_owned);
        let mut digest = DefaultHasher::new();
        (place, &text).hash(&mut digest);
        let mark = value.get("cache_control").map(ttl);
        Self { digest: digest.finish(), characters: text.chars().count() as u64, mark }
    }
}

fn unmarked(value: &Value) -> String {
    let mut value = value.clone();
    if let Some(fields) = value.as_object_mut() {
        fields.remove("cache_control");
    }
    value.to_string()
}

fn ttl(mark: &Value) -> CacheTtl {
    if mark["ttl"] == "1h" { CacheTtl::OneHour } else { CacheTtl::FiveMinutes }
}

impl Prompt {
    /// Whether only the prompt is wanted read, and nothing said.
    pub(super) fn wants_no_words(&self) -> bool {
        let only_thinks = !self.stream
            && self.max_output.zip(self.thinking_budget).is_some_and(|(max, budget)| max == budget + 1);
        only_thinks || self.max_output.is_some_and(|max| max <= 1)
    }

    /// Whether a distiller asks.
    pub(super) fn is_distillers(&self) -> bool {
        matches!(&self.last, Last::Words(words) if words.contains("<segment>"))
    }

    /// Whether a curator asks.
    pub(super) fn is_curators(&self) -> bool {
        let instructions = self.instructions.to_lowercase();
        instructions.contains("json array") && instructions.contains("operation")
    }

    /// A guess at why it was sent, from nothing but its form.
    pub(super) fn purpose(&self) -> Purpose {
        // Claude Code asks this at its start to see what is left of a quota.
        let probes_quota = self.last == Last::Words("quota".into());
        match () {
            () if self.wants_no_words() && !probes_quota => Purpose::Warm,
            () if self.is_distillers() => Purpose::Distill,
            () if self.is_curators() => Purpose::Curate,
            () => Purpose::Client,
        }
    }
}

/// The texts of `content`: of a string itself, or of all blocks that have one.
pub(super) fn texts(content: &Value) -> Vec<&str> {
    match content {
        Value::String(text) => vec![text],
        Value::Array(blocks) => blocks.iter().filter_map(|block| block["text"].as_str()).collect(),
        _ => Vec::new(),
    }
}

/// The items of an array; a string counts as its only item, anything else as none.
pub(super) fn items(value: &Value) -> &[Value] {
    match value {
        Value::Array(items) => items,
        Value::String(_) => std::slice::from_ref(value),
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_text_is_the_same_block_with_or_without_its_mark_and_dress() {
        let marked =
            Block::new("user", &json!({"type": "text", "text": "hi", "cache_control": {"ttl": "1h"}}));
        let plain = Block::new("user", &json!("hi"));
        assert_eq!((marked.digest, marked.characters), (plain.digest, 2));
        assert_eq!((marked.mark, plain.mark), (Some(CacheTtl::OneHour), None));
        assert_ne!(plain.digest, Block::new("system", &json!("hi")).digest);
    }

    #[test]
    fn a_tool_result_is_the_same_block_after_its_mark_moved_on() {
        let result = json!({"type": "tool_result", "tool_use_id": "t", "content": "done"});
        let mut marked = result.clone();
        marked["cache_control"] = json!({"type": "ephemeral"});
        let (plain, marked) = (Block::new("user", &result), Block::new("user", &marked));
        assert_eq!((plain.digest, plain.characters), (marked.digest, marked.characters));
        assert_eq!(marked.mark, Some(CacheTtl::FiveMinutes));
    }
}
