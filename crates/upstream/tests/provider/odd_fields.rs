//! Fields of another shape than they should have: each costs only itself.

use domain::conversation::{Message, Role, Stop, Usage};
use domain::provider::Dialect::{AnthropicMessages, OpenAiChat, OpenAiResponses};
use upstream::dialect::{answered, asked, glance};

#[test]
fn an_odd_field_costs_only_itself_and_a_whole_number_may_be_written_as_any() {
    let odd = ["null", "-1", "4096.5", r#""100""#, "[1]", r#"{"a":{}}"#, "true"];
    let fields = [
        (
            AnthropicMessages,
            "messages",
            &["model", "max_tokens", "cache_control", "metadata", "tools", "output_config"][..],
        ),
        (
            OpenAiChat,
            "messages",
            &["model", "max_tokens", "max_completion_tokens", "prompt_cache_key", "response_format"][..],
        ),
        (
            OpenAiResponses,
            "input",
            &["model", "max_output_tokens", "prompt_cache_key", "previous_response_id", "client_metadata"][..],
        ),
    ];
    for (dialect, said, fields) in fields {
        for (field, value) in
            fields.iter().chain(&["stream"]).flat_map(|field| odd.map(|value| (field, value)))
        {
            let body = format!(r#"{{"{field}":{value},"{said}":[{{"role":"user","content":"a"}}]}}"#);
            let whole = asked(dialect, body.as_bytes()).expect(&body);
            assert_eq!(whole.messages, [Message::text(Role::User, "a")], "{body}");
            let mut seen = glance(dialect, body.as_bytes(), false).expect(&body);
            assert!(seen.says_something(), "{body}");
            (seen.unread_beginning, seen.messages, seen.cache) = (None, whole.messages.clone(), whole.cache);
            assert_eq!(seen, whole, "{body}");
        }
        for (limit, number) in [("4096.0", 4096), ("1e3", 1000)] {
            let field = if dialect == OpenAiResponses { "max_output_tokens" } else { "max_tokens" };
            let body = format!(r#"{{"{field}":{limit}}}"#);
            assert_eq!(asked(dialect, body.as_bytes()).unwrap().output_limit, Some(number), "{body}");
            assert_eq!(glance(dialect, body.as_bytes(), false).unwrap().output_limit, Some(number), "{body}");
        }
    }
}

#[test]
fn an_odd_count_costs_only_itself() {
    let counts = r#"{"input_tokens":5.0,"prompt_tokens":5.0,"output_tokens":2,"completion_tokens":2,
        "cache_read_input_tokens":-1,"prompt_tokens_details":7,"input_tokens_details":{"cached_tokens":"x"}}"#;
    for (dialect, body) in [
        (AnthropicMessages, r#"{"type":"message","content":[],"stop_reason":5,"#),
        (OpenAiChat, r#"{"choices":[{"index":null,"message":{"content":"a"},"finish_reason":5}],"#),
        (OpenAiResponses, r#"{"id":5,"status":7,"output":[],"#),
    ] {
        let answer = answered(dialect, format!(r#"{body}"usage":{counts}}}"#).as_bytes());
        assert_eq!(answer.usage, Usage { input: 5, output: 2, ..Usage::default() }, "{dialect:?}");
        assert_eq!(answer.stop, Some(Stop::Other), "{dialect:?}");
    }
}
