//! The finer points of what is passed on, row by row of `docs/fidelity.md`.

use crate::client::{post, request};
use crate::house::House;
use crate::provider::{Provider, answer, chunk, events};

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
const STREAM: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";

#[test]
fn a_client_that_waits_for_its_expectation_is_told_to_go_on_and_the_provider_hears_nothing_of_it() {
    let provider = Provider::saying(OK);
    let house = House::before(&provider);
    let mut client = house.client();
    client.say(request("POST", "/v1/messages", "expect: 100-continue\r\ncontent-length: 2\r\n"));
    assert_eq!(client.hear_up_to("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
    client.say("{}");
    assert_eq!(client.answer().status, 200);
    let heard = provider.heard();
    assert_eq!((heard.values("expect"), &heard.body[..]), (vec![], &b"{}"[..]));
}

#[test]
fn who_offers_another_protocol_is_answered_in_this_one_and_told_that_the_connection_ends() {
    let provider = Provider::saying(OK);
    let house = House::before(&provider);
    // As Java's own client does, which would send its next request on this connection.
    let offer = "connection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AAEAAEAAAAIAAAAA\r\ncontent-length: 2\r\n";
    for target in ["/v1/messages", "/healthz"] {
        let mut client = house.client();
        let method = if target == "/healthz" { "GET" } else { "POST" };
        client.say(request(method, target, offer) + "{}");
        let answer = client.answer();
        assert_eq!((answer.status, answer.values("connection")), (200, vec!["close"]), "{target}");
    }
}

#[test]
fn trailers_end_with_the_hop_and_take_nothing_of_the_body_along() {
    let end = "0\r\nx-sum: 1\r\nx-more: 2\r\n\r\n";
    let provider = Provider::saying(STREAM.to_owned() + &chunk("data: 1\n\n") + end);
    let house = House::before(&provider);
    let mut client = house.client();
    for _ in 0..2 {
        let upload = chunk("{}") + end;
        client.say(
            request("POST", "/v1/messages", "transfer-encoding: chunked\r\ntrailer: x-sum\r\n") + &upload,
        );
        client.head();
        assert_eq!(client.hear_up_to("0\r\n\r\n"), chunk("data: 1\n\n") + "0\r\n\r\n");
        let heard = provider.heard();
        assert_eq!(
            (heard.values("x-sum"), heard.values("trailer"), &heard.body[..]),
            (vec![], vec![], &b"{}"[..])
        );
    }
}

#[test]
fn a_packed_body_passes_as_it_is_while_a_copy_is_unpacked_and_recorded() {
    let gzip = include_bytes!("../fixtures/encoded/turn.json.gz");
    let zstd = include_bytes!("../fixtures/encoded/turn.json.zst");
    for (encoding, body) in [("gzip", &gzip[..]), ("zstd", &zstd[..])] {
        let provider = Provider::saying(events("Hello"));
        let house = House::before(&provider);
        let headers = format!("content-encoding: {encoding}\r\ncontent-length: {}\r\n", body.len());
        let mut client = house.client();
        client.say([request("POST", "/v1/messages", &headers).as_bytes(), body].concat());
        client.answer();
        let heard = provider.heard();
        assert_eq!((heard.values("content-encoding"), &heard.body[..]), (vec![encoding], body));
        let session = house.sessions().remove(0).id;
        let recorded = house.stored(move |store| store.messages(&session));
        assert_eq!(recorded[0].text, "packed words", "{encoding}");
    }
}

#[test]
fn every_header_that_agents_act_on_comes_back() {
    let said = [
        ("retry-after", "2"),
        ("retry-after-ms", "1500"),
        ("x-should-retry", "true"),
        ("request-id", "req_011CVRa"),
        ("x-request-id", "req_f00d"),
        ("anthropic-organization-id", "org"),
        ("anthropic-ratelimit-requests-remaining", "49"),
        ("anthropic-ratelimit-unified-5h-utilization", "0.42"),
        ("anthropic-ratelimit-unified-status", "allowed_warning"),
        ("x-ratelimit-remaining-tokens", "149984"),
        ("x-ratelimit-reset-requests", "12ms"),
        ("x-codex-primary-used-percent", "17"),
        ("x-codex-turn-state", "s=1; t=2"),
        ("openai-processing-ms", "81"),
        ("openai-version", "2020-10-01"),
        ("cf-ray", "8e0-FRA"),
        ("server-timing", "a;dur=1, b;dur=2"),
        ("set-cookie", "a=1; Path=/"),
        ("set-cookie", "b=2"),
        ("x-empty", ""),
    ];
    let lines: String = said.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    for status in ["200 OK", "401 Unauthorized", "429 Too Many Requests", "503 Service Unavailable"] {
        let house = House::before(&Provider::saying(answer(status, &lines, "{}")));
        let mut heard = house.ask(post("/v1/responses", "", "{}")).headers;
        heard.retain(|(name, _)| !["content-length", "date"].contains(&name.as_str()));
        heard.sort_by(|one, other| one.0.cmp(&other.0));
        let mut said = said.map(|(name, value)| (name.to_owned(), value.to_owned()));
        said.sort_by(|one, other| one.0.cmp(&other.0));
        assert_eq!(heard, said, "{status}");
    }
}

#[test]
fn a_status_that_no_standard_names_passes_without_a_name_made_up_for_it() {
    for (said, heard) in [
        ("200 OK", "HTTP/1.1 200 OK\r\n"),
        ("429 Slow down", "HTTP/1.1 429 Too Many Requests\r\n"),
        ("529 Overloaded", "HTTP/1.1 529 \r\n"),
    ] {
        let house = House::before(&Provider::saying(answer(said, "", "{}")));
        let mut client = house.client();
        client.say(post("/v1/messages", "", "{}"));
        assert_eq!(client.hear_up_to("\r\n"), heard);
    }
}

#[test]
fn a_date_is_neither_taken_away_nor_made_up() {
    let provider = Provider::saying(OK);
    let house = House::before(&provider);
    for headers in ["", "date: Mon, 23 Nov 2026 00:00:00 GMT\r\n"] {
        house.ask(post("/v1/messages", headers, "{}"));
        let said: Vec<_> = headers.trim_end().split(": ").skip(1).collect();
        assert_eq!(provider.heard().values("date"), said);
    }
}

#[test]
fn events_that_are_said_in_one_breath_stay_apart() {
    let events = ["data: 1\n\n", ": ping\n\n", "data: 2\ndata: 3\n\n", "d", "ata: 4\n", "\n"];
    let provider = Provider::saying(STREAM.to_owned() + &events.map(chunk).concat() + &chunk(""));
    let house = House::before(&provider);
    let mut client = house.client();
    client.say(post("/v1/messages", "", "{}"));
    client.head();
    assert_eq!(events.map(|_| client.chunk()), events.map(|event| event.as_bytes().to_vec()));
    assert_eq!(client.chunk(), b"");
}

/// The values of each name as they stand one after the other.
fn grouped(headers: &[(String, String)]) -> Vec<(&str, Vec<&str>)> {
    let groups = headers.chunk_by(|one, other| one.0 == other.0);
    groups
        .map(|group| (group[0].0.as_str(), group.iter().map(|(_, value)| value.as_str()).collect()))
        .collect()
}

#[test]
fn names_are_in_lower_case_each_once_with_all_its_values_in_their_order() {
    let spelled = "X-Stainless-OS: a\r\nvary: 1\r\nx-b: b\r\nVary: 2\r\nx_C: c\r\nVARY: 3\r\n";
    let provider = Provider::saying(answer("200 OK", spelled, ""));
    let house = House::before(&provider);
    let answered = house.ask(post("/v1/messages", spelled, "{}"));
    for headers in [provider.heard().headers, answered.headers] {
        let mut groups = grouped(&headers);
        assert_eq!(groups[0].0, "content-length", "it comes first");
        groups.retain(|(name, _)| !["content-length", "date", "host"].contains(name));
        groups.sort_unstable();
        assert_eq!(
            groups,
            [
                ("vary", vec!["1", "2", "3"]),
                ("x-b", vec!["b"]),
                ("x-stainless-os", vec!["a"]),
                ("x_c", vec!["c"])
            ]
        );
    }
}

#[test]
fn values_keep_their_inner_blanks_their_quotes_and_what_is_not_ascii() {
    let provider = Provider::saying(OK);
    let house = House::before(&provider);
    house.ask(post(
        "/v1/messages",
        "x-a:  a  b\t; c=\"d, e\" \t\r\nx-b: Grüße 🫙\r\nx-c:\r\nx-c: ,\r\n",
        "{}",
    ));
    let heard = provider.heard();
    assert_eq!(heard.values("x-a"), ["a  b\t; c=\"d, e\""]);
    assert_eq!(heard.values("x-b"), ["Grüße 🫙"]);
    assert_eq!(heard.values("x-c"), ["", ","]);
}
