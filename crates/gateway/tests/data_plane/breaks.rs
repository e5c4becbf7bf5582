//! What breaks on one side breaks on the other, and is never taken for an end.

use crate::client::post;
use crate::house::House;
use crate::provider::{Line, Provider, answer, chunk};
use std::net::TcpListener;
use std::sync::Mutex;
use std::sync::mpsc::{Sender, channel};
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

type End = fn(&mut Line);

/// How a provider's connection ends.
const ENDS: [(&str, End); 2] = [("FIN", Line::hang_up), ("RST", Line::reset)];

/// A provider that says `words` when asked, and whose connection ends so once it is told to.
fn ending(words: String, end: End) -> (Provider, Sender<()>) {
    let (teller, told) = channel::<()>();
    let told = Mutex::new(told);
    let provider = Provider::playing(move |line| {
        line.hear();
        line.say(words.as_bytes());
        // A reset throws away what has not been read yet.
        told.lock().unwrap().recv().ok();
        end(line);
    });
    (provider, teller)
}

/// The same for a client that has heard `heard`, and what it hears then.
fn after(heard: &str, words: &str, end: End) -> String {
    let (provider, cut) = ending(words.to_owned() + heard, end);
    let house = House::before(&provider);
    let mut client = house.client();
    client.say(post("/v1/messages", "", "{}"));
    client.hear_up_to(heard);
    cut.send(()).unwrap();
    client.hear_all()
}

#[test]
fn a_stream_that_is_cut_has_no_end_for_the_client_either() {
    for (how, end) in ENDS {
        let rest = after(&chunk("data: 1\n\n"), STREAM, end);
        assert_eq!(rest, "", "{how}: no terminating chunk");
    }
}

#[test]
fn a_body_that_is_cut_stays_shorter_than_its_length() {
    for (how, end) in ENDS {
        let rest = after("half", "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n", end);
        assert_eq!(rest, "", "{how}");
    }
}

#[test]
fn an_answer_that_only_the_end_of_the_connection_ends_is_cut_by_a_reset() {
    for version in ["1.0", "1.1"] {
        // A farewell ends it well. The client's own answer is chunked, so that it can tell the two apart.
        let rest = after("half", &format!("HTTP/{version} 200 OK\r\n\r\n"), Line::reset);
        assert_eq!(rest, "\r\n", "its own chunk ends, and no last one comes");
    }
}

#[test]
fn a_kept_connection_that_has_ended_is_replaced_and_each_request_is_heard_once() {
    let (tell, ended) = channel();
    let provider = Provider::playing(move |line| {
        line.hear();
        line.say(answer("200 OK", "", "ok").as_bytes());
        line.hang_up();
        tell.send(()).unwrap();
    });
    let house = House::before(&provider);
    let mut client = house.client();
    for number in 0..10 {
        client.say(post(&format!("/v1/messages/{number}"), "", "{}"));
        assert_eq!(client.answer().text(), "ok");
        assert_eq!(provider.heard().line, format!("POST /v1/messages/{number} HTTP/1.1"));
        ended.recv().unwrap();
    }
    assert!(provider.heard_no_more());
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
