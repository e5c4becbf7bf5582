//! What the actors of a running gateway say to each other, as a user sees it.

use crate::support::{Served, User};
use serde_json::Value;
use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

#[test]
fn messages_are_shown_in_every_format_and_searched() {
    let user = User::new();
    let served = Served::tracing(&user);
    let trace = |arguments: &[&str]| {
        let answer = user.calls(&[&["trace", "--listen", served.address()], arguments].concat());
        assert_eq!((answer.code(), answer.err().as_str()), (Some(0), ""), "{arguments:?}");
        answer.out()
    };
    user.calls(&["credentials", "--listen", served.address()]);
    let lines = trace(&["--message", "ListSlots", "--last", "1"]);
    assert!(
        lines.contains(" Viewer → CredentialActor ListSlots r=") && lines.lines().count() == 1,
        "{lines}"
    );
    assert!(lines.ends_with(" → 0 slots\n"), "{lines}");
    let root = lines.split("r=").nth(1).and_then(|rest| rest.split(' ').next()).unwrap();
    assert_eq!(trace(&["--root", root, "--json"]).lines().count(), 1);
    assert!(trace(&["--format", "mermaid"]).starts_with("sequenceDiagram\n"));
    let events: Vec<Value> = serde_json::from_str(&trace(&["--format", "chrome"])).unwrap();
    assert!(events.iter().any(|event| event["args"]["name"] == "CredentialActor"));
    let (code, log) = served.without_input_and_log();
    assert_eq!(code, Some(0));
    assert!(log.contains(" Viewer → CredentialActor ListSlots r="), "printed as they happen: {log}");
}

#[test]
fn messages_are_followed_as_they_come_until_the_gateway_ends() {
    let user = User::new();
    let served = Served::by(&user);
    let follow = ["trace", "--follow", "--message", "ListSlots", "--json", "--listen", served.address()];
    let mut following = user.command(&follow).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut heard = BufReader::new(following.stdout.take().unwrap());
    // Recording begins with the stream; whoever asks before is not heard, so it is asked until something is.
    let asking = std::thread::spawn({
        let address = served.address().to_owned();
        move || {
            while user.calls(&["trace", "--listen", &address]).err().contains("nothing is recorded") {}
            user.calls(&["credentials", "--listen", &address]);
        }
    });
    let mut line = String::new();
    heard.read_line(&mut line).unwrap();
    let row: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(row["message"], "ListSlots");
    asking.join().unwrap();
    assert_eq!(served.without_input(), Some(0));
    let end = following.wait_with_output().unwrap();
    assert_eq!(end.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&end.stderr).contains("the gateway has ended"));
}

#[cfg(target_os = "linux")]
#[test]
fn a_collector_gets_a_span_of_a_call_without_a_word_of_it_or_its_key() {
    use crate::client::{Client, post};
    use crate::provider::{Provider, answer};
    let said = r#"{"id":"msg_1","type":"message","role":"assistant","model":"claude-x","content":[{"type":"text","text":"canary of the answer"}],"stop_reason":"end_turn","usage":{"input_tokens":11,"output_tokens":5}}"#;
    let provider = Provider::saying(answer("200 OK", "content-type: application/json\r\n", said));
    let collector = Provider::saying(answer("200 OK", "", ""));
    let user = User::new();
    let url = |address: std::net::SocketAddr| format!("http://{address}");
    let mut serve = user.command(&["serve", "--until-input-ends", "--listen", "127.0.0.1:0"]);
    serve.env("STILLROOM_UPSTREAM__ANTHROPIC", url(provider.address));
    let served = Served::started({
        serve.env("STILLROOM_TRACE__OTLP_ENDPOINT", url(collector.address));
        serve
    });
    let turn = r#"{"model":"claude-x","max_tokens":9,"messages":[{"role":"user","content":"canary of the question"}]}"#;
    let mut client = Client::of(served.address().parse().unwrap());
    client.say(post(
        "/v1/messages",
        "x-api-key: sk-ant-api03-canary\r\nanthropic-version: 2023-06-01\r\n",
        turn,
    ));
    assert_eq!(client.answer().status, 200);
    let heard = collector.heard();
    assert_eq!(heard.line, "POST /v1/traces HTTP/1.1");
    assert_eq!(heard.values("content-type"), ["application/x-protobuf"]);
    let has = |text: &str| heard.body.windows(text.len()).any(|window| window == text.as_bytes());
    for text in
        ["chat claude-x", "gen_ai.provider.name", "anthropic", "gen_ai.usage.output_tokens", "stillroom"]
    {
        assert!(has(text), "{text}");
    }
    assert!(!has("canary"), "{}", String::from_utf8_lossy(&heard.body));
    assert_eq!(served.without_input(), Some(0));
}
