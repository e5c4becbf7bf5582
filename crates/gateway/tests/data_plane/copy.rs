//! What is learned from an answer is learned from a copy: nothing that becomes of the copy reaches the client.

use crate::client::{Client, post, request};
use crate::house::House;
use crate::provider::{Provider, chunk, events};
use serde_json::json;

/// A turn of this many bytes leaves no room for another beside it while it waits to be recorded.
const FILLING: usize = 17 * 1024 * 1024;

/// A turn of `session`.
fn turn(session: &str, words: &str) -> String {
    let body = json!({ "model": "claude-x", "messages": [{ "role": "user", "content": words }] });
    post("/v1/messages", &format!("x-claude-code-session-id: {session}\r\n"), &body.to_string())
}

/// The chunks of the next answer.
fn chunks(client: &mut Client) -> Vec<Vec<u8>> {
    client.head();
    std::iter::from_fn(|| Some(client.chunk()).filter(|chunk| !chunk.is_empty())).collect()
}

fn turns_left_out(house: &House) -> bool {
    let metrics = house.ask(request("GET", "/metrics", "")).text();
    metrics.contains("stillroom_facts_shed_total{actor=\"Recorder\",msg=\"TurnCompleted\"} 1")
}

#[test]
fn a_recorder_that_is_stuck_and_full_holds_up_no_stream() {
    let provider = Provider::saying(events("Hello"));
    let house = House::before(&provider);
    let mut client = house.client();
    client.say(turn("a-session", "hi"));
    let undisturbed = chunks(&mut client);
    let _stuck = house.busy_store();
    client.say(turn("a-large-session", &"x".repeat(FILLING)));
    assert_eq!(chunks(&mut client), undisturbed);
    client.say(turn("a-session", "and now?"));
    assert_eq!(chunks(&mut client), undisturbed);
    assert!(turns_left_out(&house), "it was full");
}

#[test]
fn a_stream_of_garbage_passes_as_it_is_and_the_next_answer_is_read_as_ever() {
    let endless = format!("data: {}", "x".repeat(400_000));
    let garbage: [&[u8]; 8] = [
        b"event: message_start\ndata: {not json\n\n",
        b"\xff\xfe\0\x80\n\n",
        b"\r\r\n\n\n:\n",
        b"data: {\"type\":\"content_block_delta\",\"index\":-1,\"delta\":7}\n\n",
        b"data: [DONE]\n\ndata: {\"type\":\"message_stop\"}\n\n",
        b"data: {\"type\":\"error\",\"error\":null}\r\n\r\n",
        endless.as_bytes(),
        b"event: message_stop",
    ];
    let chunked = |piece: &&[u8]| [format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat();
    let head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
    let mut stream = head.to_vec();
    stream.extend(garbage.iter().flat_map(chunked));
    stream.extend(chunk("").bytes());
    let provider = Provider::saying(stream);
    let house = House::before(&provider);
    let mut client = house.client();
    for _ in 0..2 {
        client.say(turn("a-session", "hi"));
        assert!(chunks(&mut client).concat() == garbage.concat(), "every byte of it");
    }
}
