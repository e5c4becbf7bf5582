//! What is relayed arrives as it was sent, both ways.

use crate::client::{post, request};
use crate::house::House;
use crate::provider::{Provider, answer, chunk};
use std::sync::Mutex;
use std::sync::mpsc::channel;

const PLAIN: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

#[test]
fn a_request_arrives_as_it_was_sent() {
    let provider = Provider::saying(PLAIN);
    let house = House::before(&provider);
    let headers = "authorization: Bearer a\r\nx-api-key: b\r\nX-Twice: 1\r\nx-twice: 2\r\nsession_id: s\r\n\
        connection: keep-alive, x-hop\r\nx-hop: 1\r\nte: trailers\r\nproxy-authorization: p\r\nexpect: 100-continue\r\n\
        x-stillroom-access: t\r\nuser-agent: agent/1\r\n";
    let mut client = house.client();
    client.say(post("/v1/messages/a%2Fb//../c?beta=true&x=%20&&", headers, "{}"));
    assert_eq!(
        client.hear_up_to("\r\n\r\n"),
        "HTTP/1.1 100 Continue\r\n\r\n",
        "the gateway answers that itself"
    );
    assert_eq!(client.answer().text(), "ok");
    let heard = provider.heard();
    assert_eq!(heard.line, "POST /v1/messages/a%2Fb//../c?beta=true&x=%20&& HTTP/1.1");
    assert_eq!(heard.body, b"{}");
    assert_eq!(heard.values("x-twice"), ["1", "2"]);
    let mut names: Vec<_> = heard.headers.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    let own = ["content-length", "host"];
    let sent = ["authorization", "session_id", "user-agent", "x-api-key", "x-twice", "x-twice"];
    let mut expected: Vec<_> = own.into_iter().chain(sent).collect();
    expected.sort_unstable();
    assert_eq!(names, expected);
    assert_eq!(heard.values("host"), [provider.address.to_string()]);
}

#[test]
fn an_answer_arrives_as_it_was_said() {
    let headers = "retry-after: 2\r\nanthropic-ratelimit-unified-status: rejected\r\nset-cookie: a=1\r\nset-cookie: b=2\r\n\
        x-should-retry: false\r\ndate: Mon, 23 Nov 2026 00:00:00 GMT\r\nkeep-alive: timeout=5\r\nx-codex-turn-state: s\r\n";
    let provider = Provider::saying(answer("429 Too Many Requests", headers, "slow down"));
    let house = House::before(&provider);
    let heard = house.ask(post("/v1/messages", "", "{}"));
    assert_eq!((heard.status, heard.text().as_str()), (429, "slow down"));
    assert_eq!(heard.values("set-cookie"), ["a=1", "b=2"]);
    assert_eq!(heard.values("date"), ["Mon, 23 Nov 2026 00:00:00 GMT"]);
    let mut names: Vec<_> = heard.headers.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "anthropic-ratelimit-unified-status",
            "content-length",
            "date",
            "retry-after",
            "set-cookie",
            "set-cookie",
            "x-codex-turn-state",
            "x-should-retry"
        ]
    );
}

#[test]
fn thirty_two_mebibytes_arrive_unchanged_and_come_back() {
    let provider = Provider::playing(|line| {
        while line.hear() {
            let body = noise();
            line.say(format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len()).as_bytes());
            line.say(&body);
        }
    });
    let house = House::before(&provider);
    let body = noise();
    let mut client = house.client();
    client.say(request("POST", "/v1/messages", &format!("content-length: {}\r\n", body.len())));
    client.say(&body);
    let answered = client.answer();
    assert!(answered.body == body, "the answer is the same");
    assert!(provider.heard().body == body, "the request is the same");
}

/// 32 MiB that no two places of are alike.
fn noise() -> Vec<u8> {
    (0_u32..8 * 1024 * 1024).flat_map(|number| number.wrapping_mul(2_654_435_761).to_le_bytes()).collect()
}

#[test]
fn encoded_bodies_stay_encoded_both_ways() {
    const GZIP: &[u8] = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xabV*\xcdK\xcd\xcb/\xca\x05\x00\xff\x00";
    let provider = Provider::playing(|line| {
        while line.hear() {
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n",
                GZIP.len()
            );
            line.say(head.as_bytes());
            line.say(GZIP);
        }
    });
    let house = House::before(&provider);
    let zstd = b"\x28\xb5\x2f\xfd\x20\x02\x11\x00\x00{}";
    let mut client = house.client();
    let headers = format!("content-encoding: zstd\r\ncontent-length: {}\r\n", zstd.len());
    client.say(request("POST", "/v1/responses", &headers));
    client.say(zstd);
    let answered = client.answer();
    let heard = provider.heard();
    assert_eq!((heard.values("content-encoding"), &heard.body[..]), (vec!["zstd"], &zstd[..]));
    assert!(heard.values("accept-encoding").is_empty(), "the client cannot read what it did not ask for");
    assert_eq!((answered.values("content-encoding"), &answered.body[..]), (vec!["gzip"], GZIP));
}

#[test]
fn a_chunked_upload_arrives_whole() {
    let provider = Provider::saying(PLAIN);
    let house = House::before(&provider);
    let upload = chunk("{\"a\"") + &chunk(":1}") + "0\r\n\r\n";
    house.ask(request("POST", "/v1/messages", "transfer-encoding: chunked\r\n") + &upload);
    let heard = provider.heard();
    assert_eq!((heard.body.as_slice(), heard.values("content-length")), (&b"{\"a\":1}"[..], vec!["7"]));
}

#[test]
fn requests_that_come_in_one_breath_are_answered_in_their_order() {
    let provider = Provider::playing(|line| {
        while let Some(target) = line.hear_target() {
            line.say(answer("200 OK", "", &target).as_bytes());
        }
    });
    let house = House::before(&provider);
    let mut client = house.client();
    let targets = ["/v1/messages/1", "/v1/messages/2", "/v1/models"];
    client.say(targets.map(|target| post(target, "", "{}")).concat());
    for target in targets {
        assert_eq!(client.answer().text(), target);
        assert_eq!(provider.heard().line, format!("POST {target} HTTP/1.1"));
    }
    assert!(provider.heard_no_more());
}

#[test]
fn each_event_passes_before_the_next_is_said() {
    let (go_on, told) = channel::<()>();
    let told = Mutex::new(told);
    let provider = Provider::playing(move |line| {
        line.hear();
        line.say(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n");
        for event in ["data: 1\n\n", ": ping\n\n", "data: 2\n\n"] {
            line.say(chunk(event).as_bytes());
            told.lock().unwrap().recv().ok();
        }
        line.say(b"0\r\n\r\n");
        line.until_left();
    });
    let house = House::before(&provider);
    let mut client = house.client();
    client.say(post("/v1/messages", "", "{}"));
    assert_eq!(client.head().values("content-type"), ["text/event-stream"]);
    for event in ["data: 1\n\n", ": ping\n\n", "data: 2\n\n"] {
        assert_eq!(client.chunk(), event.as_bytes());
        go_on.send(()).unwrap();
    }
    assert_eq!(client.chunk(), b"");
}

#[test]
fn every_method_passes_and_answers_without_a_body_keep_their_length() {
    let provider = Provider::playing(|line| {
        while line.hear() {
            line.say(b"HTTP/1.1 200 OK\r\ncontent-length: 1234\r\n\r\n");
        }
    });
    let house = House::before(&provider);
    let mut client = house.client();
    for target in ["/", "/api/hello", "/v1/models"] {
        client.say(request("HEAD", target, ""));
        assert_eq!(client.head().values("content-length"), ["1234"]);
        assert_eq!(provider.heard().line, format!("HEAD {target} HTTP/1.1"));
    }
    let provider = Provider::saying("HTTP/1.1 204 No Content\r\nallow: GET\r\n\r\n");
    let house = House::before(&provider);
    let mut client = house.client();
    for method in ["OPTIONS", "DELETE", "PATCH", "GET", "PUT"] {
        client.say(request(method, "/v1/files/f1", ""));
        let answered = client.head();
        assert_eq!((answered.status, answered.values("allow")), (204, vec!["GET"]), "{method}");
        assert_eq!(provider.heard().line, format!("{method} /v1/files/f1 HTTP/1.1"));
    }
    let provider = Provider::saying("HTTP/1.1 304 Not Modified\r\netag: e\r\ncontent-length: 9\r\n\r\n");
    let house = House::before(&provider);
    let mut client = house.client();
    for _ in 0..2 {
        client.say(request("GET", "/v1/models", "if-none-match: e\r\n"));
        let answered = client.head();
        assert_eq!((answered.status, answered.values("content-length")), (304, vec!["9"]));
    }
}

#[test]
fn what_the_gateway_cannot_read_is_the_providers_to_judge() {
    let provider = Provider::saying(answer("400 Bad Request", "", r#"{"type":"error"}"#));
    let house = House::before(&provider);
    for body in ["{not json", "", "[]", "\u{0}"] {
        let answered = house.ask(post("/v1/messages", "", body));
        assert_eq!((answered.status, answered.text().as_str()), (400, r#"{"type":"error"}"#));
        assert_eq!(provider.heard().body, body.as_bytes());
    }
}

#[test]
fn prefixes_decide_where_a_request_goes_and_base_urls_may_have_a_path() {
    let (anthropic, openai) = (Provider::saying(PLAIN), Provider::saying(PLAIN));
    let house = House::with(&anthropic, |settings| {
        settings.upstream.openai = format!("http://{}/base/", openai.address);
    });
    for target in ["/v1/messages", "/anthropic/v1/messages", "/v1/v1/messages"] {
        house.ask(post(target, "", "{}"));
        assert_eq!(anthropic.heard().line, "POST /v1/messages HTTP/1.1", "{target}");
    }
    house.ask(post("/proj/abc/v1/messages", "", "{}"));
    assert_eq!(anthropic.heard().line, "POST /proj/abc/v1/messages HTTP/1.1");
    for target in ["/v1/responses", "/openai/v1/responses"] {
        house.ask(post(target, "", "{}"));
        assert_eq!(openai.heard().line, "POST /base/v1/responses HTTP/1.1", "{target}");
    }
    house.ask(post("/v1/models", "anthropic-version: 2023-06-01\r\n", ""));
    assert_eq!(anthropic.heard().line, "POST /v1/models HTTP/1.1");
}

#[test]
fn a_client_that_knows_no_chunks_gets_an_answer_without_length_up_to_the_connections_end() {
    let chunked = format!(
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{}{}0\r\n\r\n",
        chunk("first "),
        chunk("last")
    );
    let provider = Provider::saying(chunked);
    let house = House::before(&provider);
    let mut client = house.client();
    client.say(post("/v1/messages", "connection: keep-alive\r\n", "{}").replace("HTTP/1.1", "HTTP/1.0"));
    let heard = client.hear_all();
    assert!(!heard.contains("transfer-encoding"), "{heard}");
    assert!(heard.ends_with("\r\n\r\nfirst last"), "{heard}");
}

#[test]
fn chunks_count_more_than_a_length_beside_them() {
    for length in [0, 3, 10] {
        let head =
            format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\ntransfer-encoding: chunked\r\n\r\n");
        let provider = Provider::saying(format!("{head}{}0\r\n\r\n", chunk("hello")));
        let heard = House::before(&provider).ask(post("/v1/messages", "", "{}"));
        assert_eq!((heard.status, heard.text().as_str()), (200, "hello"), "{length}");
    }
}

#[test]
fn an_answer_that_changes_to_another_protocol_is_told_as_one_that_cannot_be_read() {
    let provider = Provider::playing(|line| {
        while line.hear() {
            line.say(
                b"HTTP/1.1 101 Switching Protocols\r\nupgrade: other\r\nconnection: upgrade\r\n\r\nhello",
            );
            line.hang_up();
        }
    });
    let heard = House::before(&provider).ask(post("/v1/messages", "", "{}"));
    assert_eq!(
        (heard.status, heard.values("x-stillroom-error")),
        (502, vec!["upstream_unreadable"]),
        "{}",
        heard.text()
    );
}
