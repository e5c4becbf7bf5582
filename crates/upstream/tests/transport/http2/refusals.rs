//! A request is asked again only when the provider certainly did nothing about the first.

use upstream::transport::{Fault, HttpTransport, Limits, Transport as _, collect};

use super::{
    super::{
        certified::{SecureProvider, Session},
        support::{Event, Frozen, Line, patiently, whole},
    },
    frames::{CANCEL, DATA, HEADERS, INTERNAL_ERROR, LAST, NO_ERROR, OK, REFUSED, RESET, WHOLE, status},
};

/// Answers the first request of its first connection, leaves the second to `then`, and answers everybody elsewhere.
fn once_and(then: impl Fn(&mut Line<Session>, u32) + Send + Sync + 'static) -> SecureProvider {
    SecureProvider::new(move |number, line| {
        line.greet(&[]);
        while let Some(stream) = line.request() {
            match (number, stream) {
                (0, 3) => then(line, stream),
                _ => line.answer(stream, "done"),
            }
        }
    })
}

/// A transport with one kept connection, number 0, that the provider knows about.
async fn acquainted(secure: &mut SecureProvider) -> HttpTransport {
    let ours = secure.offering_http2();
    assert_eq!(whole(&ours, secure.post("first")).await.unwrap(), "done");
    assert_eq!(secure.provider.event().await, Event::HeardOn(0, 1, b"first".to_vec()));
    ours
}

#[tokio::test(flavor = "local")]
async fn a_refused_stream_is_asked_again_on_another_connection() {
    let mut secure = once_and(|line, stream| line.reset(stream, REFUSED));
    let ours = acquainted(&mut secure).await;
    assert_eq!(whole(&ours, secure.post("second")).await.unwrap(), "done");
    assert_eq!(secure.provider.event().await, Event::HeardOn(0, 3, b"second".to_vec()));
    assert_eq!(patiently(secure.provider.event()).await, Event::Left(0), "it takes no more requests");
    assert_eq!(secure.provider.event().await, Event::HeardOn(1, 1, b"second".to_vec()));
}

#[tokio::test(flavor = "local")]
async fn a_request_that_is_refused_twice_was_not_sent_and_is_not_asked_a_third_time() {
    let mut secure = SecureProvider::new(|_, line| {
        line.greet(&[]);
        while let Some(stream) = line.request() {
            line.reset(stream, REFUSED);
        }
    });
    let ours = secure.offering_http2();
    let fault = patiently(ours.send(secure.post("prompt"))).await.unwrap_err();
    assert_eq!(fault, Fault::Refused(std::io::ErrorKind::ConnectionRefused));
    assert!(!fault.sent());
    let mut heard = Vec::new();
    for _ in 0..4 {
        heard.push(patiently(secure.provider.event()).await);
    }
    for number in [0, 1] {
        assert!(heard.contains(&Event::HeardOn(number, 1, b"prompt".to_vec())), "{heard:?}");
        assert!(heard.contains(&Event::Left(number)), "{heard:?}");
    }
    assert!(!secure.provider.noticed_more());
}

#[tokio::test(flavor = "local")]
async fn a_farewell_that_leaves_a_request_out_lets_it_be_asked_elsewhere_and_the_others_end() {
    for reason in [NO_ERROR, INTERNAL_ERROR] {
        let mut secure = SecureProvider::new(move |number, line| {
            line.greet(&[]);
            if number > 0 {
                while let Some(stream) = line.request() {
                    line.answer(stream, "elsewhere");
                }
                return;
            }
            line.request();
            line.request();
            line.farewell(1, reason);
            line.answer(1, "done");
            line.until_gone();
        });
        let ours = secure.offering_http2();
        let both = async { tokio::join!(whole(&ours, secure.post("a")), whole(&ours, secure.post("a"))) };
        let (one, other) = patiently(both).await;
        let mut answers = [one.unwrap(), other.unwrap()];
        answers.sort_unstable();
        assert_eq!(answers, ["done", "elsewhere"]);
        let mut heard = Vec::new();
        for _ in 0..4 {
            heard.push(secure.provider.event().await);
        }
        let again = Event::HeardOn(1, 1, b"a".to_vec());
        assert!(heard.contains(&again) && heard.contains(&Event::Left(0)), "{heard:?}");
    }
}

#[tokio::test(flavor = "local")]
async fn a_request_that_a_farewell_does_not_leave_out_is_not_asked_again() {
    let mut secure = once_and(|line, stream| {
        line.farewell(stream, INTERNAL_ERROR);
        line.stream.sock.shutdown(std::net::Shutdown::Both).unwrap();
    });
    let ours = acquainted(&mut secure).await;
    assert_eq!(whole(&ours, secure.post("second")).await, Err(Fault::Cut));
    assert_eq!(secure.provider.event().await, Event::HeardOn(0, 3, b"second".to_vec()));
    assert_eq!(secure.provider.event().await, Event::Left(0));
    assert!(!secure.provider.noticed_more(), "it may have begun, and would bill both");
}

#[tokio::test(flavor = "local")]
async fn a_request_that_was_heard_and_dropped_with_its_connection_is_not_asked_again() {
    let _frozen = Frozen::clock();
    let mut secure = once_and(|line, _| line.stream.sock.shutdown(std::net::Shutdown::Both).unwrap());
    let ours = acquainted(&mut secure).await;
    assert_eq!(whole(&ours, secure.post("second")).await, Err(Fault::Cut));
    assert_eq!(secure.provider.event().await, Event::HeardOn(0, 3, b"second".to_vec()));
    assert_eq!(secure.provider.event().await, Event::Left(0));
    assert!(!secure.provider.noticed_more());
}

#[tokio::test(flavor = "local")]
async fn a_stream_that_is_reset_for_another_reason_is_not_asked_again() {
    for reason in [NO_ERROR, INTERNAL_ERROR] {
        let mut secure = once_and(move |line, stream| line.reset(stream, reason));
        let ours = acquainted(&mut secure).await;
        assert_eq!(whole(&ours, secure.post("second")).await, Err(Fault::Cut));
        assert_eq!(secure.provider.event().await, Event::HeardOn(0, 3, b"second".to_vec()));
        assert!(!secure.provider.noticed_more());
        assert_eq!(whole(&ours, secure.post("third")).await.unwrap(), "done");
        assert_eq!(secure.provider.event().await, Event::HeardOn(0, 5, b"third".to_vec()));
    }
}

#[tokio::test(flavor = "local")]
async fn a_kept_connection_that_has_ended_is_replaced_and_each_request_is_heard_once_in_http_2() {
    let mut secure = SecureProvider::new(|_, line| {
        line.greet(&[]);
        let stream = line.request().unwrap();
        line.answer(stream, "done");
        line.stream.sock.shutdown(std::net::Shutdown::Both).unwrap();
        line.tell(Event::Noticed("closed"));
    });
    let ours = secure.offering_http2();
    for number in 0..3 {
        assert_eq!(whole(&ours, secure.post("prompt")).await.unwrap(), "done");
        assert_eq!(secure.provider.event().await, Event::HeardOn(number, 1, b"prompt".to_vec()));
        assert_eq!(secure.provider.event().await, Event::Noticed("closed"));
    }
}

#[tokio::test(flavor = "local")]
async fn a_provider_that_agreed_on_http_2_and_does_not_speak_it_was_sent_no_request() {
    for nonsense in [&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], b""] {
        let secure = SecureProvider::new(move |_, line| line.say(nonsense));
        let fault =
            secure.offering_http2_within(Limits::default()).send(secure.post("prompt")).await.unwrap_err();
        assert!(matches!(fault, Fault::Refused(_)) && !fault.sent(), "{fault:?}");
    }
}

#[tokio::test(flavor = "local")]
async fn an_early_answer_is_delivered_although_the_rest_of_the_request_is_not_wanted() {
    for reset in [true, false] {
        let mut secure = SecureProvider::new(move |_, line| {
            line.greet(&[]);
            while let Some(frame) = line.next() {
                if frame.kind == HEADERS {
                    line.frame(HEADERS, WHOLE, 1, &status(413));
                    line.frame(DATA, LAST, 1, b"no more");
                    if reset {
                        line.reset(1, NO_ERROR);
                    }
                }
                if frame.kind == RESET {
                    line.tell_reset(&frame);
                }
            }
        });
        let ours = secure.offering_http2();
        let answer = patiently(ours.send(secure.post(vec![7; 8 << 20]))).await.unwrap();
        assert_eq!(answer.status.as_u16(), 413);
        assert_eq!(patiently(collect(answer.body, 100)).await.unwrap(), "no more");
        if !reset {
            assert_eq!(patiently(secure.provider.event()).await, Event::Reset(0, 1, CANCEL));
        }
    }
}

#[tokio::test(flavor = "local")]
async fn an_answer_that_begins_before_the_request_has_ended_lets_it_end() {
    const UPLOAD: usize = 1 << 20;
    let secure = SecureProvider::new(|_, line| {
        line.greet(&[]);
        while let Some(frame) = line.next() {
            if frame.kind == HEADERS {
                line.frame(HEADERS, WHOLE, 1, OK);
                line.frame(DATA, 0, 1, b"go on");
            }
            if frame.kind == DATA {
                line.allow(1, frame.payload.len());
            }
            if frame.kind == DATA && frame.flags & LAST != 0 {
                line.frame(DATA, LAST, 1, b", done");
            }
        }
    });
    let answer = patiently(secure.offering_http2().send(secure.post(vec![7; UPLOAD]))).await.unwrap();
    assert_eq!(patiently(collect(answer.body, 100)).await.unwrap(), "go on, done");
}
