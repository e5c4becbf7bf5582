//! What is said beside plain words and functions: refusals, custom tools, those that run at the provider or that it defines, documents. It
//! reads the same in an answer and when it comes back.

use domain::conversation::{Message, Part, Role};
use domain::provider::Dialect::{self, AnthropicMessages, OpenAiChat, OpenAiResponses};
use upstream::dialect::{answered, asked};

fn text(text: &str) -> Part {
    Part::Text { text: text.into() }
}

fn call(id: &str, name: &str, input: &str) -> Part {
    Part::ToolCall { id: id.into(), name: name.into(), input: input.into() }
}

fn result(id: &str, text: &str) -> Part {
    Part::ToolResult { id: id.into(), text: text.into() }
}

fn in_answer(dialect: Dialect, body: &str) -> Vec<Part> {
    answered(dialect, body.as_bytes()).message.map(|message| message.parts).unwrap_or_default()
}

fn in_request(dialect: Dialect, body: &str) -> Vec<Message> {
    asked(dialect, body.as_bytes()).unwrap().messages
}

fn message(role: Role, parts: &[Part]) -> Message {
    Message { role, parts: parts.to_vec() }
}

/// What each piece adds to the message of a chat, in a stream.
fn chat_stream(pieces: &[&str]) -> String {
    let data = |piece: &&str| format!("data: {{\"choices\":[{{\"index\":null,\"delta\":{piece}}}]}}\n\n");
    pieces.iter().map(data).collect::<String>() + "data: [DONE]\n\n"
}

#[test]
fn a_chat_says_the_same_in_a_stream_whole_and_in_the_next_request() {
    let cases: [(&[&str], &str, Part); 3] = [
        (
            &[r#"{"refusal":"I cannot "}"#, r#"{"content":null,"refusal":"help"}"#],
            r#"{"role":"assistant","content":null,"refusal":"I cannot help"}"#,
            text("I cannot help"),
        ),
        (
            &[
                r#"{"function_call":{"name":"look","arguments":"{\"a\""}}"#,
                r#"{"function_call":{"arguments":":1}"}}"#,
            ],
            r#"{"role":"assistant","content":null,"function_call":{"name":"look","arguments":"{\"a\": 1}"}}"#,
            call("look", "look", r#"{"a":1}"#),
        ),
        (
            &[
                r#"{"tool_calls":[{"index":0,"id":"c","type":"custom","custom":{"name":"run","input":"ls "}}]}"#,
                r#"{"tool_calls":[{"index":0,"custom":{"input":"-l"}}]}"#,
            ],
            r#"{"role":"assistant","tool_calls":[{"id":"c","type":"custom","custom":{"name":"run","input":"ls -l"}}]}"#,
            call("c", "run", r#""ls -l""#),
        ),
    ];
    for (pieces, whole, part) in cases {
        let parts = [part];
        assert_eq!(in_answer(OpenAiChat, &chat_stream(pieces)), parts, "{pieces:?}");
        let answer = format!(r#"{{"choices":[{{"message":{whole}}}]}}"#);
        assert_eq!(in_answer(OpenAiChat, &answer), parts, "{whole}");
        let request = format!(r#"{{"messages":[{whole}]}}"#);
        assert_eq!(in_request(OpenAiChat, &request), [message(Role::Assistant, &parts)], "{whole}");
    }
}

#[test]
fn a_custom_call_that_was_cut_was_never_made() {
    let piece = r#"{"tool_calls":[{"index":0,"id":"c","custom":{"name":"run","input":"rm -r /tmp"}}]}"#;
    let stream = chat_stream(&[piece]);
    assert_eq!(in_answer(OpenAiChat, stream.strip_suffix("data: [DONE]\n\n").unwrap()), []);
}

#[test]
fn a_functions_result_goes_to_its_name() {
    let request = r#"{"messages":[{"role":"function","name":"look","content":"a"}]}"#;
    assert_eq!(in_request(OpenAiChat, request), [message(Role::User, &[result("look", "a")])]);
}

#[test]
fn what_is_new_counts_where_all_that_was_said_comes_with_it() {
    let chunk = |new: &str, all: &str| {
        format!(
            r#"data: {{"choices":[{{"index":0,"delta":{{"content":"{new}"}},"message":{{"content":"{all}"}}}}]}}"#
        )
    };
    let stream = [chunk("Hel", "Hel"), chunk("lo", "Hello")].join("\n\n");
    assert_eq!(in_answer(OpenAiChat, &stream), [text("Hello")]);
}

#[test]
fn items_of_the_providers_own_tools_and_refusals_are_read_in_answers_and_requests() {
    let cases: [(&str, &[Part]); 5] = [
        (
            r#"{"type":"message","role":"assistant","content":[{"type":"refusal","refusal":"I cannot help"}]}"#,
            &[text("I cannot help")],
        ),
        (
            r#"{"type":"shell_call","call_id":"s","action":{"commands":["ls -la"]}}"#,
            &[call("s", "shell", r#"{"commands":["ls -la"]}"#)],
        ),
        (
            r#"{"type":"local_shell_call","id":"i","call_id":"l","action":{"type":"exec","command":["ls"]}}"#,
            &[call("l", "local_shell", r#"{"type":"exec","command":["ls"]}"#)],
        ),
        (
            r#"{"type":"apply_patch_call","call_id":"p","operation":{"type":"update_file","path":"a","diff":"@@"}}"#,
            &[call("p", "apply_patch", r#"{"type":"update_file","path":"a","diff":"@@"}"#)],
        ),
        (
            r#"{"type":"mcp_call","id":"m","name":"search","arguments":"{\"q\":\"x\"}","output":"hi","server_label":"s"}"#,
            &[call("m", "search", r#"{"q":"x"}"#), result("m", "hi")],
        ),
    ];
    for (item, parts) in cases {
        let answer = format!(r#"{{"status":"completed","output":[{item}]}}"#);
        assert_eq!(in_answer(OpenAiResponses, &answer), parts, "{item}");
        let request = format!(r#"{{"input":[{item}]}}"#);
        assert_eq!(in_request(OpenAiResponses, &request), [message(Role::Assistant, parts)], "{item}");
    }
    let unnamed = r#"{"input":[{"type":"function_call","call_id":"f","arguments":"{}"}]}"#;
    assert_eq!(in_request(OpenAiResponses, unnamed), [], "nobody knows whom it calls");
}

#[test]
fn a_shells_result_is_what_it_printed() {
    let request = r#"{"input":[{"type":"shell_call_output","call_id":"s",
        "output":[{"stdout":"file1","stderr":"","outcome":{"type":"exit","exit_code":0}},{"stdout":"","stderr":"no"}]}]}"#;
    assert_eq!(in_request(OpenAiResponses, request), [message(Role::User, &[result("s", "file1\nno")])]);
}

#[test]
fn what_anthropics_own_tools_found_and_printed_is_their_result() {
    let found = r#"{"type":"web_search_tool_result","tool_use_id":"w","content":[
        {"type":"web_search_result","title":"Rust","url":"https://rust-lang.org","encrypted_content":"x"}]}"#;
    let printed = r#"{"type":"bash_code_execution_tool_result","tool_use_id":"b",
        "content":{"type":"bash_code_execution_result","stdout":"file1\n","stderr":"no","return_code":1}}"#;
    let parts = [result("w", "Rust: https://rust-lang.org"), result("b", "file1\n\nno")];
    let whole = format!(r#"{{"type":"message","content":[{found},{printed}]}}"#);
    assert_eq!(in_answer(AnthropicMessages, &whole), parts);
    let event = |(at, block): (usize, &str)| {
        let block = block.replace('\n', "");
        format!("data: {{\"type\":\"content_block_start\",\"index\":{at},\"content_block\":{block}}}\n\n")
    };
    let stream: String = [found, printed].into_iter().enumerate().map(event).collect();
    assert_eq!(in_answer(AnthropicMessages, &stream), parts);
    let request = format!(r#"{{"messages":[{{"role":"assistant","content":[{found},{printed}]}}]}}"#);
    assert_eq!(in_request(AnthropicMessages, &request), [message(Role::Assistant, &parts)]);
}

#[test]
fn a_document_of_plain_text_is_words() {
    let request = r#"{"messages":[{"role":"user","content":[
        {"type":"document","source":{"type":"text","media_type":"text/plain","data":"the document"}},
        {"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"JVBERi0="}},
        {"type":"tool_result","tool_use_id":"e"},{"type":"text","text":"summarise"}]}]}"#;
    let parts = [text("the document"), result("e", ""), text("summarise")];
    assert_eq!(in_request(AnthropicMessages, request), [message(Role::User, &parts)]);
}
