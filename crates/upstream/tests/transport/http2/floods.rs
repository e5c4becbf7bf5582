//! Providers that would have us do or hold more than an answer is worth.

use upstream::transport::{Fault, Transport as _};

use super::{
    super::{
        certified::{SecureProvider, Session},
        support::{Event, Line, patiently, whole},
    },
    frames::{
        CONTINUATION, DATA, HEADERS, LAST, NO_ERROR, OK, PING, PUSH, RESET, SETTINGS, WHOLE, WINDOW, field,
    },
};

/// Meets its first request with `flood`, and later ones with an answer.
fn flooding(flood: impl Fn(&mut Line<Session>) + Send + Sync + 'static) -> SecureProvider {
    SecureProvider::new(move |number, line| {
        line.greet(&[]);
        while let Some(stream) = line.request() {
            if number == 0 && stream == 1 { flood(line) } else { line.answer(stream, "done") }
        }
    })
}

/// The flood ends its own request as an answer that cannot be read, and the next one is answered.
async fn assert_stemmed(secure: &mut SecureProvider) {
    let ours = secure.offering_http2();
    let outcome = whole(&ours, secure.post("prompt")).await;
    assert!(matches!(outcome, Err(Fault::Protocol(_))), "{outcome:?}");
    assert_eq!(whole(&ours, secure.post("next")).await.unwrap(), "done");
}

/// As `frame`, over and over, until the client has hung up.
fn endlessly(line: &mut Line<Session>, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
    while line.frame_is_said(kind, flags, stream, payload) {}
    line.tell(Event::Noticed("stopped"));
}

#[tokio::test(flavor = "local")]
async fn a_flood_of_headers_in_http_2_is_an_answer_that_cannot_be_read() {
    let many: Vec<u8> = (0..97).flat_map(|_| field("x", "y")).collect();
    assert_stemmed(&mut flooding(move |line| {
        line.frame(HEADERS, WHOLE | LAST, 1, &[OK, &many].concat());
    }))
    .await;
    // A bit more than 128 KiB in few fields.
    let large: Vec<u8> = (0..90).flat_map(|_| field("x", &"y".repeat(1500))).collect();
    assert_stemmed(&mut flooding(move |line| {
        let (mut kind, mut rest) = (HEADERS, &[OK, &large].concat()[..]);
        while !rest.is_empty() {
            let (piece, behind) = rest.split_at(rest.len().min(16 * 1024));
            let flags = if behind.is_empty() { WHOLE } else { 0 } | if kind == HEADERS { LAST } else { 0 };
            line.frame(kind, flags, 1, piece);
            (kind, rest) = (CONTINUATION, behind);
        }
    }))
    .await;
}

#[tokio::test(flavor = "local")]
async fn a_head_that_is_continued_for_ever_is_hung_up_on() {
    for piece in [&[][..], &field("x", "y")] {
        let piece = piece.to_vec();
        let mut secure = flooding(move |line| {
            line.frame(HEADERS, 0, 1, OK);
            endlessly(line, CONTINUATION, 0, 1, &piece);
        });
        assert_stemmed(&mut secure).await;
    }
}

#[tokio::test(flavor = "local")]
async fn empty_frames_and_tiny_ones_that_nobody_reads_are_hung_up_on() {
    for piece in [&b""[..], b"x"] {
        let mut secure = flooding(move |line| {
            line.frame(HEADERS, WHOLE, 1, OK);
            endlessly(line, DATA, 0, 1, piece);
        });
        let ours = secure.offering_http2();
        let unread = patiently(ours.send(secure.post("prompt"))).await.unwrap();
        assert!(matches!(secure.provider.event().await, Event::HeardOn(0, 1, _)));
        assert_eq!(patiently(secure.provider.event()).await, Event::Noticed("stopped"));
        let outcome = patiently(upstream::transport::collect(unread.body, usize::MAX)).await;
        assert!(matches!(outcome, Err(Fault::Protocol(_))), "{outcome:?}");
    }
}

#[tokio::test(flavor = "local")]
async fn an_answer_that_nobody_asked_for_is_hung_up_on() {
    let promise = [&2_u32.to_be_bytes()[..], &[0x82, 0x87, 0x84]].concat();
    assert_stemmed(&mut flooding(move |line| line.frame(PUSH, WHOLE, 1, &promise))).await;
    assert_stemmed(&mut flooding(|line| line.frame(HEADERS, WHOLE, 2, OK))).await;
    assert_stemmed(&mut flooding(|line| line.frame(DATA, 0, 5, b"?"))).await;
}

#[tokio::test(flavor = "local")]
async fn frames_that_say_nothing_are_read_and_forgotten() {
    let mut secure = flooding(|line| {
        // Nobody reads our frames meanwhile, so they must not be many enough to fill the way back.
        for _ in 0..1000 {
            line.frame(PING, 0, 0, b"ping pon");
            line.frame(SETTINGS, 0, 0, &[]);
            line.frame(WINDOW, 0, 0, &1_u32.to_be_bytes());
            line.frame(HEADERS, WHOLE, 1, &super::frames::status(103));
        }
        line.answer(1, "done");
    });
    let ours = secure.offering_http2();
    assert_eq!(whole(&ours, secure.post("prompt")).await.unwrap(), "done");
    assert_eq!(whole(&ours, secure.post("next")).await.unwrap(), "done");
    assert!(matches!(secure.provider.event().await, Event::HeardOn(0, 1, _)));
}

#[tokio::test(flavor = "local")]
async fn streams_that_were_left_by_the_thousand_do_not_cost_the_connection() {
    const LEFT: u32 = 1100;
    let mut secure = SecureProvider::new(|_, line| {
        line.greet(&[(3, 10_000)]);
        let mut left = 0;
        while let Some(frame) = line.next() {
            match frame.kind {
                HEADERS if left == LEFT => line.answer(frame.stream, "done"),
                HEADERS => line.tell(Event::Noticed("heard")),
                RESET => left += 1,
                _ => {}
            }
            if frame.kind == RESET && left == LEFT {
                // All that was under way comes now.
                (0..LEFT).for_each(|stream| line.frame(DATA, LAST, 2 * stream + 1, b"too late"));
                line.tell(Event::Noticed("said"));
            }
        }
        line.tell(Event::Left(line.number));
    });
    let ours = secure.offering_http2();
    for _ in 0..LEFT {
        let mut waiting = ours.send(secure.get("localhost"));
        tokio::select! {
            answer = &mut waiting => panic!("{answer:?} from a silent provider"),
            heard = secure.provider.event() => assert_eq!(heard, Event::Noticed("heard")),
        }
    }
    assert_eq!(patiently(secure.provider.event()).await, Event::Noticed("said"));
    assert_eq!(whole(&ours, secure.get("localhost")).await.unwrap(), "done");
    assert!(!secure.provider.noticed_more(), "it is on the same connection");
}

#[tokio::test(flavor = "local")]
async fn resets_over_and_over_cost_the_stream_that_they_name_and_no_other() {
    let mut secure = flooding(|line| {
        for _ in 0..10_000 {
            line.frame(RESET, 0, 1, &NO_ERROR.to_be_bytes());
        }
    });
    let ours = secure.offering_http2();
    assert_eq!(whole(&ours, secure.post("prompt")).await, Err(Fault::Cut));
    assert!(matches!(secure.provider.event().await, Event::HeardOn(0, 1, _)));
    assert_eq!(whole(&ours, secure.post("next")).await.unwrap(), "done");
    assert_eq!(secure.provider.event().await, Event::HeardOn(0, 3, b"next".to_vec()));
}
