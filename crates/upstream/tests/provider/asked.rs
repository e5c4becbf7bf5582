//! What the requests of real agents say, read from recorded bodies with their texts replaced by filler.

use domain::conversation::{Asked, CacheTtl, Message, Part, Role, chain};
use domain::provider::Dialect::{AnthropicMessages, OpenAiChat, OpenAiResponses};
use proptest::prelude::*;
use upstream::dialect::{Completion, answered, asked, completion, glance};
use upstream::unreadable::Unreadable;

const FILLER: &str = "the quick brown fox jumps over the lazy dog";

fn claude_code(body: &str) -> Asked {
    asked(AnthropicMessages, body.as_bytes()).unwrap()
}

fn codex(body: &str) -> Asked {
    asked(OpenAiResponses, body.as_bytes()).unwrap()
}

fn text(text: &str) -> Part {
    Part::Text { text: text.into() }
}

#[test]
fn claude_codes_first_turn_is_read_and_its_system_message_is_no_conversation() {
    let asked = claude_code(include_str!("../fixtures/claude-code-turn.json"));
    assert_eq!(asked.model, "claude-opus-5-5");
    assert!(asked.stream && !asked.structured);
    assert_eq!((asked.tools, asked.output_limit), (3, Some(128_000)));
    assert_eq!(asked.session.as_deref(), Some("0369532a-3413-4cb0-ba3e-1926579bd098"));
    assert_eq!(asked.directory.as_deref(), Some("/home/user/project"));
    assert_eq!(asked.cache, Some(CacheTtl::FiveMinutes));
    let parts = vec![text(FILLER), text(FILLER), text("First turn: say hello")];
    assert_eq!(asked.messages, [Message { role: Role::User, parts }]);
}

#[test]
fn claude_codes_tool_traffic_is_read_with_ids_and_compact_input() {
    let asked = claude_code(include_str!("../fixtures/claude-code-tool-result.json"));
    let id = "toolu_000000000000000000000015".to_owned();
    let input = format!(r#"{{"command":"echo tool-ran-ok","description":"{FILLER}"}}"#);
    let call = Part::ToolCall { id: id.clone(), name: "Bash".into(), input };
    assert_eq!(asked.messages[1], Message { role: Role::Assistant, parts: vec![text(FILLER), call] });
    let result = Part::ToolResult { id, text: "tool-ran-ok".into() };
    assert_eq!(asked.messages[2], Message { role: Role::User, parts: vec![result] });
    assert_eq!(asked.cache, Some(CacheTtl::FiveMinutes));
}

#[test]
fn a_glance_tells_what_the_whole_reading_tells_but_marks_and_what_was_said() {
    let late = r#"{"messages":[{"role":"user","content":"a"},{"role":"user","content":"Working directory: /c"},
        {"role":"assistant","content":"b"},{"role":"user","content":"d"}]}"#;
    let odd = r#"{"system":null,"metadata":null,"messages":[1,{"role":"user","role":"user","content":"a"},
        {"role":"user","content":null},{"content":"b"},{"role":"user","content":"c"}]}"#;
    for body in [
        include_str!("../fixtures/claude-code-turn.json"),
        include_str!("../fixtures/claude-code-tool-result.json"),
        include_str!("../fixtures/claude-code-oauth.json"),
        late,
        odd,
        r#"{"messages":[{"role":"user","content":[{"type":"document","source":{"type":"text","data":"a"}}]}]}"#,
        r#"{"messages":[{"role":"user","content":[{"type":"document","source":{"type":"base64","data":"YQ=="}}]}]}"#,
    ] {
        let mut whole = claude_code(body);
        let mut seen = glance(AnthropicMessages, body.as_bytes(), false).unwrap();
        assert_eq!(seen.says_something(), whole.says_something());
        (seen.unread_beginning, seen.messages) = (None, Vec::new());
        (whole.cache, whole.messages, whole.tools) = (None, Vec::new(), whole.tools.min(1));
        assert_eq!(seen, whole);
    }
}

#[test]
fn a_glance_at_a_request_whose_session_is_named_leaves_out_what_the_body_calls_it() {
    let body = include_str!("../fixtures/claude-code-turn.json").as_bytes();
    let called = |is_named| glance(AnthropicMessages, body, is_named).unwrap().session;
    assert_eq!(
        (called(true), called(false)),
        (None, claude_code(include_str!("../fixtures/claude-code-turn.json")).session)
    );
}

#[test]
fn a_glance_at_what_two_readers_could_read_differently_tells_what_the_whole_reading_tells() {
    for body in [
        r#"{"model":"a","model":"b"}"#,
        r#"{"messages":[],"messages":[]}"#,
        r#"{"messages":[]} x"#,
        r#"{"a":1"#,
    ] {
        assert!(asked(AnthropicMessages, body.as_bytes()).is_err(), "{body}");
        assert!(glance(AnthropicMessages, body.as_bytes(), true).is_err(), "{body}");
    }
    let twice = r#"{"role":"assistant","role":"user","content":"a"},{"role":"user","content":"b"}"#;
    let body = format!(r#"{{"messages":[{twice}]}}"#);
    assert_eq!(glance(AnthropicMessages, body.as_bytes(), true).unwrap(), claude_code(&body));
}

fn opening(messages: &str) -> Option<u64> {
    let body = format!(r#"{{"messages":[{messages}]}}"#);
    glance(AnthropicMessages, body.as_bytes(), true).unwrap().beginning()
}

fn blocks(blocks: &str) -> Option<u64> {
    opening(&format!(r#"{{"role":"user","content":[{blocks}]}}"#))
}

#[test]
fn a_glance_tells_histories_apart_by_their_first_words_and_not_by_what_agents_rewrite() {
    let said = |text: &str| blocks(&format!(r#"{{"type":"text","text":"{text}"}}"#));
    let hello = said("hello");
    assert!(hello.is_some() && hello != said("a summary"));
    assert_eq!(said(r" \n\thello\r\n "), hello);
    assert_ne!(said(r"hello\\n"), hello, "a backslash and a letter are no blank");
    assert_eq!(said("<system-reminder>today\\n</system-reminder>hello"), hello);
    let reminded = r#"{"type":"text","text":"<system-reminder>x</system-reminder>\n"},
        {"type":"text","text":"hello","cache_control":{"type":"ephemeral"}}"#;
    assert_eq!(blocks(reminded), hello);
    assert_eq!(opening(r#"{"role":"user","content":"hello"},{"role":"assistant","content":"b"}"#), hello);
    let long = "x".repeat(1000);
    assert_ne!(said(&long), said(&format!("{long}y")));
    let call = |id: &str| blocks(&format!(r#"{{"type":"tool_result","tool_use_id":"{id}","content":"c"}}"#));
    assert!(call("1").is_some() && call("1") != call("2"));
    let used = |id: &str| {
        opening(&format!(
            r#"{{"role":"assistant","content":[{{"type":"tool_use","id":"{id}","name":"n","input":{{}}}}]}}"#
        ))
    };
    assert!(used("1").is_some() && used("1") != used("2"));
}

#[test]
fn an_agents_reminders_are_left_out_and_what_anybody_says_about_the_tag_is_not() {
    let q = "Wrap it as <system-reminder>x</system-reminder> and send.";
    let file = r#"OPEN = \"<system-reminder>\";\nCLOSE = \"</system-reminder>\";"#;
    let body = format!(
        r#"{{"messages":[{{"role":"user","content":"<system-reminder> tags: how do they work?"}},{{"role":"assistant","content":"{q}"}},
        {{"role":"user","content":[{{"type":"tool_result","tool_use_id":"1","content":"{file}"}},
        {{"type":"tool_result","tool_use_id":"2","content":"read\n\n<system-reminder>\nNo.\n</system-reminder>\n"}},
        {{"type":"text","text":"<system-reminder>\nNo.\n</system-reminder>"}}]}}]}}"#
    );
    let result = |id: &str, text: &str| Part::ToolResult { id: id.into(), text: text.into() };
    let file = "OPEN = \"<system-reminder>\";\nCLOSE = \"</system-reminder>\";";
    let messages = claude_code(&body).messages;
    assert_eq!(messages[0], Message::text(Role::User, "<system-reminder> tags: how do they work?"));
    assert_eq!(messages[1], Message::text(Role::Assistant, q));
    assert_eq!(messages[2].parts, [result("1", file), result("2", "read\n\n")]);
    let answer = format!(r#"{{"type":"message","content":[{{"type":"text","text":"{q}"}}]}}"#);
    assert_eq!(answered(AnthropicMessages, answer.as_bytes()).message.as_ref(), Some(&messages[1]));
}

#[test]
fn a_glance_sees_nothing_said_in_blanks_reminders_and_instructions() {
    for nothing in [
        "",
        " ",
        r"\n\t \r",
        "<system-reminder>x</system-reminder>\\n",
        r"\n<system-reminder>x</system-reminder>\r\n<system-reminder>y</system-reminder>",
    ] {
        assert_eq!(blocks(&format!(r#"{{"type":"text","text":"{nothing}"}}"#)), None, "{nothing}");
    }
    assert_eq!(opening(r#"{"role":"system","content":"hello"}"#), None);
    assert_eq!(opening(r#"{"role":"user","content":null},1,{"content":"b"}"#), None);
    assert_eq!(blocks(r#"{"type":"image","source":{}}"#), None);
}

#[test]
fn a_glance_at_openais_shapes_tells_the_same_about_all_but_what_was_said_after_the_first_answer() {
    let late_tools = r#"{"input":[{"type":"message","role":"user","content":"a"},
        {"type":"message","role":"assistant","content":"b"},{"type":"message","role":"user","content":"c"},
        {"type":"additional_tools","tools":[{"name":"t"}]}]}"#;
    let chat = r#"{"model":"m","messages":[{"role":"system","content":"Working directory: /c"},
        {"role":"user","content":"a"},{"role":"assistant","content":"b"},{"role":"user","content":"c"}],
        "tools":[{},{}],"prompt_cache_key":"k","max_tokens":7}"#;
    for (dialect, body) in [
        (OpenAiResponses, include_str!("../fixtures/codex-tool-result.json")),
        (OpenAiResponses, include_str!("../fixtures/codex-title.json")),
        (OpenAiResponses, late_tools),
        (OpenAiResponses, r#"{"input":"a text","prompt_cache_key":"k"}"#),
        (OpenAiResponses, r#"{"input":"a text","instructions":"One.\nWorking directory: /c\nTwo."}"#),
        (OpenAiChat, chat),
    ] {
        let mut whole = asked(dialect, body.as_bytes()).unwrap();
        assert_eq!(whole.directory.is_some(), body.contains("/c") || body.contains("<cwd>"));
        let answered = whole.messages.iter().position(|message| message.role == Role::Assistant);
        let some_more = whole.messages.len() > answered.map_or(usize::MAX, |at| at + 1);
        whole.messages.truncate(answered.map_or(usize::MAX, |at| at + 1));
        assert_eq!(glance(dialect, body.as_bytes(), false).unwrap(), whole);
        assert!(some_more || answered.is_none(), "the history is left out");
    }
}

#[test]
fn the_shortest_cache_mark_counts_wherever_it_stands() {
    let oauth = claude_code(include_str!("../fixtures/claude-code-oauth.json"));
    assert_eq!(oauth.cache, Some(CacheTtl::OneHour));
    let (short, long) =
        (r#""cache_control":{"type":"ephemeral"}"#, r#""cache_control":{"type":"ephemeral","ttl":"1h"}"#);
    for body in [
        format!(r#"{{"tools":[{{"name":"a",{short}}},{{"name":"b",{long}}}]}}"#),
        format!(r#"{{"system":[{{"type":"text","text":"a",{long}}}],"tools":[{{{short}}}]}}"#),
        format!(r#"{{"messages":[{{"role":"assistant","content":[{{"type":"x",{long}}},{{{short}}}]}}]}}"#),
        format!(
            r#"{{"messages":[{{"role":"user","content":[{{"type":"tool_result","content":[{{{long}}}],{short}}}]}}]}}"#
        ),
        format!("{{{long}}}"),
    ] {
        let cache = |body: &str| claude_code(body).cache;
        let mixed = body.contains(short);
        let expected = if mixed { CacheTtl::FiveMinutes } else { CacheTtl::OneHour };
        assert_eq!(cache(&body), Some(expected), "{body}");
        assert_eq!(cache(&body.replace(short, long)), Some(CacheTtl::OneHour), "{body}");
    }
}

#[test]
fn a_tools_own_cache_control_is_no_mark() {
    let body = r#"{"messages":[{"role":"assistant","content":[{"type":"tool_use","id":"1","name":"n","input":{"cache_control":{"ttl":"1h"}}}]}]}"#;
    assert_eq!(claude_code(body).cache, None);
}

#[test]
fn a_title_request_shows_its_schema_and_its_lack_of_tools() {
    let title = claude_code(include_str!("../fixtures/claude-code-title.json"));
    assert!(title.structured && title.tools == 0 && title.cache.is_none());
    let title = codex(include_str!("../fixtures/codex-title.json"));
    assert!(title.structured && title.tools == 0 && title.directory.is_none());
}

#[test]
fn the_session_is_found_in_every_spelling_of_the_user_id() {
    let session = |user_id: &str| {
        let user_id = serde_json::to_string(user_id).unwrap();
        claude_code(&format!(r#"{{"metadata":{{"user_id":{user_id}}}}}"#)).session
    };
    assert_eq!(session(r#"{"extra":[1],"session_id":"s","device_id":"d"}"#).as_deref(), Some("s"));
    assert_eq!(session("user_00ff_account__session_5b8b6a0e-1").as_deref(), Some("5b8b6a0e-1"));
    for none in ["", "somebody", "{}", r#"{"session_id":""}"#, "not_a_user_session_1"] {
        assert_eq!(session(none), None, "{none}");
    }
}

#[test]
fn codex_speaks_through_items_and_its_thread_is_the_session() {
    let asked = codex(include_str!("../fixtures/codex-tool-result.json"));
    assert_eq!(asked.session.as_deref(), Some("01a2081a-fb19-7f62-b113-9a17ee441fa4"));
    assert_eq!(asked.cache_key, asked.session);
    assert_eq!(asked.directory.as_deref(), Some("/home/user/project"));
    assert_eq!((asked.tools, asked.messages.len()), (3, 4));
    assert_eq!(asked.messages[1], Message::text(Role::User, "USE_TOOL please"));
    let id = "call_000000000000000000000215".to_owned();
    let input = r#"{"cmd":"echo tool-ran-ok"}"#.into();
    assert_eq!(
        asked.messages[2].parts,
        [Part::ToolCall { id: id.clone(), name: "exec_command".into(), input }]
    );
    assert_eq!(asked.messages[3].parts, [Part::ToolResult { id, text: FILLER.into() }]);
}

#[test]
fn codexs_default_model_brings_its_tools_as_an_item_and_calls_them_with_free_text() {
    let asked = codex(include_str!("../fixtures/codex-default-model.json"));
    assert_eq!(asked.tools, 7);
    let [Part::ToolCall { name, input, .. }] = &asked.messages[2].parts[..] else {
        panic!("{:?}", asked.messages)
    };
    assert_eq!((name.as_str(), input.as_str()), ("exec", r#""text(\"tool-ran-ok\")""#));
    let [Part::ToolResult { text, .. }] = &asked.messages[3].parts[..] else {
        panic!("{:?}", asked.messages)
    };
    assert!(text.ends_with("\ntool-ran-ok"));
}

#[test]
fn a_threads_id_goes_before_its_sessions() {
    let body = r#"{"input":"hi","client_metadata":{"session_id":"parent","thread_id":"own"}}"#;
    assert_eq!(codex(body).session.as_deref(), Some("own"));
    assert_eq!(codex(r#"{"client_metadata":{"session_id":"s"}}"#).session.as_deref(), Some("s"));
}

#[test]
fn items_of_one_answer_are_one_message_again() {
    let body = r#"{"input":[
        {"role":"user","content":"a"},
        {"type":"reasoning","content":[{"type":"reasoning_text","text":"hm"}]},
        {"type":"message","role":"assistant","content":[{"type":"output_text","text":"b"}]},
        {"type":"function_call","call_id":"1","name":"n","arguments":"{}"},
        {"type":"configuration_update"},
        {"type":"function_call_output","call_id":"1","output":"c"}]}"#;
    let messages = codex(body).messages;
    let roles: Vec<(Role, usize)> =
        messages.iter().map(|message| (message.role, message.parts.len())).collect();
    assert_eq!(roles, [(Role::User, 1), (Role::Assistant, 2), (Role::User, 1)]);
}

#[test]
fn an_image_stands_between_two_answers_though_it_is_not_kept() {
    let said = |text: &str| {
        format!(r#"{{"role":"assistant","content":[{{"type":"output_text","text":"{text}"}}]}}"#)
    };
    let (image, thought) = (
        r#"{"role":"user","content":[{"type":"input_image","image_url":"data:x"}]}"#,
        r#"{"type":"reasoning"}"#,
    );
    let roles = |items: &[&str]| {
        let messages = codex(&format!(r#"{{"input":[{}]}}"#, items.join(","))).messages;
        messages.into_iter().map(|message| (message.role, message.parts.len())).collect::<Vec<_>>()
    };
    let (one, two, none) = (said("a"), said("b"), said(""));
    let apart = [(Role::Assistant, 1), (Role::Assistant, 1)];
    assert_eq!(roles(&[&one, image, &two]), apart);
    assert_eq!(roles(&[image, &one, image, &none, thought, &two]), apart);
    assert_eq!(roles(&[image, &none, &one, thought, &two]), [(Role::Assistant, 2)]);
}

#[test]
fn a_chat_is_read_with_its_tools_and_without_its_instructions() {
    let body = r#"{"model":"gpt-4o","stream":true,"max_completion_tokens":9,"prompt_cache_key":"k",
        "response_format":{"type":"json_schema","json_schema":{}},"tools":[{"type":"function"}],"messages":[
        {"role":"developer","content":"Working directory: /d"},
        {"role":"user","content":[{"type":"text","text":"a"},{"type":"image_url","image_url":{}}]},
        {"role":"assistant","content":null,"tool_calls":[{"id":"1","type":"function","function":{"name":"n","arguments":"{ }"}}]},
        {"role":"tool","tool_call_id":"1","content":"r"},
        {"role":"critic","content":"x"}, 7]}"#;
    let asked = asked(OpenAiChat, body.as_bytes()).unwrap();
    let call = Part::ToolCall { id: "1".into(), name: "n".into(), input: "{}".into() };
    let result = Part::ToolResult { id: "1".into(), text: "r".into() };
    let expected = Asked {
        model: "gpt-4o".into(),
        stream: true,
        messages: vec![
            Message::text(Role::User, "a"),
            Message { role: Role::Assistant, parts: vec![call] },
            Message { role: Role::User, parts: vec![result] },
        ],
        tools: 1,
        output_limit: Some(9),
        structured: true,
        cache_key: Some("k".into()),
        directory: Some("/d".into()),
        ..Asked::default()
    };
    assert_eq!(asked, expected);
}

#[test]
fn text_and_one_text_block_are_the_same_message() {
    let plain = claude_code(r#"{"messages":[{"role":"user","content":"a"}]}"#);
    let marked = claude_code(
        r#"{"messages":[{"role":"user","content":[{"type":"text","text":"a","cache_control":{"type":"ephemeral"}}]}]}"#,
    );
    assert_eq!(chain(&plain.messages), chain(&marked.messages));
}

#[test]
fn thoughts_images_and_unknown_blocks_are_left_out_and_an_empty_message_with_them() {
    let body = r#"{"messages":[{"role":"assistant","content":[{"type":"thinking","thinking":"hm","signature":"s"}]},
        {"role":"user","content":[{"type":"image","source":{}},{"type":"new"},{"kind":1},"odd",{"type":"text","text":"a"}]}]}"#;
    assert_eq!(claude_code(body).messages, [Message::text(Role::User, "a")]);
}

#[test]
fn what_is_no_request_is_unreadable_without_being_quoted() {
    for body in ["", "sk-secret", "[1]", r#"{"model":"a""#, r#"{"model":"a","model":"b"}"#] {
        for dialect in [AnthropicMessages, OpenAiChat, OpenAiResponses] {
            let error = asked(dialect, body.as_bytes()).unwrap_err();
            assert!(
                matches!(error, Unreadable::Malformed { .. }) && !error.to_string().contains("sk-"),
                "{body}"
            );
        }
    }
}

#[test]
fn depth_is_no_danger() {
    let deep = format!(
        r#"{{"messages":[{{"role":"user","content":{}{}}}]}}"#,
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    assert_eq!(claude_code(&deep).messages, []);
}

#[test]
fn a_background_call_reads_back_as_what_it_says() {
    let call = Completion { model: "m".into(), system: "s".into(), user: "u \"1\"".into(), max_output: 5 };
    for dialect in [AnthropicMessages, OpenAiChat, OpenAiResponses] {
        let asked = asked(dialect, &completion(dialect, &call)).unwrap();
        let messages = vec![Message::text(Role::User, "u \"1\"")];
        let expected = Asked { model: "m".into(), output_limit: Some(5), messages, ..Asked::default() };
        assert_eq!(asked, expected, "{dialect:?}");
    }
}

#[test]
fn a_background_call_instructs_in_its_dialects_own_way() {
    let call = Completion { model: "m".into(), system: "s".into(), user: "u".into(), max_output: 5 };
    let body = |dialect| serde_json::from_slice::<serde_json::Value>(&completion(dialect, &call)).unwrap();
    assert_eq!(body(AnthropicMessages)["system"], serde_json::json!([{ "type": "text", "text": "s" }]));
    assert_eq!(body(OpenAiChat)["messages"][0], serde_json::json!({ "role": "system", "content": "s" }));
    assert_eq!(body(OpenAiResponses)["instructions"], "s");
    assert_eq!(body(OpenAiResponses)["store"], false);
}

proptest! {
    #[test]
    fn cutting_or_spoiling_a_real_request_never_panics(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        for (dialect, body) in [
            (AnthropicMessages, include_str!("../fixtures/claude-code-tool-result.json")),
            (OpenAiResponses, include_str!("../fixtures/codex-default-model.json")),
        ] {
            let mut body = body.trim_end().as_bytes().to_vec();
            let at = at.index(body.len());
            prop_assert!(asked(dialect, &body[..at]).is_err(), "a cut request is none");
            body[at] = byte;
            let _spoilt_or_not = asked(dialect, &body);
        }
    }
}
