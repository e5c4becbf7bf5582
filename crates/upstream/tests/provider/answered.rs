//! What providers' answers say, whole and as streams, complete and cut.

use domain::conversation::{Answered, Message, Part, Role, Stop, Usage};
use domain::provider::Dialect::{self, AnthropicMessages, OpenAiChat, OpenAiResponses};
use proptest::prelude::*;
use serde_json::json;
use upstream::dialect::{answered, asked};

const ANTHROPIC: &str = r#"event: message_start
data: {"type":"message_start","message":{"id":"m","type":"message","role":"assistant","content":[],"stop_reason":null,"usage":{"input_tokens":3,"cache_read_input_tokens":100,"cache_creation_input_tokens":30,"cache_creation":{"ephemeral_5m_input_tokens":10,"ephemeral_1h_input_tokens":20},"output_tokens":1}}}

event: content_block_start
data: {"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"hm"}}

event: content_block_start
data: {"type":"content_block_start","index":1,"content_block":{"type":"text","text":""}}

event: ping
data: {"type":"ping"}

event: content_block_delta
data: {"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"Grüß"}}

event: content_block_delta
data: {"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":" dich"}}

event: content_block_stop
data: {"type":"content_block_stop","index":1}

event: content_block_start
data: {"type":"content_block_start","index":2,"content_block":{"type":"tool_use","id":"t","name":"read","input":{}}}

event: content_block_delta
data: {"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"{\"path\": "}}

event: content_block_delta
data: {"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"\"a b\"}"}}

event: message_delta
data: {"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},"usage":{"output_tokens":42}}

event: message_stop
data: {"type":"message_stop"}

"#;

const CHAT: &str = r#"data: {"choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}

data: {"choices":[{"index":0,"delta":{"content":"Grüß"}}]}

data: {"choices":[{"index":1,"delta":{"content":"other"}},{"index":0,"delta":{"content":" dich"}}]}

data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"t","type":"function","function":{"name":"read","arguments":""}}]}}]}

data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":1,"id":"u","type":"function","function":{"name":"list","arguments":"{}"}}]}}]}

data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"path\": \"a b\"}"}}]}}]}

data: {"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}

data: {"choices":[],"usage":{"prompt_tokens":100,"completion_tokens":42,"prompt_tokens_details":{"cached_tokens":80}}}

data: [DONE]

"#;

const RESPONSES: &str = r#"event: response.created
data: {"type":"response.created","response":{"id":"r","status":"in_progress","output":[],"error":null}}

data: {"type":"response.output_text.delta","output_index":1,"content_index":0,"delta":"Grüß"}

data: {"type":"response.output_text.delta","output_index":1,"content_index":0,"delta":" di"}

data: {"type":"response.output_item.done","output_index":0,"item":{"type":"reasoning","summary":[],"content":[{"type":"reasoning_text","text":"hm"}]}}

data: {"type":"response.output_item.done","output_index":1,"item":{"type":"message","role":"assistant","content":[{"type":"output_text","text":"Grüß dich"}]}}

data: {"type":"response.output_item.done","output_index":2,"item":{"type":"function_call","call_id":"t","name":"read","arguments":"{\"path\": \"a b\"}"}}

data: {"type":"response.completed","response":{"status":"completed","output":[],"error":null,"usage":{"input_tokens":100,"input_tokens_details":{"cached_tokens":80},"output_tokens":42}}}

"#;

fn text(text: &str) -> Part {
    Part::Text { text: text.into() }
}

fn call(id: &str, name: &str, input: &str) -> Part {
    Part::ToolCall { id: id.into(), name: name.into(), input: input.into() }
}

fn says(parts: Vec<Part>) -> Option<Message> {
    Some(Message { role: Role::Assistant, parts })
}

fn of(dialect: Dialect, body: &str) -> Answered {
    answered(dialect, body.as_bytes())
}

#[test]
fn anthropics_stream_is_put_together() {
    let expected = Answered {
        message: says(vec![text("Grüß dich"), call("t", "read", r#"{"path":"a b"}"#)]),
        usage: Usage { input: 3, cache_read: 100, cache_write_5m: 10, cache_write_1h: 20, output: 42 },
        stop: Some(Stop::ToolUse),
        error: None,
        id: None,
        item: None,
    };
    assert_eq!(of(AnthropicMessages, ANTHROPIC), expected);
}

#[test]
fn chats_stream_is_put_together_by_the_index_of_its_calls() {
    let calls = [call("t", "read", r#"{"path":"a b"}"#), call("u", "list", "{}")];
    let expected = Answered {
        message: says([text("Grüß dich")].into_iter().chain(calls).collect()),
        usage: Usage { input: 20, cache_read: 80, output: 42, ..Usage::default() },
        stop: Some(Stop::ToolUse),
        error: None,
        id: None,
        item: None,
    };
    assert_eq!(of(OpenAiChat, CHAT), expected);
}

#[test]
fn responses_stream_is_put_together_from_finished_items() {
    let expected = Answered {
        message: says(vec![text("Grüß dich"), call("t", "read", r#"{"path":"a b"}"#)]),
        usage: Usage { input: 20, cache_read: 80, output: 42, ..Usage::default() },
        stop: Some(Stop::ToolUse),
        error: None,
        id: None,
        item: None,
    };
    assert_eq!(of(OpenAiResponses, RESPONSES), expected);
}

#[test]
fn a_finished_item_takes_the_place_of_its_pieces_and_is_not_said_twice() {
    let item = r#"{"type":"message","role":"assistant","content":[{"type":"output_text","text":"all"}]}"#;
    let body = [
        r#"{"type":"response.output_text.delta","output_index":1,"content_index":0,"delta":"a"}"#.to_owned(),
        r#"{"type":"response.output_text.delta","output_index":1,"content_index":1,"delta":"ll"}"#.to_owned(),
        format!(r#"{{"type":"response.output_item.done","output_index":1,"item":{item}}}"#),
        format!(
            r#"{{"type":"response.completed","response":{{"status":"completed","output":["odd",{item}]}}}}"#
        ),
    ];
    let stream: String = body.iter().map(|data| format!("data: {data}\n\n")).collect();
    assert_eq!(of(OpenAiResponses, &stream).message, says(vec![text("all")]));
    let last = stream.find(r#"data: {"type":"response.completed"#).unwrap();
    assert_eq!(
        of(OpenAiResponses, &stream[last..]).message,
        says(vec![text("all")]),
        "the last event alone is enough"
    );
}

#[test]
fn a_whole_answer_is_read_in_every_dialect() {
    let usage = Usage { input: 5, output: 2, ..Usage::default() };
    let expected = Answered {
        message: says(vec![text("a")]),
        usage,
        stop: Some(Stop::End),
        error: None,
        id: None,
        item: None,
    };
    for (dialect, body) in [
        (
            AnthropicMessages,
            r#"{"type":"message","content":[{"type":"text","text":"a"}],"stop_reason":"end_turn","usage":{"input_tokens":5,"output_tokens":2}}"#,
        ),
        (
            OpenAiChat,
            r#" {"choices":[{"index":0,"message":{"role":"assistant","content":"a"},"finish_reason":"stop"}],"usage":{"prompt_tokens":5,"completion_tokens":2}}"#,
        ),
        (
            OpenAiResponses,
            "\n{\"status\":\"completed\",\"error\":null,\"output\":[{\"type\":\"message\",\"role\":\"assistant\",\"content\":[{\"type\":\"output_text\",\"text\":\"a\"}]}],\"usage\":{\"input_tokens\":5,\"output_tokens\":2}}",
        ),
    ] {
        assert_eq!(of(dialect, body), expected, "{dialect:?}");
    }
}

#[test]
fn calls_in_a_whole_chat_answer_need_no_index() {
    let body = r#"{"choices":[{"message":{"content":null,"tool_calls":[
        {"id":"a","function":{"name":"x","arguments":"{}"}},{"id":"b","function":{"name":"y","arguments":""}}]},"finish_reason":"tool_calls"}]}"#;
    assert_eq!(of(OpenAiChat, body).message, says(vec![call("a", "x", "{}"), call("b", "y", "{}")]));
}

#[test]
fn a_stated_reason_is_an_end_also_without_the_mark_behind_it() {
    for (dialect, stream, marks) in
        [(OpenAiChat, CHAT, "data: [DONE]\n\n"), (AnthropicMessages, ANTHROPIC, "event: message_stop\n")]
    {
        let unmarked = &stream[..stream.find(marks).unwrap()];
        assert_eq!(of(dialect, unmarked), of(dialect, stream), "{dialect:?}");
        let failed = "data: {\"type\":\"error\",\"error\":{\"type\":\"t\",\"message\":\"m\"}}\n\n";
        let answer = of(dialect, &(unmarked.to_owned() + failed));
        assert!(answer.stop.is_none() && answer.error.is_some(), "{dialect:?}");
    }
    let empty = r#"data: {"choices":[{"delta":{"content":"a"},"finish_reason":""}]}"#;
    assert_eq!(of(OpenAiChat, empty).stop, None, "an empty one states nothing");
}

#[test]
fn a_call_in_a_chat_stream_is_one_however_its_pieces_are_counted_and_named() {
    let said = |pieces: &[&str]| {
        let data =
            |piece: &&str| format!("data: {{\"choices\":[{{\"delta\":{{\"tool_calls\":[{piece}]}}}}]}}\n\n");
        of(OpenAiChat, &(pieces.iter().map(data).collect::<String>() + "data: [DONE]\n\n")).message
    };
    let (one, two) = (call("1", "x", r#"{"a":1}"#), call("2", "y", r#"{"b":2}"#));
    for index in ["", r#""index":0,"#] {
        let piece = |id: u8, name: &str, input: &str| {
            format!(r#"{{{index}"id":"{id}","function":{{"name":"{name}","arguments":"{input}"}}}}"#)
        };
        let [first, second] = [piece(1, "x", r#"{\"a\":1}"#), piece(2, "y", r#"{\"b\":2}"#)];
        assert_eq!(said(&[&first, &second]), says(vec![one.clone(), two.clone()]), "{index}");
        for name in ["x", ""] {
            let [first, second] = [piece(1, "x", r#"{\"a\""#), piece(1, name, ":1}")];
            assert_eq!(said(&[&first, &second]), says(vec![one.clone()]), "{index} {name}");
        }
    }
}

#[test]
fn a_chat_call_without_an_id_counts_in_the_answer_as_in_the_next_request() {
    for id in ["", r#""id":"","#, r#""id":null,"#] {
        let calls =
            format!(r#""tool_calls":[{{{id}"index":0,"function":{{"name":"x","arguments":"{{}}"}}}}]"#);
        let stream = format!("data: {{\"choices\":[{{\"delta\":{{{calls}}}}}]}}\n\ndata: [DONE]\n\n");
        let said = says(vec![call("", "x", "{}")]);
        assert_eq!(of(OpenAiChat, &stream).message, said, "{id}");
        let whole = format!(r#"{{"choices":[{{"message":{{{calls}}}}}]}}"#);
        assert_eq!(of(OpenAiChat, &whole).message, said, "{id}");
        let request = format!(r#"{{"messages":[{{"role":"assistant","content":null,{calls}}}]}}"#);
        assert_eq!(asked(OpenAiChat, request.as_bytes()).unwrap().messages.pop(), said, "{id}");
    }
}

#[test]
fn each_reason_to_stop_has_its_word() {
    let stop = |dialect, reason: &str| {
        let body = match dialect {
            AnthropicMessages => format!(r#"{{"type":"message","content":[],"stop_reason":"{reason}"}}"#),
            OpenAiChat => {
                format!(r#"{{"choices":[{{"message":{{"content":"a"}},"finish_reason":"{reason}"}}]}}"#)
            }
            OpenAiResponses => format!(
                r#"{{"status":"incomplete","output":[],"incomplete_details":{{"reason":"{reason}"}}}}"#
            ),
        };
        of(dialect, &body).stop
    };
    assert_eq!(stop(AnthropicMessages, "max_tokens"), Some(Stop::Length));
    assert_eq!(stop(AnthropicMessages, "model_context_window_exceeded"), Some(Stop::Length));
    assert_eq!(stop(AnthropicMessages, "refusal"), Some(Stop::Refused));
    assert_eq!(stop(AnthropicMessages, "pause_turn"), Some(Stop::Unfinished));
    assert_eq!(stop(AnthropicMessages, "stop_sequence"), Some(Stop::Other));
    assert_eq!(stop(OpenAiChat, "length"), Some(Stop::Length));
    assert_eq!(stop(OpenAiChat, "content_filter"), Some(Stop::Refused));
    assert_eq!(stop(OpenAiResponses, "max_output_tokens"), Some(Stop::Length));
    assert_eq!(stop(OpenAiResponses, "content_filter"), Some(Stop::Refused));
    assert_eq!(
        stop(OpenAiResponses, "another"),
        Some(Stop::Unfinished),
        "it says itself that it is not whole"
    );
}

#[test]
fn without_a_breakdown_what_was_written_to_the_cache_counts_as_five_minutes() {
    let body = r#"{"type":"message","content":[],"usage":{"input_tokens":1,"cache_creation_input_tokens":7,"cache_creation":null}}"#;
    assert_eq!(of(AnthropicMessages, body).usage, Usage { input: 1, cache_write_5m: 7, ..Usage::default() });
}

#[test]
fn of_two_counts_of_one_answer_the_later_holds_and_what_it_leaves_out_stays() {
    let count = |input: u64, read: u64, more: &str| {
        format!(r#"{{"input_tokens":{input},"cache_read_input_tokens":{read},"output_tokens":1{more}}}"#)
    };
    let start = count(1, 2, r#","cache_creation":{"ephemeral_5m_input_tokens":3}"#);
    let body = format!(
        "data: {{\"type\":\"message_start\",\"message\":{{\"usage\":{start}}}}}\n\n\
         data: {{\"type\":\"message_delta\",\"delta\":{{}},\"usage\":{}}}\n\n",
        count(10, 20, "")
    );
    let usage = Usage { input: 10, cache_read: 20, cache_write_5m: 3, output: 1, ..Usage::default() };
    assert_eq!(of(AnthropicMessages, &body).usage, usage);
}

#[test]
fn an_error_inside_an_accepted_answer_is_told() {
    let error = |dialect, body: &str| of(dialect, body).error.unwrap();
    let told = |word: &str, message: &str| (word.to_owned(), message.to_owned());
    let event = "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}\n\n";
    assert_eq!(error(AnthropicMessages, event), told("overloaded_error", "Overloaded"));
    assert_eq!(error(OpenAiChat, r#"{"error":{"message":"m","type":"t","code":"c"}}"#), told("c", "m"));
    assert_eq!(error(OpenAiChat, "data: {\"error\":{\"message\":\"m\",\"type\":\"t\"}}\n\n"), told("t", "m"));
    let failed = "data: {\"type\":\"response.failed\",\"response\":{\"status\":\"failed\",\"error\":{\"code\":\"rate_limit_exceeded\",\"message\":\"m\"}}}\n\n";
    let answer = of(OpenAiResponses, failed);
    assert_eq!((answer.error, answer.stop), (Some(told("rate_limit_exceeded", "m")), None));
}

#[test]
fn an_error_after_words_keeps_the_words_and_never_ended() {
    let at = ANTHROPIC.find("event: message_delta").unwrap();
    let body = format!(
        "{}event: error\ndata: {{\"type\":\"error\",\"error\":{{\"type\":\"api_error\",\"message\":\"m\"}}}}\n\n",
        &ANTHROPIC[..at]
    );
    let answer = of(AnthropicMessages, &body);
    assert!(answer.message.is_some() && answer.error.is_some() && answer.stop.is_none());
}

#[test]
fn what_is_neither_json_nor_events_says_nothing_and_never_ended() {
    for dialect in [AnthropicMessages, OpenAiChat, OpenAiResponses] {
        for body in ["", "<html>502</html>", "{", "[]", "null", "data: {\n\n"] {
            assert_eq!(of(dialect, body), Answered::default(), "{dialect:?} {body}");
        }
    }
}

#[test]
fn an_answer_reads_the_same_when_it_comes_back_in_the_next_request() {
    let next = [
        (
            AnthropicMessages,
            ANTHROPIC,
            r#"{"messages":[{"role":"assistant","content":[{"type":"thinking","thinking":"hm"},{"type":"text","text":"Grüß dich"},{"type":"tool_use","id":"t","name":"read","input":{"path":"a b"}}]}]}"#,
        ),
        (
            OpenAiChat,
            CHAT,
            r#"{"messages":[{"role":"assistant","content":"Grüß dich","tool_calls":[{"id":"t","function":{"name":"read","arguments":"{\"path\": \"a b\"}"}},{"id":"u","function":{"name":"list","arguments":"{}"}}]}]}"#,
        ),
        (
            OpenAiResponses,
            RESPONSES,
            r#"{"input":[{"type":"reasoning","encrypted_content":"x"},{"type":"message","role":"assistant","content":[{"type":"output_text","text":"Grüß dich"}]},{"type":"function_call","call_id":"t","name":"read","arguments":"{\"path\": \"a b\"}"}]}"#,
        ),
    ];
    for (dialect, answer, request) in next {
        let said = of(dialect, answer).message.unwrap();
        assert_eq!(asked(dialect, request.as_bytes()).unwrap().messages, [said], "{dialect:?}");
    }
}

/// The same counts in a whole answer and in the stream of events that says the same.
fn counted_both_ways(dialect: Dialect, usage: &serde_json::Value) -> [String; 2] {
    let event = |data: serde_json::Value| format!("data: {data}\r\n\r\n");
    match dialect {
        AnthropicMessages => {
            let mut start = usage.clone();
            start["output_tokens"] = 1.into();
            [
                json!({ "type": "message", "content": [], "usage": usage }).to_string(),
                [
                    event(json!({ "type": "message_start", "message": { "usage": start } })),
                    event(json!({ "type": "message_delta", "delta": {}, "usage": { "output_tokens": usage["output_tokens"] } })),
                ]
                .concat(),
            ]
        }
        OpenAiChat => {
            let whole = json!({ "choices": [], "usage": usage });
            [whole.to_string(), event(json!({ "choices": [], "usage": null })) + &event(whole)]
        }
        OpenAiResponses => {
            let whole = json!({ "status": "completed", "output": [], "usage": usage });
            [whole.to_string(), event(json!({ "type": "response.completed", "response": whole }))]
        }
    }
}

/// Where in a stream the event ends that states why the answer ended.
fn stated(stream: &str) -> usize {
    let reasons =
        [r#""stop_reason":"tool_use""#, r#""finish_reason":"tool_calls""#, r#""status":"completed""#];
    let at = reasons.iter().find_map(|reason| stream.find(reason)).unwrap();
    stream[at..].find('\n').map_or(stream.len(), |end| at + end)
}

proptest! {
    #[test]
    fn a_whole_answer_and_a_stream_count_alike(
        (input, read, short, long, output) in any::<(u64, u64, u64, u64, u64)>(),
    ) {
        let anthropic = json!({
            "input_tokens": input, "cache_read_input_tokens": read, "output_tokens": output,
            "cache_creation": { "ephemeral_5m_input_tokens": short, "ephemeral_1h_input_tokens": long },
        });
        let chat = json!({ "prompt_tokens": input, "prompt_tokens_details": { "cached_tokens": read }, "completion_tokens": output });
        let responses = json!({ "input_tokens": input, "input_tokens_details": { "cached_tokens": read }, "output_tokens": output });
        let cached = read.min(input);
        let openai = Usage { input: input - cached, cache_read: cached, output, ..Usage::default() };
        let all = Usage { input, cache_read: read, cache_write_5m: short, cache_write_1h: long, output };
        for (dialect, counts, expected) in
            [(AnthropicMessages, anthropic, all), (OpenAiChat, chat, openai), (OpenAiResponses, responses, openai)]
        {
            for body in counted_both_ways(dialect, &counts) {
                prop_assert_eq!(of(dialect, &body).usage, expected, "{}", body);
            }
        }
    }

    #[test]
    fn a_stream_that_is_cut_before_its_reason_never_ended_and_none_says_more_than_the_whole(at in any::<prop::sample::Index>()) {
        for (dialect, body) in [(AnthropicMessages, ANTHROPIC), (OpenAiChat, CHAT), (OpenAiResponses, RESPONSES)] {
            let whole = body.trim_end();
            let at = at.index(whole.len());
            let cut = answered(dialect, &whole.as_bytes()[..at]);
            prop_assert_eq!(cut.stop, (at >= stated(whole)).then_some(Stop::ToolUse));
            prop_assert_eq!(cut.error, None);
            let everything = of(dialect, body).message.unwrap();
            for (part, full) in cut.message.into_iter().flat_map(|message| message.parts).zip(everything.parts) {
                match (part, full) {
                    (Part::Text { text }, Part::Text { text: full }) => prop_assert!(full.starts_with(&text)),
                    // Cut between two pieces of its input, a call may look whole and empty.
                    (Part::ToolCall { name, .. }, Part::ToolCall { name: full, .. }) => prop_assert_eq!(name, full),
                    (part, full) => prop_assert!(false, "{part:?} for {full:?}"),
                }
            }
        }
    }
}
