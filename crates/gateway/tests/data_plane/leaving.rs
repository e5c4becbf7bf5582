//! A client that leaves takes the provider along, whenever it leaves and however.

use crate::client::{Client, PATIENCE, post};
use crate::house::House;
use crate::provider::{Line, Provider, chunk};
use std::time::{Duration, Instant};

const STREAM: &str = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";

type Script = fn(&mut Line);
type Leave = fn(Client);

const WAYS: [(&str, Leave); 2] = [("FIN", drop), ("RST", Client::reset)];

/// Before the head: it has been asked and is silent.
fn silent(line: &mut Line) {
    line.hear();
    line.until_left();
}

/// Idle: it has said something and is silent.
fn idle(line: &mut Line) {
    line.hear();
    line.say((STREAM.to_owned() + &chunk("data: 1\n\n")).as_bytes());
    line.until_left();
}

/// Flowing: it says more and more until nobody takes it.
fn flowing(line: &mut Line) {
    line.hear();
    line.say(STREAM.as_bytes());
    while line.is_heard(chunk("data: 1\n\n").as_bytes()) {}
    line.until_left();
}

#[expect(clippy::disallowed_methods, reason = "the time that really passes is what is measured")]
fn now() -> Instant {
    Instant::now()
}

/// How long it takes until a provider that does as `script` says is left, once its client has heard `heard` and leaves.
fn left_after(script: Script, heard: &str, leave: Leave) -> Duration {
    let provider = Provider::playing(script);
    let house = House::before(&provider);
    let mut client = house.client();
    client.say(post("/v1/messages", "", "{}"));
    provider.heard();
    client.hear_up_to(heard);
    let begun = now();
    leave(client);
    assert!(provider.was_left());
    begun.elapsed()
}

#[test]
fn a_client_that_leaves_takes_the_provider_along() {
    for (phase, script, heard) in [
        ("before the head", silent as Script, ""),
        ("idle", idle, "data: 1\n\n"),
        ("flowing", flowing, "data: 1\n\n"),
    ] {
        for (how, leave) in WAYS {
            let taken = left_after(script, heard, leave);
            println!("{phase}, {how}: the provider was left after {taken:?}");
            // 100 ms are promised and a few are usual. A machine under full load may be slow; nobody at all, who waits for
            // the provider's ten minutes, is slower still.
            assert!(taken < PATIENCE / 2, "{phase}, {how}: {taken:?}");
        }
    }
}
