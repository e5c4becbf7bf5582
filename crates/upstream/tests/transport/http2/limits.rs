//! How long is waited, and how much is held for whom.

use std::time::Duration;

use futures_util::{FutureExt as _, StreamExt as _};
use upstream::transport::{Fault, Limits, Phase, Transport as _, collect};

use super::{
    super::{
        certified::SecureProvider,
        support::{Event, Frozen, arrived, patiently, whole},
    },
    frames::{CANCEL, DATA, HEADERS, LAST, OK, PING, RESET, WHOLE, WINDOW},
};

/// What a provider may send of an answer that nobody reads.
const STREAM_WINDOW: usize = 512 * 1024;
const SHORT: Duration = Duration::from_millis(50);

#[tokio::test(flavor = "local")]
async fn a_provider_that_agrees_and_then_stays_silent_is_a_connection_that_did_not_come_about() {
    let secure = SecureProvider::new(|_, line| line.until_left());
    let limits = Limits { connect: SHORT, ..Limits::default() };
    let fault =
        patiently(secure.offering_http2_within(limits).send(secure.post("prompt"))).await.unwrap_err();
    assert_eq!(fault, Fault::TimedOut { phase: Phase::Connect });
    assert!(!fault.sent());
}

#[tokio::test(flavor = "local")]
async fn a_stream_that_is_never_answered_is_given_up_and_reset() {
    let mut secure = SecureProvider::new(|_, line| {
        line.greet(&[]);
        line.request();
        line.until_gone();
    });
    let _frozen = Frozen::clock();
    let limits = Limits { first_byte: Duration::from_secs(5), ..Limits::default() };
    let ours = secure.offering_http2_within(limits);
    let mut waiting = ours.send(secure.post("prompt"));
    tokio::select! {
        answer = &mut waiting => panic!("{answer:?} from a silent provider"),
        heard = secure.provider.event() => assert!(matches!(heard, Event::HeardOn(0, 1, _))),
    }
    tokio::time::advance(Duration::from_secs(6)).await;
    assert_eq!(waiting.await.unwrap_err(), Fault::TimedOut { phase: Phase::FirstByte });
    assert_eq!(secure.provider.event().await, Event::Reset(0, 1, CANCEL));
}

#[tokio::test(flavor = "local")]
async fn a_stream_that_falls_silent_ends_with_one_error_and_is_reset() {
    let mut secure = SecureProvider::new(|_, line| {
        line.greet(&[]);
        let stream = line.request().unwrap();
        line.frame(HEADERS, WHOLE, stream, OK);
        line.frame(DATA, 0, stream, b"hello");
        line.until_gone();
    });
    let limits = Limits { between_bytes: SHORT, ..Limits::default() };
    let ours = secure.offering_http2_within(limits);
    let mut body = ours.send(secure.post("prompt")).await.unwrap().body;
    assert_eq!(body.next().await, Some(Ok("hello".into())));
    assert_eq!(body.next().await, Some(Err(Fault::TimedOut { phase: Phase::BetweenBytes })));
    assert_eq!(body.next().await, None);
    assert!(matches!(secure.provider.event().await, Event::HeardOn(0, 1, _)));
    assert_eq!(patiently(secure.provider.event()).await, Event::Reset(0, 1, CANCEL));
}

/// Fills the window of its first answer, and asks whether it may send more before it answers the next request.
fn filling_a_window() -> SecureProvider {
    SecureProvider::new(|_, line| {
        line.greet(&[]);
        line.request().unwrap();
        line.frame(HEADERS, WHOLE, 1, OK);
        for _ in 0..STREAM_WINDOW / (16 * 1024) {
            line.frame(DATA, 0, 1, &[7; 16 * 1024]);
        }
        // Whatever the client has to say about these comes before its answer to this.
        line.frame(PING, 0, 0, b"and now?");
        loop {
            let frame = line.next().unwrap();
            match (frame.kind, frame.stream) {
                (PING, _) if frame.flags & LAST != 0 => break,
                (WINDOW, 1) => line.tell(Event::Noticed("may go on")),
                _ => {}
            }
        }
        line.tell(Event::Noticed("stands still"));
        let next = line.request().unwrap();
        line.answer(next, "done");
        while line.next().unwrap().kind != WINDOW {}
        line.tell(Event::Noticed("may go on"));
        line.frame(DATA, LAST, 1, b"end");
        line.until_gone();
    })
}

#[tokio::test(flavor = "local")]
async fn a_reader_who_is_slow_stops_his_provider_at_a_bound_and_nobody_else() {
    let mut secure = filling_a_window();
    let ours = secure.offering_http2();
    let slow = patiently(ours.send(secure.post("slow"))).await.unwrap();
    assert!(matches!(secure.provider.event().await, Event::HeardOn(0, 1, _)));
    assert_eq!(patiently(secure.provider.event()).await, Event::Noticed("stands still"));
    assert_eq!(whole(&ours, secure.post("quick")).await.unwrap(), "done");
    assert!(matches!(secure.provider.event().await, Event::HeardOn(0, 3, _)));
    let late = patiently(collect(slow.body, usize::MAX)).await.unwrap();
    assert_eq!(secure.provider.event().await, Event::Noticed("may go on"));
    assert_eq!(late.len(), STREAM_WINDOW + 3);
}

#[tokio::test(flavor = "local")]
async fn a_provider_that_sends_more_than_it_may_is_hung_up_on() {
    let mut secure = SecureProvider::new(|_, line| {
        line.greet(&[]);
        line.request().unwrap();
        line.frame(HEADERS, WHOLE, 1, OK);
        for _ in 0..=STREAM_WINDOW / (16 * 1024) {
            line.frame(DATA, 0, 1, &[7; 16 * 1024]);
        }
        while let Some(frame) = line.next() {
            if frame.kind == RESET {
                line.tell(Event::Noticed("reset"));
            }
        }
    });
    let ours = secure.offering_http2();
    let slow = patiently(ours.send(secure.post("slow"))).await.unwrap();
    assert!(matches!(secure.provider.event().await, Event::HeardOn(0, 1, _)));
    assert_eq!(patiently(secure.provider.event()).await, Event::Noticed("reset"));
    let outcome = patiently(collect(slow.body, usize::MAX)).await;
    assert!(matches!(outcome, Err(Fault::Protocol(_))), "{outcome:?}");
}

/// Begins an answer, and tells of each ping, which it answers or not.
fn pinged(answering: bool) -> SecureProvider {
    SecureProvider::new(move |_, line| {
        line.greet(&[]);
        line.request().unwrap();
        line.frame(HEADERS, WHOLE, 1, OK);
        line.frame(DATA, 0, 1, b"hello");
        while let Some(frame) = line.next() {
            if frame.kind == PING {
                if answering {
                    line.frame(PING, LAST, 0, &frame.payload);
                }
                line.tell(Event::Noticed("ping"));
            }
        }
        line.tell(Event::Left(line.number));
    })
}

#[tokio::test(flavor = "local")]
async fn a_connection_that_is_dead_without_a_word_is_found_and_its_streams_are_cut() {
    let _frozen = Frozen::clock();
    let mut secure = pinged(false);
    let ours = secure.offering_http2();
    let mut body = ours.send(secure.post("prompt")).await.unwrap().body;
    assert_eq!(body.next().await, Some(Ok("hello".into())));
    assert!(matches!(secure.provider.event().await, Event::HeardOn(0, 1, _)));
    tokio::time::advance(Duration::from_secs(21)).await;
    assert_eq!(secure.provider.event().await, Event::Noticed("ping"));
    tokio::time::advance(Duration::from_secs(41)).await;
    assert_eq!(body.next().await, Some(Err(Fault::Cut)));
    assert_eq!(secure.provider.event().await, Event::Left(0));
}

#[tokio::test(flavor = "local")]
async fn a_connection_that_is_silent_and_alive_is_let_be() {
    let _frozen = Frozen::clock();
    let mut secure = pinged(true);
    let ours = secure.offering_http2();
    let mut body = ours.send(secure.post("prompt")).await.unwrap().body;
    assert_eq!(body.next().await, Some(Ok("hello".into())));
    assert!(matches!(secure.provider.event().await, Event::HeardOn(0, 1, _)));
    for _ in 0..10 {
        tokio::time::advance(Duration::from_secs(21)).await;
        assert_eq!(secure.provider.event().await, Event::Noticed("ping"));
        arrived().await;
    }
    assert_eq!(body.next().now_or_never(), None, "it still waits");
}
