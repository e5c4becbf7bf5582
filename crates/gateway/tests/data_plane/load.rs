//! More than there should be, and slower than it should be: what it costs stays bounded, and nobody else is hurt.

use crate::client::{Client, post, request};
use crate::house::House;
use crate::provider::{Provider, answer, chunk, events};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

const STREAM: &str = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
/// More than all the buffers between a provider and its client hold.
const MUCH: usize = 64 * 1024 * 1024;

/// Somebody else's request, which must be answered whatever goes on.
fn others_are_served(house: &House) {
    assert_eq!(house.ask(request("GET", "/v1/models", "")).text(), "ok");
}

/// A provider that does `script` when it is asked for messages, and says "ok" to everybody else.
fn also_serving(script: impl Fn(&mut crate::provider::Line) + Send + Sync + 'static) -> Provider {
    Provider::playing(move |line| {
        while let Some(target) = line.hear_target() {
            if target == "/v1/messages" {
                return script(line);
            }
            line.say(answer("200 OK", "", "ok").as_bytes());
        }
    })
}

fn asking(house: &House) -> Client {
    let mut client = house.client();
    client.say(post("/v1/messages", "", "{}"));
    client
}

#[test]
fn a_client_that_does_not_read_holds_a_bounded_part_of_an_endless_answer() {
    let (tell, told) = channel();
    let provider = also_serving(move |line| {
        line.say(STREAM.as_bytes());
        let piece = chunk(&"x".repeat(65_536 - 9));
        tell.send(line.say_until_stuck(piece.as_bytes(), MUCH)).unwrap();
        line.until_left();
    });
    let house = House::before(&provider);
    let mut slow = asking(&house);
    let taken: usize = told.recv().unwrap();
    println!("{taken} bytes were taken from the provider for a client that reads none");
    assert!(taken < MUCH, "the gateway goes on reading for nobody");
    others_are_served(&house);
    slow.head();
    let mut heard = 0;
    while heard < MUCH / 64 {
        heard += slow.chunk().len();
    }
}

/// A provider whose answers to messages begin when it is told, as often as that.
fn beginning_when_told() -> (Provider, Sender<()>, Receiver<()>) {
    let (begin, told) = channel::<()>();
    let (arrive, arrived) = channel();
    let told = Mutex::new(told);
    let provider = Provider::playing(move |line| {
        while line.hear() {
            arrive.send(()).ok();
            if told.lock().unwrap().recv().is_ok() {
                line.say(events("Hello").as_bytes());
            }
        }
    });
    (provider, begin, arrived)
}

#[test]
fn one_request_more_than_may_be_is_told_to_come_again() {
    let (provider, begin, arrived) = beginning_when_told();
    let house = House::with(&provider, |settings| settings.relay.max_requests = 2);
    let mut busy = [asking(&house), asking(&house)];
    for _ in &busy {
        arrived.recv().unwrap();
    }
    let refused = house.ask(post("/v1/messages", "", "{}"));
    assert_eq!((refused.status, refused.values("x-stillroom-error")), (503, vec!["overloaded"]));
    assert_eq!(refused.values("retry-after"), ["2"]);
    assert_eq!(refused.json()["error"]["type"], "overloaded_error");
    assert_eq!(house.ask(request("GET", "/readyz", "")).status, 200, "whoever looks after it is let in");
    for _ in &busy {
        begin.send(()).unwrap();
    }
    for client in &mut busy {
        assert_eq!(client.answer().status, 200);
    }
    begin.send(()).unwrap();
    assert_eq!(house.ask(post("/v1/messages", "", "{}")).status, 200, "their places are free again");
}

#[test]
fn bodies_that_are_too_much_together_are_told_to_come_again() {
    const LARGEST: usize = 64 * 1024;
    let (provider, begin, arrived) = beginning_when_told();
    let house = House::with(&provider, |settings| settings.relay.max_body = LARGEST);
    let mut large: Vec<Client> = (0..8).map(|_| house.client()).collect();
    for client in &mut large {
        client.say(post("/v1/messages", "", &"x".repeat(LARGEST)));
        arrived.recv().unwrap();
    }
    let refused = house.ask(post("/v1/messages", "", "{}"));
    assert_eq!((refused.status, refused.values("x-stillroom-error")), (503, vec!["overloaded"]));
    assert_eq!(refused.values("retry-after"), ["2"]);
    // The provider is told by turns, and whoever hears of it first begins.
    large.iter().for_each(|_| begin.send(()).unwrap());
    for client in &mut large {
        assert_eq!(client.answer().status, 200);
    }
    begin.send(()).unwrap();
    assert_eq!(house.ask(post("/v1/messages", "", "{}")).status, 200, "what they held is free again");
    let counted = house.ask(request("GET", "/metrics", ""));
    let counted = String::from_utf8_lossy(&counted.body).into_owned();
    assert!(counted.contains("stillroom_relay_refusals_total{code=\"overloaded\"} 1"), "{counted}");
}

#[test]
fn a_client_that_leaves_makes_room() {
    let (provider, begin, arrived) = beginning_when_told();
    let house = House::with(&provider, |settings| settings.relay.max_requests = 1);
    let gone = asking(&house);
    arrived.recv().unwrap();
    drop(gone);
    begin.send(()).unwrap();
    begin.send(()).unwrap();
    // Nothing tells the moment when it is noticed: this asks until it is.
    while house.ask(post("/v1/messages", "", "{}")).status == 503 {
        std::thread::yield_now();
    }
}

#[test]
fn an_answer_that_goes_on_for_longer_than_a_request_may_take_is_cut() {
    let provider = also_serving(|line| {
        line.say(STREAM.as_bytes());
        while line.is_heard(chunk("data: 1\n\n").as_bytes()) {
            std::thread::sleep(Duration::from_millis(5));
        }
        line.until_left();
    });
    let house =
        House::with(&provider, |settings| settings.relay.request_timeout = Duration::from_millis(200));
    let mut client = asking(&house);
    client.head();
    let rest = client.hear_all();
    assert!(rest.starts_with("9\r\ndata: 1\n\n") && !rest.contains("0\r\n\r\n"), "{rest}");
    provider.heard();
    assert!(provider.was_left());
    others_are_served(&house);
}

#[test]
fn a_request_that_takes_longer_than_it_may_before_its_answer_is_a_gateway_timeout() {
    let provider = also_serving(|line| line.until_left());
    let house = House::with(&provider, |settings| settings.relay.request_timeout = Duration::from_millis(50));
    let answered = asking(&house).answer();
    assert_eq!((answered.status, answered.values("x-stillroom-error")), (504, vec!["upstream_timeout"]));
}

#[test]
fn a_client_that_never_reads_lets_the_provider_go_in_time() {
    let provider = also_serving(|line| {
        line.say(STREAM.as_bytes());
        while line.is_heard(chunk(&"x".repeat(65_536)).as_bytes()) {}
        line.until_left();
    });
    let house =
        House::with(&provider, |settings| settings.relay.request_timeout = Duration::from_millis(500));
    let slow = asking(&house);
    provider.heard();
    assert!(provider.was_left(), "while the client is still there");
    others_are_served(&house);
    drop(slow);
}

#[test]
fn bodies_that_dribble_hold_no_place_and_hurt_nobody() {
    let provider = also_serving(|line| line.until_left());
    let house = House::with(&provider, |settings| settings.relay.max_requests = 1);
    let mut dribbling: Vec<Client> = (0..200).map(|_| house.client()).collect();
    for client in &mut dribbling {
        client.say(request("POST", "/v1/messages", "content-length: 1000000\r\n"));
    }
    for _ in 0..3 {
        for client in &mut dribbling {
            client.say("{");
        }
        others_are_served(&house);
    }
}

#[test]
fn heads_that_dribble_hurt_nobody() {
    let provider = also_serving(|line| line.until_left());
    let house = House::before(&provider);
    let mut dribbling: Vec<Client> = (0..200).map(|_| house.client()).collect();
    for piece in ["POST /v1/messages HTT", "P/1.1\r\nhost: 127.", "0.0.1\r\nx-slow: a"] {
        for client in &mut dribbling {
            client.say(piece);
        }
        others_are_served(&house);
    }
}

#[test]
fn a_flood_of_headers_is_refused_and_goes_no_further() {
    let provider = also_serving(|line| line.until_left());
    let house = House::before(&provider);
    let many: String = (0..10_000).map(|number| format!("x-{number}: a\r\n")).collect();
    let long = format!("x-long: {}\r\n", "a".repeat(1024 * 1024));
    let small = "a: b\r\n".repeat(97);
    for flood in [many, long, small] {
        let mut client = house.client();
        client.try_say(request("GET", "/v1/models", &flood).as_bytes());
        assert_eq!(client.head().status, 431);
        others_are_served(&house);
    }
    for _ in 0..3 {
        assert_eq!(provider.heard().line, "GET /v1/models HTTP/1.1");
    }
    assert!(provider.heard_no_more());
}

#[test]
fn a_flood_of_headers_in_an_answer_is_an_answer_that_cannot_be_read() {
    let many: String = (0..10_000).map(|number| format!("x-{number}: a\r\n")).collect();
    let long = format!("x-long: {}\r\n", "a".repeat(1024 * 1024));
    for flood in [many, long] {
        let head = format!("HTTP/1.1 200 OK\r\n{flood}content-length: 0\r\n\r\n");
        let provider = also_serving(move |line| line.say(head.as_bytes()));
        let house = House::before(&provider);
        let answered = asking(&house).answer();
        assert_eq!(
            (answered.status, answered.values("x-stillroom-error")),
            (502, vec!["upstream_unreadable"])
        );
        others_are_served(&house);
    }
}
