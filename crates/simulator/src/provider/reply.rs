//! What the provider says: always the same to the same prompt, and enough like a model for the house to work with.

use super::{
    curating, distilling,
    prompt::{Last, Prompt, Tool},
};
pub(super) use domain::conversation::Stop;
use domain::conversation::estimated_tokens;
use serde_json::{Map, Value, json};

/// The content of an answer.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Reply {
    /// Nothing at all.
    Nothing,
    /// Words.
    Text(String),
    /// The wish for a tool.
    Call { name: String, input: Value },
}

impl Reply {
    /// What the answer costs, in tokens.
    pub(super) fn tokens(&self) -> u64 {
        match self {
            Self::Nothing => 0,
            Self::Text(text) => estimated_tokens(text),
            Self::Call { name, input } => estimated_tokens(&format!("{name}{input}")),
        }
    }

    /// As much of it as `max_output` tokens allow, and why it ended.
    fn within(self, max_output: Option<u64>) -> (Self, Stop) {
        let limit = max_output.unwrap_or(u64::MAX);
        match self {
            Self::Text(text) if estimated_tokens(&text) > limit => {
                let kept = usize::try_from(limit * 4).unwrap_or(usize::MAX);
                (Self::Text(text.chars().take(kept).collect()), Stop::Length)
            }
            Self::Call { .. } => (self, Stop::ToolUse),
            Self::Nothing | Self::Text(_) => (self, Stop::End),
        }
    }
}

/// The answer to `prompt`, and why it ended.
pub(super) fn reply(prompt: &Prompt) -> (Reply, Stop) {
    if prompt.wants_no_words() {
        return (Reply::Nothing, Stop::Length);
    }
    answer(prompt).within(prompt.max_output)
}

fn answer(prompt: &Prompt) -> Reply {
    match &prompt.last {
        Last::ToolResult(result) => Reply::Text(format!("The tool answered: {}", result.trim())),
        Last::Words(words) if prompt.is_distillers() => {
            Reply::Text(distilling::observations(words, prompt.max_output))
        }
        Last::Words(words) if prompt.is_curators() => Reply::Text(curating::operations(words)),
        Last::Words(words) => match wanted(words, &prompt.tools) {
            Some(tool) => Reply::Call { name: tool.name.clone(), input: input(&tool.schema, words) },
            None => Reply::Text(format!("I have read all of it, down to \"{}\".", last_words(words))),
        },
    }
}

/// The tool that the person asks for by name, if it is offered.
fn wanted<'t>(words: &str, tools: &'t [Tool]) -> Option<&'t Tool> {
    let (_, after) = words.split_once("use the tool ")?;
    let is_part = |letter: char| letter.is_alphanumeric() || letter == '_' || letter == '-';
    let name = after.split(|letter| !is_part(letter)).next()?;
    tools.iter().find(|tool| tool.name == name)
}

/// An input with every field that the schema requires.
fn input(schema: &Value, words: &str) -> Value {
    let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let fields: Map<_, _> =
        required.map(|name| (name.to_owned(), field(&schema["properties"][name], words))).collect();
    Value::Object(fields)
}

fn field(schema: &Value, words: &str) -> Value {
    match (schema["enum"].get(0), schema["type"].as_str()) {
        (Some(first), _) => first.clone(),
        (None, Some("integer" | "number")) => json!(1),
        (None, Some("boolean")) => json!(true),
        (None, Some("array")) => json!([]),
        (None, Some("object")) => json!({}),
        (None, _) => json!(last_words(words)),
    }
}

/// The last twelve words, which say as well as any what was said.
fn last_words(words: &str) -> String {
    let all: Vec<_> = words.split_whitespace().collect();
    all[all.len().saturating_sub(12)..].join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prompt(words: &str) -> Prompt {
        let schema = json!({
            "type": "object", "required": ["command", "timeout"],
            "properties": {"command": {"type": "string"}, "timeout": {"type": "integer"}, "other": {"type": "string"}},
        });
        Prompt {
            model: "m".into(),
            stream: false,
            include_usage: false,
            max_output: None,
            thinking_budget: None,
            instructions: String::new(),
            last: Last::Words(words.into()),
            tools: vec![Tool { name: "Bash".into(), schema }],
            blocks: vec![],
        }
    }

    #[test]
    fn a_tool_is_called_only_by_its_whole_name() {
        let call = reply(&prompt("please use the tool Bash, now"));
        let input = json!({"command": "please use the tool Bash, now", "timeout": 1});
        assert_eq!(call, (Reply::Call { name: "Bash".into(), input }, Stop::ToolUse));
        assert!(matches!(reply(&prompt("use the tool Bas")), (Reply::Text(_), Stop::End)));
        assert!(matches!(reply(&prompt("use the tool BashOutput")), (Reply::Text(_), Stop::End)));
    }

    #[test]
    fn what_a_tool_answered_is_quoted() {
        let after = Prompt { last: Last::ToolResult("42 files\n".into()), ..prompt("") };
        assert_eq!(reply(&after).0, Reply::Text("The tool answered: 42 files".into()));
    }

    #[test]
    fn an_answer_keeps_to_the_output_limit_and_says_so() {
        let limited = |max| reply(&Prompt { max_output: Some(max), ..prompt("all these many words") });
        assert_eq!(limited(1), (Reply::Nothing, Stop::Length), "one token is for warming, not for words");
        let (said, stop) = limited(3);
        assert_eq!((said.tokens(), stop), (3, Stop::Length));
        assert_eq!(limited(300).1, Stop::End);
    }

    #[test]
    fn a_call_that_only_thinks_says_nothing() {
        let thinks = Prompt { max_output: Some(1025), thinking_budget: Some(1024), ..prompt("hi") };
        assert_eq!(reply(&thinks).0, Reply::Nothing);
    }
}
