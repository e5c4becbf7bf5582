//! One more instruction in a client's request, behind all that the client instructs itself.
//!
//! It is put in where it belongs, and every other byte stays what it was: what was read and written again would have its numbers
//! in another spelling, and prompt caches are found by the bytes of the prompt. It bears no cache mark, so that the marks are
//! those that the client chose, and no more.

use super::outline::{Members, member, places};
use bytes::Bytes;
use domain::provider::Dialect;
use memchr::memmem;
use serde_json::json;
use std::ops::Range;

/// The plain (decoded) request `body` with `text` as one more instruction. None when the request is to be left alone: it cannot
/// be read without a doubt, its instructions have an unknown shape, or it holds a proof of its own content.
#[must_use]
pub fn with_addition(dialect: Dialect, body: &[u8], text: &str) -> Option<Bytes> {
    let members = Members::of(body)?;
    let (place, addition) = match dialect {
        Dialect::AnthropicMessages => {
            members.place("messages")?;
            system(body, members.place("system"), text)?
        }
        Dialect::OpenAiChat => message(body, members.place("messages")?, text)?,
        Dialect::OpenAiResponses => {
            members.place("input")?;
            instructions(body, members.place("instructions"), text)?
        }
    };
    Some([body.get(..place.start)?, addition.as_bytes(), body.get(place.end..)?].concat().into())
}

/// What is put in the place of which bytes.
type Edit = (Range<usize>, String);

/// Anthropic: a block at the end of `system`, which is a list of blocks, or a text that becomes the first of two.
fn system(body: &[u8], system: Option<Range<usize>>, text: &str) -> Option<Edit> {
    let Some(place) = system else { return first_member(body, "system", text) };
    let (said, block) = (body.get(place.clone())?, json!({"type": "text", "text": text}));
    if is_attested(said) {
        return None;
    }
    match said {
        b"\"\"" => Some((place, quoted(text))),
        [b'"', ..] => {
            let said = std::str::from_utf8(said).ok()?;
            Some((place, format!(r#"[{{"type":"text","text":{said}}},{block}]"#)))
        }
        [b'[', ..] => match places(said).last() {
            Some(last) => Some((at(place.start + last.end), format!(",{block}"))),
            None => Some((place, format!("[{block}]"))),
        },
        _ => None,
    }
}

/// Claude Code states which client it is in a first block. Where that block holds a checksum of the request (`cch`), nothing may
/// be added without making it wrong.
fn is_attested(system: &[u8]) -> bool {
    let says = |words: &str| memmem::find(system, words.as_bytes()).is_some();
    says("x-anthropic-billing-header") && says("cch=")
}

/// Chat: a message behind the leading ones that instruct, of the same role.
fn message(body: &[u8], messages: Range<usize>, text: &str) -> Option<Edit> {
    let list = body.get(messages.clone())?;
    places(list).next()?;
    let role = |place: &Range<usize>| member(list.get(place.clone())?, "role").map(|(role, _)| role);
    let instructs = |role: &[u8]| [&b"\"system\""[..], b"\"developer\""].contains(&role);
    let leading =
        places(list).map_while(|place| role(&place).filter(|it| instructs(it)).map(|it| (place, it)));
    Some(match leading.last() {
        Some((last, role)) => {
            let role = std::str::from_utf8(role).ok()?;
            let said = format!(r#",{{"role":{role},"content":{}}}"#, quoted(text));
            (at(messages.start + last.end), said)
        }
        None => (at(messages.start + 1), format!(r#"{{"role":"system","content":{}}},"#, quoted(text))),
    })
}

/// Responses: two lines below the `instructions`, which hold for one request also where the provider keeps the conversation.
fn instructions(body: &[u8], instructions: Option<Range<usize>>, text: &str) -> Option<Edit> {
    let Some(place) = instructions else { return first_member(body, "instructions", text) };
    match body.get(place.clone())? {
        b"\"\"" | b"null" => Some((place, quoted(text))),
        [b'"', ..] => {
            let inside = quoted(&format!("\n\n{text}"));
            Some((at(place.end - 1), inside.get(1..inside.len() - 1)?.to_owned()))
        }
        _ => None,
    }
}

/// A member before all others of the object `body`, which has some.
fn first_member(body: &[u8], name: &str, text: &str) -> Option<Edit> {
    let inside = body.iter().position(|byte| *byte == b'{')? + 1;
    Some((at(inside), format!(r#""{name}":{},"#, quoted(text))))
}

fn at(place: usize) -> Range<usize> {
    place..place
}

fn quoted(text: &str) -> String {
    json!(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    const TEXT: &str = "a \"note\"\nof ours";

    fn added(dialect: Dialect, body: &str) -> Option<String> {
        with_addition(dialect, body.as_bytes(), TEXT).map(|body| String::from_utf8(body.to_vec()).unwrap())
    }

    fn read(body: &str) -> Value {
        serde_json::from_str(body).unwrap()
    }

    #[test]
    fn anthropics_system_gets_a_block_at_its_end_and_every_other_byte_stays() {
        let before = "{ \"x\":1.50e3 ,\"system\" : [ {\"type\":\"text\",\"text\":\"a]\",\"cache_control\":{\"type\":\"ephemeral\"}}\n";
        let behind = " ],\t\"messages\":[{\"role\":\"user\",\"content\":\"\\u00e4\"}] }\n";
        let block = r#",{"text":"a \"note\"\nof ours","type":"text"}"#;
        let body = added(Dialect::AnthropicMessages, &format!("{before}{behind}")).unwrap();
        assert_eq!(body, format!("{}{block}\n{behind}", before.trim_end()));
    }

    #[test]
    fn whatever_shape_a_system_has_it_comes_first_and_the_addition_is_last() {
        let system = |system: &str| {
            let body = format!(r#"{{{system}"messages":[]}}"#);
            added(Dialect::AnthropicMessages, &body).map(|body| read(&body)["system"].clone())
        };
        let block = |text: &str| json!({"type": "text", "text": text});
        assert_eq!(system(r#""system":"be\u0020kind","#), Some(json!([block("be kind"), block(TEXT)])));
        assert_eq!(system(r#""system":[],"#), Some(json!([block(TEXT)])));
        assert_eq!(system(r#""system":"","#), Some(json!(TEXT)));
        assert_eq!(system(""), Some(json!(TEXT)));
        assert_eq!(system(r#""system":null,"#), None);
    }

    #[test]
    fn a_request_with_a_checksum_of_itself_is_left_alone() {
        let billed = |more: &str| {
            let block =
                format!("x-anthropic-billing-header: cc_version=2.1.330.abc; cc_entrypoint=cli;{more}");
            added(
                Dialect::AnthropicMessages,
                &json!({"system": [{"type": "text", "text": block}], "messages": []}).to_string(),
            )
        };
        assert!(billed("").is_some());
        assert_eq!(billed(" cch=00000;"), None);
    }

    #[test]
    fn a_chat_gets_a_message_behind_those_that_lead_and_of_their_role() {
        let roles = |roles: &[&str]| {
            let messages: Vec<_> = roles.iter().map(|role| json!({"content": "c", "role": role})).collect();
            let body = added(Dialect::OpenAiChat, &json!({"messages": messages}).to_string())?;
            let messages = read(&body)["messages"].as_array().unwrap().clone();
            let at = messages.iter().position(|message| message["content"] == TEXT).unwrap();
            Some((at, messages[at]["role"].as_str().unwrap().to_owned(), messages.len()))
        };
        assert_eq!(roles(&["system", "user", "system"]), Some((1, "system".to_owned(), 4)));
        assert_eq!(roles(&["system", "developer", "user"]), Some((2, "developer".to_owned(), 4)));
        assert_eq!(roles(&["user"]), Some((0, "system".to_owned(), 2)));
        assert_eq!(roles(&["system"]), Some((1, "system".to_owned(), 2)));
        assert_eq!(roles(&[]), None);
    }

    #[test]
    fn responses_get_it_below_their_instructions() {
        let instructions = |stated: &str| {
            let body = added(Dialect::OpenAiResponses, &format!(r#"{{"input":"hi"{stated}}}"#));
            body.map(|body| read(&body)["instructions"].clone())
        };
        assert_eq!(
            instructions(r#","instructions":"be \"kind\"""#),
            Some(json!(format!("be \"kind\"\n\n{TEXT}")))
        );
        for none in ["", r#","instructions":"""#, r#","instructions":null"#] {
            assert_eq!(instructions(none), Some(json!(TEXT)), "{none}");
        }
        assert_eq!(instructions(r#","instructions":[]"#), None);
    }

    #[test]
    fn what_two_readers_could_read_in_two_ways_is_left_alone() {
        for body in [
            "",
            "[]",
            "{}",
            "{",
            r#"{"messages":[]"#,
            r#"{"messages":[]} {}"#,
            r#"{"messages":[],"messages":[]}"#,
            r#"{"messages":[],"system":"a","system":"b"}"#,
            r#"{"messages":[],"sys\u0074em":"a"}"#,
            r#"{"system":"a"}"#,
        ] {
            assert_eq!(added(Dialect::AnthropicMessages, body), None, "{body}");
        }
    }

    fn request() -> impl Strategy<Value = Value> {
        let text = "[\"\\\\{}\\[\\]:, a-cä\n]{0,9}";
        let blocks = prop::collection::vec(text.prop_map(|text| json!({"type": "text", "text": text})), 0..3);
        let system = prop_oneof![text.prop_map(Value::from), blocks.prop_map(Value::from)];
        let message = (prop::sample::select(vec!["system", "developer", "user", "assistant"]), text)
            .prop_map(|(role, content)| json!({"role": role, "content": content}));
        (system, prop::collection::vec(message, 1..4), text).prop_map(|(system, messages, instructions)| {
            json!({"system": system, "messages": messages, "input": messages, "instructions": instructions})
        })
    }

    /// Whether all bytes of `part` stand in `whole` in their order.
    fn is_kept(part: &str, whole: &str) -> bool {
        let mut rest = whole.bytes();
        part.bytes().all(|byte| rest.any(|other| other == byte))
    }

    proptest! {
        #[test]
        fn all_that_was_sent_is_sent_and_only_the_instructions_say_more(request in request(), pretty: bool) {
            let body = if pretty { format!("{request:#}") } else { request.to_string() };
            for (dialect, changed) in [
                (Dialect::AnthropicMessages, "system"),
                (Dialect::OpenAiChat, "messages"),
                (Dialect::OpenAiResponses, "instructions"),
            ] {
                let with = added(dialect, &body).unwrap();
                prop_assert!(is_kept(&body, &with), "{} became {}", body, with);
                let with = read(&with);
                for member in ["input", "instructions", "messages", "system"] {
                    prop_assert_eq!(with[member] == request[member], member != changed);
                }
                prop_assert!(with[changed].to_string().contains(&quoted(TEXT)[1..quoted(TEXT).len() - 1]));
            }
        }
    }
}
