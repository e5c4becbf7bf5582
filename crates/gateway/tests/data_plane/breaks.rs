//! What breaks on one side breaks on the other, and is never taken for an end.

use crate::client::post;
use crate::house::House;
use crate::provider::{Provider, answer, chunk};
use std::net::TcpListener;
use std::time::Duration;

const STREAM: &str = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";

/// A provider that says `words` and hangs up.
fn breaking_off_after(words: String) -> Provider {
    Provider::playing(move |line| {
        line.hear();
        line.say(words.as_bytes());
        line.hang_up();
    })
}

fn refused(house: &House) -> (u16, String, String) {
    let answered = house.ask(post("/v1/messages", "", "{}"));
    let message = answered.json()["error"]["message"].as_str().unwrap().to_owned();
    (answered.status, answered.values("x-stillroom-error").concat(), message)
}

#[test]
fn a_stream_that_is_cut_has_no_end_for_the_client_either() {
    let provider = breaking_off_after(STREAM.to_owned() + &chunk("data: 1\n\n"));
    let house = House::before(&provider);
    let mut client = house.client();
    client.say(post("/v1/messages", "", "{}"));
    client.head();
    let rest = client.hear_all();
    assert_eq!(rest, chunk("data: 1\n\n"), "no terminating chunk");
}

#[test]
fn a_body_that_is_cut_stays_shorter_than_its_length() {
    let provider = breaking_off_after("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf".to_owned());
    let house = House::before(&provider);
    let mut client = house.client();
    client.say(post("/v1/messages", "", "{}"));
    assert_eq!(client.head().values("content-length"), ["10"]);
    assert_eq!(client.hear_all(), "half");
}

#[test]
fn a_client_that_leaves_midway_takes_the_provider_along() {
    let provider = Provider::playing(|line| {
        line.hear();
        line.say((STREAM.to_owned() + &chunk("data: 1\n\n")).as_bytes());
        line.until_left();
    });
    let house = House::before(&provider);
    let mut client = house.client();
    client.say(post("/v1/messages", "", "{}"));
    client.hear_up_to("data: 1\n\n");
    provider.heard();
    drop(client);
    assert!(provider.was_left());
}

#[test]
fn a_client_that_leaves_before_the_answer_takes_the_provider_along() {
    let provider = Provider::playing(|line| {
        line.hear();
        line.until_left();
    });
    let house = House::before(&provider);
    let mut client = house.client();
    client.say(post("/v1/messages", "", "{}"));
    provider.heard();
    drop(client);
    assert!(provider.was_left());
}

#[test]
fn a_provider_that_cannot_be_reached_is_a_bad_gateway() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let provider = Provider::saying("");
    let house = House::with(&provider, |settings| settings.upstream.anthropic = format!("http://{nobody}"));
    let (status, code, message) = refused(&house);
    assert_eq!((status, code.as_str()), (502, "upstream_unreachable"));
    assert!(message.contains(&nobody.to_string()) && message.contains("upstream.anthropic"), "{message}");
}

#[test]
fn a_provider_that_hangs_up_before_it_answers_is_a_bad_gateway_and_not_asked_again() {
    let provider = breaking_off_after(String::new());
    let house = House::before(&provider);
    let (status, code, _) = refused(&house);
    assert_eq!((status, code.as_str()), (502, "upstream_cut"));
    provider.heard();
    assert!(provider.heard_no_more());
}

#[test]
fn a_provider_that_says_nonsense_is_a_bad_gateway() {
    let provider = Provider::saying("SSH-2.0-OpenSSH_9.6\r\n\r\n");
    let (status, code, _) = refused(&House::before(&provider));
    assert_eq!((status, code.as_str()), (502, "upstream_unreadable"));
}

#[test]
fn a_provider_that_stays_silent_is_a_gateway_timeout() {
    let provider = Provider::playing(|line| {
        line.hear();
        line.until_left();
    });
    let house =
        House::with(&provider, |settings| settings.relay.first_byte_timeout = Duration::from_millis(50));
    let (status, code, _) = refused(&house);
    assert_eq!((status, code.as_str()), (504, "upstream_timeout"));
    provider.heard();
    assert!(provider.was_left());
}

#[test]
fn a_provider_that_falls_silent_midway_is_cut_off_without_an_end() {
    let provider = Provider::playing(|line| {
        line.hear();
        line.say((STREAM.to_owned() + &chunk("data: 1\n\n")).as_bytes());
        line.until_left();
    });
    let house = House::with(&provider, |settings| settings.relay.idle_timeout = Duration::from_millis(50));
    let mut client = house.client();
    client.say(post("/v1/messages", "", "{}"));
    client.head();
    assert_eq!(client.hear_all(), chunk("data: 1\n\n"));
}

#[test]
fn openais_clients_are_told_in_openais_shape() {
    let provider = breaking_off_after(String::new());
    let house = House::before(&provider);
    let error = house.ask(post("/v1/responses", "", "{}")).json()["error"].clone();
    assert_eq!(
        (error["code"].as_str(), error["type"].as_str()),
        (Some("upstream_cut"), Some("server_error"))
    );
    assert!(error["param"].is_null());
}

#[test]
fn an_answer_that_only_the_end_of_the_connection_ends_is_whole() {
    let provider = breaking_off_after("HTTP/1.0 200 OK\r\n\r\nall of it".to_owned());
    let house = House::before(&provider);
    let answered = house.ask(post("/v1/messages", "", "{}"));
    assert_eq!((answered.status, answered.text().as_str()), (200, "all of it"));
}

#[test]
fn a_connection_serves_one_request_after_the_other() {
    let provider = Provider::saying(answer("200 OK", "", "ok"));
    let house = House::before(&provider);
    let mut client = house.client();
    for _ in 0..3 {
        client.say(post("/v1/messages", "", "{}"));
        assert_eq!(client.answer().text(), "ok");
    }
}
