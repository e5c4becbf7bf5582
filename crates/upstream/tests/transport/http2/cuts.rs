//! What is cut is cut, and who leaves is gone.

use futures_util::StreamExt as _;
use std::net::Shutdown;
use upstream::transport::{Fault, Transport as _};

use super::{
    super::{
        certified::{SecureProvider, Session},
        support::{Event, Line, patiently, whole},
    },
    frames::{
        CANCEL, DATA, FAREWELL, HEADERS, INTERNAL_ERROR, LAST, NO_ERROR, OK, REFUSED, WHOLE, field, status,
    },
};

/// Begins every answer with `hello`, and goes on with `then`.
fn beginning(then: impl Fn(&mut Line<Session>, u32) + Send + Sync + 'static) -> SecureProvider {
    SecureProvider::new(move |_, line| {
        line.greet(&[]);
        while let Some(stream) = line.request() {
            line.frame(HEADERS, WHOLE, stream, OK);
            line.frame(DATA, 0, stream, b"hello");
            then(line, stream);
        }
    })
}

async fn assert_cut(secure: &SecureProvider) {
    let mut body = patiently(secure.offering_http2().send(secure.post("prompt"))).await.unwrap().body;
    assert_eq!(patiently(body.next()).await, Some(Ok("hello".into())));
    assert_eq!(patiently(body.next()).await, Some(Err(Fault::Cut)));
    assert_eq!(body.next().await, None);
}

#[tokio::test(flavor = "local")]
async fn a_stream_that_is_reset_midway_is_cut_whatever_the_reason() {
    for reason in [NO_ERROR, INTERNAL_ERROR, REFUSED, CANCEL] {
        let mut secure = beginning(move |line, stream| line.reset(stream, reason));
        assert_cut(&secure).await;
        assert!(matches!(secure.provider.event().await, Event::HeardOn(0, 1, _)));
        assert_eq!(patiently(secure.provider.event()).await, Event::Left(0), "and it is not asked again");
    }
}

#[tokio::test(flavor = "local")]
async fn a_connection_that_ends_midway_cuts_with_and_without_a_farewell() {
    for (notified, farewell) in [(false, false), (true, false), (true, true)] {
        let secure = beginning(move |line, stream| {
            if farewell {
                line.farewell(stream, NO_ERROR);
            }
            if notified {
                line.stream.conn.send_close_notify();
                line.say(b"");
            }
            line.stream.sock.shutdown(Shutdown::Both).unwrap();
        });
        assert_cut(&secure).await;
    }
}

#[tokio::test(flavor = "local")]
async fn a_body_that_ends_before_or_behind_its_length_is_an_error() {
    for rest in [&b""[..], b" and much more"] {
        let secure = SecureProvider::new(move |_, line| {
            line.greet(&[]);
            while let Some(stream) = line.request() {
                line.frame(HEADERS, WHOLE, stream, &[OK, &field("content-length", "10")].concat());
                line.frame(DATA, 0, stream, b"hello");
                line.frame(DATA, LAST, stream, rest);
            }
        });
        let outcome = whole(&secure.offering_http2(), secure.post("prompt")).await;
        assert!(matches!(outcome, Err(Fault::Protocol(_))), "{outcome:?}");
    }
}

#[tokio::test(flavor = "local")]
async fn what_breaks_the_rules_midway_is_an_error() {
    for (kind, payload) in [(HEADERS, OK), (FAREWELL, b"short")] {
        let secure = beginning(move |line, stream| line.frame(kind, WHOLE, stream, payload));
        let outcome = whole(&secure.offering_http2(), secure.post("prompt")).await;
        assert!(matches!(outcome, Err(Fault::Protocol(_))), "{outcome:?}");
    }
}

#[tokio::test(flavor = "local")]
async fn interim_heads_and_trailers_end_here_and_take_nothing_along() {
    let secure = SecureProvider::new(|_, line| {
        line.greet(&[]);
        while let Some(stream) = line.request() {
            line.frame(HEADERS, WHOLE, stream, &status(103));
            line.frame(HEADERS, WHOLE, stream, &status(100));
            line.frame(HEADERS, WHOLE, stream, &[OK, &field("x-after", "103")].concat());
            line.frame(DATA, 0, stream, b"hello");
            line.frame(HEADERS, WHOLE | LAST, stream, &field("x-trailer", "end"));
        }
    });
    let ours = secure.offering_http2();
    for _ in 0..2 {
        let answer = patiently(ours.send(secure.post("prompt"))).await.unwrap();
        assert_eq!(answer.status.as_u16(), 200);
        assert!(answer.headers.contains_key("x-after") && !answer.headers.contains_key("x-trailer"));
        assert_eq!(patiently(upstream::transport::collect(answer.body, 5)).await.unwrap(), "hello");
    }
}

#[tokio::test(flavor = "local")]
async fn who_stops_waiting_resets_the_stream_and_leaves_the_connection_to_others() {
    let mut secure = SecureProvider::new(|_, line| {
        line.greet(&[]);
        while let Some(stream) = line.request() {
            if stream > 1 {
                line.answer(stream, "done");
            }
        }
    });
    let ours = secure.offering_http2();
    let mut waiting = ours.send(secure.post("prompt"));
    tokio::select! {
        answer = &mut waiting => panic!("{answer:?} from a silent provider"),
        heard = secure.provider.event() => assert!(matches!(heard, Event::HeardOn(0, 1, _))),
    }
    drop(waiting);
    assert_eq!(patiently(secure.provider.event()).await, Event::Reset(0, 1, CANCEL));
    assert_eq!(whole(&ours, secure.post("next")).await.unwrap(), "done");
    assert_eq!(secure.provider.event().await, Event::HeardOn(0, 3, b"next".to_vec()));
}

#[tokio::test(flavor = "local")]
async fn who_stops_reading_resets_the_stream_and_what_still_comes_is_nobodys_fault() {
    let mut secure = SecureProvider::new(|_, line| {
        line.greet(&[]);
        let stream = line.request().unwrap();
        line.frame(HEADERS, WHOLE, stream, OK);
        line.frame(DATA, 0, stream, b"hello");
        let frame = line.next().unwrap();
        line.tell_reset(&frame);
        line.frame(DATA, LAST, stream, b"too late");
        while let Some(stream) = line.request() {
            line.answer(stream, "done");
        }
    });
    let ours = secure.offering_http2();
    let mut answer = ours.send(secure.post("prompt")).await.unwrap();
    assert_eq!(answer.body.next().await, Some(Ok("hello".into())));
    assert!(matches!(secure.provider.event().await, Event::HeardOn(0, 1, _)));
    drop(answer);
    assert_eq!(patiently(secure.provider.event()).await, Event::Reset(0, 1, CANCEL));
    assert_eq!(whole(&ours, secure.post("next")).await.unwrap(), "done");
    assert_eq!(secure.provider.event().await, Event::HeardOn(0, 3, b"next".to_vec()));
}
