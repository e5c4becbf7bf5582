//! The provider in memory, in virtual time.

use super::*;
use actor::Clock;
use futures_util::StreamExt as _;
use tokio::time::{Instant, timeout};
use upstream::transport::{Answer, Fault as Failure, Transport as _, collect};

const STREAM: Dialect = Dialect::AnthropicMessages;

async fn send(provider: &Provider) -> Answer {
    let network = Network::new(provider.clone(), Clock::virtual_from(Duration::ZERO));
    let exchange = asking(STREAM, "good", &question(STREAM, "hello", true));
    network.send(exchange.at("https://provider.example/").unwrap()).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn an_answer_takes_the_time_that_a_model_takes_and_arrives_whole() {
    let provider = provider();
    provider.speak(Pace { first: Duration::from_secs(2), between: Duration::from_millis(100) });
    let begin = Instant::now();
    let answer = send(&provider).await;
    assert_eq!(begin.elapsed(), Duration::from_secs(2));
    assert_eq!(answer.headers.get("content-type").unwrap(), "text/event-stream; charset=utf-8");
    let body = collect(answer.body, 1 << 20).await.unwrap();
    let count = body.windows(2).filter(|two| two == b"\n\n").count();
    assert_eq!(
        begin.elapsed(),
        Duration::from_secs(2) + Duration::from_millis(100) * u32::try_from(count).unwrap()
    );
    assert!(answered(STREAM, &body).stop.is_some());
    assert_eq!(provider.received()[0].exchange.target, "/v1/messages");
}

#[tokio::test(start_paused = true)]
async fn a_cut_is_one_fault_and_then_the_end() {
    let provider = provider();
    provider.next(Fault::CutAfter(40));
    let pieces: Vec<_> = send(&provider).await.body.collect().await;
    let (last, before) = pieces.split_last().unwrap();
    assert_eq!(last, &Err(Failure::Cut));
    assert_eq!(before.iter().map(|piece| piece.as_ref().unwrap().len()).sum::<usize>(), 40);
}

#[tokio::test(start_paused = true)]
async fn a_stall_lasts_for_ever() {
    let provider = provider();
    provider.next(Fault::StallAfter(40));
    let rest = collect(send(&provider).await.body, 1 << 20);
    assert!(timeout(MINUTE * 60 * 24, rest).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_token_expires_by_virtual_time() {
    let provider = provider();
    provider.expire_at("good", MINUTE * 60);
    let network = Network::new(provider, Clock::virtual_from(Duration::ZERO));
    let request = hello("good").at("http://provider.example").unwrap();
    assert_eq!(network.send(request.clone()).await.unwrap().status, 200);
    tokio::time::sleep(MINUTE * 60).await;
    assert_eq!(network.send(request).await.unwrap().status, 401);
}
