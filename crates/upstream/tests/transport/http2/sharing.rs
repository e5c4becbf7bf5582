//! Which connection takes a request, and when there is another.

use std::{
    pin::pin,
    sync::{Arc, Barrier},
    time::Duration,
};

use futures_util::{FutureExt as _, future::join_all};
use upstream::transport::{Fault, HttpTransport, Limits, ROUNDS_BEFORE_HTTP2, Roots, Transport as _, Trust};

use super::super::{
    certified::SecureProvider,
    support::{Event, Frozen, Provider, arrived, patiently, whole},
};

const MOST_STREAMS: (u16, u32) = (3, 100);
/// A bit more than a connection may be unused for.
const PAUSE: Duration = Duration::from_secs(21);

/// Answers every request at once.
fn answering() -> SecureProvider {
    SecureProvider::new(|_, line| {
        line.greet(&[MOST_STREAMS]);
        while let Some(stream) = line.request() {
            line.answer(stream, "done");
        }
    })
}

#[tokio::test(flavor = "local")]
async fn a_provider_that_has_http_2_is_spoken_to_in_it_on_one_connection() {
    let mut secure = answering();
    let ours = secure.offering_http2();
    for stream in [1, 3, 5] {
        assert_eq!(whole(&ours, secure.post("prompt")).await.unwrap(), "done");
        assert_eq!(secure.provider.event().await, Event::HeardOn(0, stream, b"prompt".to_vec()));
    }
}

#[tokio::test(flavor = "local")]
async fn http_2_is_not_spoken_unless_it_was_wanted() {
    let mut secure = SecureProvider::new(|_, line| {
        line.hear();
        line.say(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ndone");
    });
    assert_eq!(whole(&secure.trusting(), secure.post("prompt")).await.unwrap(), "done");
    assert_eq!(secure.provider.heard().await.1.body, b"prompt");
}

#[tokio::test(flavor = "local")]
async fn a_request_on_a_kept_connection_has_left_when_the_runtime_went_round_as_often_as_is_said() {
    let mut secure = answering();
    let ours = secure.offering_http2();
    whole(&ours, secure.post("first")).await.unwrap();
    secure.provider.event().await;
    let mut sending = pin!(ours.send(secure.post("second")));
    for _ in 0..ROUNDS_BEFORE_HTTP2 {
        assert!((&mut sending).now_or_never().is_none());
        tokio::task::yield_now().await;
    }
    // This thread, which would have to send the rest, does nothing but wait.
    assert_eq!(secure.provider.event_without_us(), Event::HeardOn(0, 3, b"second".to_vec()));
}

/// Takes so many streams on a connection, and answers nobody until so many connections are full.
fn answering_when_full(room: u32, connections: usize) -> SecureProvider {
    let together = Arc::new(Barrier::new(connections));
    SecureProvider::new(move |_, line| {
        line.greet(&[(MOST_STREAMS.0, room)]);
        let standing: Vec<_> = (0..room).map(|_| line.request().unwrap()).collect();
        together.wait();
        standing.into_iter().for_each(|stream| line.answer(stream, "done"));
        line.until_gone();
    })
}

#[tokio::test(flavor = "local")]
async fn requests_that_come_at_once_share_one_connection_from_the_first() {
    let mut secure = answering_when_full(50, 1);
    let ours = secure.offering_http2();
    let answers = patiently(join_all((0..50).map(|_| whole(&ours, secure.post("prompt"))))).await;
    assert!(answers.iter().all(|answer| answer.as_ref().is_ok_and(|body| body == "done")));
    for _ in 0..50 {
        let event = secure.provider.event().await;
        assert!(matches!(event, Event::HeardOn(0, ..)), "{event:?}");
    }
}

#[tokio::test(flavor = "local")]
async fn a_request_for_which_no_connection_has_room_opens_another_and_waits_for_nobody() {
    let mut secure = answering_when_full(1, 5);
    let ours = secure.offering_http2();
    let answers = patiently(join_all((0..5).map(|_| whole(&ours, secure.post("prompt"))))).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    let mut connections = Vec::new();
    for _ in 0..5 {
        let Event::HeardOn(connection, 1, _) = secure.provider.event().await else {
            panic!("a second stream")
        };
        connections.push(connection);
    }
    connections.sort_unstable();
    assert_eq!(connections, [0, 1, 2, 3, 4]);
}

#[tokio::test(flavor = "local")]
async fn more_than_a_hundred_requests_share_no_connection_whatever_the_provider_allows() {
    let mut secure = SecureProvider::new(|_, line| {
        line.greet(&[(MOST_STREAMS.0, 1_000_000)]);
        while line.request().is_some() {}
    });
    let ours = secure.offering_http2();
    let mut waiting = join_all((0..101).map(|_| ours.send(secure.post("prompt"))));
    let mut heard = [0, 0];
    while heard.iter().sum::<usize>() < 101 {
        let event = tokio::select! {
            biased;
            event = secure.provider.event() => event,
            answers = &mut waiting => panic!("{answers:?} from a silent provider"),
        };
        let Event::HeardOn(connection, ..) = event else { panic!("{event:?}") };
        heard[connection] += 1;
    }
    heard.sort_unstable();
    assert_eq!(heard, [1, 100]);
}

#[tokio::test(flavor = "local")]
async fn a_provider_without_http_2_is_spoken_to_in_http_1_1_and_offered_it_once() {
    for versions in [&["http/1.1"][..], &[]] {
        let mut secure = SecureProvider::having(versions, |_, line| {
            while line.hear() {
                line.say(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ndone");
            }
        });
        let ours = secure.offering_http2();
        for _ in 0..3 {
            assert_eq!(whole(&ours, secure.post("prompt")).await.unwrap(), "done");
        }
        let mut events = Vec::new();
        for _ in 0..4 {
            events.push(secure.provider.event().await);
        }
        assert!(events.contains(&Event::Left(0)), "the connection that was opened to ask: {events:?}");
        let kept = events.iter().filter(|event| matches!(event, Event::Heard(1, _))).count();
        assert_eq!(kept, 3, "{events:?}");
    }
}

#[tokio::test(flavor = "local")]
async fn without_tls_nothing_is_offered_and_nothing_is_different() {
    let mut plain = Provider::saying(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ndone");
    let trust = Trust::new(&Roots::Only(Vec::new())).unwrap();
    let ours = HttpTransport::offering_http2(Limits::default(), trust);
    assert_eq!(whole(&ours, plain.post("/", "prompt")).await.unwrap(), "done");
    assert_eq!(plain.heard().await.0, 0);
}

#[tokio::test(flavor = "local")]
async fn a_provider_that_cannot_show_who_it_is_hears_nothing_in_http_2_either() {
    let mut secure = answering();
    let distrusting = HttpTransport::offering_http2(Limits::default(), Trust::new(&Roots::System).unwrap());
    let mut request = secure.post("prompt");
    let stranger = distrusting.send(request.clone()).await.unwrap_err();
    assert!(matches!(stranger, Fault::Untrusted(_)) && !stranger.sent(), "{stranger:?}");
    request.uri = format!("https://127.0.0.1:{}/", secure.provider.address.port()).parse().unwrap();
    let misnamed = secure.offering_http2().send(request).await.unwrap_err();
    assert!(matches!(misnamed, Fault::Untrusted(_)), "{misnamed:?}");
    assert!(!secure.provider.noticed_more());
}

#[tokio::test(flavor = "local")]
async fn a_connection_that_nobody_uses_is_closed() {
    let _frozen = Frozen::clock();
    let mut secure = answering();
    let ours = secure.offering_http2();
    assert_eq!(whole(&ours, secure.post("prompt")).await.unwrap(), "done");
    assert!(matches!(secure.provider.event().await, Event::HeardOn(0, ..)));
    tokio::time::advance(PAUSE).await;
    arrived().await;
    assert!(!secure.provider.noticed_more(), "it was used not long ago");
    tokio::time::advance(PAUSE).await;
    assert_eq!(secure.provider.event().await, Event::Left(0));
    assert_eq!(whole(&ours, secure.post("next")).await.unwrap(), "done");
    assert_eq!(secure.provider.event().await, Event::HeardOn(1, 1, b"next".to_vec()));
}
