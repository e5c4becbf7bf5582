//! The shapes, read by hand where the order of events matters and by the house's own reader where the meaning does.

use super::*;
use domain::conversation::{Part, Stop};

fn kinds(plan: &Plan) -> Vec<String> {
    let mut kinds: Vec<_> =
        events(plan).iter().map(|event| event["type"].as_str().unwrap().to_owned()).collect();
    kinds.dedup();
    kinds
}

fn answer(dialect: Dialect, words: &str, stream: bool) -> Plan {
    provider().answer(&asking(dialect, "good", &question(dialect, words, stream)), START)
}

#[test]
fn a_stream_and_a_whole_answer_say_the_same_at_the_same_price() {
    for dialect in DIALECTS {
        for words in ["tell me about Köln and the 3 mills", "use the tool lookup", "über alles ☃ hinaus"]
        {
            let (whole, stream) = (answer(dialect, words, false), answer(dialect, words, true));
            assert_eq!(whole.header("content-type"), Some("application/json"));
            assert_eq!(stream.header("content-type"), Some("text/event-stream; charset=utf-8"));
            let (whole, stream) = (heard(dialect, &whole), heard(dialect, &stream));
            assert_eq!(whole, stream, "{dialect:?} {words}");
            assert!(whole.usage.output > 0 && whole.usage.input > 0, "{dialect:?} {:?}", whole.usage);
        }
    }
}

#[test]
fn the_reply_mentions_the_last_words() {
    for dialect in DIALECTS {
        let said = heard(dialect, &answer(dialect, "the mill stands at the river", true));
        assert!(said.message.unwrap().readable().contains("the mill stands at the river"), "{dialect:?}");
        assert_eq!(said.stop, Some(Stop::End));
    }
}

#[test]
fn a_wanted_tool_is_called_with_what_its_schema_requires() {
    for dialect in DIALECTS {
        let said = heard(dialect, &answer(dialect, "use the tool lookup", true));
        assert_eq!(said.stop, Some(Stop::ToolUse), "{dialect:?}");
        let message = said.message.unwrap();
        let [Part::ToolCall { id, name, input }] = &message.parts[..] else {
            panic!("{dialect:?} {message:?}")
        };
        assert_eq!((name.as_str(), input.as_str()), ("lookup", r#"{"word":"use the tool lookup"}"#));
        assert!(id.starts_with("toolu_01") || id.starts_with("call_"), "{id}");
    }
}

#[test]
fn anthropics_events_come_in_their_order() {
    let plan = answer(Dialect::AnthropicMessages, "hello", true);
    let (start, stop) =
        (&["message_start", "content_block_start", "ping", "content_block_delta"], "message_stop");
    let expected: Vec<_> =
        start.iter().copied().chain(["content_block_stop", "message_delta", stop]).collect();
    assert_eq!(kinds(&plan), expected);
    let first = &events(&plan)[0]["message"];
    assert!(first["id"].as_str().unwrap().starts_with("msg_01") && first["stop_reason"].is_null());
    let names: Vec<_> = String::from_utf8(plan.body().to_vec())
        .unwrap()
        .lines()
        .filter_map(|line| Some(line.strip_prefix("event: ")?.to_owned()))
        .collect();
    let types: Vec<_> =
        events(&plan).iter().map(|event| event["type"].as_str().unwrap().to_owned()).collect();
    assert_eq!(names, types, "each event is named after its type");
}

#[test]
fn responses_events_come_in_their_order_and_are_numbered() {
    let plan = answer(Dialect::OpenAiResponses, "hello", true);
    let expected = [
        "created",
        "in_progress",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "completed",
    ];
    assert_eq!(kinds(&plan), expected.map(|kind| format!("response.{kind}")));
    let numbers: Vec<_> =
        events(&plan).iter().map(|event| event["sequence_number"].as_u64().unwrap()).collect();
    assert!(numbers.iter().copied().eq(0..numbers.len() as u64));
}

#[test]
fn a_chat_stream_ends_with_done_and_tells_usage_only_when_asked() {
    let dialect = Dialect::OpenAiChat;
    let plan = answer(dialect, "hello", true);
    assert!(plan.body().ends_with(b"data: [DONE]\n\n"));
    let last = events(&plan).pop().unwrap();
    assert!(last["choices"].as_array().unwrap().is_empty() && last["usage"]["prompt_tokens"].is_u64());
    let mut quiet = question(dialect, "hello", true);
    quiet["stream_options"] = Value::Null;
    let plan = provider().answer(&asking(dialect, "good", &quiet), START);
    assert!(events(&plan).iter().all(|chunk| chunk.get("usage").is_none()));
}

#[test]
fn every_piece_of_a_stream_is_one_whole_event() {
    for dialect in DIALECTS {
        for step in answer(dialect, "hello", true).steps {
            let Step::Bytes(bytes) = step else { panic!("{step:?}") };
            assert!(bytes.ends_with(b"\n\n") && bytes.windows(2).filter(|two| two == b"\n\n").count() == 1);
        }
    }
}

#[test]
fn a_limited_answer_ends_for_length_in_every_shape() {
    for (dialect, limit) in
        DIALECTS.into_iter().zip(["max_tokens", "max_completion_tokens", "max_output_tokens"])
    {
        for stream in [false, true] {
            let mut body = question(dialect, "a long tale, please", stream);
            body[limit] = json!(4);
            let said = heard(dialect, &provider().answer(&asking(dialect, "good", &body), START));
            assert_eq!((said.stop, said.usage.output), (Some(Stop::Length), 4), "{dialect:?} {stream}");
        }
    }
}
